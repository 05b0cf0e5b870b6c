"""A cluster of any size as series: every metric that the catalogue defines, with its labels in such a cluster.

Workloads have three pods, pods have two containers, and a node has thirty pods; there is an agent for a hundred pods.
Everything is healthy, since a rule without a result reads as much as one with a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from model.metrics import EVERYWHERE, PUSHED, Kind, Metric, Unit, target_labels
from model.scrape import ScrapeJob

Labels = dict[str, str]

PODS_PER_NODE = 30
PODS_PER_WORKLOAD = 3
PODS_PER_NAMESPACE = 30
PODS_PER_AGENT = 100

LE = ("0.005", "0.025", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "60", "+Inf")
VALUES: Mapping[str, Sequence[str]] = {
    "code": ("200", "201", "404", "409", "500"),
    "condition": ("true", "false", "unknown"),
    "cpu": tuple(str(number) for number in range(8)),
    "device": ("sda", "sdb", "eth0", "eth1"),
    "error_type": ("", "timeout"),
    "gen_ai_operation_name": ("chat",),
    "gen_ai_request_model": ("large", "small", "tiny"),
    "gen_ai_token_type": ("input", "output"),
    "gen_ai_tool_name": ("search", "fetch", "sql", "mail", "code"),
    "le": LE,
    "mode": ("idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"),
    "operation_type": ("create_container", "start_container", "stop_container", "list_containers", "image_status"),
    "phase": ("Pending", "Running", "Succeeded", "Failed", "Unknown"),
    "quantile": ("0.5", "0.9", "0.99"),
    "request_kind": ("mutating", "readOnly"),
    "resource": ("cpu", "memory"),
    "status": ("true", "false", "unknown"),
    "type": ("hard", "used"),
    "verb": ("GET", "LIST", "POST", "PUT", "PATCH", "DELETE", "WATCH"),
}
"""Values of labels that identify no object of the cluster, in all combinations; other labels have the value ``x``."""
_OF_SPANS = {
    "a2a_method_name": ("message/send", "message/stream", "tasks/get"),
    "span_kind": ("SPAN_KIND_CLIENT", "SPAN_KIND_SERVER"),
    "status_code": ("STATUS_CODE_UNSET", "STATUS_CODE_ERROR"),
}
_REQUESTS = {
    "resource": ("pods", "nodes", "leases", "events", "secrets", "configmaps", "deployments", "endpointslices"),
    "scope": ("resource", "namespace", "cluster"),
}
_API_LE = (
    *("0.05", "0.1", "0.2", "0.4", "0.6", "0.8", "1.0", "1.25", "1.5", "2.0", "3.0"),
    *("4.0", "5.0", "6.0", "8.0", "10.0", "15.0", "20.0", "30.0", "45.0", "60.0", "+Inf"),
)
"""The API server's bucket bounds: with the requests above it has about as many buckets as in a small cluster."""
OF_ONE_METRIC: Mapping[str, Mapping[str, Sequence[str]]] = {
    "gen_ai_client_operation_duration_seconds": {
        "gen_ai_tool_name": ("",)
    },  # calls of tools have a metric of their own
    "traces_span_metrics_calls_total": _OF_SPANS,
    "traces_span_metrics_duration_milliseconds": _OF_SPANS,
    "apiserver_request_total": _REQUESTS,
    "apiserver_request_sli_duration_seconds": {**_REQUESTS, "le": _API_LE},
    # cAdvisor's total of all processors, which is stored.
    "container_cpu_usage_seconds_total": {"cpu": ("total",)},
    "kube_job_failed": {"condition": ("true",)},
    "kube_node_status_condition": {"condition": ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")},
}
SPARSE: Mapping[str, int] = {
    "kube_pod_container_status_last_terminated_reason": 20,
    "kube_pod_init_container_status_last_terminated_reason": 20,
    "kube_pod_container_status_waiting_reason": 100,
    "kube_pod_init_container_status_waiting_reason": 100,
}
"""Series that exist after rare events only: in one of so many containers."""
LEVELS: Mapping[str, float] = {
    "container_memory_working_set_bytes": 4e8,
    "container_memory_rss": 4e8,
    "container_memory_total_active_file_bytes": 0,
    "container_spec_memory_limit_bytes": 1e9,
    "kube_horizontalpodautoscaler_spec_max_replicas": 10,
    "kube_horizontalpodautoscaler_status_current_replicas": 3,
    "kube_node_spec_unschedulable": 0,
    "kube_node_status_allocatable": 100,
    "kube_node_status_capacity": 110,
    "kube_pod_container_status_waiting_reason": 0,
    "kube_pod_init_container_status_waiting_reason": 0,
    "kube_pod_container_status_last_terminated_reason": 0,
    "kube_pod_init_container_status_last_terminated_reason": 0,
    "kube_job_failed": 0,
    "kube_deployment_spec_paused": 0,
    "kubelet_certificate_manager_client_ttl_seconds": 1e7,
    "kubelet_certificate_manager_server_ttl_seconds": 1e7,
    "kubelet_running_pods": 30,
    "kubelet_volume_stats_available_bytes": 6e9,
    "kubelet_volume_stats_used_bytes": 4e9,
    "kubelet_volume_stats_capacity_bytes": 1e10,
    "kubelet_volume_stats_inodes": 1e6,
    "kubelet_volume_stats_inodes_used": 1e5,
    "node_filesystem_avail_bytes": 6e10,
    "node_filesystem_files_free": 6e6,
    "node_filesystem_files": 1e7,
    "node_filesystem_size_bytes": 1e11,
    "node_filesystem_readonly": 0,
    "node_filefd_maximum": 1e6,
    "node_md_disks": 0,
    "node_md_disks_required": 0,
    "node_md_state": 0,
    "node_memory_HugePages_Total": 0,
    "node_memory_MemAvailable_bytes": 4e10,
    "node_memory_MemTotal_bytes": 6.4e10,
    "node_nf_conntrack_entries_limit": 1e6,
    "aggregator_unavailable_apiservice": 0,
}
"""Values of gauges that rules compare. Other gauges are 1, or the time if they are timestamps."""
RATES: Mapping[str, float] = {"node_cpu_seconds_total": 0.12, "container_cpu_usage_seconds_total": 0.2}
"""Rates per second of counters that rules compare. Counters of failures do not grow, the others grow by one."""
NOW = -1.0
"""A level that stands for the time of the first sample."""
LONG_AGO = 1.7e9
"""Start of everything, in seconds since 1970."""
WRONG = (
    "fail",
    "err",
    "drop",
    "reject",
    "restart",
    "oom",
    "throttled",
    "evict",
    "pressure",
    "lost",
    "refused",
    "pgmaj",
)


@dataclass(frozen=True)
class Series:
    """One series, with its samples."""

    text: str
    """Name and labels in the exposition format."""
    level: float
    """Value of the first sample."""
    rate: float
    """Growth per second."""

    @property
    def name(self) -> str:
        return self.text.partition("{")[0]


@dataclass(frozen=True)
class Cluster:
    """A number of pods with their surroundings."""

    pods: int

    def subjects(self, metric: Metric) -> Iterator[Labels]:
        """The labels of every object of a metric."""
        labels = set(metric.labels)
        if metric.job == PUSHED or "service_name" in labels:
            yield from (_agent(number) for number in range(self.pods // PODS_PER_AGENT or 1))
        elif "pod" in labels:
            yield from (
                {**_pod(number), "container": container}
                for number in range(0, self.pods, SPARSE.get(metric.name, 1))
                for container in (("main", "proxy") if "container" in labels else ("",))
            )
        elif labels & {"replicaset", "deployment"}:
            yield from (_workload(number) for number in range(self.pods // PODS_PER_WORKLOAD or 1))
        elif labels & set(_RARE):
            yield from (_rare(number) for number in range(self.pods // 10 or 1))
        elif "namespace" in labels:
            yield from ({"namespace": _namespace(number)} for number in range(0, self.pods, PODS_PER_NAMESPACE))
        elif "node" in labels or metric.job in ("kubelet", "node-exporter", "cadvisor", "promtail"):
            yield from ({"node": f"node-{number}"} for number in range(self.nodes))
        else:
            yield {}

    @property
    def nodes(self) -> int:
        return self.pods // PODS_PER_NODE or 1


_RARE = (
    *("statefulset", "daemonset", "job_name", "cronjob", "persistentvolumeclaim"),
    *("horizontalpodautoscaler", "poddisruptionbudget"),
)
"""Objects that one of ten pods has."""


def _namespace(pod: int) -> str:
    return f"team-{pod // PODS_PER_NAMESPACE}"


def _workload(number: int) -> Labels:
    deployment, replicaset = f"app-{number}", f"app-{number}-7d9f8b6c5"
    owner = {"owner_kind": "Deployment", "owner_name": deployment, "owner_is_controller": "true"}
    return {
        "namespace": _namespace(number * PODS_PER_WORKLOAD),
        "deployment": deployment,
        "replicaset": replicaset,
        **owner,
    }


def _pod(number: int) -> Labels:
    workload = _workload(number // PODS_PER_WORKLOAD)
    return {
        "namespace": workload["namespace"],
        "pod": f"{workload['replicaset']}-{number:05}",
        "uid": f"00000000-0000-4000-8000-{number:012}",
        "id": f"/kubepods.slice/kubepods-pod{number:012}.slice",
        "name": f"k8s-{number:012}",
        "image": "registry.example.com/team/app:1.2.3",
        "node": f"node-{number // PODS_PER_NODE}",
        "owner_kind": "ReplicaSet",
        "owner_name": workload["replicaset"],
        "owner_is_controller": "true",
    }


def _agent(number: int) -> Labels:
    name = f"agent-{number}"
    place = {"job": name, "instance": name, "k8s_namespace_name": "agents"}
    return {**place, "service_name": name, "gen_ai_agent_name": name}


def _rare(number: int) -> Labels:
    owner = {"owner_kind": "CronJob", "owner_name": f"job-{number}", "owner_is_controller": "true"}
    return {"namespace": _namespace(number * 10), **{label: f"{label}-{number}" for label in _RARE}, **owner}


def series(cluster: Cluster, metrics: Iterable[Metric], jobs: Iterable[ScrapeJob], everywhere: Labels) -> list[Series]:
    """All of a cluster's series; ``everywhere`` are the labels cluster and environment."""
    of_job = {job.name: target_labels(job) - set(EVERYWHERE) for job in jobs} | {PUSHED: frozenset[str]()}
    found = (line for metric in metrics for line in _of_metric(cluster, metric, sorted(of_job[metric.job]), everywhere))
    return list({each.text: each for each in found}.values())


def _of_metric(cluster: Cluster, metric: Metric, target: Sequence[str], everywhere: Labels) -> Iterator[Series]:
    for subject in cluster.subjects(metric):
        node = subject.get("node", "node-0")
        place = {"namespace": "monitoring", "pod": f"{metric.job}-0", "node": node}
        of_target = {label: subject.get(label) or place.get(label, "x") for label in target}
        # One target exposes the metrics of a server of the stack; node agents have one target per node.
        instance = {"job": metric.job, "instance": f"{node if 'node' in target else metric.job}:80", **everywhere}
        if metric.job == PUSHED:
            instance |= {label: subject[label] for label in ("job", "instance", "k8s_namespace_name", "service_name")}
        for name, labels in metric.series.items():
            if name == metric.native:  # has no text format
                continue
            own = {label: _values(metric.name, label, subject) for label in labels}
            for combination in product(*own.values()):
                given = dict(zip(own, combination, strict=True))
                inside = ",".join(f'{label}="{value}"' for label, value in {**instance, **of_target, **given}.items())
                yield Series(f"{name}{{{inside}}}", *_behaviour(metric, name, given))


def _values(metric: str, label: str, subject: Labels) -> Sequence[str]:
    if subject.get(label):
        return (subject[label],)
    return OF_ONE_METRIC.get(metric, {}).get(label) or VALUES.get(label, ("x",))


def _behaviour(metric: Metric, name: str, labels: Labels) -> tuple[float, float]:
    """First value and growth per second."""
    if metric.kind in (Kind.HISTOGRAM, Kind.COUNTER) or name.endswith(("_sum", "_count")):
        wrong = any(word in name for word in WRONG) or labels.get("code", "").startswith("5")
        wrong = wrong or bool(labels.get("error_type")) or labels.get("status_code") == "STATUS_CODE_ERROR"
        # All requests are quick: every bucket has all of them.
        rate = 0.01 if name.endswith("_sum") else RATES.get(name, 1)
        return (0, 0) if wrong else (1000, rate)
    if metric.unit is Unit.TIMESTAMP:
        return (NOW, 1) if name == "node_time_seconds" else (LONG_AGO, 0)
    if {"phase", "condition", "status"} & labels.keys() and name not in LEVELS:
        right = labels.get("phase", "Running") == "Running" and labels.get("status", "true") == "true"
        ready = labels.get("condition", "true") in ("true", "Ready")
        return float(right and ready), 0
    # Half of each quota is used.
    return LEVELS.get(name, 0.5 if labels.get("type") == "used" else 1), 0


def of_size(size: int, metrics: Sequence[Metric], jobs: Sequence[ScrapeJob], everywhere: Labels) -> list[Series]:
    """The series of a cluster with about ``size`` series."""
    small, large = (len(series(Cluster(pods), metrics, jobs, everywhere)) for pods in (300, 600))
    each = (large - small) / 300
    return series(Cluster(max(1, round((size - small) / each) + 300)), metrics, jobs, everywhere)
