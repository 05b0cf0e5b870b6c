"""Scrape jobs of a Kubernetes cluster: API server, kubelets, containers, objects, annotated targets."""

from __future__ import annotations

import re
from dataclasses import replace

from model.cluster import ClusterSettings
from model.exporter import ApiAccess, Exporter
from model.flows import AnyPod, ApiServer, Nodes, Server
from model.images import pinned
from model.scrape import (
    BRACKETS,
    HOST,
    OF_POD,
    RUNNING,
    SERVICE_ACCOUNT,
    KubernetesDiscovery,
    Relabel,
    ScrapeJob,
    copy,
    drop,
    keep,
)
from model.settings import Resources

KUBE_STATE_METRICS = "kube-state-metrics"
KUBE_STATE_METRICS_IMAGE = pinned(
    "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0",
    uid=65534,
    binaries={"kube-state-metrics": "/kube-state-metrics"},
)
METRICS = ("metrics", 8080)
TELEMETRY = ("telemetry", 8081)

# Three jobs expose far more than anybody reads. With `prometheus.keep: all` these metrics are stored. The API server
# has about 200 metrics, most of them histograms; the list has its load, latency, errors and health.
APISERVER_METRICS = (
    "apiserver_(admission_webhook_(rejection|fail_open)_count|client_certificate_expiration_seconds_(bucket|sum|count))",
    "apiserver_(current_inflight_requests|flowcontrol_((rejected|dispatched)_requests_total|current_inqueue_requests))",
    "apiserver_request_(total|terminations_total|duration_seconds_(bucket|sum|count))",
    "apiserver_request_sli_duration_seconds_(bucket|sum|count)",
    # One metric with two names: storage_objects up to 1.33, both from 1.34.
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
ISTIO = "istio"
"""The system whose jobs scrape a mesh. Its pods are annotated as well."""
PORTAINER = ("stack", "service")
"""Annotations of pods, `portainer.io/stack` and `portainer.io/service`."""
ISTIOD, ZTUNNEL = "istiod", "ztunnel"
"""Their pods' label ``app``."""
ISTIO_AGENT = 15020
"""Port of the agent in each of Istio's proxies. A pod's annotation names it once Istio has merged the metrics of the
program, of Envoy and of the agent."""
_ANNOTATION = "annotation_prometheus_io"
PARAMETERS = 4
"""Maximum number of query parameters in an annotated path. Each adds a relabelling step. Servers need one, `format`."""


def scrape_jobs(cluster: ClusterSettings, pod_label: str) -> tuple[ScrapeJob, ...]:
    """Scrape jobs of the API servers, kubelets, cAdvisor and kube-state-metrics; ``pod_label`` names the pods' team."""
    return (
        api_servers(cluster),
        kubelets(cluster),
        cadvisor(cluster),
        _kube_state_metrics(KUBE_STATE_METRICS, METRICS, cluster, pod_label),
        _kube_state_metrics(f"{KUBE_STATE_METRICS}-telemetry", TELEMETRY, cluster, pod_label),
    )


def api_servers(cluster: ClusterSettings) -> ScrapeJob:
    return ScrapeJob(
        name="apiservers",
        discovery=KubernetesDiscovery("endpointslice", ("default",), "kubernetes.io/service-name=kubernetes"),
        egress=((ApiServer(), cluster.api_server_ports),),
        scheme="https",
        # Targets are IP addresses. Every API server's certificate has this name.
        tls={"ca_file": f"{SERVICE_ACCOUNT}/ca.crt", "server_name": "kubernetes.default.svc"},
        service_account=True,
        relabel=(keep("__meta_kubernetes_endpointslice_port_name", "https"),),
        keeps=APISERVER_METRICS,
        # Request histograms: verbs x resources x scopes x 20 buckets, and many custom resources.
        limits={"sample_limit": 200_000},
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
    """A step that drops nodes with a label. Without a value, only its presence can be matched."""
    label = _as_label(key)
    if not value:
        return drop(f"__meta_kubernetes_node_labelpresent_{label}", "true")
    return drop(f"__meta_kubernetes_node_label_{label}", value)


def _as_label(key: str) -> str:
    """A Kubernetes label key as Prometheus' discovery spells it."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", key)


def kubelets(cluster: ClusterSettings) -> ScrapeJob:
    return _kubelet_job("kubelet", "/metrics", cluster, KUBELET_METRICS)


def kubelet_probes(cluster: ClusterSettings) -> ScrapeJob:
    """The kubelets' probes of containers that failed. A restart without one was a crash."""
    job = _kubelet_job("kubelet-probes", "/metrics/probes", cluster, ("prober_probe_total",))
    return replace(job, metric_relabel=(keep("result", "failed"),))


def cadvisor(cluster: ClusterSettings) -> ScrapeJob:
    job = _kubelet_job("cadvisor", "/metrics/cadvisor", cluster, CADVISOR_METRICS)
    # The cgroups of pods and slices repeat the sums of their containers: with them, every sum by namespace would count
    # twice. Network counters exist for the pod's sandbox only, and machine_* has no container.
    sums = Relabel(source=("__name__", "container"), regex="container_[^n].+;(POD)?", action="drop")
    return replace(job, metric_relabel=(sums,))


def labels_of_pods(pod_label: str) -> list[str]:
    """Labels of pods that rules read; ``pod_label`` names the pods' team, and is empty if none does."""
    return [PAGE, *([pod_label] if pod_label else [])]


def _kube_state_metrics(name: str, port: tuple[str, int], cluster: ClusterSettings, pod_label: str) -> ScrapeJob:
    port_name, number = port
    # Every pod has such a series; only those that have one of the labels are worth one.
    labels = tuple(map(state_label, labels_of_pods(pod_label)))
    unlabelled = Relabel(source=("__name__", *labels), regex=f"kube_pod_labels{';' * len(labels)}", action="drop")
    return ScrapeJob(
        name=name,
        discovery=KubernetesDiscovery(
            "endpointslice", (cluster.namespaces.stack,), f"kubernetes.io/service-name={KUBE_STATE_METRICS}"
        ),
        egress=((Server(KUBE_STATE_METRICS), (number,)),),
        honor_labels=port == METRICS,  # namespace, pod and node belong to the described object, not to the exporter
        relabel=(keep("__meta_kubernetes_endpointslice_port_name", port_name),),
        metric_relabel=(unlabelled,) if port == METRICS else (),
        limits={"sample_limit": 500_000},  # about 60 samples per pod and 40 per other object
    )


def kube_state_metrics_exporter(resources: Resources, cluster: ClusterSettings, pod_label: str) -> Exporter:
    """``pod_label`` names the pods' team; empty if none does."""
    access = (
        ApiAccess("", ("nodes", "pods", "namespaces", "services", "persistentvolumes", "persistentvolumeclaims")),
        ApiAccess("", ("resourcequotas", "limitranges")),
        ApiAccess("apps", ("deployments", "daemonsets", "statefulsets", "replicasets")),
        ApiAccess("batch", ("jobs", "cronjobs")),
        ApiAccess("autoscaling", ("horizontalpodautoscalers",)),
        ApiAccess("policy", ("poddisruptionbudgets",)),
        ApiAccess("networking.k8s.io", ("ingresses",)),
    )
    labels = {"nodes": sorted(cluster.virtual_nodes), "pods": labels_of_pods(pod_label)}
    allowed = ",".join(f"{kind}=[{','.join(named)}]" for kind, named in labels.items() if named)
    watched = sorted(resource for entry in access for resource in entry.resources)
    return Exporter(
        name=KUBE_STATE_METRICS,
        image=KUBE_STATE_METRICS_IMAGE,
        # Not Secrets and ConfigMaps: no rule needs them, and the exporter would have to read all of them.
        args=(
            f"--port={METRICS[1]}",
            f"--telemetry-port={TELEMETRY[1]}",
            f"--resources={','.join(watched)}",
            f"--metric-labels-allowlist={allowed}",
        ),
        ports=dict((METRICS, TELEMETRY)),
        resources=resources,
        live=("/livez", "metrics"),
        ready=("/readyz", "telemetry"),
        api=access,
        egress=((ApiServer(), cluster.api_server_ports),),
    )


def state_label(key: str) -> str:
    """A Kubernetes label key as kube-state-metrics spells it."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", _as_label(key))
    return f"label_{words.lower()}"


def _scrape_annotations(kind: str) -> tuple[Relabel, ...]:
    """Relabelling steps for the prometheus.io annotations (scheme, path, port) of a service or pod."""
    prefix = f"__meta_kubernetes_{kind}_{_ANNOTATION}"
    return (
        keep(f"{prefix}_scrape", "true"),
        Relabel(source=(f"{prefix}_scheme",), regex="(https?)", target="__scheme__"),
        # Prometheus escapes the whole path, including the ? of a query. So query parameters become labels of their own.
        Relabel(source=(f"{prefix}_path",), regex="/?([^?#]+).*", replacement="/$1", target="__metrics_path__"),
        *(_parameter(f"{prefix}_path", before) for before in range(PARAMETERS)),
        BRACKETS,
        Relabel(
            source=("__address__", f"{prefix}_port"),
            regex=rf"{HOST};(\d+)",
            replacement="$1:$2",
            target="__address__",
        ),
    )


def _parameter(path: str, before: int) -> Relabel:
    """A step for the query parameter with index ``before`` in ``path``. Its value must not be escaped."""
    regex = rf"[^?#]*\?(?:[^&#]*&){{{before}}}([A-Za-z_]\w*)=([^&#]*).*"
    return Relabel(source=(path,), regex=regex, target="__param_$1", replacement="$2")


def annotated_services(cluster: ClusterSettings) -> ScrapeJob:
    return ScrapeJob(
        name="annotated-services",
        of_people=True,
        discovery=KubernetesDiscovery("endpointslice"),
        egress=((AnyPod(), ()),),
        relabel=(
            *_scrape_annotations("service"),
            drop(f"__meta_kubernetes_pod_{_ANNOTATION}_scrape", "true"),  # the pods job scrapes annotated pods
            # Discovery also finds the pods' other container ports. They are scraped only if the annotation names them.
            Relabel(
                source=("__meta_kubernetes_endpointslice_port", f"__meta_kubernetes_service_{_ANNOTATION}_port"),
                regex=".+;.*|;.+",
                action="keep",
            ),
            keep("__meta_kubernetes_endpointslice_address_type", cluster.network.ip_family),
            *OF_POD,
            copy("__meta_kubernetes_service_name", "service"),
        ),
    )


def annotated_pods(*, istio: bool) -> ScrapeJob:
    """``istio`` says whether the system ISTIO is on. Each of its series is stored once."""
    return ScrapeJob(
        name="annotated-pods",
        of_people=True,
        discovery=KubernetesDiscovery("pod"),
        egress=((AnyPod(), ()),),
        relabel=(
            *_scrape_annotations("pod"),
            *RUNNING,
            *((drop("__meta_kubernetes_pod_label_app", f"{ISTIOD}|{ZTUNNEL}"),) if istio else ()),
            *OF_POD,
            Relabel(
                source=("__meta_kubernetes_pod_label_app_kubernetes_io_name", "__meta_kubernetes_pod_label_app"),
                regex="([^;]+);.*|;(.+)",
                replacement="$1$2",
                target="app",
            ),
            # What Portainer calls the pod, in its own words.
            *(copy(f"__meta_kubernetes_pod_annotation_portainer_io_{of}", f"portainer_{of}") for of in PORTAINER),
        ),
        # What is left at that port is the program's own.
        metric_relabel=(
            (Relabel(source=("instance", "__name__"), regex=f".+:{ISTIO_AGENT};(istio|envoy)_.+", action="drop"),)
            if istio
            else ()
        ),
    )
