"""One workload of any kind: replicas, resources, restarts and logs."""

from __future__ import annotations

from dataclasses import replace

from dashboards.annotations import alerts_with, changes
from dashboards.events import events
from dashboards.kubernetes_namespace import IN_NAMESPACE
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
from model.datasources import LOKI
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert
from model.uids import ALERTS
from rules.kubernetes.alerts import pods, workloads
from rules.kubernetes.recordings import (
    AVAILABLE,
    CPU_OF_CONTAINERS,
    DESIRED,
    MEMORY_OF_CONTAINERS,
    POD_OWNER,
    UPDATED,
)
from rules.kubernetes.uids import KUBERNETES_NAMESPACE, KUBERNETES_WORKLOAD
from rules.logs.uids import LOGS, LOGS_ERRORS
from rules.nodes.uids import NODES

_ONE = f'{IN_NAMESPACE}, workload="$workload"'
_POD = "cluster, namespace, pod"


def _of_workload(value: str) -> str:
    """PromQL: the series of ``value`` (by cluster, namespace, pod and possibly more) of the workload's pods."""
    return f"({value}) * on ({_POD}) group_left () {POD_OWNER}{{{_ONE}}}"


def _found(alert: Alert) -> str:
    return _of_workload(found(alert, IN_NAMESPACE))


def _value_of(alert: Alert) -> str:
    """PromQL: the alert's value for the ten worst containers of the workload."""
    return f"topk(10, {_of_workload(narrowed(alert.value, IN_NAMESPACE))})"


def _by_pod(value: str) -> Query:
    summed = f"sum by ({_POD}) ({value})"
    return Query(expr=f"topk(10, {_of_workload(summed)})", legend="{{pod}}")


def _asked(resource: str, what: str) -> Query:
    """Requests or limits of one pod. If pods differ during a rollout, the largest."""
    asked = f'sum by ({_POD}) (kube_pod_container_resource_{what}s{{{IN_NAMESPACE}, resource="{resource}"}})'
    return Query(expr=f"max({_of_workload(asked)})", legend=f"{what} of a pod")


def _traffic(direction: str) -> Query:
    rate = f"sum by ({_POD}) (rate(container_network_{direction}_bytes_total{{{IN_NAMESPACE}}}[$__rate_interval]))"
    return Query(expr=f"sum({_of_workload(rate)})", legend={"receive": "received", "transmit": "sent"}[direction])


def newest_lines(matchers: str, workload: str, width: int) -> Panel:
    """Log lines of the pods of a workload; ``workload`` is the variable with its name."""
    # By the pod's name, which begins with the workload's name; labels may differ.
    lines = f"{{{matchers}}} | pod=~`${{{workload}:regex}}-.+`"
    return Panel(
        title="Newest lines",
        description="Newest lines of its pods. A line with a trace id links to its trace.",
        visualization=Visualization.LOGS,
        queries=(Query(expr=lines, datasource=LOKI),),
        width=width,
        height=12,
    )


_OOM_KILLED = f"{pods.OOM_KILLED.value} and {pods.OOM_KILLED.and_}"
_CONTAINER = "{{pod}}, {{container}}"
_SIGNALS = Row(
    "Health",
    (
        alert_stat(
            workloads.REPLICAS_MISSING,
            "Short of replicas",
            "1 while fewer pods are ready than wanted. A rollout counts too.",
            f"{DESIRED}{{{_ONE}}} > {AVAILABLE}{{{_ONE}}}",
        ),
        alert_stat(
            workloads.ROLLOUT_STUCK,
            "Rolling out",
            "1 while old pods are left. If it lasts, check why new pods are not ready.",
            f"{DESIRED}{{{_ONE}}} > {UPDATED}{{{_ONE}}}",
        ),
        alert_stat(
            pods.POD_NOT_READY,
            "Pods not ready",
            "Running pods that get no requests: their readiness probe fails.",
            _found(pods.POD_NOT_READY),
        ),
        alert_stat(
            pods.POD_PENDING,
            "Pods pending",
            "Pods not started: no capacity, no volume, or the image is being pulled.",
            _found(pods.POD_PENDING),
        ),
        alert_stat(
            pods.CRASH_LOOPING,
            "Containers crash-looping",
            "Containers that exit soon after each start. Read their last log lines.",
            _found(pods.CRASH_LOOPING),
        ),
        alert_stat(
            pods.IMAGE_PULL,
            "Image pull failures",
            "Containers without an image. Check the image name, the pull secret and the registry.",
            _found(pods.IMAGE_PULL),
        ),
    ),
)
_SATURATION = Row(
    "Resources",
    (
        alert_time_series(
            pods.HIGH_MEMORY,
            "Memory usage of limit",
            "Non-reclaimable memory of the ten fullest containers. At 1 the container is killed.",
            _value_of(pods.HIGH_MEMORY),
            _CONTAINER,
        ),
        replace(
            alert_time_series(
                pods.HIGH_CPU,
                "CPU usage of limit",
                "The ten busiest containers with a limit. At 1 they are throttled.",
                _value_of(pods.HIGH_CPU),
                _CONTAINER,
            ),
            scale=Scale.OPEN,
            unmeasured="no CPU limit",
        ),
        alert_time_series(
            pods.THROTTLED,
            "CPU throttling",
            "Share of throttled periods of the ten worst containers. It adds latency: raise the limit.",
            _value_of(pods.THROTTLED),
            _CONTAINER,
        ),
        Panel(
            title="CPU by pod",
            description="Cores of the ten largest pods. Above the request they may be slow, at the limit they are.",
            queries=(
                _by_pod(f"{CPU_OF_CONTAINERS}{{{IN_NAMESPACE}}}"),
                _asked("cpu", "request"),
                _asked("cpu", "limit"),
            ),
        ),
        Panel(
            title="Memory by pod",
            description="Bytes of the ten largest pods. Above the request they may be evicted, at the limit killed.",
            queries=(
                _by_pod(f"{MEMORY_OF_CONTAINERS}{{{IN_NAMESPACE}}}"),
                _asked("memory", "request"),
                _asked("memory", "limit"),
            ),
            unit=Unit.BYTES,
        ),
        Panel(
            title="Network",
            description="Bytes per second to and from all its pods.",
            queries=(_traffic("receive"), _traffic("transmit")),
            unit=Unit.BYTES_PER_SECOND,
        ),
    ),
)
_ENDS = Row(
    "Restarts",
    (
        alert_time_series(
            pods.RESTART_LOOP,
            "Restarts in 1 hour",
            "The ten containers with the most. Read the last lines before each.",
            _value_of(pods.RESTART_LOOP),
            _CONTAINER,
        ),
        replace(
            alert_time_series(
                pods.OOM_KILLED,
                "OOM kills",
                "Restarts in 15 minutes after the memory limit killed a container: raise it or find the leak.",
                f"topk(10, {_of_workload(narrowed(_OOM_KILLED, IN_NAMESPACE))})",
                _CONTAINER,
            ),
            unmeasured="none",
        ),
        Panel(
            title="Waiting containers",
            description="Waiting containers by reason. ContainerCreating passes; BackOff needs a fix.",
            queries=(
                Query(
                    expr="sum by (reason) ("
                    + _of_workload(
                        f"max by ({_POD}, container, reason)"
                        f" (kube_pod_container_status_waiting_reason{{{IN_NAMESPACE}}})"
                    )
                    + ")",
                    legend="{{reason}}",
                ),
            ),
            unmeasured="none",
            stacked=True,
        ),
    ),
)
_PODS = Row(
    "Placement",
    (
        Panel(
            title="Replicas",
            description="Pods wanted, ready and up to date. After a rollout all three are equal.",
            queries=tuple(
                Query(expr=f"sum by (workload_type) ({metric}{{{_ONE}}})", legend=f"{what}, {{{{workload_type}}}}")
                for metric, what in ((DESIRED, "wanted"), (AVAILABLE, "available"), (UPDATED, "newest"))
            ),
            width=12,
        ),
        Panel(
            title="Pods",
            description="Pods with node and restarts. If all share a node, they fail with it.",
            visualization=Visualization.TABLE,
            queries=(
                Query(
                    expr=(
                        f"topk(50, {POD_OWNER}{{{_ONE}}} * on ({_POD}) group_left () sum by ({_POD})"
                        f" (kube_pod_container_status_restarts_total{{{IN_NAMESPACE}}}"
                        f" or kube_pod_init_container_status_restarts_total{{{IN_NAMESPACE}}}))"
                    ),
                    legend="Restarts",
                ),
            ),
            columns=("cluster", "node", "pod"),
            data_link=NODES,
            width=12,
        ),
    ),
)
_OBJECTS = " | object=~`${workload:regex}(-.+)?`"
"""Filter for events of the workload, and of what it owns, whose names begin with its name."""
_LINES = Row("Logs", (newest_lines(IN_NAMESPACE, "workload", 12), events(IN_NAMESPACE, _OBJECTS, width=12, height=12)))

DASHBOARD = Dashboard(
    uid=KUBERNETES_WORKLOAD,
    title="Kubernetes: workload",
    description="One workload: replicas, resources, restarts and logs.",
    tags=("kubernetes",),
    variables=(
        variable("cluster", "kube_node_info", "Cluster"),
        variable("namespace", f'{POD_OWNER}{{cluster=~"$cluster"}}', "Namespace", multiple=False),
        variable("workload", f"{POD_OWNER}{{{IN_NAMESPACE}}}", "Workload", multiple=False),
    ),
    related=(KUBERNETES_NAMESPACE, LOGS, LOGS_ERRORS, ALERTS),
    annotations=(alerts_with(IN_NAMESPACE), *changes(f'{IN_NAMESPACE}, deployment="$workload"')),
    rows=(_SIGNALS, _SATURATION, _ENDS, _PODS, _LINES),
)
