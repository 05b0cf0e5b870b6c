"""Metrics of the API server, kubelets, cAdvisor and kube-state-metrics that rules and panels use."""

from __future__ import annotations

from model.cluster import ClusterSettings
from model.metrics import Metric, Metrics, Unit
from rules.kubernetes.scrape import KUBE_STATE_METRICS, labels_of_pods, state_label

_API = Metrics("apiservers")
_REQUEST = "verb group version resource subresource scope component"

API_SERVER = (
    _API.counter("apiserver_request_total", f"{_REQUEST} dry_run code"),
    _API.histogram("apiserver_request_sli_duration_seconds", _REQUEST),
    _API.counter("apiserver_flowcontrol_rejected_requests_total", "priority_level flow_schema reason"),
    _API.counter("apiserver_flowcontrol_dispatched_requests_total", "priority_level flow_schema"),
    _API.histogram("apiserver_client_certificate_expiration_seconds"),
    _API.counter("apiserver_admission_webhook_rejection_count", "name type operation error_type rejection_code"),
    _API.counter("apiserver_admission_webhook_fail_open_count", "name type"),
    _API.gauge("aggregator_unavailable_apiservice", "name"),
    _API.gauge("apiserver_current_inflight_requests", "request_kind"),
)

_KUBELET = Metrics("kubelet")
_CLAIM = "namespace persistentvolumeclaim"

KUBELET = (
    _KUBELET.gauge("kubelet_running_pods"),
    _KUBELET.histogram("kubelet_pleg_relist_duration_seconds"),
    _KUBELET.counter("kubelet_runtime_operations_total", "operation_type"),
    _KUBELET.counter("kubelet_runtime_operations_errors_total", "operation_type"),
    _KUBELET.gauge("kubelet_certificate_manager_client_ttl_seconds", unit=Unit.SECONDS),
    _KUBELET.gauge("kubelet_certificate_manager_server_ttl_seconds", unit=Unit.SECONDS),
    _KUBELET.counter("kubelet_certificate_manager_client_expiration_renew_errors"),
    _KUBELET.counter("kubelet_server_expiration_renew_errors"),
    _KUBELET.counter("kubelet_evictions", "eviction_signal"),
    _KUBELET.gauge("kubelet_volume_stats_available_bytes", _CLAIM, Unit.BYTES),
    _KUBELET.gauge("kubelet_volume_stats_used_bytes", _CLAIM, Unit.BYTES),
    _KUBELET.gauge("kubelet_volume_stats_capacity_bytes", _CLAIM, Unit.BYTES),
    _KUBELET.gauge("kubelet_volume_stats_inodes", _CLAIM),
    _KUBELET.gauge("kubelet_volume_stats_inodes_used", _CLAIM),
)

_CADVISOR = Metrics("cadvisor")
_CGROUP = "namespace pod container id image name"

CADVISOR = (
    _CADVISOR.counter("container_cpu_usage_seconds_total", f"{_CGROUP} cpu", Unit.SECONDS),
    _CADVISOR.counter("container_cpu_cfs_periods_total", _CGROUP),
    _CADVISOR.counter("container_cpu_cfs_throttled_periods_total", _CGROUP),
    _CADVISOR.gauge("container_spec_cpu_quota", _CGROUP),
    _CADVISOR.gauge("container_spec_cpu_period", _CGROUP),
    _CADVISOR.gauge("container_memory_working_set_bytes", _CGROUP, Unit.BYTES),
    _CADVISOR.gauge("container_memory_total_active_file_bytes", _CGROUP, Unit.BYTES),
    _CADVISOR.gauge("container_memory_rss", _CGROUP, Unit.BYTES),
    _CADVISOR.gauge("container_spec_memory_limit_bytes", _CGROUP, Unit.BYTES),
    # By pod, because its containers share one network.
    _CADVISOR.counter("container_network_receive_bytes_total", "namespace pod interface", Unit.BYTES),
    _CADVISOR.counter("container_network_transmit_bytes_total", "namespace pod interface", Unit.BYTES),
)

_STATE = Metrics(KUBE_STATE_METRICS)
_OWNER = "owner_kind owner_name owner_is_controller"
_POD = "namespace pod uid"

STATE = (
    _STATE.gauge("kube_pod_info", f"{_POD} node host_ip pod_ip created_by_kind created_by_name priority_class"),
    _STATE.gauge("kube_pod_owner", f"{_POD} {_OWNER}"),
    _STATE.gauge("kube_pod_status_phase", f"{_POD} phase"),
    _STATE.gauge("kube_pod_status_reason", f"{_POD} reason"),
    _STATE.gauge("kube_pod_status_ready", f"{_POD} condition"),
    _STATE.gauge("kube_pod_deletion_timestamp", _POD, Unit.TIMESTAMP),
    _STATE.counter("kube_pod_container_status_restarts_total", f"{_POD} container"),
    _STATE.counter("kube_pod_init_container_status_restarts_total", f"{_POD} container"),
    _STATE.gauge("kube_pod_container_status_waiting_reason", f"{_POD} container reason"),
    _STATE.gauge("kube_pod_init_container_status_waiting_reason", f"{_POD} container reason"),
    _STATE.gauge("kube_pod_container_status_terminated_reason", f"{_POD} container reason"),
    _STATE.gauge("kube_pod_container_status_last_terminated_reason", f"{_POD} container reason"),
    _STATE.gauge("kube_pod_init_container_status_last_terminated_reason", f"{_POD} container reason"),
    _STATE.gauge("kube_pod_init_container_info", f"{_POD} container restart_policy"),
    _STATE.gauge("kube_pod_init_container_resource_requests", f"{_POD} container node resource unit"),
    _STATE.gauge("kube_pod_init_container_resource_limits", f"{_POD} container node resource unit"),
    _STATE.gauge("kube_pod_container_resource_requests", f"{_POD} container node resource unit"),
    _STATE.gauge("kube_pod_container_resource_limits", f"{_POD} container node resource unit"),
    _STATE.gauge("kube_replicaset_created", "namespace replicaset", Unit.TIMESTAMP),
    _STATE.gauge("kube_replicaset_owner", f"namespace replicaset {_OWNER}"),
    _STATE.gauge("kube_job_owner", f"namespace job_name {_OWNER}"),
    _STATE.gauge("kube_job_failed", "namespace job_name condition"),
    _STATE.gauge("kube_job_status_start_time", "namespace job_name", Unit.TIMESTAMP),
    _STATE.gauge("kube_cronjob_spec_suspend", "namespace cronjob"),
    _STATE.gauge("kube_cronjob_status_last_successful_time", "namespace cronjob", Unit.TIMESTAMP),
    _STATE.gauge("kube_deployment_spec_replicas", "namespace deployment"),
    _STATE.gauge("kube_deployment_spec_paused", "namespace deployment"),
    _STATE.gauge("kube_deployment_status_observed_generation", "namespace deployment"),
    _STATE.gauge("kube_deployment_status_replicas", "namespace deployment"),
    _STATE.gauge("kube_deployment_status_replicas_available", "namespace deployment"),
    _STATE.gauge("kube_deployment_status_replicas_updated", "namespace deployment"),
    _STATE.gauge("kube_statefulset_replicas", "namespace statefulset"),
    _STATE.gauge("kube_statefulset_status_replicas", "namespace statefulset"),
    _STATE.gauge("kube_statefulset_status_replicas_available", "namespace statefulset"),
    _STATE.gauge("kube_statefulset_status_replicas_updated", "namespace statefulset"),
    _STATE.gauge("kube_daemonset_status_desired_number_scheduled", "namespace daemonset"),
    _STATE.gauge("kube_daemonset_status_current_number_scheduled", "namespace daemonset"),
    _STATE.gauge("kube_daemonset_status_number_available", "namespace daemonset"),
    _STATE.gauge("kube_daemonset_status_updated_number_scheduled", "namespace daemonset"),
    _STATE.gauge("kube_horizontalpodautoscaler_spec_max_replicas", "namespace horizontalpodautoscaler"),
    _STATE.gauge("kube_horizontalpodautoscaler_spec_min_replicas", "namespace horizontalpodautoscaler"),
    _STATE.gauge("kube_horizontalpodautoscaler_status_current_replicas", "namespace horizontalpodautoscaler"),
    _STATE.gauge("kube_horizontalpodautoscaler_status_condition", "namespace horizontalpodautoscaler condition status"),
    _STATE.gauge("kube_poddisruptionbudget_status_current_healthy", "namespace poddisruptionbudget"),
    _STATE.gauge("kube_poddisruptionbudget_status_desired_healthy", "namespace poddisruptionbudget"),
    _STATE.gauge("kube_poddisruptionbudget_status_expected_pods", "namespace poddisruptionbudget"),
    _STATE.gauge("kube_resourcequota", "namespace resourcequota resource type"),
    _STATE.gauge("kube_persistentvolumeclaim_access_mode", "namespace persistentvolumeclaim access_mode"),
    _STATE.gauge("kube_persistentvolumeclaim_status_phase", "namespace persistentvolumeclaim phase"),
    _STATE.gauge("kube_node_info", "node kernel_version os_image container_runtime_version kubelet_version"),
    _STATE.gauge("kube_node_spec_unschedulable", "node"),
    _STATE.gauge("kube_node_spec_taint", "node key value effect"),
    _STATE.gauge("kube_node_status_condition", "node condition status"),
    _STATE.gauge("kube_node_status_capacity", "node resource unit"),
    _STATE.gauge("kube_node_status_allocatable", "node resource unit"),
)


def node_labels(cluster: ClusterSettings) -> Metric:
    """Labels of nodes, as kube-state-metrics exposes those that the settings name as virtual."""
    return _STATE.gauge("kube_node_labels", " ".join(("node", *map(state_label, cluster.virtual_nodes))))


def pod_labels(team: str) -> Metric:
    """Labels of pods, as kube-state-metrics exposes those that rules read; ``team`` names the pods' team."""
    return _STATE.gauge("kube_pod_labels", " ".join((_POD, *map(state_label, labels_of_pods(team)))))


METRICS = (*API_SERVER, *KUBELET, *CADVISOR, *STATE)
