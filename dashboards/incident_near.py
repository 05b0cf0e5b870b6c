"""Panels of the incident dashboard: what changed near an alert's subject, what else fires, its lines and spans."""

from __future__ import annotations

import json
from collections.abc import Collection

from dashboards.alerts import NEWS, firing, with_subject
from dashboards.events import events
from dashboards.model import MOST_LINES, URGENCY, Panel, Query, Visualization
from model.datasources import JAEGER, LOKI
from model.incident import ALERT, LABELS
from model.metrics import Unit
from model.rules import Severity
from model.uids import INCIDENT
from rules.kubernetes.recordings import AVAILABLE, DESIRED, POD_OWNER
from rules.monitoring.scrape import LOADED, OF_THE_STACK, SPAN_METRICS
from rules.services.recordings import CALLS, ERRORS
from rules.spans import SPAN_CALLS, SPAN_TIMES

NAME = f"${{{ALERT}:text}}"
"""The alert's name."""
KUBERNETES, SERVICES, MONITORING = "kubernetes", "services", "monitoring"
"""Keys of the systems without which some panels are missing."""
CLUSTER = 'cluster=~"$cluster"'
IN = f'{CLUSTER}, namespace=~"$namespace"'
"""Matchers of the alert's cluster, and of its namespace if it has one."""
# A box that no link fills is no name, unless it is read as a regular expression.
_NAMES = "${workload:regex}|${service:regex}|${app:regex}"
_WORKLOAD = f"{IN}, workload=~`{_NAMES}`"
_PODS = f'({POD_OWNER}{{{_WORKLOAD}}} or {POD_OWNER}{{{IN}, pod="$pod"}})'
_NODES = f'(group by (cluster, node) ({_PODS}) or group by (cluster, node) (kube_node_info{{{CLUSTER}, node="$node"}}))'


_LINKED = tuple(each for each in LABELS if each not in ("app", "slo"))
"""Labels that a click on a neighbour needs, which its subject has in one column."""


def nearby() -> Panel:
    def of(severity: Severity) -> str:
        # Its own namespace alone, or the alerts without one.
        return firing(f'severity="{severity}", {NEWS}, {CLUSTER}, namespace=~"($namespace)?"')

    urgency = " or ".join(f"{value} * {of(severity)}" for severity, value in URGENCY.items())
    return Panel(
        title="It and its namespace",
        description="Severity of alerts of its namespace, and of those without one. The first is often the cause.",
        visualization=Visualization.STATE_TIMELINE,
        queries=(Query(expr=f"max by (alertname) ({urgency})", legend="{{alertname}}"),),
        unmeasured="Nothing fired in this time range.",
        width=12,
        height=9,
    )


def changes(on: Collection[str]) -> Panel:
    def changed(selector: str) -> str:
        return f"changes({selector}[$__rate_interval]) > 0"

    generation = f"kube_deployment_status_observed_generation{{{IN}}}"
    condition = f'kube_node_status_condition{{{CLUSTER}, status="true"}}'
    restarts = f"kube_pod_container_status_restarts_total{{{IN}}}"
    loaded = " or ".join(changed(f"{each}{{{CLUSTER}}}") for each in LOADED)
    begun = f'process_start_time_seconds{{{CLUSTER}, job=~"{OF_THE_STACK}"}}'
    of_kubernetes = (
        Query(expr=f"max by (deployment) ({changed(generation)})", legend="rollout of {{deployment}}"),
        Query(expr=f"max by (workload) ({changed(f'{DESIRED}{{{IN}}}')})", legend="replicas of {{workload}}"),
        Query(expr=f"topk({MOST_LINES}, sum by (pod) ({changed(restarts)}))", legend="restart of {{pod}}"),
        Query(
            expr=f"max by (node, condition) ({changed(condition)} and on (cluster, node) {_NODES})",
            legend="{{node}}: {{condition}}",
        ),
    )
    return Panel(
        title="Changes",
        description="Rollouts, other numbers of replicas and restarts in its namespace; new conditions of its nodes;"
        " configurations that the stack's servers have loaded, and their starts, at which the others load theirs."
        " Is one just before the alert? Roll it back first.",
        queries=(
            *(of_kubernetes if KUBERNETES in on else ()),
            Query(expr=f"max by (job) ({loaded})", legend="configuration of {{job}}", optional=True),
            Query(expr=f"max by (job) ({changed(begun)})", legend="start of {{job}}", optional=True),
        ),
        unmeasured="Nothing changed in this time range.",
        width=12,
        height=9,
    )


def neighbours(on: Collection[str]) -> Panel:
    def others(matchers: str) -> str:
        return f'ALERTS_FOR_STATE{{{NEWS}, alertname!="{NAME}", {CLUSTER}, {matchers}}}'

    shares = {"namespace": others('namespace="$namespace"'), "node": others('node="$node"')}
    if KUBERNETES in on:
        with_node, with_pod = others('node!=""'), others('pod!="", node=""')
        placed = f"{with_pod} * on (cluster, namespace, pod) group_left (node) {POD_OWNER}{{{CLUSTER}}}"
        shares["node"] = f"({with_node} or {placed}) and on (cluster, node) {_NODES}"
    if SERVICES in on:
        with_service = others('service!=""')
        # A called host is a Service by the first part of its name.
        called = f'label_replace({CALLS}{{{IN}, service=~`{_NAMES}`}}, "service", "$1", "dependency", "([^.:]+).*")'
        calling = f"{CALLS}{{{CLUSTER}, dependency=~`({_NAMES})([.:].+)?`}}"
        shares["it calls"] = f"{with_service} and on (cluster, service) {called}"
        shares["it is called by"] = f"{with_service} and on (cluster, namespace, service) {calling}"
    # Each alert once: the pods of a namespace are on nodes as well.
    listed = " or ignoring (shares, node) ".join(
        f'label_replace({expr}, "shares", "{what}", "", "")' for what, expr in shares.items()
    )
    return Panel(
        title="Neighbours",
        description="Other alerts of its namespace, its nodes, and services that it calls or that call it; also those"
        " that wait for their `for`. Click one to see it.",
        visualization=Visualization.TABLE,
        queries=(Query(expr=f"topk(30, time() - ({with_subject(listed)}))", legend="Active for", unit=Unit.SECONDS),),
        columns=("alertname", "severity", "subject", "shares", *_LINKED),
        hidden=_LINKED,
        data_link=INCIDENT,
        width=24,
        height=7,
    )


def state(on: Collection[str]) -> Panel:
    """The first checks with their results, as one panel of several numbers."""
    found: dict[str, str] = {}
    if KUBERNETES in on:
        restarts = f"increase(kube_pod_container_status_restarts_total{{{IN}}}[$__range])"
        ready = f'kube_node_status_condition{{{CLUSTER}, condition="Ready", status="true"}}'
        # By its pods, and by its name while it has none.
        missing = f"{DESIRED}{{{IN}}} - {AVAILABLE}{{{IN}}} and on (cluster, namespace, workload) {_PODS}"
        named = f"{DESIRED}{{{_WORKLOAD}}} - {AVAILABLE}{{{_WORKLOAD}}}"
        found["Replicas missing"] = f"sum({missing} or {named})"
        found["Restarts"] = f"round(sum({restarts} and on (cluster, namespace, pod) {_PODS}))"
        found["Nodes not ready"] = f"sum(1 - {ready} and on (cluster, node) {_NODES})"
    if SERVICES in on:
        found["Failing requests, %"] = f"100 * max({ERRORS}{{{IN}, service=~`{_NAMES}`}})"
    # Without Kubernetes, targets have no namespace.
    of_namespace = f'up{{{CLUSTER}, namespace="$namespace"}} or ' if KUBERNETES in on else ""
    down = f'{of_namespace}up{{{CLUSTER}, instance="$instance"}}'
    found["Targets down"] = f"sum(1 - ({down}))"
    return Panel(
        title="State of its workload",
        description="Replicas, restarts in the time range, nodes, requests and targets. 0 is good; what is missing is"
        " not known, because the alert or the stack lacks it.",
        visualization=Visualization.STAT,
        queries=tuple(Query(expr=expr, legend=legend) for legend, expr in found.items()),
        severity=Severity.WARNING,
        unmeasured="not known",
        width=24,
        height=4,
    )


def kubernetes_events() -> Panel:
    # By the names of objects, which begin with the workload's name. Events of controllers have no node.
    objects = " ".join(f"| object=~`${name}.*`" for name in ("pod", "workload", "service"))
    return events(IN, f" {objects} | node=~`$node`")


def error_lines() -> Panel:
    # By the pod's name, which begins with the workload's name. Loki needs a matcher that does not match an empty value.
    pods = " ".join(f"| pod=~`${name}.*`" for name in ("pod", "workload", "service"))
    lines = f'{{{IN}, app=~"$app", level=~"error|fatal"}} {pods}'
    return Panel(
        title="Error lines",
        description="Newest lines of level error and fatal of its pods. One with a trace id links to its trace.",
        visualization=Visualization.LOGS,
        queries=(Query(expr=lines, datasource=LOKI),),
        unmeasured="No error lines of pods that begin with its name.",
        width=12,
        height=12,
    )


def spans() -> Panel:
    of_service = f"service_name=~`{_NAMES}|${{agent:regex}}`"

    def of(series: str, by: str, matchers: str = "") -> str:
        return f"sum by (service_name, span_name{by}) (increase({series}{{{of_service}{matchers}}}[$__range]))"

    failed = of(SPAN_CALLS, "", ', status_code="STATUS_CODE_ERROR"')
    # Without spans in the time range, the quantile is not a number: no comparison holds for it.
    slow = f"histogram_quantile(0.95, {of(f'{SPAN_TIMES}_bucket', ', le')}) / 1000 >= 0"
    return Panel(
        title="Failed and slow spans",
        description="Spans of its service in the time range: how many failed, and the 95th percentile. None if the"
        " alert names no service, or the service sends none.",
        visualization=Visualization.TABLE,
        queries=(
            Query(expr=f"topk(20, {failed})", legend="Failed", optional=True),
            Query(expr=f"topk(20, {slow})", legend="p95", unit=Unit.SECONDS, optional=True),
        ),
        columns=("service_name", "span_name"),
        needs=SPAN_METRICS,
        width=12,
        height=12,
    )


def traces() -> tuple[Panel, ...]:
    """Traces of the service itself; the regular expression of a box without a name finds none.

    Two panels, since Grafana asks Jaeger for the first query of a panel alone.
    """
    return (
        _traces(
            "Failed traces",
            "Newest traces of its service that failed. Open one to see which call did.",
            "tags",
            "error=true",
        ),
        _traces(
            "Slow traces",
            "Newest traces of its service that took over a second. Open one to see where.",
            "minDuration",
            "1s",
        ),
    )


def _traces(title: str, description: str, key: str, wanted: str) -> Panel:
    search = json.dumps({"service": "${service}", "limit": MOST_LINES, key: wanted})
    return Panel(
        title=title,
        description=f"{description} None if the alert names no service, or its spans are not in Jaeger.",
        visualization=Visualization.TABLE,
        queries=(Query(expr=search, legend=title, datasource=JAEGER),),
        unmeasured="No such trace of its service.",
        width=12,
        height=8,
    )
