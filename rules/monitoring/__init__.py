"""The stack itself: every server of it, seen by its own metrics and from outside."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Len

from model import ports
from model.cluster import ClusterSettings
from model.flows import Internet, Peer, Server
from model.logs import LogCollector
from model.quantities import Url
from model.rules import Group
from model.settings import Many, Model, Resources, resources
from rules.monitoring import outside
from rules.monitoring.alerts import (
    GONE_BEFORE_AGENT,
    GONE_BEFORE_PROMTAIL,
    GROUPS,
    INHIBITIONS,
    OF_AGENT,
    OF_GRAFANA,
    OF_PROMTAIL,
)
from rules.monitoring.metrics import METRICS
from rules.monitoring.metrics import OF_AGENT as METRICS_OF_AGENT
from rules.monitoring.metrics import OF_GRAFANA as METRICS_OF_GRAFANA
from rules.monitoring.metrics import OF_PROMTAIL as METRICS_OF_PROMTAIL
from rules.monitoring.recordings import RECORDINGS
from rules.monitoring.scrape import (
    BLACKBOX_EXPORTER,
    BLACKBOX_EXPORTER_IMAGE,
    JAEGER,
    READY,
    SERVERS,
    blackbox_exporter,
    grafana_job,
    log_collector_job,
    scrape_jobs,
)
from rules.system import System, Watched


class MonitoringSettings(Model):
    """The `monitoring` system: the stack watching itself; always on."""

    probes: Annotated[Many[Url], Len(max_length=200)] = ()
    """Further addresses that are asked twice a minute whether they answer, certificate expiry included."""
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
        scrape_jobs=scrape_jobs(probed, cluster),
        groups=(Group("monitoring-recordings", RECORDINGS), *GROUPS),
        grafana_groups=outside.GRAFANA_GROUPS,
        exporters=(blackbox_exporter(settings.resources, cluster, tuple(probed.values())),),
        metrics=METRICS + outside.METRICS,
        inhibitions=INHIBITIONS,
    )


def grafana(path: str, cluster: ClusterSettings) -> Watched:
    """Grafana, when the stack has its own; ``path`` is where its paths begin."""
    return Watched(
        scrape_jobs=(grafana_job(path, cluster),),
        groups=(OF_GRAFANA,),
        metrics=METRICS_OF_GRAFANA,
    )


def log_collector(collector: LogCollector, cluster: ClusterSettings) -> Watched:
    """What collects the logs of each node."""
    group, metrics, inhibitions = {
        "promtail": (OF_PROMTAIL, METRICS_OF_PROMTAIL, GONE_BEFORE_PROMTAIL),
        "otel": (OF_AGENT, METRICS_OF_AGENT, GONE_BEFORE_AGENT),
    }[collector]
    return Watched(
        scrape_jobs=(log_collector_job(collector, cluster),),
        groups=(group,),
        metrics=metrics,
        inhibitions=inhibitions,
    )


SYSTEM = System(
    "monitoring", MonitoringSettings, build, always=True, images={BLACKBOX_EXPORTER: BLACKBOX_EXPORTER_IMAGE}
)
