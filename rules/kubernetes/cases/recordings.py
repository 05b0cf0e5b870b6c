"""Recording rules, tried: each on the series that would lead a simpler one astray."""

from __future__ import annotations

from model.quantities import Duration
from rules.cases import Value
from rules.kubernetes.recordings import (
    AVAILABLE,
    CPU_OF_CONTAINERS,
    DESIRED,
    MEMORY_OF_CONTAINERS,
    POD_OWNER,
    UPDATED,
    VOLUME_USED,
)

_AT = Duration.parse("10m")
_OWNER = 'namespace="shop", pod="%s", owner_kind="%s", owner_name="%s", owner_is_controller="true"'


def _pod(name: str, kind: str, owner: str, node: str = "n-1") -> dict[str, str]:
    return {
        f"kube_pod_owner{{{_OWNER % (name, kind, owner)}}}": "1x20",
        f'kube_pod_info{{namespace="shop", pod="{name}", node="{node}"}}': "1x20",
    }


_WEB = _pod("web-1", "ReplicaSet", "web-5d") | {
    'kube_replicaset_owner{namespace="shop", replicaset="web-5d", owner_kind="Deployment", owner_name="web",'
    ' owner_is_controller="true"}': "1x20",
}
_AS_IT_WAS = {
    series.replace("n-1", "n-0").replace("{", '{instance="old", ', 1): values for series, values in _WEB.items()
}
_BACKUP = _pod("backup-1-x", "Job", "backup-1") | {
    'kube_job_owner{namespace="shop", job_name="backup-1", owner_kind="CronJob", owner_name="backup",'
    ' owner_is_controller="true"}': "1x20",
}
_ALONE = {
    'kube_pod_owner{namespace="shop", pod="shell", owner_kind="", owner_name="", owner_is_controller=""}': "1x20",
    'kube_pod_info{namespace="shop", pod="shell", node=""}': "1x20",
}


def _mapped(pod: str, workload: str, kind: str, node: str = "n-1") -> str:
    placed = f', node="{node}"' if node else ""
    return f'namespace="shop", pod="{pod}", workload="{workload}", workload_type="{kind}"{placed}'


_CGROUP = 'namespace="shop", pod="web-1", container="%s", node="n-1", id="%s"'


def _used(metric: str, values: dict[tuple[str, str], str], more: str = "") -> dict[str, str]:
    """A metric of web-1, by container and cgroup."""
    return {f"{metric}{{{_CGROUP % place}{more}}}": value for place, value in values.items()}


_CPU = _used(
    "container_cpu_usage_seconds_total",
    # The container app has just been restarted, in a new cgroup.
    {("app", "/1"): "0+30x5 150x10", ("app", "/2"): "_x5 0+30x10", ("proxy", "/3"): "0+6x20"},
    ', cpu="total"',
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


def _workloads(name: str, **metrics: str) -> Value:
    """A number each of a deployment (3), a stateful set (2) and a daemon set (5)."""
    numbers = {"deployment": 3, "statefulset": 2, "daemonset": 5}
    return Value(
        of=name,
        when="there is a workload of each kind",
        series={
            f'{metric}{{namespace="shop", {kind}="{_REPLICAS[kind][0]}"}}': f"{numbers[kind]}x20"
            for kind, metric in metrics.items()
        },
        at=_AT,
        results={
            f'namespace="shop", workload="{_REPLICAS[kind][0]}", workload_type="{_REPLICAS[kind][1]}"': numbers[kind]
            for kind in metrics
        },
    )


def _asked(metric: str) -> dict[str, str]:
    return {
        f'{metric}{{namespace="shop", pod="web-1", container="app", resource="cpu", unit="core"}}': "2x20",
        f'{metric}{{namespace="shop", pod="web-1", container="proxy", resource="cpu", unit="core"}}': "1x20",
        f'{metric}{{namespace="shop", pod="backup-1-x", container="app", resource="cpu", unit="core"}}': "8x20",
        'kube_pod_status_phase{namespace="shop", pod="web-1", phase="Running"}': "1x20",
        'kube_pod_status_phase{namespace="shop", pod="backup-1-x", phase="Running"}': "0x20",
        'kube_pod_status_phase{namespace="shop", pod="backup-1-x", phase="Succeeded"}': "1x20",
    }


_CLAIM = 'namespace="shop", persistentvolumeclaim="files"'

VALUES = (
    Value(
        of=POD_OWNER,
        when="pods belong to workloads of every kind, and one to nobody",
        series=(
            _WEB
            | _BACKUP
            | _ALONE
            | _pod("db-0", "StatefulSet", "db", node="n-2")
            | _pod("old-1", "ReplicaSet", "old")
            | _pod("once-1", "Job", "once")
            | _pod("kube-proxy-n-1", "Node", "n-1")
        ),
        at=_AT,
        results={
            _mapped("web-1", "web", "Deployment"): 1,
            _mapped("backup-1-x", "backup", "CronJob"): 1,
            _mapped("shell", "shell", "Pod", node=""): 1,
            _mapped("db-0", "db", "StatefulSet", node="n-2"): 1,
            _mapped("old-1", "old", "ReplicaSet"): 1,
            _mapped("once-1", "once", "Job"): 1,
            _mapped("kube-proxy-n-1", "kube-proxy-n-1", "Pod"): 1,
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
    _workloads(
        UPDATED,
        deployment="kube_deployment_status_replicas_updated",
        statefulset="kube_statefulset_status_replicas_updated",
        daemonset="kube_daemonset_status_updated_number_scheduled",
    ),
    Value(
        of=CPU_OF_CONTAINERS,
        when="a container has been restarted, and its old cgroup is still told of",
        series=_CPU,
        at=Duration.parse("11m"),
        results={
            'namespace="shop", pod="web-1", container="app", node="n-1"': 0.5,
            'namespace="shop", pod="web-1", container="proxy", node="n-1"': 0.1,
        },
    ),
    Value(
        of=MEMORY_OF_CONTAINERS,
        when="a container has been restarted, and its old cgroup is still told of",
        series=_MEMORY,
        at=_AT,
        results={
            'namespace="shop", pod="web-1", container="app", node="n-1"': 400,
            'namespace="shop", pod="web-1", container="proxy", node="n-1"': 50,
        },
    ),
    Value(
        of="namespace_workload:container_cpu_usage_seconds_total:sum_rate5m",
        when="two containers of a deployment's pod are busy",
        series=_CPU | _WEB,
        at=Duration.parse("11m"),
        results={'namespace="shop", workload="web", workload_type="Deployment"': 0.6},
    ),
    Value(
        of="namespace_workload:container_memory_working_set_bytes:sum",
        when="two kube-state-metrics answer, and one has not seen that the pod moved",
        series=_MEMORY | _WEB | _AS_IT_WAS,
        at=_AT,
        results={'namespace="shop", workload="web", workload_type="Deployment"': 450},
    ),
    Value(
        of="namespace:container_cpu_usage_seconds_total:sum_rate5m",
        when="two containers are busy, and nobody knows whose their pod is",
        series=_CPU,
        at=Duration.parse("11m"),
        results={'namespace="shop"': 0.6},
    ),
    Value(
        of="namespace:container_memory_working_set_bytes:sum",
        when="two containers hold memory, and nobody knows whose their pod is",
        series=_MEMORY,
        at=_AT,
        results={'namespace="shop"': 450},
    ),
    *(
        Value(
            of=f"namespace:{metric}:sum",
            when="a pod of two containers runs, and a larger one has finished",
            series=_asked(metric),
            at=_AT,
            results={'namespace="shop", resource="cpu"': 3},
        )
        for metric in ("kube_pod_container_resource_requests", "kube_pod_container_resource_limits")
    ),
    Value(
        of=VOLUME_USED,
        when="two nodes have mounted it, and its file system has no fixed number of inodes",
        series={
            f'kubelet_volume_stats_available_bytes{{{_CLAIM}, node="n-1"}}': "75x20",
            f'kubelet_volume_stats_capacity_bytes{{{_CLAIM}, node="n-1"}}': "100x20",
            f'kubelet_volume_stats_available_bytes{{{_CLAIM}, node="n-2"}}': "75x20",
            f'kubelet_volume_stats_capacity_bytes{{{_CLAIM}, node="n-2"}}': "100x20",
            f'kubelet_volume_stats_inodes_used{{{_CLAIM}, node="n-1"}}': "0x20",
            f'kubelet_volume_stats_inodes{{{_CLAIM}, node="n-1"}}': "0x20",
        },
        at=_AT,
        results={f'{_CLAIM}, resource="bytes"': 0.25},
    ),
    Value(
        of="verb_code:apiserver_request_total:sum_rate5m",
        when="two servers answer",
        series={
            'apiserver_request_total{verb="GET", code="200", instance="a"}': "0+60x20",
            'apiserver_request_total{verb="GET", code="200", instance="b"}': "0+120x20",
            'apiserver_request_total{verb="GET", code="500", instance="b"}': "0+6x20",
        },
        at=_AT,
        results={'verb="GET", code="200"': 3, 'verb="GET", code="500"': 0.1},
    ),
    Value(
        of="verb:apiserver_request_sli_duration_seconds:p99_rate5m",
        when="gets take up to a second, and watches a minute",
        series={
            f'apiserver_request_sli_duration_seconds_bucket{{verb="{verb}", le="{bound}"}}': f"0+{count}x20"
            for verb, bound, count in (
                ("GET", "0.8", 0),
                ("GET", "1.0", 100),
                ("GET", "+Inf", 100),
                ("WATCH", "45.0", 0),
                ("WATCH", "60.0", 100),
                ("WATCH", "+Inf", 100),
            )
        },
        at=_AT,
        results={'verb="GET"': 0.998},
    ),
)
