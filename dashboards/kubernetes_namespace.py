"""One namespace: health, usage and limits."""

from __future__ import annotations

from dashboards.annotations import alerts_with, changes
from dashboards.events import events
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, alert_stat, alert_time_series, found, variable
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS
from rules.kubernetes.alerts import capacity, pods, workloads
from rules.kubernetes.recordings import (
    AVAILABLE,
    CPU_OF_NAMESPACES,
    CPU_OF_WORKLOADS,
    DESIRED,
    LIMITS,
    MEMORY_OF_NAMESPACES,
    MEMORY_OF_WORKLOADS,
    REQUESTS,
)
from rules.kubernetes.uids import KUBERNETES_CLUSTER, KUBERNETES_NAMESPACE, KUBERNETES_WORKLOAD
from rules.logs.uids import LOGS

IN_NAMESPACE = 'cluster=~"$cluster", namespace="$namespace"'
NAMESPACE = (
    variable("cluster", "kube_node_info", "Cluster"),
    variable("namespace", 'kube_pod_info{cluster=~"$cluster"}', "Namespace", multiple=False),
)
_WORKLOAD = ("cluster", "namespace", "workload", "workload_type")


def _use(resource: str, used: str) -> tuple[Query, ...]:
    chosen = f'{IN_NAMESPACE}, resource="{resource}"'
    return (
        Query(expr=f"sum({used}{{{IN_NAMESPACE}}})", legend="used"),
        Query(expr=f"sum({REQUESTS}{{{chosen}}})", legend="requested"),
        Query(expr=f"sum({LIMITS}{{{chosen}}})", legend="limit"),
    )


def _traffic(direction: str) -> str:
    return f"sum(rate(container_network_{direction}_bytes_total{{{IN_NAMESPACE}}}[$__rate_interval]))"


_SIGNALS = Row(
    "Health",
    (
        alert_stat(
            workloads.REPLICAS_MISSING,
            "Workloads short of replicas",
            "Deployments, StatefulSets and DaemonSets with fewer pods than wanted. A rollout counts too.",
            f"{DESIRED}{{{IN_NAMESPACE}}} > {AVAILABLE}{{{IN_NAMESPACE}}}",
        ),
        alert_stat(
            pods.POD_NOT_READY,
            "Pods not ready",
            "Running pods that get no requests: their readiness probe fails.",
            found(pods.POD_NOT_READY, IN_NAMESPACE),
        ),
        alert_stat(
            pods.POD_PENDING,
            "Pods pending",
            "Pods not started: no capacity, no volume, or the image is being pulled.",
            found(pods.POD_PENDING, IN_NAMESPACE),
        ),
        alert_stat(
            pods.CRASH_LOOPING,
            "Containers crash-looping",
            "Containers that exit soon after each start: read their last lines.",
            found(pods.CRASH_LOOPING, IN_NAMESPACE),
        ),
        alert_stat(
            pods.IMAGE_PULL,
            "Image pull failures",
            "Containers without an image. Check the image name, the pull secret and the registry.",
            found(pods.IMAGE_PULL, IN_NAMESPACE),
        ),
        alert_stat(
            workloads.JOB_FAILED,
            "Jobs failed",
            "Jobs without retries left, unless a later one of the CronJob succeeded. Read their last lines.",
            found(workloads.JOB_FAILED, IN_NAMESPACE),
        ),
    ),
)
_WORKLOADS = Row(
    "Workloads",
    (
        Panel(
            title="Workloads by missing replicas",
            description="The twenty with the largest share of replicas missing; 1 is down.",
            visualization=Visualization.TABLE,
            queries=(
                Query(expr=f"topk(20, {narrowed(workloads.REPLICAS_MISSING.value, IN_NAMESPACE)})", legend="Missing"),
            ),
            unit=Unit.RATIO,
            columns=_WORKLOAD,
            data_link=KUBERNETES_WORKLOAD,
            width=12,
        ),
        Panel(
            title="Restarts by pod",
            description="Container restarts in an hour. The workload's dashboard shows the reason.",
            visualization=Visualization.TABLE,
            queries=(
                Query(
                    expr=(
                        "topk(20, sum by (cluster, namespace, pod)"
                        f" (increase(kube_pod_container_status_restarts_total{{{IN_NAMESPACE}}}[1h])"
                        f" or increase(kube_pod_init_container_status_restarts_total{{{IN_NAMESPACE}}}[1h])))"
                    ),
                    legend="Restarts",
                ),
            ),
            columns=("pod",),
            width=12,
        ),
        Panel(
            title="CPU by workload",
            description="Cores of the ten largest workloads.",
            queries=(Query(expr=f"topk(10, {CPU_OF_WORKLOADS}{{{IN_NAMESPACE}}})", legend="{{workload}}"),),
            width=12,
        ),
        Panel(
            title="Memory by workload",
            description="Non-reclaimable bytes of the ten largest workloads.",
            queries=(Query(expr=f"topk(10, {MEMORY_OF_WORKLOADS}{{{IN_NAMESPACE}}})", legend="{{workload}}"),),
            unit=Unit.BYTES,
            width=12,
        ),
    ),
)
_USAGE = Row(
    "Usage",
    (
        Panel(
            title="CPU",
            description="Cores used, with requests and limits of the pods.",
            queries=_use("cpu", CPU_OF_NAMESPACES),
        ),
        Panel(
            title="Memory",
            description="Bytes used, with requests and limits of the pods.",
            queries=_use("memory", MEMORY_OF_NAMESPACES),
            unit=Unit.BYTES,
        ),
        Panel(
            title="Network",
            description="Bytes per second to and from its pods, without host-network pods.",
            queries=(
                Query(expr=_traffic("receive"), legend="received"),
                Query(expr=_traffic("transmit"), legend="sent"),
            ),
            unit=Unit.BYTES_PER_SECOND,
        ),
    ),
)
_LIMITS = Row(
    "Limits",
    (
        alert_time_series(
            capacity.VOLUME_FULL,
            "Volumes in use",
            "Share of each volume's bytes and inodes in use. At 1 writes fail.",
            f"topk(10, {narrowed(capacity.VOLUME_FULL.value, IN_NAMESPACE)})",
            "{{persistentvolumeclaim}}, {{resource}}",
            width=12,
        ),
        alert_time_series(
            capacity.QUOTA,
            "Quotas in use",
            "Share of each quota in use. At 1 new pods are rejected, also in a rollout.",
            f"topk(10, {narrowed(capacity.QUOTA.value, IN_NAMESPACE)})",
            "{{resourcequota}}, {{resource}}",
            width=12,
        ),
        alert_time_series(
            workloads.HPA_AT_MAXIMUM,
            "Autoscalers at maximum",
            "Replicas of the maximum. At 1, raise the maximum or check the load.",
            f"topk(10, {narrowed(workloads.HPA_AT_MAXIMUM.value, IN_NAMESPACE)})",
            "{{horizontalpodautoscaler}}",
            width=12,
        ),
        alert_time_series(
            workloads.BUDGET_BROKEN,
            "Healthy pods per disruption budget",
            "Healthy pods of those required. Below 1 their nodes cannot be drained.",
            f"bottomk(10, {narrowed(workloads.BUDGET_BROKEN.value, IN_NAMESPACE)})",
            "{{poddisruptionbudget}}",
            width=12,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=KUBERNETES_NAMESPACE,
    title="Kubernetes: namespace",
    description="One namespace: health, usage and limits.",
    tags=("kubernetes",),
    variables=NAMESPACE,
    related=(KUBERNETES_CLUSTER, KUBERNETES_WORKLOAD, LOGS, ALERTS),
    annotations=(alerts_with(IN_NAMESPACE), *changes(IN_NAMESPACE)),
    rows=(_SIGNALS, _WORKLOADS, _USAGE, _LIMITS, Row("Events", (events(IN_NAMESPACE),))),
)
