"""Recording rules for several alerts and panels: owners of pods, usage of containers, replicas of workloads.

Every join of two exporters' series first takes the ``max``: while an exporter is replaced, two instances of it exist,
and cAdvisor's last sample of an ended container stays for five minutes beside its successor's.
"""

from __future__ import annotations

from dataclasses import replace

from model.cluster import ClusterSettings
from model.metrics import Unit
from model.owners import POD_TEAM, Owners
from model.quantities import Duration
from model.rules import Group, Recording
from model.wildcards import expression
from rules.kubernetes.scrape import state_label

_OF_POD = "cluster, environment, namespace, pod"
_OF_WORKLOAD = "cluster, environment, namespace, workload, workload_type"
_OF_CONTAINER = f"{_OF_POD}, container, node"

POD_OWNER = "namespace_workload_pod:kube_pod_owner:relabel"
"""1 for each pod, with the labels ``workload`` (a name), ``workload_type`` (a kind, like Deployment) and ``node``."""


_TAKEN_AWAY = (
    "ToBeDeletedByClusterAutoscaler|karpenter.sh/(disrupted|disruption)"
    # Spot machines: GKE, and AWS with its termination handler.
    "|cloud.google.com/impending-node-termination|aws-node-termination-handler/.+"
)
LEAVING = f'(kube_node_spec_unschedulable == 1 or kube_node_spec_taint{{key=~"{_TAKEN_AWAY}"}})'
"""PromQL: nodes that are cordoned, or that an autoscaler or the cloud removes."""


HELD_PODS = 'max by (cluster, environment, namespace, pod) (kube_pod_status_reason{reason="SchedulingGated"} == 1)'
"""PromQL: pods that a queue holds back by a scheduling gate."""


def with_owner(value: str, *labels: str) -> str:
    """PromQL: ``value`` (by cluster, namespace, pod and possibly more) with the workload and the node of each pod."""
    joined = ", ".join(labels or ("workload", "workload_type", "node"))
    return f"{value} * on (cluster, namespace, pod) group_left ({joined}) {POD_OWNER}"


def _owned(controller: str, owner: str, label: str) -> str:
    """PromQL: pods of a ``controller`` that an owner may control (a ReplicaSet), with that owner's kind and name."""
    return (
        f'label_replace(kube_pod_owner{{owner_kind="{controller}", owner_is_controller="true"}},'
        f' "{label}", "$1", "owner_name", "(.+)")'
        f" * on (cluster, namespace, {label}) group_left (owner_kind, owner_name)"
        f" max by (cluster, namespace, {label}, owner_kind, owner_name)"
        f' ({owner}{{owner_is_controller="true"}})'
    )


def _renamed(value: str, source: str, target: str) -> str:
    return f'label_replace({value}, "{target}", "$1", "{source}", "(.+)")'


def _pod_owner() -> str:
    def alone(selector: str) -> str:
        # A pod with several owners has a series for each. `max` drops the labels in which they differ.
        pod = f'label_replace(max by ({_OF_POD}) (kube_pod_owner{{{selector}}}), "owner_kind", "Pod", "", "")'
        return _renamed(pod, "pod", "owner_name")

    owner = " or on (cluster, namespace, pod) ".join(
        (
            _owned("ReplicaSet", "kube_replicaset_owner", "replicaset"),
            _owned("Job", "kube_job_owner", "job_name"),
            alone('owner_kind="Node"'),  # a static pod: its node is its controller
            'kube_pod_owner{owner_is_controller="true"}',
            # A pod without a controller is its own workload, even if it has owners that do not control it.
            alone('owner_is_controller!="true"'),
        )
    )
    named = _renamed(_renamed(f"({owner})", "owner_name", "workload"), "owner_kind", "workload_type")
    return (
        f"max by ({_OF_POD}, workload, workload_type) ({named}) * on (cluster, namespace, pod) group_left (node)"
        " topk by (cluster, namespace, pod) (1, max by (cluster, namespace, pod, node) (kube_pod_info))"
    )


def _of_workloads(deployment: str, statefulset: str, daemonset: str) -> str:
    """PromQL: one value by workload, from the metric of each kind."""
    parts = (("Deployment", deployment), ("StatefulSet", statefulset), ("DaemonSet", daemonset))
    named = (
        f'label_replace({_renamed(metric, kind.lower(), "workload")}, "workload_type", "{kind}", "", "")'
        for kind, metric in parts
    )
    return f"max by ({_OF_WORKLOAD}) ({' or '.join(named)})"


def _unplaceable(cluster: ClusterSettings) -> str:
    virtual = " or ".join(
        (
            'kube_node_spec_taint{key=~"eks.amazonaws.com/compute-type|virtual-kubelet.io/provider"}',
            # In Prometheus, a label without a value does not exist.
            *(
                f'kube_node_labels{{{state_label(key)}="{value}"}}'
                for key, value in cluster.virtual_nodes.items()
                if value
            ),
        )
    )
    # No metric says which node a pending pod is meant for. Pods without a node are taken as meant for virtual nodes if
    # there are no more of them than such nodes. Without a taint the pod is on the virtual node, and never starts.
    return (
        f'count by ({_OF_WORKLOAD}) ({POD_OWNER}{{workload_type="DaemonSet", node=""}}'
        f' or {POD_OWNER}{{workload_type="DaemonSet"}} and on (cluster, node) ({virtual})'
        ' and on (cluster, namespace, pod) kube_pod_status_phase{phase="Pending"} == 1)'
        f" <= on (cluster) group_left () count by (cluster) (count by (cluster, node) ({virtual}))"
    )


def _asked(what: str) -> str:
    """PromQL: requests or limits by namespace and resource, of pending and running pods.

    Of the init containers only sidecars count, because the others have ended.
    """
    sidecars = (
        f"kube_pod_init_container_resource_{what} and on (cluster, namespace, pod, container)"
        ' kube_pod_init_container_info{restart_policy="Always"}'
    )
    return (
        f"sum by (cluster, environment, namespace, resource)"
        f" (max by ({_OF_POD}, container, resource) (kube_pod_container_resource_{what} or {sidecars})"
        " * on (cluster, namespace, pod) group_left ()"
        ' max by (cluster, namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"} == 1))'
    )


CPU_OF_CONTAINERS = "namespace_pod_container:container_cpu_usage_seconds_total:sum_rate5m"
MEMORY_OF_CONTAINERS = "namespace_pod_container:container_memory_working_set_bytes:max"
CPU_OF_WORKLOADS = "namespace_workload:container_cpu_usage_seconds_total:sum_rate5m"
MEMORY_OF_WORKLOADS = "namespace_workload:container_memory_working_set_bytes:sum"
CPU_OF_NAMESPACES = "namespace:container_cpu_usage_seconds_total:sum_rate5m"
MEMORY_OF_NAMESPACES = "namespace:container_memory_working_set_bytes:sum"
REQUESTS = "namespace:kube_pod_container_resource_requests:sum"
LIMITS = "namespace:kube_pod_container_resource_limits:sum"
"""REQUESTS and LIMITS are by ``resource``: cores and bytes."""
DESIRED = "namespace_workload:replicas_desired:max"
UNPLACEABLE = "namespace_workload:pods_unplaceable:count"
"""Pods of daemon sets that can never run, because they are meant for virtual nodes such as Fargate."""
HELD = "namespace_workload:pods_held:count"
"""Pods that a queue holds back."""
EXPECTED = f"({DESIRED} - ({HELD} or {UNPLACEABLE}) or {DESIRED})"
"""PromQL: desired pods, without those held back and those that can never run."""
AVAILABLE = "namespace_workload:replicas_available:max"
PRESENT = "namespace_workload:replicas_present:max"
"""Pods of any revision, ready or not."""
UPDATED = "namespace_workload:replicas_updated:max"
VOLUME_USED = "namespace_persistentvolumeclaim:kubelet_volume_stats_used:ratio"
"""By ``resource``: bytes and inodes."""
API_REQUESTS = "verb_code:apiserver_request_total:sum_rate5m"
ROLLED_OUT = (
    "max by (cluster, namespace, replicaset) (kube_replicaset_created) * on (cluster, namespace, replicaset)"
    " group_left (owner_name) max by (cluster, namespace, replicaset, owner_name)"
    ' (kube_replicaset_owner{owner_kind="Deployment"})'
)
"""PromQL: when each ReplicaSet of a Deployment was created, with the Deployment as ``owner_name``."""
API_BUCKETS = "verb:apiserver_request_sli_duration_seconds_bucket:rate5m"
"""Requests per second by verb and ``le``: about 150 series, of which a panel makes each quantile. The API server has
thousands."""


def _workloads(cluster: ClusterSettings) -> Group:
    return Group(
        "kubernetes-recordings-workloads",
        (
            Recording(name=POD_OWNER, expr=_pod_owner()),
            Recording(
                name=DESIRED,
                expr=_of_workloads(
                    "kube_deployment_spec_replicas",
                    "kube_statefulset_replicas",
                    "kube_daemonset_status_desired_number_scheduled",
                ),
            ),
            Recording(
                name=AVAILABLE,
                expr=_of_workloads(
                    "kube_deployment_status_replicas_available",
                    "kube_statefulset_status_replicas_available",
                    "kube_daemonset_status_number_available",
                ),
            ),
            Recording(name=UNPLACEABLE, expr=_unplaceable(cluster)),
            Recording(name=HELD, expr=f"count by ({_OF_WORKLOAD}) ({with_owner(HELD_PODS)})"),
            Recording(
                name=PRESENT,
                expr=_of_workloads(
                    "kube_deployment_status_replicas",
                    "kube_statefulset_status_replicas",
                    "kube_daemonset_status_current_number_scheduled",
                ),
            ),
            Recording(
                name=UPDATED,
                expr=_of_workloads(
                    "kube_deployment_status_replicas_updated",
                    "kube_statefulset_status_replicas_updated",
                    "kube_daemonset_status_updated_number_scheduled",
                ),
            ),
        ),
        # The usual scrape interval: alerts on pods need the owner of a new pod within a minute.
        Duration.parse("30s"),
    )


VOLUMES = Recording(
    name=VOLUME_USED,
    # From available bytes, not used ones: a file system keeps some blocks for root. Both are 0 where the kubelet does
    # not know them, as for a raw block volume.
    expr=(
        "max by (cluster, environment, namespace, persistentvolumeclaim, resource) ("
        "label_replace(1 - kubelet_volume_stats_available_bytes / (kubelet_volume_stats_capacity_bytes > 0)"
        " unless (kubelet_volume_stats_available_bytes == 0 and kubelet_volume_stats_used_bytes == 0),"
        ' "resource", "bytes", "", "") or '
        # File systems without a fixed number of inodes report 0.
        "label_replace(kubelet_volume_stats_inodes_used / (kubelet_volume_stats_inodes > 0),"
        ' "resource", "inodes", "", ""))'
    ),
    unit=Unit.RATIO,
)
"""In the group of the alerts on volumes, so that they use fresh values."""

_USAGE = Group(
    "kubernetes-recordings-usage",
    (
        Recording(
            name=CPU_OF_CONTAINERS, expr=f"sum by ({_OF_CONTAINER}) (rate(container_cpu_usage_seconds_total[5m]))"
        ),
        Recording(
            name=MEMORY_OF_CONTAINERS,
            expr=f"max by ({_OF_CONTAINER}) (container_memory_working_set_bytes)",
            unit=Unit.BYTES,
        ),
        Recording(
            name=CPU_OF_WORKLOADS,
            expr=f"sum by ({_OF_WORKLOAD}) ({with_owner(CPU_OF_CONTAINERS, 'workload', 'workload_type')})",
        ),
        Recording(
            name=MEMORY_OF_WORKLOADS,
            expr=f"sum by ({_OF_WORKLOAD}) ({with_owner(MEMORY_OF_CONTAINERS, 'workload', 'workload_type')})",
            unit=Unit.BYTES,
        ),
        Recording(
            name=CPU_OF_NAMESPACES,
            expr=f"sum by (cluster, environment, namespace) ({CPU_OF_CONTAINERS})",
        ),
        Recording(
            name=MEMORY_OF_NAMESPACES,
            expr=f"sum by (cluster, environment, namespace) ({MEMORY_OF_CONTAINERS})",
            unit=Unit.BYTES,
        ),
        Recording(
            name=REQUESTS,
            expr=_asked("requests"),
        ),
        Recording(name=LIMITS, expr=_asked("limits")),
    ),
    # Sums over every container: three seconds of work in a cluster of ten thousand pods. The values are means over five
    # minutes, so a shorter interval would show little more.
    Duration.parse("1m"),
)


def recordings(cluster: ClusterSettings, owners: Owners) -> tuple[Group, ...]:
    workloads = _workloads(cluster)
    if owners.pod_label:
        workloads = replace(workloads, rules=(*workloads.rules, _pod_team(owners)))
    return workloads, _USAGE


def _pod_team(owners: Owners) -> Recording:
    label = state_label(owners.pod_label)
    named = f'max by ({_OF_POD}, {label}) (kube_pod_labels{{{label}=~"{expression(owners.teams)}"}})'
    return Recording(
        name=POD_TEAM,
        expr=f"max by ({_OF_POD}, workload, owner) ({with_owner(_renamed(named, label, 'owner'), 'workload')})",
    )


CONTROL_PLANE = Group(
    "kubernetes-recordings-api",
    (
        Recording(
            name=API_REQUESTS,
            expr="sum by (cluster, environment, verb, code) (rate(apiserver_request_total[5m]))",
            unit=Unit.PER_SECOND,
        ),
        Recording(
            name=API_BUCKETS,
            # Watches and connections last as long as the client wants.
            expr=(
                "sum by (cluster, environment, verb, le) (rate("
                'apiserver_request_sli_duration_seconds_bucket{verb!~"WATCH|WATCHLIST|CONNECT"}[5m]))'
            ),
            unit=Unit.PER_SECOND,
        ),
    ),
    # They read more series than any other group, and only panels use them.
    Duration.parse("2m"),
)
