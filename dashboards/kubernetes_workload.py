"""One workload, whatever keeps its pods running: are they there, do they have what they need, why do they end."""

from __future__ import annotations

from dashboards.annotations import alerts_with, rollouts
from dashboards.kubernetes_namespace import IN_NAMESPACE
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, alert_stat, alert_time_series, found, variable
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
    """Of ``value``, by cluster, namespace, pod and maybe more, what is about the pods of the workload."""
    return f"({value}) * on ({_POD}) group_left () {POD_OWNER}{{{_ONE}}}"


def _found(alert: Alert) -> str:
    return _of_workload(found(alert, IN_NAMESPACE))


def _value_of(alert: Alert) -> str:
    """What an alert compares, for the containers of the workload: the ten that come first."""
    return f"topk(10, {_of_workload(narrowed(alert.value, IN_NAMESPACE))})"


def _by_pod(value: str) -> Query:
    summed = f"sum by ({_POD}) ({value})"
    return Query(expr=f"topk(10, {_of_workload(summed)})", legend="{{pod}}")


def _asked(resource: str, what: str) -> Query:
    """What a single pod asks for: the largest, should they differ in a rollout."""
    asked = f'sum by ({_POD}) (kube_pod_container_resource_{what}s{{{IN_NAMESPACE}, resource="{resource}"}})'
    return Query(expr=f"max({_of_workload(asked)})", legend=f"{what} of a pod")


def _traffic(direction: str) -> Query:
    rate = f"sum by ({_POD}) (rate(container_network_{direction}_bytes_total{{{IN_NAMESPACE}}}[$__rate_interval]))"
    return Query(expr=f"sum({_of_workload(rate)})", legend={"receive": "received", "transmit": "sent"}[direction])


_OOM_KILLED = f"{pods.OOM_KILLED.value} and {pods.OOM_KILLED.and_}"
_CONTAINER = "{{pod}}, {{container}}"
_SIGNALS = Row(
    "Is it well?",
    (
        alert_stat(
            workloads.REPLICAS_MISSING,
            "Short of replicas",
            "1 when it has fewer pods that take requests than it wants; a rollout does it too.",
            f"{DESIRED}{{{_ONE}}} > {AVAILABLE}{{{_ONE}}}",
        ),
        alert_stat(
            workloads.ROLLOUT_STUCK,
            "Rolling out",
            "1 while pods of the old revision are left. For long, and the new ones do not become ready.",
            f"{DESIRED}{{{_ONE}}} > {UPDATED}{{{_ONE}}}",
        ),
        alert_stat(
            pods.POD_NOT_READY,
            "Pods not ready",
            "Pods that run and get no requests, since their readiness probe fails.",
            _found(pods.POD_NOT_READY),
        ),
        alert_stat(
            pods.POD_PENDING,
            "Pods pending",
            "Pods that have not started: no room, no volume, or an image that is still being pulled.",
            _found(pods.POD_PENDING),
        ),
        alert_stat(
            pods.CRASH_LOOPING,
            "Containers crash-looping",
            "Containers that end soon after each start: read the last lines of their logs.",
            _found(pods.CRASH_LOOPING),
        ),
        alert_stat(
            pods.IMAGE_PULL,
            "Images not pulled",
            "Containers whose image a node cannot get: a name or a secret that is wrong, or a registry that is down.",
            _found(pods.IMAGE_PULL),
        ),
    ),
)
_SATURATION = Row(
    "Does it have what it needs?",
    (
        alert_time_series(
            pods.HIGH_MEMORY,
            "Memory, of the limit",
            "What cannot be reclaimed, of the ten fullest containers. At 1 the container is killed.",
            _value_of(pods.HIGH_MEMORY),
            _CONTAINER,
        ),
        alert_time_series(
            pods.HIGH_CPU,
            "CPU, of the limit",
            "Of the ten busiest containers that have a limit. At 1 they have to wait.",
            _value_of(pods.HIGH_CPU),
            _CONTAINER,
        ),
        alert_time_series(
            pods.THROTTLED,
            "Periods in which the CPU limit stops it",
            "Of the ten containers that wait most. It adds to their latency long before their CPU is used up.",
            _value_of(pods.THROTTLED),
            _CONTAINER,
        ),
        Panel(
            title="CPU by pod",
            description="Cores: the ten pods that use most, beside what one asks for and may have.",
            queries=(
                _by_pod(f"{CPU_OF_CONTAINERS}{{{IN_NAMESPACE}}}"),
                _asked("cpu", "request"),
                _asked("cpu", "limit"),
            ),
        ),
        Panel(
            title="Memory by pod",
            description="Bytes: the ten pods that hold most, beside what one asks for and may have.",
            queries=(
                _by_pod(f"{MEMORY_OF_CONTAINERS}{{{IN_NAMESPACE}}}"),
                _asked("memory", "request"),
                _asked("memory", "limit"),
            ),
            unit=Unit.BYTES,
        ),
        Panel(
            title="Network",
            description="Bytes per second to and from its pods, together; nothing is nobody asking.",
            queries=(_traffic("receive"), _traffic("transmit")),
            unit=Unit.BYTES_PER_SECOND,
        ),
    ),
)
_ENDS = Row(
    "Why do its pods end?",
    (
        alert_time_series(
            pods.RESTART_LOOP,
            "Restarts within an hour",
            "Of the ten containers that were started again most often.",
            _value_of(pods.RESTART_LOOP),
            _CONTAINER,
        ),
        alert_time_series(
            pods.OOM_KILLED,
            "Restarts after a kill for memory",
            "Restarts within 15 minutes of containers whose last end was a kill at their memory limit.",
            f"topk(10, {_of_workload(narrowed(_OOM_KILLED, IN_NAMESPACE))})",
            _CONTAINER,
        ),
        Panel(
            title="What containers wait for",
            description="How many containers wait, by reason: ContainerCreating passes, what ends in BackOff does not.",
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
            stacked=True,
        ),
    ),
)
_PODS = Row(
    "Where are its pods?",
    (
        Panel(
            title="Replicas",
            description="Pods wanted, taking requests, and of the newest revision; after a rollout all three meet.",
            queries=tuple(
                Query(expr=f"sum by (workload_type) ({metric}{{{_ONE}}})", legend=f"{what}, {{{{workload_type}}}}")
                for metric, what in ((DESIRED, "wanted"), (AVAILABLE, "available"), (UPDATED, "newest"))
            ),
            width=12,
        ),
        Panel(
            title="Pods",
            description="Each pod and its node, by the restarts of its containers; all on one node end with it.",
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
_LINES = Row(
    "What does it say?",
    (
        Panel(
            title="Newest lines",
            description="What its pods wrote last; before a crash, why. One with a trace id leads to its trace.",
            visualization=Visualization.LOGS,
            # Pods are named after what keeps them running, however they are labelled.
            queries=(
                Query(
                    expr='{cluster=~"$cluster", namespace="$namespace"} | pod=~`${workload:regex}-.+`',
                    datasource=LOKI,
                ),
            ),
            width=24,
            height=12,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=KUBERNETES_WORKLOAD,
    title="Kubernetes: workload",
    description="Whether the pods of one workload are there, have what they need, and why they end.",
    tags=("kubernetes",),
    variables=(
        variable("cluster", "kube_node_info", "Cluster"),
        variable("namespace", f'{POD_OWNER}{{cluster=~"$cluster"}}', "Namespace", multiple=False),
        variable("workload", f"{POD_OWNER}{{{IN_NAMESPACE}}}", "Workload", multiple=False),
    ),
    related=(KUBERNETES_NAMESPACE, LOGS, LOGS_ERRORS, ALERTS),
    annotations=(alerts_with(IN_NAMESPACE), rollouts(f'{IN_NAMESPACE}, deployment="$workload"')),
    rows=(_SIGNALS, _SATURATION, _ENDS, _PODS, _LINES),
)
