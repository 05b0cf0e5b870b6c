"""The stack itself: every server of it, seen by its own metrics and from outside."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import yaml
from annotated_types import Len

from components import ports
from components.flows import Agent, Internet, Peer, Server
from components.settings.base import Many, Model, Resources, resources
from components.settings.cluster import ClusterSettings
from components.settings.quantities import Duration, Url
from rules.model import Alert, Exporter, Group, Severity, System, Watched
from rules.scrape import KubernetesDiscovery, Relabel, ScrapeJob, StaticTargets, copy, keep

BLACKBOX_EXPORTER = "blackbox-exporter"
BLACKBOX_PORT = 9115

SERVERS = {
    "prometheus": ports.PROMETHEUS,
    "alertmanager": ports.ALERTMANAGER,
    "loki": ports.LOKI,
}
"""The servers that are always there, and their port."""
READY = {"loki": "/ready"}
"""Where a server says that it is ready, if not at ``/-/ready``."""
PROMTAIL = "promtail"

COLLECTOR = "otel-collector"
JAEGER = "jaeger"
SPAN_METRICS = "jaeger-span-metrics"
# 500 combinations of labels per service at most, 17 series each: room for some twenty services that all run away.
SPAN_METRIC_SAMPLES = 200_000

PROBE_INTERVAL = Duration.parse("1m")
"""Probes go through DNS and Services and find what a scrape of the pod does not; a minute is soon enough for that."""


class MonitoringSettings(Model):
    """The `monitoring` system: the stack watching itself; always on."""

    probes: Annotated[Many[Url], Len(max_length=200)] = ()
    """Further addresses that are asked every minute whether they answer, certificate expiry included."""
    resources: Resources = resources("20m", "32Mi", "128Mi")
    """Requests and limits of the blackbox exporter."""


def build(settings: MonitoringSettings, cluster: ClusterSettings) -> Watched:
    namespace = cluster.namespaces.stack
    probed: dict[str, tuple[Peer, tuple[int, ...]]] = {
        f"http://{name}.{namespace}.svc:{port}{READY.get(name, '/-/ready')}": (Server(name), (port,))
        for name, port in SERVERS.items()
    }
    probed[f"http://{JAEGER}.{namespace}.svc:{ports.JAEGER_HEALTH}/status"] = (Server(JAEGER), (ports.JAEGER_HEALTH,))
    probed |= {str(url): (Internet(url.host), (url.port,)) for url in settings.probes}
    return Watched(
        scrape_jobs=(
            *(_server(name, port, "http", namespace) for name, port in SERVERS.items()),
            _server(BLACKBOX_EXPORTER, BLACKBOX_PORT, "metrics", namespace),
            _server(COLLECTOR, ports.COLLECTOR_METRICS, "metrics", namespace),
            _server(JAEGER, ports.JAEGER_METRICS, "metrics", namespace),
            _span_metrics(namespace),
            _agent(PROMTAIL, ports.PROMTAIL, "http", cluster.namespaces.node_agents),
            _probes(tuple(probed), namespace),
        ),
        groups=(Group("monitoring", (WATCHDOG, TARGET_DOWN, RELOAD_FAILED, RULES_FAILING, NO_ALERTMANAGER)),),
        exporters=(_blackbox_exporter(settings, cluster, tuple(probed.values())),),
    )


def _server(name: str, port: int, port_name: str, namespace: str) -> ScrapeJob:
    return ScrapeJob(
        name=name,
        discovery=KubernetesDiscovery("endpointslice", (namespace,), f"kubernetes.io/service-name={name}"),
        reaches=((Server(name), (port,)),),
        relabel=(
            keep("__meta_kubernetes_endpointslice_port_name", port_name),
            copy("__meta_kubernetes_namespace", "namespace"),
            copy("__meta_kubernetes_pod_name", "pod"),
            copy("__meta_kubernetes_pod_node_name", "node"),
        ),
    )


def grafana(path: str, cluster: ClusterSettings) -> Watched:
    """Grafana, when the stack has its own; ``path`` is where its paths begin."""
    job = _server("grafana", ports.GRAFANA, "http", cluster.namespaces.stack)
    return Watched(scrape_jobs=(replace(job, path=f"{path}/metrics"),))


def _span_metrics(namespace: str) -> ScrapeJob:
    """What Jaeger counts: series about the services that sent the spans, so none of Jaeger's own place."""
    return ScrapeJob(
        name=SPAN_METRICS,
        discovery=KubernetesDiscovery("endpointslice", (namespace,), f"kubernetes.io/service-name={JAEGER}"),
        reaches=((Server(JAEGER), (ports.JAEGER_SPAN_METRICS,)),),
        relabel=(
            keep("__meta_kubernetes_endpointslice_port_name", "span-metrics"),
            # Which replica counted; its address would make every series a new one after each restart.
            copy("__meta_kubernetes_pod_name", "instance"),
        ),
        metric_relabel=(
            # Past the limit of series a service's spans are counted together, under nothing but its job.
            Relabel(source=("service_name", "exported_job"), regex=";(.+)", target="service_name"),
            # The same as service_name, some pod of it, and the name of the code that counts.
            Relabel(regex="exported_job|exported_instance|otel_scope_.+", action="labeldrop"),
        ),
        sample_limit=SPAN_METRIC_SAMPLES,
    )


def _agent(name: str, port: int, port_name: str, namespace: str) -> ScrapeJob:
    return replace(_server(name, port, port_name, namespace), reaches=((Agent(name), (port,)),))


def _probes(targets: tuple[str, ...], namespace: str) -> ScrapeJob:
    return ScrapeJob(
        name="probes",
        discovery=StaticTargets(targets),
        reaches=((Server(BLACKBOX_EXPORTER), (BLACKBOX_PORT,)),),
        path="/probe",
        params={"module": ["http"]},
        interval=PROBE_INTERVAL,
        relabel=(
            copy("__address__", "__param_target"),
            copy("__param_target", "instance"),
            Relabel(target="__address__", replacement=f"{BLACKBOX_EXPORTER}.{namespace}.svc:{BLACKBOX_PORT}"),
        ),
    )


def _blackbox_exporter(
    settings: MonitoringSettings, cluster: ClusterSettings, probed: tuple[tuple[Peer, tuple[int, ...]], ...]
) -> Exporter:
    family = {"IPv4": "ip4", "IPv6": "ip6"}[cluster.network.ip_family]
    # Any answer below 300 after redirects is a success, as it would be in a person's browser.
    http = {"prober": "http", "timeout": "5s", "http": {"preferred_ip_protocol": family, "ip_protocol_fallback": True}}
    return Exporter(
        name=BLACKBOX_EXPORTER,
        args=(f"--config.file=/etc/{BLACKBOX_EXPORTER}/config/blackbox.yml", f"--web.listen-address=:{BLACKBOX_PORT}"),
        ports={"metrics": BLACKBOX_PORT},
        resources=settings.resources,
        live=("/-/healthy", "metrics"),
        ready=("/-/healthy", "metrics"),
        files={"blackbox.yml": yaml.safe_dump({"modules": {"http": http}}, sort_keys=False)},
        reaches=probed,
    )


WATCHDOG = Alert(
    name="Watchdog",
    expr="vector(1)",
    severity=Severity.INFO,
    owner="platform",
    summary="The alerting path works.",
    description="Always fires. Whoever stops receiving it has lost Prometheus, Alertmanager, or the way between.",
)
TARGET_DOWN = Alert(
    name="TargetDown",
    expr="up == 0",
    for_=Duration.parse("5m"),  # a rolling update of a server is over within five minutes
    severity=Severity.WARNING,
    owner="platform",
    summary="A scrape target does not answer.",
    description="{{ $labels.job }} at {{ $labels.instance }} does not answer.",
)
RELOAD_FAILED = Alert(
    name="PrometheusReloadFailed",
    expr="max_over_time(prometheus_config_last_reload_successful[5m]) == 0",
    for_=Duration.parse("5m"),  # a kubelet may bring the halves of an edit up to two minutes apart
    severity=Severity.CRITICAL,
    owner="platform",
    summary="Prometheus runs on an old configuration.",
    description="{{ $labels.pod }} refuses the configuration that was deployed; its log names the file and the line.",
)
RULES_FAILING = Alert(
    name="PrometheusRulesFailing",
    expr="increase(prometheus_rule_evaluation_failures_total[5m]) > 0",
    for_=Duration.parse("10m"),  # two evaluations may fail while a replica starts
    severity=Severity.CRITICAL,
    owner="platform",
    summary="Prometheus cannot evaluate rules.",
    description="{{ $labels.pod }} fails to evaluate {{ $labels.rule_group }}: its alerts are blind.",
)
NO_ALERTMANAGER = Alert(
    name="PrometheusWithoutAlertmanager",
    expr="prometheus_notifications_alertmanagers_discovered < 1",
    for_=Duration.parse("5m"),  # longer than a restart of every Alertmanager
    severity=Severity.CRITICAL,
    owner="platform",
    summary="Prometheus has nobody to send alerts to.",
    description="{{ $labels.pod }} finds no Alertmanager: no alert of this server reaches anyone.",
)

SYSTEM = System("monitoring", MonitoringSettings, build, always=True)
