"""A cluster whose control plane, nodes and workloads are well."""

from __future__ import annotations

from rules.kubernetes.scrape import KUBE_STATE_METRICS
from rules.nodes.scrape import NODE_EXPORTER
from tests.rules.examples import Series, growing, metric
from tests.rules.healthy.hours import LAST, gauge, gauges, up

NODE = {"node": "n-1"}
WORKLOADS = {
    "hive": ("agent-hive", "webhook-server", "api-gateway", "event-streaming"),
    "progressive-framework-prod": ("mca", "npa", "wpa"),
    "default": ("api-service",),
    "agents": ("researcher", "writer"),
    "agent-platform": ("api", "worker"),
    "shop": ("cart", "checkout"),
}
"""Deployments by namespace, each with a pod."""
_STATE, _NODES = {"job": KUBE_STATE_METRICS}, {"job": NODE_EXPORTER, **NODE}
_KUBELET = {"job": "kubelet", **NODE}
_MONTHS = 90 * 24 * 3600


def kubernetes() -> Series:
    found: dict[str, float] = {
        metric("kube_node_spec_unschedulable", _STATE, NODE): 0,
        metric("kube_node_status_capacity", _STATE, NODE, resource="pods"): 110,
        metric("kubelet_running_pods", _KUBELET): 30,
        metric("kubelet_certificate_manager_client_ttl_seconds", _KUBELET): _MONTHS,
        metric("kubelet_certificate_manager_server_ttl_seconds", _KUBELET): _MONTHS,
        metric("aggregator_unavailable_apiservice", job="apiservers", name="v1beta1.metrics.k8s.io"): 0,
    }
    for condition in ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"):
        for status in ("true", "false", "unknown"):
            holds = status == ("true" if condition == "Ready" else "false")
            of_node = {**_STATE, **NODE, "condition": condition, "status": status}
            found[metric("kube_node_status_condition", of_node)] = float(holds)
    for namespace, names in WORKLOADS.items():
        for name in names:
            found |= _workload(namespace, name)
    return {**up(_KUBELET, _STATE, {"job": "apiservers"}), **gauges(found), **_volume(), **_requests()}


def _workload(namespace: str, name: str) -> dict[str, float]:
    pod, replicas = {**_STATE, "namespace": namespace, "pod": f"{name}-1"}, f"{name}-5d"
    deployment = {**_STATE, "namespace": namespace, "deployment": name}
    owned = {"owner_is_controller": "true"}
    container = {**pod, "container": name}
    return {
        **{
            metric(f"kube_deployment_{what}", deployment): value
            for what, value in {
                **dict.fromkeys(("spec_replicas", "status_replicas", "status_replicas_available"), 1),
                "status_replicas_updated": 1,
                "status_observed_generation": 4,
                "spec_paused": 0,
            }.items()
        },
        metric("kube_pod_info", pod, NODE): 1,
        metric("kube_pod_owner", pod, owned, owner_kind="ReplicaSet", owner_name=replicas): 1,
        metric(
            "kube_replicaset_owner",
            _STATE,
            owned,
            namespace=namespace,
            replicaset=replicas,
            owner_kind="Deployment",
            owner_name=name,
        ): 1,
        **{
            metric("kube_pod_status_phase", pod, phase=phase): float(phase == "Running")
            for phase in ("Pending", "Running", "Failed")
        },
        **{metric("kube_pod_status_ready", pod, condition=held): float(held == "true") for held in ("true", "false")},
        metric("kube_pod_container_status_restarts_total", container): 2,
        metric("kube_pod_container_resource_limits", container, resource="memory"): 1e9,
        metric("container_spec_memory_limit_bytes", container, NODE, job="cadvisor"): 1e9,
        metric("container_memory_working_set_bytes", container, NODE, job="cadvisor"): 6e8,
    }


def _volume() -> Series:
    claim = {**_KUBELET, "namespace": "shop", "persistentvolumeclaim": "data"}
    stats = "kubelet_volume_stats"
    return {
        # It fills within a month.
        metric(f"{stats}_available_bytes", claim): f"400000000-9000x{LAST}",
        metric(f"{stats}_used_bytes", claim): f"600000000+9000x{LAST}",
        **gauges({metric(f"{stats}_capacity_bytes", claim): 1e9, metric(f"{stats}_inodes", claim): 1e6}),
        **gauges({metric(f"{stats}_inodes_used", claim): 1e5}),
    }


def _requests() -> Series:
    """Of clients to the API server, and of kubelets to their runtime, with a few that fail."""
    asked = {"job": "apiservers", "verb": "GET", "scope": "resource"}
    times, relist = "apiserver_request_sli_duration_seconds", "kubelet_pleg_relist_duration_seconds"
    return {
        metric("apiserver_request_total", asked, code="200"): growing(6000, LAST),
        metric("apiserver_request_total", asked, code="500"): growing(1, LAST),
        **{
            metric(f"{times}_bucket", asked, le=end): growing(count, LAST)
            for end, count in {"0.1": 5900, "1": 5990, "30": 6001, "+Inf": 6001}.items()
        },
        metric(f"{times}_count", asked): growing(6001, LAST),
        **{
            metric(f"{relist}_bucket", _KUBELET, le=end): growing(count, LAST)
            for end, count in {"0.05": 59, "1": 60, "+Inf": 60}.items()
        },
        metric("kubelet_runtime_operations_total", _KUBELET): growing(600, LAST),
        metric("kubelet_runtime_operations_errors_total", _KUBELET): growing(6, LAST),
    }


def nodes() -> Series:
    disk = {**_NODES, "device": "/dev/sda1", "mountpoint": "/", "fstype": "ext4"}
    cores = [str(core) for core in range(2)]
    link, md = {**_NODES, "device": "eth0"}, {**_NODES, "device": "md0"}
    gigabyte = 2**30
    return {
        **up(_NODES),
        **{metric("node_cpu_seconds_total", _NODES, cpu=cpu, mode="idle"): growing(30, LAST) for cpu in cores},
        **{metric("node_cpu_seconds_total", _NODES, cpu=cpu, mode="user"): growing(30, LAST) for cpu in cores},
        metric("node_load5", _NODES): gauge(1.6, 0.1),
        metric("node_load15", _NODES): gauge(1.6, 0.1),
        metric("node_memory_MemAvailable_bytes", _NODES): gauge(3 * gigabyte, 5 * gigabyte),
        metric("node_filesystem_avail_bytes", disk): f"{40 * gigabyte}-100000x{LAST}",
        metric("node_network_receive_packets_total", link): growing(60_000, LAST),
        metric("node_network_transmit_packets_total", link): growing(60_000, LAST),
        metric("node_network_receive_drop_total", link): growing(10, LAST),
        metric("node_vmstat_pgmajfault", _NODES): growing(60, LAST),
        # promtool's clock begins in 1970.
        metric("node_time_seconds", _NODES): f"0+60x{LAST}",
        **gauges(
            {
                metric("node_memory_MemTotal_bytes", _NODES): 8 * gigabyte,
                metric("node_filesystem_size_bytes", disk): 100 * gigabyte,
                metric("node_filesystem_readonly", disk): 0,
                metric("node_filesystem_files", disk): 1e6,
                metric("node_filesystem_files_free", disk): 7e5,
                metric("node_vmstat_oom_kill", _NODES): 0,
                metric("node_filefd_allocated", _NODES): 5000,
                metric("node_filefd_maximum", _NODES): 1e6,
                metric("node_timex_sync_status", _NODES): 1,
                metric("node_timex_maxerror_seconds", _NODES): 0.01,
                metric("node_boot_time_seconds", _NODES): -1e6,
                metric("node_nf_conntrack_entries", _NODES): 5000,
                metric("node_nf_conntrack_entries_limit", _NODES): 262144,
                metric("node_md_disks_required", md): 2,
                metric("node_md_disks", md, state="active"): 2,
                metric("node_md_state", md, state="active"): 1,
            }
        ),
    }
