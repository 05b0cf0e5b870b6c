"""The cluster as a whole: health, capacity, and usage by namespace."""

from __future__ import annotations

from dashboards.annotations import alerts_of, of_nodes
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
    """Allocatable, requested and used amount of a resource by cluster."""
    chosen = f'{_ALL}, resource="{resource}"'
    return (
        Query(
            expr=f"sum by (cluster) (max by (cluster, node) (kube_node_status_allocatable{{{chosen}}}))",
            legend="allocatable, {{cluster}}",
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
    "Health",
    (
        alert_stat(
            nodes.NODE_DOWN,
            "Nodes down",
            "Nodes that are not ready. Their pods move after five minutes: check the machine.",
            found(nodes.NODE_DOWN, _ALL),
        ),
        alert_stat(
            nodes.NODE_PRESSURE,
            "Nodes under pressure",
            "Nodes short of memory, disk or process ids, or without network. They evict pods.",
            found(nodes.NODE_PRESSURE, _ALL),
        ),
        alert_stat(
            workloads.REPLICAS_MISSING,
            "Workloads short of replicas",
            "Deployments, StatefulSets and DaemonSets with fewer pods than wanted. A rollout counts too.",
            f"{DESIRED}{{{_ALL}}} > {AVAILABLE}{{{_ALL}}}",
        ),
        alert_stat(
            pods.POD_PENDING,
            "Pods pending",
            "Pods not started: no capacity, no volume, or the image is being pulled.",
            found(pods.POD_PENDING, _ALL),
        ),
        alert_stat(
            pods.CRASH_LOOPING,
            "Containers crash-looping",
            "Containers that exit soon after each start: read their last lines.",
            found(pods.CRASH_LOOPING, _ALL),
        ),
        alert_stat(
            pods.IMAGE_PULL,
            "Image pull failures",
            "Containers without an image. Check the image name, the pull secret and the registry.",
            found(pods.IMAGE_PULL, _ALL),
        ),
    ),
)
_CAPACITY = Row(
    "Capacity",
    (
        Panel(
            title="CPU",
            description="Cores allocatable, requested and used. New pods start while requests are lower.",
            queries=_room("cpu", CPU_OF_NAMESPACES),
            width=12,
        ),
        Panel(
            title="Memory",
            description="Bytes allocatable, requested and used. Usage above requests leads to evictions.",
            queries=_room("memory", MEMORY_OF_NAMESPACES),
            unit=Unit.BYTES,
            width=12,
        ),
        alert_time_series(
            nodes.TOO_MANY_PODS,
            "Pod capacity used",
            "The ten fullest nodes. At 1 a node takes no more pods, even with free memory.",
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
    "Usage by namespace",
    (
        Panel(
            title="CPU by namespace",
            description="Cores. Usage far below requests blocks capacity for others.",
            visualization=Visualization.TABLE,
            queries=_by_namespace("cpu", CPU_OF_NAMESPACES),
            columns=_NAMESPACE,
            data_link=KUBERNETES_NAMESPACE,
            width=12,
            height=10,
        ),
        Panel(
            title="Memory by namespace",
            description="Bytes. Usage above requests can be evicted.",
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
            description="The twenty with the largest share of replicas missing; 1 is down.",
            visualization=Visualization.TABLE,
            queries=(Query(expr=f"topk(20, {narrowed(workloads.REPLICAS_MISSING.value, _ALL)})", legend="Missing"),),
            unit=Unit.RATIO,
            columns=(*_NAMESPACE, "workload_type", "workload"),
            data_link=KUBERNETES_WORKLOAD,
            width=12,
            height=10,
        ),
        Panel(
            title="Restarts by namespace",
            description="Container restarts in an hour. A few are upgrades, many are crashes.",
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
    "Kubelets",
    (
        alert_time_series(
            nodes.KUBELET_SLOW,
            "Kubelet PLEG relist duration",
            "99th percentile of the ten slowest nodes. A slow kubelet notices container changes late.",
            f"topk(10, {narrowed(nodes.KUBELET_SLOW.value, _ALL)})",
            "{{node}}",
        ),
        alert_time_series(
            nodes.RUNTIME_ERRORS,
            "Container runtime errors",
            "Error rate of the kubelet's calls on the ten worst nodes. Pods there cannot start or stop.",
            f"topk(10, {narrowed(nodes.RUNTIME_ERRORS.value, _ALL)})",
            "{{node}}",
        ),
        alert_time_series(
            nodes.CERTIFICATE_EXPIRES,
            "Kubelet certificate expiry",
            "Time left of the ten that expire first. If it keeps falling, renewal fails.",
            f"bottomk(10, {narrowed(nodes.CERTIFICATE_EXPIRES.value, _ALL)})",
            "{{node}}, {{certificate}}",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=KUBERNETES_CLUSTER,
    title="Kubernetes: cluster",
    description="Health, capacity, and usage by namespace.",
    tags=("kubernetes",),
    variables=(variable("cluster", "kube_node_info", "Cluster"),),
    related=(
        HOME,
        KUBERNETES_API,
        NODES,
        KUBERNETES_NAMESPACE,
        ALERTS,
    ),
    annotations=(alerts_of("kubernetes"), *of_nodes('cluster=~"$cluster"')),
    rows=(_SIGNALS, _CAPACITY, _NAMESPACES, _KUBELETS),
)
