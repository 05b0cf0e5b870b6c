"""Grafana's datasources, and the links between them: metric to trace, trace to log line, log line to trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.settings.loki import LokiSettings
from components.settings.prometheus import PrometheusSettings
from model import datasources as uids
from model import ports
from model.cluster import ClusterSettings
from model.flows import Server

AROUND = "5m"
"""Time before a span's start and after its end in which to search for its log lines: clocks differ, and lines are late.
"""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A datasource in the format of Grafana's API."""

    datasource: uids.Datasource
    url: str
    options: dict[str, Any]
    """``jsonData``."""
    headers: dict[str, str]


def connections(prometheus: PrometheusSettings, loki: LokiSettings, cluster: ClusterSettings) -> tuple[Connection, ...]:
    """The four datasources of a stack."""
    tenant = {"X-Scope-OrgID": loki.tenant} if loki.multi_tenant else {}
    return (
        _connection(uids.PROMETHEUS, ports.PROMETHEUS, _prometheus(prometheus), cluster),
        _connection(uids.LOKI, ports.LOKI, _LOKI, cluster, tenant),
        _connection(uids.JAEGER, ports.JAEGER_QUERY, _JAEGER, cluster),
        # The kind of Alertmanager. Grafana's own alerts go there only by a contact point.
        _connection(uids.ALERTMANAGER, ports.ALERTMANAGER, {"implementation": "prometheus"}, cluster),
    )


def _connection(
    datasource: uids.Datasource,
    port: int,
    options: dict[str, Any],
    cluster: ClusterSettings,
    headers: dict[str, str] | None = None,
) -> Connection:
    url = Server(datasource.uid).url(cluster.namespaces.stack, port)
    return Connection(datasource=datasource, url=url, options=options, headers=headers or {})


def _prometheus(settings: PrometheusSettings) -> dict[str, Any]:
    return {
        # Queries of large dashboards are longer than the maximum length of a URL.
        "httpMethod": "POST",
        "prometheusType": "Prometheus",
        # The shortest useful step, from which Grafana derives $__rate_interval.
        "timeInterval": str(settings.scrape_interval),
        "exemplarTraceIdDestinations": [{"name": "trace_id", "datasourceUid": uids.JAEGER.uid}],
    }


_LOKI: dict[str, Any] = {
    "maxLines": 1000,
    "derivedFields": [
        {
            "name": "trace",
            "matcherType": "label",
            "matcherRegex": "trace_id",
            "url": "${__value.raw}",
            "datasourceUid": uids.JAEGER.uid,
            "urlDisplayLabel": "Trace",
        }
    ],
}

_JAEGER: dict[str, Any] = {
    "nodeGraph": {"enabled": True},
    "tracesToLogsV2": {
        "datasourceUid": uids.LOKI.uid,
        "spanStartTimeShift": f"-{AROUND}",
        "spanEndTimeShift": AROUND,
        # A stream label, so that Loki need not read every stream. Pod and trace id are structured metadata.
        "tags": [{"key": "k8s.namespace.name", "value": "namespace"}],
        "customQuery": True,
        "query": '{${__tags}} | pod="${__span.tags["k8s.pod.name"]}" | trace_id="${__span.traceId}"',
    },
    "tracesToMetrics": {
        "datasourceUid": uids.PROMETHEUS.uid,
        "spanStartTimeShift": "-30m",
        "spanEndTimeShift": "30m",
        "tags": [{"key": "service.name", "value": "service_name"}],
        "queries": [
            {"name": "Calls", "query": "sum(rate(traces_span_metrics_calls_total{$__tags}[5m]))"},
            {
                "name": "Errors",
                "query": 'sum(rate(traces_span_metrics_calls_total{$__tags, status_code="STATUS_CODE_ERROR"}[5m]))',
            },
            {
                "name": "95 % are faster than",
                "query": (
                    "histogram_quantile(0.95,"
                    " sum by (le) (rate(traces_span_metrics_duration_milliseconds_bucket{$__tags}[5m])))"
                ),
            },
        ],
    },
}
