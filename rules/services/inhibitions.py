"""Which alerts of services notify nobody while others fire: a cause mutes its effects, and one outage is one page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from model.rules import Inhibition
from rules.services.labels import SERVICE
from rules.services.settings import STORES, ServicesSettings, labels

_SERVICE = tuple(SERVICE.split(", "))
_WORKLOAD = ("cluster", "environment", "namespace", "workload", "workload_type")

DOWN, NOT_READY, FAILING = "ServiceDown", "ServiceNotReady", "EdgeErrorsHigh|HighErrorRate"
SLOW = "SlowResponseTime|SlowestResponses|LatencyRising"
_USE = "ClientErrorsRising|TrafficDropped|TrafficSpike|ConnectionsHigh"
_CALLS = "DependencyFailing|DependencySlow"
_STEPS = (DOWN, NOT_READY, "EdgeErrorsHigh", "HighErrorRate", f"{SLOW}|{_USE}|{_CALLS}")
"""From the cause to its effects. Failing requests say more than the failing calls that cause them."""


def inhibitions(settings: ServicesSettings) -> tuple[Inhibition, ...]:
    return (*_causes(), *_platforms(), *_workloads(), *_dependencies(settings))


def _causes() -> Iterator[Inhibition]:
    for position, cause in enumerate(_STEPS[:-1]):
        effects = "|".join(_STEPS[position + 1 :])
        yield Inhibition(source={"alertname": cause}, target={"alertname": effects}, equal=_SERVICE)
    # A burn mutes the other alerts on its symptom (model/slo_alerts.py), and has the same cause as these.
    yield Inhibition(source={"alertname": DOWN, "severity": "critical"}, target={"burn": ".+"}, equal=_SERVICE)


def _platforms() -> Iterator[Inhibition]:
    """A platform's own alert on a symptom says more than this system's, which has the label ``general``."""
    for severity, muted in (("critical", "critical|warning"), ("warning", "warning")):
        yield Inhibition(
            # Labels that both lack are equal to Alertmanager, so that of the service is asked for.
            source={"general": "", "symptom": ".+", "service": ".+", "severity": severity},
            target={"general": "true", "symptom": ".+", "severity": muted},
            equal=(*_SERVICE, "symptom"),
        )


def _workloads() -> Iterator[Inhibition]:
    """The workload of a service has alerts too, which come later."""
    missing = "KubernetesReplicasMissing"
    of_pods = f"{missing}|KubernetesPodNotReady"
    down = f"{DOWN}|{NOT_READY}"
    for source, target in (
        ({"alertname": DOWN, "severity": "critical"}, {"alertname": of_pods}),
        ({"alertname": down, "severity": "warning"}, {"alertname": of_pods, "severity": "warning"}),
        ({"alertname": missing, "severity": "critical"}, {"alertname": down, "severity": "warning"}),
    ):
        yield Inhibition(source=source, target=target, equal=_WORKLOAD)


def _dependencies(settings: ServicesSettings) -> Iterator[Inhibition]:
    effects = f"{NOT_READY}|{FAILING}|{SLOW}|{_CALLS}|TrafficDropped"
    for name, service in settings.listed.items():
        for dependency in service.depends_on:
            kind, _, instance = dependency.rpartition("/")
            store = {"system": kind, "alertname": ".+Down", "severity": "critical", "instance": re.escape(instance)}
            of_service = {"alertname": DOWN, **_matched(dependency)}
            for effect in ({"alertname": effects}, {"burn": ".+"}):
                yield Inhibition(
                    source=store if kind in STORES else of_service,
                    target={**effect, **_matched(name)},
                    equal=("cluster", "environment"),
                )


def _matched(name: str) -> dict[str, str]:
    return {label: re.escape(value) for label, value in labels(name).items()}
