"""One service: its requests by route, instances, versions, dependencies, logs and traces."""

from __future__ import annotations

from dashboards.annotations import alerts_with, changes
from dashboards.kubernetes_workload import newest_lines
from dashboards.model import MOST_LINES, Annotation, Dashboard, Panel, Query, Row, Visualization, variable
from dashboards.services_dependencies import calls
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Severity
from model.uids import ALERTS
from rules.histograms import judged
from rules.kubernetes.recordings import AVAILABLE, CPU_OF_WORKLOADS, DESIRED, MEMORY_OF_WORKLOADS
from rules.kubernetes.scrape import KUBE_STATE_METRICS
from rules.kubernetes.uids import KUBERNETES_WORKLOAD
from rules.logs.uids import LOGS
from rules.monitoring.scrape import SPAN_METRICS
from rules.services import recordings as recorded
from rules.services.edge import EDGE_ERRORS
from rules.services.labels import SAME
from rules.services.past import HIGHEST, LOWEST
from rules.services.probes import OF_KUBELET
from rules.services.uids import ONE_SERVICE, SERVICES, SERVICES_DEPENDENCIES
from rules.spans import SPAN_TIMES

_IN = 'cluster=~"$cluster", namespace=~"$namespace"'
_ONE = f'{_IN}, service="$service"'
_WORKLOAD = f'{_IN}, workload="$service"'
# The service is the workload; outside the cluster, what the process calls itself.
_SPANS = " or ".join(
    f'rate({SPAN_TIMES}_bucket{{cluster=~"$cluster", k8s_namespace_name=~"$namespace", {label}="$service",'
    ' span_kind="SPAN_KIND_SERVER"}[5m])'
    for label in ("k8s_deployment_name", "k8s_statefulset_name", "service_name")
)


def _lines(title: str, description: str, unit: Unit, alert: str = "", needs: str = "", **exprs: str) -> Panel:
    """A time series of ``exprs``, by legend."""
    queries = tuple(Query(expr=expr, legend=legend) for legend, expr in exprs.items())
    return Panel(title=title, description=description, queries=queries, unit=unit, alert=alert, needs=needs)


def _by(label: str, title: str, description: str, recording: str, unit: Unit) -> Panel:
    """A time series with a line for each value of a label."""
    query = Query(expr=f"topk({MOST_LINES}, {recording}{{{_ONE}}})", legend=f"{label} {{{{{label}}}}}")
    return Panel(title=title, description=description, queries=(query,), unit=unit)


def _of_route(quantile: str) -> str:
    judge = judged(f"histogram_quantile({quantile}", lambda kind: f"{recorded.BUCKETS}{{{_ONE}, {kind}}}", "route")
    return f"{judge} >= 0"


_ERRORS_OF_ROUTE = narrowed(recorded.failing(recorded.REQUESTS, "route"), _ONE)
_REQUESTS = Row(
    "Requests",
    (
        Panel(
            title="Requests per second",
            description="With the fewest and the most of this hour in the last weeks, from the second week on.",
            queries=(
                Query(
                    expr=f"{recorded.SOURCE}{{{_ONE}}} * on ({SAME}) group_left () {recorded.TOTAL}{{{_ONE}}}",
                    legend="requests, counted by {{source}}",
                ),
                Query(expr=f"{LOWEST}{{{_ONE}}}", legend="usual, lowest"),
                Query(expr=f"{HIGHEST}{{{_ONE}}}", legend="usual, highest"),
            ),
            unit=Unit.PER_SECOND,
            band=True,
        ),
        _lines(
            "Error ratio",
            "Requests that fail with 5xx; at the ingress also those that reach nobody.",
            Unit.RATIO,
            "HighErrorRate",
            service=f"{recorded.ERRORS}{{{_ONE}}}",
            ingress=f"max by (controller) ({EDGE_ERRORS}{{{_ONE}}})",
        ),
        _lines(
            "Latency",
            "Percentiles of durations, without streams. If only p99 rises, few are slow: look at their traces.",
            Unit.SECONDS,
            "SlowResponseTime",
            p50=f"{recorded.P50}{{{_ONE}}}",
            p95=f"{recorded.P95}{{{_ONE}}}",
            p99=f"{recorded.P99}{{{_ONE}}}",
        ),
        Panel(
            title="Routes",
            description="Requests, errors and percentiles of durations by route. Streams have long durations.",
            visualization=Visualization.TABLE,
            queries=(
                Query(expr=f"sum by (route) ({recorded.REQUESTS}{{{_ONE}}})", legend="Requests", unit=Unit.PER_SECOND),
                Query(expr=_ERRORS_OF_ROUTE, legend="Errors", unit=Unit.RATIO),
                *(Query(expr=_of_route(q), legend=f"p{q[2:]}", unit=Unit.SECONDS) for q in ("0.50", "0.95", "0.99")),
            ),
            columns=("route",),
            width=16,
        ),
        _by("status", "Requests by status", "Requests per second by status.", recorded.BY_STATUS, Unit.PER_SECOND),
    ),
)
_INSTANCES = Row(
    "Instances",
    (
        _lines(
            "Replicas",
            "Pods wanted and ready.",
            Unit.NONE,
            needs=KUBE_STATE_METRICS,
            wanted=f"sum({DESIRED}{{{_WORKLOAD}}})",
            ready=f"sum({AVAILABLE}{{{_WORKLOAD}}})",
        ),
        _by("version", "Versions", "Instances of each version.", recorded.VERSIONS, Unit.NONE),
        _lines(
            "Open requests",
            "Mean of its pods, streams included. Above the line, requests wait: find what they wait for.",
            Unit.NONE,
            "ConnectionsHigh",
            open=f"{recorded.ACTIVE}{{{_ONE}}}",
        ),
        _lines(
            "CPU",
            "Cores of all its pods.",
            Unit.NONE,
            needs=KUBE_STATE_METRICS,
            cores=f"sum({CPU_OF_WORKLOADS}{{{_WORKLOAD}}})",
        ),
        _lines(
            "Memory",
            "Bytes of all its pods.",
            Unit.BYTES,
            needs=KUBE_STATE_METRICS,
            bytes=f"sum({MEMORY_OF_WORKLOADS}{{{_WORKLOAD}}})",
        ),
        Panel(
            title="Failed probes",
            description="In 15 minutes. Failed liveness probes restart a container; without them, it crashes.",
            queries=(
                Query(
                    expr=f"topk({MOST_LINES}, sum by (container, probe_type)"
                    f' (increase({OF_KUBELET.name}{{{_IN}, pod=~"$service(-.+)?"}}[15m])))',
                    legend="{{probe_type}} of {{container}}",
                ),
            ),
            needs=OF_KUBELET.job,
        ),
    ),
)
_DEPENDENCIES = Row("Dependencies", calls(_ONE, "{{dependency}}"))
_LOGS_AND_TRACES = Row(
    "Logs and traces",
    (
        Panel(
            title="Traces",
            description="p50, p95 and p99 of its spans; each point is a request, and leads to its trace.",
            queries=tuple(
                Query(
                    expr=f"histogram_quantile({number}, sum by (le) ({_SPANS})) / 1000",
                    legend=f"p{number[2:]}",
                    exemplars=number == "0.50",
                )
                for number in ("0.50", "0.95", "0.99")
            ),
            unit=Unit.SECONDS,
            height=12,
            needs=SPAN_METRICS,
        ),
        newest_lines(_IN, "service", 16),
    ),
)
DASHBOARD = Dashboard(
    uid=ONE_SERVICE,
    title="Services: one service",
    description="One service: requests by route, instances, dependencies, logs and traces.",
    tags=("services",),
    variables=(
        variable("cluster", recorded.SOURCE, "Cluster"),
        variable("namespace", f'{recorded.SOURCE}{{cluster=~"$cluster"}}', "Namespace"),
        variable("service", f"{recorded.SOURCE}{{{_IN}}}", "Service", multiple=False),
    ),
    related=(SERVICES, SERVICES_DEPENDENCIES, KUBERNETES_WORKLOAD, LOGS, ALERTS),
    annotations=(
        alerts_with(_ONE),
        *changes(f'{_IN}, deployment="$service"'),
        Annotation(
            name="New versions",
            expr=f"{recorded.VERSIONS}{{{_ONE}}} unless {recorded.VERSIONS}{{{_ONE}}} offset 5m",
            text="{{version}}",
            severity=Severity.INFO,
        ),
    ),
    rows=(_REQUESTS, _INSTANCES, _DEPENDENCIES, _LOGS_AND_TRACES),
)
