"""The cluster as a whole: is it healthy, is there room, and which namespace takes it."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, alert_stat, alert_time_series, found, variable
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS, HOME
from rules.kubernetes.alerts import capacity, nodes, pods, workloads
from rules.kubernetes.recordings import (
    AVAILABLE,
    CPU_OF_NAMESPACES,
    DESIRED,
    LIMITS,
    MEMORY_OF_NAMESPACES,
    REQUESTS,
)
from rules.kubernetes.uids import KUBERNETES_API, KUBERNETES_CLUSTER, KUBERNETES_NAMESPACE, KUBERNETES_WORKLOAD
from rules.nodes.uids import NODES

_ALL = 'cluster=~"$cluster"'
_NAMESPACE = ("cluster", "namespace")


def _room(resource: str, used: str) -> tuple[Query, ...]:
    """Of a resource: what there is, what is spoken for, what is used."""
    chosen = f'{_ALL}, resource="{resource}"'
    return (
        Query(
            expr=f"sum by (cluster) (max by (cluster, node) (kube_node_status_allocatable{{{chosen}}}))",
            legend="there is, {{cluster}}",
        ),
        Query(
            expr=f"sum by (cluster) ({REQUESTS}{{{chosen}}})",
            legend="requested, {{cluster}}",
        ),
        Query(expr=f"sum by (cluster) ({used}{{{_ALL}}})", legend="used, {{cluster}}"),
    )


def _by_namespace(resource: str, used: str) -> tuple[Query, ...]:
    chosen = f'{_ALL}, resource="{resource}"'
    return (
        Query(expr=f"sum by (cluster, namespace) ({used}{{{_ALL}}})", legend="Used"),
        Query(expr=f"sum by (cluster, namespace) ({REQUESTS}{{{chosen}}})", legend="Requested"),
        Query(expr=f"sum by (cluster, namespace) ({LIMITS}{{{chosen}}})", legend="Limit"),
    )


_SIGNALS = Row(
    "Is it healthy?",
    (
        alert_stat(nodes.NODE_DOWN, "Nodes down", "Nodes that are not ready.", found(nodes.NODE_DOWN, _ALL)),
        alert_stat(
            nodes.NODE_PRESSURE,
            "Nodes under pressure",
            "Nodes that run out of memory, disk or process ids, or are without network: pods are evicted from them.",
            found(nodes.NODE_PRESSURE, _ALL),
        ),
        alert_stat(
            workloads.REPLICAS_MISSING,
            "Workloads short of replicas",
            "Deployments, stateful sets and daemon sets that have fewer pods than they want; a rollout does it too.",
            f"{DESIRED}{{{_ALL}}} > {AVAILABLE}{{{_ALL}}}",
        ),
        alert_stat(
            pods.POD_PENDING,
            "Pods pending",
            "Pods that have not started: no room, no volume, or an image that is still being pulled.",
            found(pods.POD_PENDING, _ALL),
        ),
        alert_stat(
            pods.CRASH_LOOPING,
            "Containers crash-looping",
            "Containers that end soon after each start.",
            found(pods.CRASH_LOOPING, _ALL),
        ),
        alert_stat(
            pods.IMAGE_PULL,
            "Images not pulled",
            "Containers whose image a node cannot get: a name or a secret that is wrong, or a registry that is down.",
            found(pods.IMAGE_PULL, _ALL),
        ),
    ),
)
_CAPACITY = Row(
    "Is there room?",
    (
        Panel(
            title="CPU",
            description="Cores that pods may have, have asked for, and use. New pods start while requests are below.",
            queries=_room("cpu", CPU_OF_NAMESPACES),
            width=12,
        ),
        Panel(
            title="Memory",
            description="Bytes that pods may have, have asked for, and use. Use above requests leads to evictions.",
            queries=_room("memory", MEMORY_OF_NAMESPACES),
            unit=Unit.BYTES,
            width=12,
        ),
        alert_time_series(
            nodes.TOO_MANY_PODS,
            "Pods of what a node may run",
            "The ten fullest nodes. At 1 nothing more is placed there, however much memory is free.",
            f"topk(10, {narrowed(nodes.TOO_MANY_PODS.value, _ALL)})",
            "{{node}}",
            width=12,
        ),
        alert_time_series(
            capacity.VOLUME_FULL,
            "Volumes in use",
            "The ten fullest volumes, by bytes and by inodes. At 1 writes fail.",
            f"topk(10, {narrowed(capacity.VOLUME_FULL.value, _ALL)})",
            "{{namespace}}/{{persistentvolumeclaim}}, {{resource}}",
            width=12,
        ),
    ),
)
_NAMESPACES = Row(
    "Who takes it?",
    (
        Panel(
            title="CPU by namespace",
            description="Cores. Far below its requests a namespace holds what others could use.",
            visualization=Visualization.TABLE,
            queries=_by_namespace("cpu", CPU_OF_NAMESPACES),
            columns=_NAMESPACE,
            data_link=KUBERNETES_NAMESPACE,
            width=12,
            height=10,
        ),
        Panel(
            title="Memory by namespace",
            description="Bytes. Above its requests a namespace lives on what others may claim.",
            visualization=Visualization.TABLE,
            queries=_by_namespace("memory", MEMORY_OF_NAMESPACES),
            unit=Unit.BYTES,
            columns=_NAMESPACE,
            data_link=KUBERNETES_NAMESPACE,
            width=12,
            height=10,
        ),
        Panel(
            title="Workloads by missing replicas",
            description="The twenty that miss the largest part of what they want; 1 is down.",
            visualization=Visualization.TABLE,
            queries=(Query(expr=f"topk(20, {narrowed(workloads.REPLICAS_MISSING.value, _ALL)})", legend="Missing"),),
            unit=Unit.RATIO,
            columns=(*_NAMESPACE, "workload", "workload_type"),
            data_link=KUBERNETES_WORKLOAD,
            width=12,
            height=10,
        ),
        Panel(
            title="Restarts by namespace",
            description="Containers that were started again within an hour. A few are upgrades; many are a crash.",
            visualization=Visualization.TABLE,
            queries=(
                Query(
                    expr=(
                        "topk(20, sum by (cluster, namespace)"
                        f" (increase(kube_pod_container_status_restarts_total{{{_ALL}}}[1h])"
                        f" or increase(kube_pod_init_container_status_restarts_total{{{_ALL}}}[1h])))"
                    ),
                    legend="Restarts",
                ),
            ),
            columns=_NAMESPACE,
            data_link=KUBERNETES_NAMESPACE,
            width=12,
            height=10,
        ),
    ),
)
_KUBELETS = Row(
    "Do the kubelets work?",
    (
        alert_time_series(
            nodes.KUBELET_SLOW,
            "Time to list a node's containers",
            "The ten slowest nodes, at the 99th percentile. A slow kubelet sees late what starts and what ends.",
            f"topk(10, {narrowed(nodes.KUBELET_SLOW.value, _ALL)})",
            "{{node}}",
        ),
        alert_time_series(
            nodes.RUNTIME_ERRORS,
            "Failing calls of the container runtime",
            "The part of a kubelet's calls that fail, of the ten worst nodes: pods there neither start nor stop.",
            f"topk(10, {narrowed(nodes.RUNTIME_ERRORS.value, _ALL)})",
            "{{node}}",
        ),
        alert_time_series(
            nodes.CERTIFICATE_EXPIRES,
            "Time left of the kubelets' certificates",
            "The ten that expire first. A line that goes on falling is a renewal that fails.",
            f"bottomk(10, {narrowed(nodes.CERTIFICATE_EXPIRES.value, _ALL)})",
            "{{node}}, {{certificate}}",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=KUBERNETES_CLUSTER,
    title="Kubernetes: cluster",
    description="Whether the cluster is healthy, has room, and who takes it.",
    tags=("kubernetes",),
    variables=(variable("cluster", "kube_node_info", "Cluster"),),
    related=(
        HOME,
        KUBERNETES_API,
        NODES,
        KUBERNETES_NAMESPACE,
        ALERTS,
    ),
    annotations=(alerts_of("kubernetes"),),
    rows=(_SIGNALS, _CAPACITY, _NAMESPACES, _KUBELETS),
)
