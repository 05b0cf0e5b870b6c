"""Istio: services and edges of the mesh, its gateways, certificates, and control plane."""

from __future__ import annotations

from dataclasses import replace

from dashboards.annotations import alerts_of
from dashboards.model import MOST_LINES, Dashboard, Panel, Query, Row, Visualization, alert_stat, found, variable
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS, HOME
from rules.istio import alerts
from rules.istio.recordings import BUCKETS, BYTES, ERRORS, MTLS, P95, REQUESTS
from rules.istio.uids import ISTIO

_CLUSTER = 'cluster=~"$cluster"'
_IN = f'{_CLUSTER}, namespace=~"$namespace", service=~"$service"'
_SERVICE = "{{namespace}} {{service}}"
_EDGE = "cluster, source_namespace, source, namespace, service"


def _of_services(title: str, description: str, expr: str, unit: Unit, alert: str = "", pick: str = "topk") -> Panel:
    query = Query(expr=f"{pick}({MOST_LINES}, {narrowed(expr, _IN)})", legend=_SERVICE)
    which = {"topk": "highest", "bottomk": "lowest"}[pick]
    return Panel(
        title=title, description=f"{description} The {MOST_LINES} {which}.", queries=(query,), unit=unit, alert=alert
    )


def _of_alert(name: str, title: str, description: str, legend: str) -> Panel:
    """The value of an alert that depends on the settings."""
    return Panel(title=title, description=description, queries=(Query(of_alert=_CLUSTER, legend=legend),), alert=name)


def _of_istiod(title: str, description: str, expr: str, legend: str, unit: Unit = Unit.NONE) -> Panel:
    query = Query(expr=narrowed(expr, _CLUSTER), legend=legend)
    return Panel(title=title, description=description, queries=(query,), unit=unit)


DASHBOARD = Dashboard(
    uid=ISTIO,
    title="Istio Mesh",
    description="Which service or edge of the mesh fails or is slow; istiod, gateways and certificates.",
    tags=("istio",),
    variables=(
        variable("cluster", alerts.ISTIOD_UP, "Cluster"),
        variable("namespace", f"{REQUESTS}{{{_CLUSTER}}}", "Namespace"),
        variable("service", f'{REQUESTS}{{{_CLUSTER}, namespace=~"$namespace"}}', "Service"),
    ),
    related=(HOME, ALERTS),
    annotations=(alerts_of("istio"),),
    rows=(
        Row(
            "What is wrong?",
            tuple(
                alert_stat(alert, title, description, found(alert, _CLUSTER))
                for alert, title, description in (
                    (
                        alerts.ISTIOD_DOWN,
                        "istiod down",
                        "1 if no istiod answers. Proxies go on with what they have: restore it before a rollout.",
                    ),
                    (
                        alerts.PUSHES_FAIL,
                        "Pushes fail",
                        "1 if configuration could not be built or sent. Read istiod's log.",
                    ),
                    (
                        alerts.REJECTED,
                        "Rejected",
                        "1 if proxies rejected configuration in 15 minutes. Check the last change of Istio's objects.",
                    ),
                )
            ),
        ),
        Row(
            "Services",
            (
                _of_services(
                    "Requests per second",
                    "Each counted once.",
                    f"sum by (cluster, namespace, service) ({REQUESTS})",
                    Unit.PER_SECOND,
                ),
                _of_services(
                    "Error ratio",
                    "5xx, and gRPC's errors of the server. Above the line, open the service.",
                    ERRORS,
                    Unit.RATIO,
                    "MeshErrorRateHigh",
                ),
                _of_services(
                    "Latency p95",
                    "As the first proxy sees it. Above the line, open the service.",
                    P95,
                    Unit.SECONDS,
                    "MeshLatencyHigh",
                ),
                Panel(
                    title="Latency",
                    description="Percentiles of all chosen services together. If only p99 rises, few requests are slow:"
                    " look at one service's traces.",
                    queries=tuple(
                        Query(
                            expr=f"histogram_quantile({each / 100}, sum by (le) ({BUCKETS}{{{_IN}}})) / 1000",
                            legend=f"p{each}",
                        )
                        for each in (50, 95, 99)
                    ),
                    unit=Unit.SECONDS,
                    width=12,
                ),
                replace(
                    _of_services("Mutual TLS", "Share of requests and connections.", MTLS, Unit.RATIO, pick="bottomk"),
                    width=12,
                ),
                Panel(
                    title="Edges",
                    description="Who calls whom. The source unknown is outside the mesh.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(
                            expr=narrowed(f"sum by ({_EDGE}) ({REQUESTS})", _IN),
                            legend="Requests",
                            unit=Unit.PER_SECOND,
                        ),
                        Query(
                            expr=narrowed(f'sum by ({_EDGE}) ({REQUESTS}{{status="5xx"}})', _IN),
                            legend="Errors",
                            unit=Unit.PER_SECOND,
                        ),
                        Query(
                            expr=narrowed(f"sum by ({_EDGE}) ({BYTES})", _IN),
                            legend="TCP",
                            unit=Unit.BYTES_PER_SECOND,
                        ),
                    ),
                    columns=("source_namespace", "namespace", "source", "service"),
                    leading=("source", "service"),
                    width=24,
                ),
            ),
        ),
        Row(
            "Gateways and certificates",
            (
                _of_alert(
                    "IstioGatewayDown",
                    "Pods of gateways",
                    "Whose Envoy takes requests. At 0 nobody gets in: check the Deployment.",
                    "{{namespace}} {{gateway}}",
                ),
                _of_alert(
                    "IstioWorkloadCertificateExpires",
                    "Workloads' certificates",
                    "Share of life left, of the oldest in each namespace. It is renewed at half.",
                    "{{namespace}}",
                ),
                _of_alert(
                    "IstioCACertificateExpires",
                    "CA's certificates",
                    "Share of life left. Below the line, renew it.",
                    "{{certificate}}",
                ),
            ),
        ),
        Row(
            "Control plane",
            (
                _of_istiod(
                    "Pushes",
                    "Configuration sent to proxies; a type with err was not.",
                    "sum by (cluster, type) (rate(pilot_xds_pushes[5m]))",
                    "{{type}}",
                    Unit.PER_SECOND,
                ),
                _of_alert(
                    "IstioProxiesStale",
                    "Time to reach proxies",
                    "99th percentile. Above the line, proxies use old configuration: check istiod's CPU.",
                    "{{cluster}}",
                ),
                _of_istiod(
                    "Rejections",
                    "By type, in five minutes.",
                    "sum by (cluster, type) (increase(pilot_total_xds_rejects[5m]))",
                    "{{type}}",
                ),
                _of_istiod(
                    "Proxies by version", "Connected to istiod.", "sum by (cluster, version) (pilot_xds)", "{{version}}"
                ),
                _of_alert(
                    "IstioProxiesOutdated",
                    "Outdated proxies",
                    "Of another minor version than istiod. Restart their workloads.",
                    "{{cluster}}",
                ),
            ),
        ),
    ),
)
