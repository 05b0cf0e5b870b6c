"""The requests of every service, whatever counts them: rate, errors, duration, dependencies."""

from __future__ import annotations

from model.metrics import Metric, Metrics
from model.rules import SELDOM, Group
from rules.headline import Headline
from rules.kubernetes import SYSTEM as KUBERNETES
from rules.kubernetes.scrape import KUBE_STATE_METRICS, kubelet_probes
from rules.monitoring import SYSTEM as MONITORING
from rules.services import alerts, availability, edge, objectives, past, probes, recordings
from rules.services.inhibitions import inhibitions
from rules.services.metrics import INSTRUMENTED, OF_INGRESS, OF_LIBRARIES, of_source
from rules.services.recordings import EVERY
from rules.services.settings import EXAMPLE, ServicesSettings
from rules.services.sources import PROMETHEUS, clients, servers
from rules.services.uids import ONE_SERVICE
from rules.spans import OF_SPANS
from rules.system import Surroundings, System, Watched

_STATE = Metrics(KUBE_STATE_METRICS)
_OF_WORKLOADS = (
    _STATE.gauge("kube_deployment_status_observed_generation", "namespace deployment"),
    _STATE.gauge("kube_statefulset_status_observed_generation", "namespace statefulset"),
)


def build(settings: ServicesSettings, surroundings: Surroundings) -> Watched:
    kubernetes = KUBERNETES.key in surroundings.on
    readiness, cluster = settings.readiness, surroundings.cluster
    spans = MONITORING.key in surroundings.on  # which scrapes their metrics
    answered = servers(settings.sources, spans=spans)
    return Watched(
        scrape_jobs=(*probes.jobs(readiness, cluster), kubelet_probes(cluster)) if readiness else (),
        exporters=(probes.exporter(readiness, cluster),) if readiness else (),
        groups=(
            # What may page is evaluated with the rules that it reads: in a group of its own, up to a minute later.
            Group(
                "services-requests",
                (*recordings.requests(answered, settings, owners=kubernetes), *alerts.of_requests(settings)),
                EVERY,
            ),
            Group("services-calls", (*recordings.calls(clients(spans=spans)), *alerts.of_calls()), EVERY),
            Group("services-edge", (*edge.recordings(), alerts.edge(settings)), EVERY),
            Group("services-past", (availability.seen(), *past.recordings(settings.holidays)), SELDOM),
            Group("services-traffic", alerts.of_traffic(), EVERY),
            # As often as the stack evaluates: a service that is down is noticed soon.
            Group(
                "services-availability",
                (
                    *availability.recordings(settings, kubernetes=kubernetes),
                    *(probes.recordings(readiness, owners=kubernetes) if readiness else ()),
                    *availability.alerts(kubernetes=kubernetes, why=probes.WHY if readiness and kubernetes else ""),
                ),
            ),
        ),
        metrics=(
            *_metrics(settings, spans=spans, kubernetes=kubernetes),
            *((*probes.metrics(readiness), probes.OF_KUBELET) if readiness else ()),
        ),
        slos=tuple(objectives.slos(settings)),
        inhibitions=inhibitions(settings),
    )


def _metrics(settings: ServicesSettings, *, spans: bool, kubernetes: bool) -> tuple[Metric, ...]:
    return (
        *INSTRUMENTED,
        *OF_LIBRARIES,
        *(metric for source in (PROMETHEUS, *settings.sources) for metric in of_source(source)),
        *OF_INGRESS,
        *(OF_SPANS if spans else ()),
        *(_OF_WORKLOADS if kubernetes else ()),
    )


SYSTEM = System(
    key="services",
    title="Services",
    owner="services",
    settings=ServicesSettings,
    example=EXAMPLE,
    dashboard=ONE_SERVICE,
    headline=Headline(
        up=f"1 - min({availability.MISSING})",
        errors=f"max({recordings.ERRORS})",
        latency=f"max({recordings.P95})",
    ),
    build=build,
)
