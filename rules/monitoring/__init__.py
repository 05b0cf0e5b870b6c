"""The stack itself: the metrics of each server, and probes from outside."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Len

from model import ports
from model.flows import Internet, Peer, Server
from model.quantities import Url
from model.settings import Many, Model, Resources, resources
from rules.headline import Figure, Headline, change
from rules.monitoring import outside
from rules.monitoring.alerts import (
    GONE_BEFORE_AGENT,
    GONE_BEFORE_PROMTAIL,
    GROUPS,
    INHIBITIONS,
    OF_AGENT,
    OF_GRAFANA,
    OF_PROMTAIL,
    prometheus,
    targets,
)
from rules.monitoring.metrics import METRICS
from rules.monitoring.metrics import OF_AGENT as METRICS_OF_AGENT
from rules.monitoring.metrics import OF_GRAFANA as METRICS_OF_GRAFANA
from rules.monitoring.metrics import OF_PROMTAIL as METRICS_OF_PROMTAIL
from rules.monitoring.recordings import RECORDINGS
from rules.monitoring.scrape import (
    JAEGER,
    LOADED,
    OF_THE_STACK,
    READY,
    SERVERS,
    blackbox_exporter,
    grafana_job,
    log_collector_job,
    scrape_jobs,
)
from rules.monitoring.uids import MONITORING
from rules.system import Surroundings, System, Watched


class MonitoringSettings(Model):
    """The `monitoring` system: alerts and dashboards on the stack itself; always on."""

    probes: Annotated[Many[Url], Len(max_length=200)] = ()
    """Further addresses that are probed twice a minute; certificate expiry is checked too."""
    resources: Resources = resources("20m", "32Mi", "128Mi")
    """Requests and limits of the blackbox exporter."""


def build(settings: MonitoringSettings, surroundings: Surroundings) -> Watched:
    cluster = surroundings.cluster
    namespace = cluster.namespaces.stack
    probed: dict[str, tuple[Peer, tuple[int, ...]]] = {
        Server(name).url(namespace, port) + READY.get(name, "/-/ready"): (Server(name), (port,))
        for name, port in SERVERS.items()
    }
    its_health = Server(JAEGER).url(namespace, ports.JAEGER_HEALTH) + "/status"
    probed[its_health] = (Server(JAEGER), (ports.JAEGER_HEALTH,))
    probed |= {str(url): (Internet(url.host), (url.port,)) for url in settings.probes}
    its_grafana = surroundings.runs_grafana
    of_collector, its_metrics, its_inhibitions = {
        "promtail": (OF_PROMTAIL, METRICS_OF_PROMTAIL, GONE_BEFORE_PROMTAIL),
        "otel": (OF_AGENT, METRICS_OF_AGENT, GONE_BEFORE_AGENT),
    }[surroundings.log_collector]
    return Watched(
        scrape_jobs=(
            *scrape_jobs(probed, cluster),
            *((grafana_job(surroundings.grafana.path.rstrip("/"), cluster),) if its_grafana else ()),
            log_collector_job(surroundings.log_collector, cluster),
        ),
        groups=(
            RECORDINGS,
            *GROUPS,
            *((OF_GRAFANA,) if its_grafana else ()),
            of_collector,
        ),
        grafana_groups=outside.GRAFANA_GROUPS,
        exporters=(blackbox_exporter(settings.resources, cluster, tuple(probed.values())),),
        metrics=(*METRICS, *outside.METRICS, *(METRICS_OF_GRAFANA if its_grafana else ()), *its_metrics),
        inhibitions=INHIBITIONS + its_inhibitions,
    )


SYSTEM = System(
    key="monitoring",
    title="Monitoring",
    owner="platform",
    settings=MonitoringSettings,
    example=MonitoringSettings.model_validate({"probes": ["https://shop.example.com/health"]}),
    dashboard=MONITORING,
    headline=Headline(
        up=f'max(up{{job=~"{OF_THE_STACK}"}})',
        changes=" or ".join(
            (
                *(change("configuration", f"max by (job) ({each})", "job") for each in LOADED),
                # The other servers load theirs when they start, which a new one makes them do.
                change("start", f'max by (job) (process_start_time_seconds{{job=~"{OF_THE_STACK}"}})', "job"),
            )
        ),
        figures=(
            Figure(
                title="Servers down",
                description="Servers of the stack of which no replica answers: read why their pods are not ready.",
                alert=targets.SERVER_DOWN.name,
                counts=True,
            ),
            Figure(
                title="Targets down",
                description="Targets that Prometheus cannot scrape. Their alerts have no data.",
                alert=targets.TARGET_DOWN.name,
                counts=True,
            ),
            Figure(
                title="Alerts lost",
                description="Share of alerts lost between Prometheus and Alertmanager. Above 0, nobody may know.",
                alert=prometheus.UNDELIVERED.name,
            ),
        ),
    ),
    build=build,
    always=True,
)
