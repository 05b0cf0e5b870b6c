"""The API server: its four golden signals, webhooks, priority levels and certificates."""

from __future__ import annotations

from dataclasses import replace

from dashboards.annotations import alerts_of
from dashboards.model import (
    Dashboard,
    Panel,
    Query,
    Row,
    Scale,
    Visualization,
    alert_stat,
    alert_time_series,
    found,
    variable,
)
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS, SLOS
from rules.kubernetes.alerts import control_plane
from rules.kubernetes.recordings import API_BUCKETS, API_REQUESTS
from rules.kubernetes.uids import KUBERNETES_API, KUBERNETES_CLUSTER

_ALL = 'cluster=~"$cluster"'
_REQUESTS = f"{API_REQUESTS}{{{_ALL}}}"
_FAILED = f'{API_REQUESTS}{{{_ALL}, code=~"5.."}}'


def _latency(percent: int, by: str = "") -> str:
    own = f"le, {by}" if by else "le"
    return f"histogram_quantile({percent / 100}, sum by ({own}) ({API_BUCKETS}{{{_ALL}}}))"


_SIGNALS = Row(
    "Signals",
    (
        replace(
            alert_stat(
                control_plane.AGGREGATED_API_DOWN,
                "Aggregated APIs down",
                "APIs of extension servers, such as metrics for autoscalers, that do not answer: check their pods.",
                found(control_plane.AGGREGATED_API_DOWN, _ALL),
            ),
            width=12,
        ),
        Panel(
            title="Servers",
            description="API servers that answer Prometheus. If some are missing, redundancy is lost.",
            visualization=Visualization.STAT,
            queries=(Query(expr=f'sum(up{{{_ALL}, job="apiservers"}})'),),
            width=12,
            height=4,
        ),
        Panel(
            title="Requests",
            description="Requests per second by verb. If it jumps, check for a looping controller.",
            queries=(Query(expr=f"sum by (verb) ({_REQUESTS})", legend="{{verb}}"),),
            unit=Unit.PER_SECOND,
            stacked=True,
            width=12,
        ),
        Panel(
            title="Failing requests",
            description="Share of requests with a 5xx response. The objective allows one in a thousand.",
            queries=(
                Query(
                    # Without failures there is no series with a 5xx code.
                    expr=(
                        f"(sum by (cluster) ({_FAILED}) or 0 * sum by (cluster) ({_REQUESTS}))"
                        f" / sum by (cluster) ({_REQUESTS})"
                    ),
                    legend="{{cluster}}",
                ),
            ),
            unit=Unit.RATIO,
            scale=Scale.SMALL,
            width=12,
        ),
        Panel(
            title="Latency",
            description="Percentiles without watches, p99 also by verb. Expect 1 s for an object, 30 s for a list. If"
            " one verb is slow, look for its clients; if all are, look at etcd and the servers' CPU.",
            queries=(
                *(Query(expr=_latency(each), legend=f"p{each}") for each in (50, 95, 99)),
                Query(expr=_latency(99, "verb"), legend="p99 {{verb}}"),
            ),
            unit=Unit.SECONDS,
            width=12,
        ),
        Panel(
            title="Requests in flight",
            description="Requests in progress on all servers by kind. At the limit, new ones queue.",
            queries=(
                Query(
                    expr=f"sum by (request_kind) (apiserver_current_inflight_requests{{{_ALL}}})",
                    legend="{{request_kind}}",
                ),
            ),
            width=12,
        ),
    ),
)
_CLIENTS = Row(
    "Rejections and certificates",
    (
        alert_time_series(
            control_plane.REQUESTS_REJECTED,
            "Rejected requests",
            "Share of each priority level's requests rejected with 429. Look for the client that sends most.",
            narrowed(control_plane.REQUESTS_REJECTED.value, _ALL),
            "{{priority_level}}",
        ),
        alert_time_series(
            control_plane.WEBHOOK_FAILING,
            "Failing admission webhooks",
            "Failing calls per second. Depending on the webhook, objects are rejected or not checked.",
            narrowed(control_plane.WEBHOOK_FAILING.value, _ALL),
            "{{name}}",
        ),
        alert_time_series(
            control_plane.CLIENT_CERTIFICATE_EXPIRES,
            "Client certificate expiry",
            "Time left, 1st percentile of clients. Find the client in the API server's log.",
            narrowed(control_plane.CLIENT_CERTIFICATE_EXPIRES.value, _ALL),
            "{{cluster}}",
        ),
        Panel(
            title="Requests by code",
            description="Requests per second by code. 409 is normal; 401 and 403: check RBAC; 429: overload.",
            queries=(Query(expr=f"sum by (code) ({_REQUESTS})", legend="{{code}}"),),
            unit=Unit.PER_SECOND,
            stacked=True,
            width=24,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=KUBERNETES_API,
    title="Kubernetes: API server",
    description="The API server: traffic, errors, latency and rejected requests.",
    tags=("kubernetes",),
    variables=(variable("cluster", 'up{job="apiservers"}', "Cluster"),),
    related=(KUBERNETES_CLUSTER, SLOS, ALERTS),
    annotations=(alerts_of("kubernetes"),),
    rows=(_SIGNALS, _CLIENTS),
)
"""Only in clusters whose operators also run the API server."""
