"""Recording rules by example: each on the series that would lead a simpler one astray."""

from __future__ import annotations

from rules.kubernetes.recordings import (
    AVAILABLE,
    CPU_OF_CONTAINERS,
    DESIRED,
    HELD,
    MEMORY_OF_CONTAINERS,
    POD_OWNER,
    PRESENT,
    UNPLACEABLE,
    UPDATED,
    VOLUME_USED,
)
from tests.rules.examples import Example, Series, counters, example, gauges, metric, of


def _pod(name: str, kind: str, owner: str, node: str = "n-1", controls: str = "true") -> Series:
    pod = {"namespace": "shop", "pod": name}
    return gauges(
        {
            metric("kube_pod_owner", pod, owner_kind=kind, owner_name=owner, owner_is_controller=controls): 1,
            metric("kube_pod_info", pod, node=node): 1,
        },
        20,
    )


_WEB = _pod("web-1", "ReplicaSet", "web-5d") | {
    metric(
        "kube_replicaset_owner",
        namespace="shop",
        replicaset="web-5d",
        owner_kind="Deployment",
        owner_name="web",
        owner_is_controller="true",
    ): "1x20",
}
_AS_IT_WAS = {
    series.replace("n-1", "n-0").replace("{", '{instance="old", ', 1): values for series, values in _WEB.items()
}
_BACKUP = _pod("backup-1-x", "Job", "backup-1") | {
    metric(
        "kube_job_owner",
        namespace="shop",
        job_name="backup-1",
        owner_kind="CronJob",
        owner_name="backup",
        owner_is_controller="true",
    ): "1x20",
}
_ALONE = gauges(
    {
        metric(
            "kube_pod_owner", namespace="shop", pod="shell", owner_kind="", owner_name="", owner_is_controller=""
        ): 1,
        metric("kube_pod_info", namespace="shop", pod="shell", node=""): 1,
    },
    20,
)


def _mapped(pod: str, workload: str, kind: str, node: str = "n-1") -> str:
    placed = {"node": node} if node else {}
    return of(placed, namespace="shop", pod=pod, workload=workload, workload_type=kind)


def _used(name: str, values: dict[tuple[str, str], str], **more: str) -> Series:
    """A metric of web-1, by container and cgroup."""
    pod = {"namespace": "shop", "pod": "web-1", "node": "n-1"} | more
    return {metric(name, pod, container=container, id=cgroup): value for (container, cgroup), value in values.items()}


_CPU = _used(
    "container_cpu_usage_seconds_total",
    # The container app has just been restarted, in a new cgroup.
    {("app", "/1"): "0+30x5 150x10", ("app", "/2"): "_x5 0+30x10", ("proxy", "/3"): "0+6x20"},
    cpu="total",
)
_MEMORY = _used(
    "container_memory_working_set_bytes",
    {("app", "/1"): "400x20", ("app", "/2"): "300x20", ("proxy", "/3"): "50x20"},
)

_REPLICAS = {
    "deployment": ("web", "Deployment"),
    "statefulset": ("db", "StatefulSet"),
    "daemonset": ("agent", "DaemonSet"),
}


def _workloads(rule: str, **metrics: str) -> Example:
    """A number each of a deployment (3), a stateful set (2) and a daemon set (5)."""
    numbers = {"deployment": 3, "statefulset": 2, "daemonset": 5}
    return example(
        "there is a workload of each kind",
        rule,
        series=gauges(
            {
                metric(name, {"namespace": "shop", kind: _REPLICAS[kind][0]}): numbers[kind]
                for kind, name in metrics.items()
            },
            20,
        ),
        gives={
            of(namespace="shop", workload=_REPLICAS[kind][0], workload_type=_REPLICAS[kind][1]): numbers[kind]
            for kind in metrics
        },
    )


def _asked(what: str) -> Series:
    name, of_init = f"kube_pod_container_resource_{what}", f"kube_pod_init_container_resource_{what}"
    web = {"namespace": "shop", "pod": "web-1"}
    return gauges(
        {
            metric(of_init, web, container="sidecar", resource="cpu", unit="core"): 4,
            metric("kube_pod_init_container_info", web, container="sidecar", restart_policy="Always"): 1,
            metric(of_init, web, container="migration", resource="cpu", unit="core"): 16,
            metric("kube_pod_init_container_info", web, container="migration", restart_policy=""): 1,
            metric(name, namespace="shop", pod="web-1", container="app", resource="cpu", unit="core"): 2,
            metric(name, namespace="shop", pod="web-1", container="proxy", resource="cpu", unit="core"): 1,
            metric(name, namespace="shop", pod="backup-1-x", container="app", resource="cpu", unit="core"): 8,
            metric("kube_pod_status_phase", namespace="shop", pod="web-1", phase="Running"): 1,
            metric("kube_pod_status_phase", namespace="shop", pod="backup-1-x", phase="Running"): 0,
            metric("kube_pod_status_phase", namespace="shop", pod="backup-1-x", phase="Succeeded"): 1,
        },
        20,
    )


_CLAIM = {"namespace": "shop", "persistentvolumeclaim": "files"}

EXAMPLES = (
    example(
        "pods belong to workloads of every kind, one to nobody, and one to what does not control it",
        POD_OWNER,
        series=_WEB
        | _BACKUP
        | _ALONE
        | _pod("db-0", "StatefulSet", "db", node="n-2")
        | _pod("old-1", "ReplicaSet", "old")
        | _pod("once-1", "Job", "once")
        | _pod("kube-proxy-n-1", "Node", "n-1")
        | _pod("build-1", "Notebook", "build", controls="false")
        | _pod("build-1", "Tenant", "acme", controls="false")
        | _pod("agent-1", "AgentRun", "agent")
        | _pod("agent-1", "Tenant", "acme", controls="false"),
        gives={
            _mapped("web-1", "web", "Deployment"): 1,
            _mapped("backup-1-x", "backup", "CronJob"): 1,
            _mapped("shell", "shell", "Pod", node=""): 1,
            _mapped("db-0", "db", "StatefulSet", node="n-2"): 1,
            _mapped("old-1", "old", "ReplicaSet"): 1,
            _mapped("once-1", "once", "Job"): 1,
            _mapped("kube-proxy-n-1", "kube-proxy-n-1", "Pod"): 1,
            _mapped("build-1", "build-1", "Pod"): 1,
            _mapped("agent-1", "agent", "AgentRun"): 1,
        },
    ),
    _workloads(
        DESIRED,
        deployment="kube_deployment_spec_replicas",
        statefulset="kube_statefulset_replicas",
        daemonset="kube_daemonset_status_desired_number_scheduled",
    ),
    _workloads(
        AVAILABLE,
        deployment="kube_deployment_status_replicas_available",
        statefulset="kube_statefulset_status_replicas_available",
        daemonset="kube_daemonset_status_number_available",
    ),
    example(
        "a pod each of two daemon sets has no node, two more of one of them neither, and two nodes are no machines",
        UNPLACEABLE,
        series=_pod("agent-1", "DaemonSet", "agent", node="")
        | _pod("logs-1", "DaemonSet", "logs", node="")
        | _pod("logs-2", "DaemonSet", "logs", node="")
        | _pod("logs-3", "DaemonSet", "logs", node="")
        | gauges(
            {
                metric("kube_node_spec_taint", node=f"f-{number}", key="eks.amazonaws.com/compute-type"): 1
                for number in range(2)
            },
            20,
        ),
        gives={of(namespace="shop", workload="agent", workload_type="DaemonSet"): 1},
    ),
    example(
        "of two pods that never start one is on a node that is no machine by the stack file, where another runs",
        UNPLACEABLE,
        series=_pod("agent-1", "DaemonSet", "agent", node="v-1")
        | _pod("agent-2", "DaemonSet", "agent", node="v-2")
        | _pod("agent-3", "DaemonSet", "agent", node="n-3")
        | _pod("agent-4", "DaemonSet", "agent", node="n-4")
        | gauges(
            {
                metric("kube_pod_status_phase", namespace="shop", pod="agent-1", phase="Pending"): 1,
                metric("kube_pod_status_phase", namespace="shop", pod="agent-2", phase="Pending"): 0,
                metric("kube_pod_status_phase", namespace="shop", pod="agent-3", phase="Pending"): 0,
                metric("kube_pod_status_phase", namespace="shop", pod="agent-4", phase="Pending"): 1,
                metric("kube_node_labels", node="v-1", label_example_com_node_type="virtual"): 1,
                metric("kube_node_labels", node="v-2", label_example_com_node_type="virtual"): 1,
                metric("kube_node_labels", node="n-3"): 1,
                metric("kube_node_labels", node="n-4", label_example_com_node_type="other"): 1,
            },
            20,
        ),
        gives={of(namespace="shop", workload="agent", workload_type="DaemonSet"): 1},
    ),
    example(
        "of three pods one has a scheduling gate, and one was evicted",
        HELD,
        series=_pod("agent-1", "StatefulSet", "agent", node="")
        | _pod("agent-2", "StatefulSet", "agent")
        | _pod("agent-3", "StatefulSet", "agent")
        | gauges(
            {
                metric("kube_pod_status_reason", namespace="shop", pod="agent-1", reason="SchedulingGated"): 1,
                metric("kube_pod_status_reason", namespace="shop", pod="agent-2", reason="Evicted"): 1,
            },
            20,
        ),
        gives={of(namespace="shop", workload="agent", workload_type="StatefulSet"): 1},
    ),
    _workloads(
        PRESENT,
        deployment="kube_deployment_status_replicas",
        statefulset="kube_statefulset_status_replicas",
        daemonset="kube_daemonset_status_current_number_scheduled",
    ),
    _workloads(
        UPDATED,
        deployment="kube_deployment_status_replicas_updated",
        statefulset="kube_statefulset_status_replicas_updated",
        daemonset="kube_daemonset_status_updated_number_scheduled",
    ),
    example(
        "a container has been restarted, and its old cgroup is still reported",
        CPU_OF_CONTAINERS,
        series=_CPU,
        at="11m",
        gives={
            of(namespace="shop", pod="web-1", container="app", node="n-1"): 0.5,
            of(namespace="shop", pod="web-1", container="proxy", node="n-1"): 0.1,
        },
    ),
    example(
        "a container has been restarted, and its old cgroup is still reported",
        MEMORY_OF_CONTAINERS,
        series=_MEMORY,
        gives={
            of(namespace="shop", pod="web-1", container="app", node="n-1"): 400,
            of(namespace="shop", pod="web-1", container="proxy", node="n-1"): 50,
        },
    ),
    example(
        "two containers of a deployment's pod are busy",
        "namespace_workload:container_cpu_usage_seconds_total:sum_rate5m",
        series=_CPU | _WEB,
        at="11m",
        gives={of(namespace="shop", workload="web", workload_type="Deployment"): 0.6},
    ),
    example(
        "two kube-state-metrics answer, and one has not seen that the pod moved",
        "namespace_workload:container_memory_working_set_bytes:sum",
        series=_MEMORY | _WEB | _AS_IT_WAS,
        gives={of(namespace="shop", workload="web", workload_type="Deployment"): 450},
    ),
    example(
        "two containers are busy, and nobody knows whose their pod is",
        "namespace:container_cpu_usage_seconds_total:sum_rate5m",
        series=_CPU,
        at="11m",
        gives={of(namespace="shop"): 0.6},
    ),
    example(
        "two containers hold memory, and nobody knows whose their pod is",
        "namespace:container_memory_working_set_bytes:sum",
        series=_MEMORY,
        gives={of(namespace="shop"): 450},
    ),
    *(
        example(
            "a pod of two containers and a sidecar runs, and a larger one has finished",
            f"namespace:kube_pod_container_resource_{what}:sum",
            series=_asked(what),
            gives={of(namespace="shop", resource="cpu"): 7},
        )
        for what in ("requests", "limits")
    ),
    example(
        "two nodes have mounted it, and its file system has no fixed number of inodes",
        VOLUME_USED,
        series=gauges(
            {
                metric("kubelet_volume_stats_available_bytes", _CLAIM, node="n-1"): 75,
                metric("kubelet_volume_stats_capacity_bytes", _CLAIM, node="n-1"): 100,
                metric("kubelet_volume_stats_available_bytes", _CLAIM, node="n-2"): 75,
                metric("kubelet_volume_stats_capacity_bytes", _CLAIM, node="n-2"): 100,
                metric("kubelet_volume_stats_inodes_used", _CLAIM, node="n-1"): 0,
                metric("kubelet_volume_stats_inodes", _CLAIM, node="n-1"): 0,
            },
            20,
        ),
        gives={of(_CLAIM, resource="bytes"): 0.25},
    ),
    example(
        "two servers answer",
        "verb_code:apiserver_request_total:sum_rate5m",
        series=counters(
            {
                metric("apiserver_request_total", verb="GET", code="200", instance="a"): 60,
                metric("apiserver_request_total", verb="GET", code="200", instance="b"): 120,
                metric("apiserver_request_total", verb="GET", code="500", instance="b"): 6,
            },
            20,
        ),
        gives={of(verb="GET", code="200"): 3, of(verb="GET", code="500"): 0.1},
    ),
    example(
        "gets take up to a second, two servers answer them, and watches take a minute",
        "verb:apiserver_request_sli_duration_seconds_bucket:rate5m",
        series=counters(
            {
                metric("apiserver_request_sli_duration_seconds_bucket", verb=verb, le=bound, instance=server): count
                for server in ("a", "b")
                for verb, bound, count in (
                    ("GET", "0.8", 0),
                    ("GET", "1.0", 100),
                    ("GET", "+Inf", 100),
                    ("WATCH", "45.0", 0),
                    ("WATCH", "60.0", 100),
                    ("WATCH", "+Inf", 100),
                )
            },
            20,
        ),
        gives={of(verb="GET", le="0.8"): 0, of(verb="GET", le="1.0"): 10 / 3, of(verb="GET", le="+Inf"): 10 / 3},
    ),
)
