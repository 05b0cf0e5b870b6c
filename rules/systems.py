"""The systems that can be watched, and what watching the chosen ones takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from model.cluster import ClusterSettings
from model.grafana_alert import GrafanaGroup
from model.logs import LogCollector
from model.quantities import Duration
from model.rules import BaseAlert, Group, Inhibition, Recording, Severity, Threshold
from model.slo import Slo, slo_groups, slo_inhibitions
from rules import agents, kubernetes, monitoring, nodes
from rules import logs as log_alerts
from rules.catalogue import SUBJECT
from rules.system import System, Watched

SYSTEMS: tuple[System[Any], ...] = (
    kubernetes.SYSTEM,
    nodes.SYSTEM,
    agents.SYSTEM,
    log_alerts.SYSTEM,
    monitoring.SYSTEM,
)
"""Adding a system is a file beside this one, its dashboards, and a name in this list."""

# What is critical needs no warning of the same: same name, and each label that tells subjects apart, if it is there.
_SAME = ("alertname", *SUBJECT)
LESS_URGENT = (
    Inhibition(source={"severity": "critical"}, target={"severity": "warning|info"}, equal=_SAME),
    Inhibition(source={"severity": "warning"}, target={"severity": "info"}, equal=_SAME),
)

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
    chosen: Mapping[str, Any],
    cluster: ClusterSettings,
    overrides: Mapping[str, Override | None],
    slos: tuple[Slo, ...],
    grafana: str | None = None,
    logs: LogCollector = "promtail",
) -> Watched:
    """Everything of the systems in ``chosen`` (name to settings, None for off), in the order of SYSTEMS.

    ``grafana`` is where the paths of this stack's own Grafana begin, None when it has none; ``logs`` is what reads logs
    on each node. Raises ValueError about an override that its alert has no place for.
    """
    parts = [
        _owned(system.build(chosen[system.name], cluster), system.name)
        for system in SYSTEMS
        if chosen[system.name] is not None
    ]
    if grafana is not None and chosen[monitoring.SYSTEM.name] is not None:
        parts.append(_owned(monitoring.grafana(grafana, cluster), monitoring.SYSTEM.name))
    if chosen[monitoring.SYSTEM.name] is not None:
        parts.append(_owned(monitoring.log_collector(logs, cluster), monitoring.SYSTEM.name))
    if chosen[agents.SYSTEM.name] is not None and chosen[monitoring.SYSTEM.name] is not None:
        parts.append(_owned(agents.a2a(), agents.SYSTEM.name))  # Jaeger is scraped as a part of monitoring
    parts.append(_owned(Watched(slos=slos), USER_SLOS))
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


def _owned(part: Watched, system: str) -> Watched:
    groups = (*part.groups, *slo_groups(part.slos))
    return replace(
        part,
        groups=tuple(_of_system(group, system) for group in groups),
        grafana_groups=tuple(_of_system(group, system) for group in part.grafana_groups),
    )


def _of_system(group: _Group, system: str) -> _Group:
    rules = (replace(rule, system=system) if isinstance(rule, BaseAlert) else rule for rule in group.rules)
    return replace(group, system=system, rules=tuple(rules))


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
