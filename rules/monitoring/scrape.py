"""Scrape jobs and probes of the stack's own servers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from model import ports
from model.cluster import ClusterSettings
from model.exporter import Exporter
from model.flows import Agent, Peer, Server
from model.images import pinned
from model.logs import LogCollector
from model.quantities import Duration
from model.scrape import KubernetesDiscovery, Relabel, ScrapeJob, StaticTargets, copy, keep
from model.settings import Resources
from model.yaml_text import text

BLACKBOX_EXPORTER = "blackbox-exporter"
BLACKBOX_EXPORTER_IMAGE = pinned(
    "quay.io/prometheus/blackbox-exporter:v0.28.0",
    uid=65534,
    binaries={"blackbox-exporter": "/bin/blackbox_exporter"},
)
BLACKBOX_PORT = 9115

SERVERS = {
    "prometheus": ports.PROMETHEUS,
    "alertmanager": ports.ALERTMANAGER,
    "loki": ports.LOKI,
}
"""The servers of every stack, with their port."""
READY = {"loki": "/ready"}
"""Path of a server's readiness check, if it is not ``/-/ready``."""
PROMTAIL = "promtail"
OTEL_AGENT = "otel-agent"
GRAFANA = "grafana"
PROBES = "probes"

COLLECTOR = "otel-collector"
JAEGER = "jaeger"
SPAN_METRICS = "jaeger-span-metrics"
# At most 500 combinations of labels per service with 17 series each: enough for twenty services at this limit.
SPAN_METRIC_SAMPLES = 200_000

LOADED = tuple(f"{each}_config_last_reload_success_timestamp_seconds" for each in ("prometheus", "alertmanager"))
"""When the servers loaded their configuration that do so while they run."""
OF_THE_STACK = "|".join(
    (
        *SERVERS,
        PROMTAIL,
        OTEL_AGENT,
        JAEGER,
        COLLECTOR,
        GRAFANA,
        BLACKBOX_EXPORTER,
        "kube-state-metrics",
        "node-exporter",
    )
)
"""Regular expression for the jobs of the stack's own servers."""

PROBE_INTERVAL = Duration.parse("30s")
"""Probes use DNS and Services, so they find problems that a scrape of the pod does not. Critical alerts wait on it."""


def scrape_jobs(probed: Iterable[str], cluster: ClusterSettings) -> tuple[ScrapeJob, ...]:
    """One job per server, and one for all ``probed`` addresses."""
    namespace = cluster.namespaces.stack
    return (
        *(_server(name, port, "http", namespace) for name, port in SERVERS.items()),
        _server(BLACKBOX_EXPORTER, BLACKBOX_PORT, "metrics", namespace),
        _server(COLLECTOR, ports.COLLECTOR_METRICS, "metrics", namespace),
        _server(JAEGER, ports.JAEGER_METRICS, "metrics", namespace),
        _span_metrics(namespace),
        _probes(tuple(probed), namespace),
    )


def _server(name: str, port: int, port_name: str, namespace: str) -> ScrapeJob:
    return ScrapeJob(
        name=name,
        discovery=KubernetesDiscovery("endpointslice", (namespace,), f"kubernetes.io/service-name={name}"),
        egress=((Server(name), (port,)),),
        relabel=(
            keep("__meta_kubernetes_endpointslice_port_name", port_name),
            copy("__meta_kubernetes_namespace", "namespace"),
            copy("__meta_kubernetes_pod_name", "pod"),
            copy("__meta_kubernetes_pod_node_name", "node"),
        ),
    )


def grafana_job(path: str, cluster: ClusterSettings) -> ScrapeJob:
    """The job of the Grafana that the stack deploys; ``path`` is the prefix of all its paths."""
    job = _server(GRAFANA, ports.GRAFANA, "http", cluster.namespaces.stack)
    return replace(job, path=f"{path}/metrics")


def _span_metrics(namespace: str) -> ScrapeJob:
    """The job of Jaeger's span metrics. They describe the services that sent the spans, not Jaeger's pods."""
    return ScrapeJob(
        name=SPAN_METRICS,
        of_people=True,
        discovery=KubernetesDiscovery("endpointslice", (namespace,), f"kubernetes.io/service-name={JAEGER}"),
        egress=((Server(JAEGER), (ports.JAEGER_SPAN_METRICS,)),),
        relabel=(
            keep("__meta_kubernetes_endpointslice_port_name", "span-metrics"),
            # The replica that counted. Its address would make new series after each restart.
            copy("__meta_kubernetes_pod_name", "instance"),
        ),
        metric_relabel=(
            # Beyond the limit of series, a service's spans are counted together with only the label of its job.
            Relabel(source=("service_name", "exported_job"), regex=";(.+)", target="service_name"),
            # They repeat service_name, name an arbitrary pod of it, and name the counting code.
            Relabel(regex="exported_job|exported_instance|otel_scope_.+", action="labeldrop"),
        ),
        limits={"sample_limit": SPAN_METRIC_SAMPLES},
    )


def log_collector_job(collector: LogCollector, cluster: ClusterSettings) -> ScrapeJob:
    """The job of the log collector on every node."""
    name, port, port_name = {
        "promtail": (PROMTAIL, ports.PROMTAIL, "http"),
        "otel": (OTEL_AGENT, ports.COLLECTOR_METRICS, "metrics"),
    }[collector]
    return replace(_server(name, port, port_name, cluster.namespaces.node_agents), egress=((Agent(name), (port,)),))


def _probes(targets: tuple[str, ...], namespace: str) -> ScrapeJob:
    return ScrapeJob(
        name=PROBES,
        discovery=StaticTargets(targets),
        egress=((Server(BLACKBOX_EXPORTER), (BLACKBOX_PORT,)),),
        path="/probe",
        params={"module": ["http"]},
        interval=PROBE_INTERVAL,
        relabel=(
            copy("__address__", "__param_target"),
            copy("__param_target", "instance"),
            Relabel(target="__address__", replacement=Server(BLACKBOX_EXPORTER).address(namespace, BLACKBOX_PORT)),
        ),
    )


def blackbox_exporter(
    resources: Resources, cluster: ClusterSettings, probed: tuple[tuple[Peer, tuple[int, ...]], ...]
) -> Exporter:
    family = {"IPv4": "ip4", "IPv6": "ip6"}[cluster.network.ip_family]
    # A status below 300 after redirects is a success, as in a browser.
    http = {"prober": "http", "timeout": "5s", "http": {"preferred_ip_protocol": family, "ip_protocol_fallback": True}}
    return Exporter(
        name=BLACKBOX_EXPORTER,
        image=BLACKBOX_EXPORTER_IMAGE,
        args=(f"--config.file=/etc/{BLACKBOX_EXPORTER}/config/blackbox.yml", f"--web.listen-address=:{BLACKBOX_PORT}"),
        ports={"metrics": BLACKBOX_PORT},
        resources=resources,
        live=("/-/healthy", "metrics"),
        ready=("/metrics", "metrics"),
        files={"blackbox.yml": text({"modules": {"http": http}})},
        egress=probed,
    )
