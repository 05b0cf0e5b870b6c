"""The systems that can be watched, and what watching the chosen ones takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from model.cluster import ClusterSettings
from model.grafana_alert import GrafanaGroup
from model.quantities import Duration, Url
from model.rules import BaseAlert, Group, Inhibition, Recording, Severity, Threshold
from model.slo import Slo, slo_groups, slo_inhibitions
from model.uids import SLOS, DashboardUid
from rules import agents, kubernetes, logs, monitoring, nodes, services
from rules.catalogue import SUBJECT
from rules.system import Surroundings, System, Watched

SYSTEMS: tuple[System[Any], ...] = (
    kubernetes.SYSTEM,
    nodes.SYSTEM,
    services.SYSTEM,
    agents.SYSTEM,
    logs.SYSTEM,
    monitoring.SYSTEM,
)
"""Adding a system is a folder beside this file, and a name in this list; its dashboards are in `dashboards.listed`."""

# What is critical needs no warning of the same: same name, and each label that tells subjects apart, if it is there.
_SAME = ("alertname", *SUBJECT)
LESS_URGENT = (
    Inhibition(source={"severity": "critical"}, target={"severity": "warning|info"}, equal=_SAME),
    Inhibition(source={"severity": "warning"}, target={"severity": "info"}, equal=_SAME),
)

EXAMPLE = Surroundings(
    # Of the flavours, the one whose control plane can be watched.
    cluster=ClusterSettings(name="example", environment="example", context="example", flavour="kubeadm"),
    scrape_interval=Duration.parse("30s"),
    evaluation_interval=Duration.parse("30s"),
    log_collector="promtail",
    grafana=Url.parse("https://grafana.example.com"),
    runs_grafana=True,
    on=frozenset(system.key for system in SYSTEMS),
)
"""Where every system is on."""

USER_SLOS = "slos"
"""The system of the stack file's own objectives."""


_Group = TypeVar("_Group", Group, GrafanaGroup)
_Rule = TypeVar("_Rule", bound=BaseAlert | Recording)


class Override(Protocol):
    """What a stack file may change about an alert; None stands for off."""

    @property
    def thresholds(self) -> Mapping[Severity, Threshold | None]: ...
    @property
    def for_(self) -> Duration | None: ...
    @property
    def severity(self) -> Severity | None: ...


def watch(
    settings: Mapping[str, Any],
    surroundings: Surroundings,
    overrides: Mapping[str, Override | None],
    slos: tuple[Slo, ...],
) -> Watched:
    """Everything of the systems that are on, in the order of SYSTEMS; ``settings`` has those of each, by its key.

    Raises ValueError about an override that its alert has no place for.
    """
    parts = [
        _owned(system.build(settings[system.key], surroundings), system.key, system.owner, system.dashboard)
        for system in SYSTEMS
        if system.key in surroundings.on
    ]
    parts.append(_owned(Watched(slos=slos), USER_SLOS, "", SLOS))
    groups = (_overridden(group, overrides) for part in parts for group in part.groups)
    grafana_groups = (_overridden(group, overrides) for part in parts for group in part.grafana_groups)
    return Watched(
        scrape_jobs=tuple(job for part in parts for job in part.scrape_jobs),
        groups=tuple(group for group in groups if group.rules),
        grafana_groups=tuple(group for group in grafana_groups if group.rules),
        exporters=tuple(exporter for part in parts for exporter in part.exporters),
        metrics=tuple(metric for part in parts for metric in part.metrics),
        slos=tuple(slo for part in parts for slo in part.slos),
        inhibitions=(*LESS_URGENT, *(each for part in parts for each in part.inhibitions), *slo_inhibitions()),
    )


def examples() -> dict[str, Any]:
    """The example of each system, as a stack file has it."""
    return {system.key: system.example.model_dump(by_alias=True, exclude_unset=True, mode="json") for system in SYSTEMS}


def example() -> Watched:
    """Every system from its example."""
    return watch({system.key: system.example for system in SYSTEMS}, EXAMPLE, {}, ())


def _owned(part: Watched, system: str, owner: str, dashboard: DashboardUid) -> Watched:
    """``part`` as the system's own, with its objectives' rules; ``owner`` and ``dashboard`` are for what names none."""

    def of_system(group: _Group) -> _Group:
        rules = (
            replace(rule, system=system, owner=rule.owner or owner, dashboard=rule.dashboard or dashboard)
            if isinstance(rule, BaseAlert)
            else rule
            for rule in group.rules
        )
        return replace(group, system=system, rules=tuple(rules))

    slos = tuple(replace(slo, owner=slo.owner or owner) for slo in part.slos)
    return replace(
        part,
        slos=slos,
        groups=tuple(of_system(group) for group in (*part.groups, *slo_groups(slos))),
        grafana_groups=tuple(of_system(group) for group in part.grafana_groups),
    )


def _overridden(group: _Group, overrides: Mapping[str, Override | None]) -> _Group:
    return replace(group, rules=tuple(changed for rule in group.rules if (changed := _changed(rule, overrides))))


def _changed(rule: _Rule, overrides: Mapping[str, Override | None]) -> _Rule | None:
    """The rule as this stack wants it; None when it is off."""
    if isinstance(rule, Recording) or rule.name not in overrides:
        return rule
    override = overrides[rule.name]
    if override is None:
        return None
    return rule.changed(thresholds=override.thresholds, severity=override.severity, for_=override.for_)
