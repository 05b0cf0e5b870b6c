"""Scrape jobs of a Kubernetes cluster: API server, kubelets, containers, objects, annotated targets."""

from __future__ import annotations

import re
from dataclasses import replace

from model.cluster import ClusterSettings
from model.exporter import ApiAccess, Exporter
from model.flows import AnyPod, ApiServer, Nodes, Server
from model.images import pinned
from model.scrape import SERVICE_ACCOUNT, KubernetesDiscovery, Relabel, ScrapeJob, copy, drop, keep
from model.settings import Resources

KUBE_STATE_METRICS = "kube-state-metrics"
KUBE_STATE_METRICS_IMAGE = pinned(
    "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0",
    uid=65534,
    binaries={"kube-state-metrics": "/kube-state-metrics"},
)
METRICS = ("metrics", 8080)
TELEMETRY = ("telemetry", 8081)

# Three jobs expose far more than anybody reads: these are stored where `prometheus.keep` is `all`. The API server has
# about 200 families, most of them histograms; here are its load, latency, errors and health.
APISERVER_METRICS = (
    "apiserver_(admission_webhook_(rejection|fail_open)_count|client_certificate_expiration_seconds_(bucket|sum|count))",
    "apiserver_(current_inflight_requests|flowcontrol_((rejected|dispatched)_requests_total|current_inqueue_requests))",
    "apiserver_request_(total|terminations_total|duration_seconds_(bucket|sum|count))",
    "apiserver_request_sli_duration_seconds_(bucket|sum|count)",
    # The same under two names: storage_objects until 1.33, both from 1.34 on.
    "apiserver_(resource_objects|storage_(objects|size_bytes))",
    "(aggregator_unavailable_apiservice|kubernetes_build_info|rest_client_requests_total|workqueue_depth)",
    "(process_(cpu_seconds_total|resident_memory_bytes|start_time_seconds)|go_goroutines)",
)
KUBELET_METRICS = (
    "kubelet_(node_name|running_(pods|containers)|pleg_relist_duration_seconds_(bucket|count|sum)|pleg_last_seen_seconds)",
    "kubelet_(pod_worker_duration_seconds|pod_start_duration_seconds)_(bucket|count|sum)",
    "kubelet_(runtime_operations_(total|errors_total)|server_expiration_renew_errors|evictions)",
    "kubelet_certificate_manager_(client|server)_(ttl_seconds|expiration_renew_errors)",
    "kubelet_volume_stats_(available_bytes|capacity_bytes|used_bytes|inodes|inodes_free|inodes_used)",
    "(kubernetes_build_info|process_(cpu_seconds_total|resident_memory_bytes|start_time_seconds))",
)
CADVISOR_METRICS = (
    "container_cpu_(usage_seconds_total|cfs_periods_total|cfs_throttled_periods_total)",
    "container_memory_(working_set_bytes|total_active_file_bytes|rss|cache|usage_bytes|failcnt)",
    "container_(spec_memory_limit_bytes|spec_cpu_(quota|period)|start_time_seconds|oom_events_total)",
    "container_fs_((reads|writes)(_bytes)?_total|usage_bytes|limit_bytes)",
    "container_network_(receive|transmit)_(bytes|packets|packets_dropped|errors)_total",
    "(container_processes|container_threads|machine_(cpu_cores|memory_bytes))",
)

PAGE = "observability/page"
"""The label of pods whose service may page."""
_ANNOTATION = "annotation_prometheus_io"
PARAMETERS = 4
"""How many parameters of an annotated path are read, a step of every target each; servers want one, the format."""


def scrape_jobs(cluster: ClusterSettings) -> tuple[ScrapeJob, ...]:
    """The cluster's own parts."""
    return (
        api_servers(cluster),
        kubelets(cluster),
        cadvisor(cluster),
        _kube_state_metrics(KUBE_STATE_METRICS, METRICS, cluster),
        _kube_state_metrics(f"{KUBE_STATE_METRICS}-telemetry", TELEMETRY, cluster),
    )


def api_servers(cluster: ClusterSettings) -> ScrapeJob:
    return ScrapeJob(
        name="apiservers",
        discovery=KubernetesDiscovery("endpointslice", ("default",), "kubernetes.io/service-name=kubernetes"),
        egress=((ApiServer(), cluster.api_server_ports),),
        scheme="https",
        # Targets are addresses; this name is in every API server's certificate.
        tls={"ca_file": f"{SERVICE_ACCOUNT}/ca.crt", "server_name": "kubernetes.default.svc"},
        service_account=True,
        relabel=(keep("__meta_kubernetes_endpointslice_port_name", "https"),),
        keeps=APISERVER_METRICS,
        sample_limit=200_000,  # request histograms: verbs x resources x scopes x 20 buckets, many custom resources
    )


def _kubelet_job(name: str, path: str, cluster: ClusterSettings, metrics: tuple[str, ...]) -> ScrapeJob:
    trust = {"insecure_skip_verify": True} if cluster.kubelet_certificate == "unverified" else {}
    return ScrapeJob(
        name=name,
        discovery=KubernetesDiscovery("node"),
        egress=((Nodes(), (cluster.network.kubelet_port,)),),
        scheme="https",
        path=path,
        tls={"ca_file": f"{SERVICE_ACCOUNT}/ca.crt", **trust},
        service_account=True,
        relabel=(
            *(_without(label, value) for label, value in cluster.without_agents),
            copy("__meta_kubernetes_node_name", "node"),
        ),
        keeps=metrics,
    )


def _without(key: str, value: str) -> Relabel:
    """Leaves out nodes that have a label. One without a value looks as one that is not there."""
    label = _as_label(key)
    if not value:
        return drop(f"__meta_kubernetes_node_labelpresent_{label}", "true")
    return drop(f"__meta_kubernetes_node_label_{label}", value)


def _as_label(key: str) -> str:
    """A key of Kubernetes as Prometheus's discovery spells it."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", key)


def kubelets(cluster: ClusterSettings) -> ScrapeJob:
    return _kubelet_job("kubelet", "/metrics", cluster, KUBELET_METRICS)


def cadvisor(cluster: ClusterSettings) -> ScrapeJob:
    job = _kubelet_job("cadvisor", "/metrics/cadvisor", cluster, CADVISOR_METRICS)
    # A pod's own cgroup repeats the sum of its containers, and slices repeat the sum of pods: kept, every sum by
    # namespace would count twice. Network counters exist only for the pod's sandbox, and machine_* has no container.
    sums = Relabel(source=("__name__", "container"), regex="container_[^n].+;(POD)?", action="drop")
    return replace(job, metric_relabel=(sums,))


def _kube_state_metrics(name: str, port: tuple[str, int], cluster: ClusterSettings) -> ScrapeJob:
    port_name, number = port
    # Every pod has such a series; only those that have the label are worth one.
    unlabelled = Relabel(source=("__name__", state_label(PAGE)), regex="kube_pod_labels;", action="drop")
    return ScrapeJob(
        name=name,
        discovery=KubernetesDiscovery(
            "endpointslice", (cluster.namespaces.stack,), f"kubernetes.io/service-name={KUBE_STATE_METRICS}"
        ),
        egress=((Server(KUBE_STATE_METRICS), (number,)),),
        honor_labels=port == METRICS,  # namespace, pod and node are those of the object described, not of the exporter
        relabel=(keep("__meta_kubernetes_endpointslice_port_name", port_name),),
        metric_relabel=(unlabelled,) if port == METRICS else (),
        sample_limit=500_000,  # about 60 samples per pod and 40 per other object
    )


def kube_state_metrics_exporter(resources: Resources, cluster: ClusterSettings) -> Exporter:
    access = (
        ApiAccess("", ("nodes", "pods", "namespaces", "services", "persistentvolumes", "persistentvolumeclaims")),
        ApiAccess("", ("resourcequotas", "limitranges")),
        ApiAccess("apps", ("deployments", "daemonsets", "statefulsets", "replicasets")),
        ApiAccess("batch", ("jobs", "cronjobs")),
        ApiAccess("autoscaling", ("horizontalpodautoscalers",)),
        ApiAccess("policy", ("poddisruptionbudgets",)),
        ApiAccess("networking.k8s.io", ("ingresses",)),
    )
    named = ",".join(sorted(cluster.virtual_nodes))
    watched = sorted(resource for entry in access for resource in entry.resources)
    return Exporter(
        name=KUBE_STATE_METRICS,
        image=KUBE_STATE_METRICS_IMAGE,
        # No Secrets and no ConfigMaps: their metadata is not worth the right to read them.
        args=(
            f"--port={METRICS[1]}",
            f"--telemetry-port={TELEMETRY[1]}",
            f"--resources={','.join(watched)}",
            f"--metric-labels-allowlist=pods=[{PAGE}]{f',nodes=[{named}]' if named else ''}",
        ),
        ports=dict((METRICS, TELEMETRY)),
        resources=resources,
        live=("/livez", "metrics"),
        ready=("/readyz", "telemetry"),
        api=access,
        egress=((ApiServer(), cluster.api_server_ports),),
    )


def state_label(key: str) -> str:
    """A label of an object, as kube-state-metrics spells its key."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", _as_label(key))
    return f"label_{words.lower()}"


def _scrape_annotations(kind: str) -> tuple[Relabel, ...]:
    """What the prometheus.io annotations of a service or pod say of scheme, path and port."""
    prefix = f"__meta_kubernetes_{kind}_{_ANNOTATION}"
    return (
        keep(f"{prefix}_scrape", "true"),
        Relabel(source=(f"{prefix}_scheme",), regex="(https?)", target="__scheme__"),
        # A path is escaped whole, and with it the ? of a query: its parameters are labels of their own.
        Relabel(source=(f"{prefix}_path",), regex="/?([^?#]+).*", replacement="/$1", target="__metrics_path__"),
        *(_parameter(f"{prefix}_path", before) for before in range(PARAMETERS)),
        # Of what declares no port, discovery gives the bare address: an IPv6 one has brackets in a URL.
        Relabel(source=("__address__",), regex=r"([^\[]*:[^\[]*:[^\[]*)", replacement="[$1]", target="__address__"),
        Relabel(
            source=("__address__", f"{prefix}_port"),
            regex=r"(\[.+\]|[^:]+)(?::\d+)?;(\d+)",
            replacement="$1:$2",
            target="__address__",
        ),
    )


def _parameter(path: str, before: int) -> Relabel:
    """The parameter of a path's query that has ``before`` before it; its value stands there unescaped."""
    regex = rf"[^?#]*\?(?:[^&#]*&){{{before}}}([A-Za-z_]\w*)=([^&#]*).*"
    return Relabel(source=(path,), regex=regex, target="__param_$1", replacement="$2")


_POD_LABELS = (
    copy("__meta_kubernetes_namespace", "namespace"),
    copy("__meta_kubernetes_pod_name", "pod"),
    copy("__meta_kubernetes_pod_node_name", "node"),
)


def annotated_services(cluster: ClusterSettings) -> ScrapeJob:
    return ScrapeJob(
        name="annotated-services",
        of_people=True,
        discovery=KubernetesDiscovery("endpointslice"),
        egress=((AnyPod(), ()),),
        relabel=(
            *_scrape_annotations("service"),
            drop(f"__meta_kubernetes_pod_{_ANNOTATION}_scrape", "true"),  # a pod that says so itself is found as a pod
            # Discovery adds the pods' other container ports; only an annotation can mean one of those.
            Relabel(
                source=("__meta_kubernetes_endpointslice_port", f"__meta_kubernetes_service_{_ANNOTATION}_port"),
                regex=".+;.*|;.+",
                action="keep",
            ),
            keep("__meta_kubernetes_endpointslice_address_type", cluster.network.ip_family),
            *_POD_LABELS,
            copy("__meta_kubernetes_service_name", "service"),
        ),
    )


def annotated_pods() -> ScrapeJob:
    return ScrapeJob(
        name="annotated-pods",
        of_people=True,
        discovery=KubernetesDiscovery("pod"),
        egress=((AnyPod(), ()),),
        relabel=(
            *_scrape_annotations("pod"),
            drop("__meta_kubernetes_pod_container_init", "true"),
            drop("__meta_kubernetes_pod_phase", "Pending|Succeeded|Failed"),
            *_POD_LABELS,
            Relabel(
                source=("__meta_kubernetes_pod_label_app_kubernetes_io_name", "__meta_kubernetes_pod_label_app"),
                regex="([^;]+);.*|;(.+)",
                replacement="$1$2",
                target="app",
            ),
        ),
    )
