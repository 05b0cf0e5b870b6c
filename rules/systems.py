"""The systems that can be watched, and what watching the chosen ones takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from components.settings.cluster import ClusterSettings
from components.settings.quantities import Duration
from rules import kubernetes, monitoring, nodes
from rules.model import Alert, Group, Recording, Severity, System, Watched
from rules.slo import SloSettings, slo_groups

SYSTEMS: tuple[System[Any], ...] = (kubernetes.SYSTEM, nodes.SYSTEM, monitoring.SYSTEM)
"""Adding a system is a file beside this one, its dashboards, and a name in this list."""


class Override(Protocol):
    """What a stack file may change about an alert; None stands for off."""

    @property
    def for_(self) -> Duration | None: ...
    @property
    def severity(self) -> Severity | None: ...


def watch(
    chosen: Mapping[str, Any],
    cluster: ClusterSettings,
    overrides: Mapping[str, Override | None],
    slos: tuple[SloSettings, ...],
    grafana: str | None = None,
) -> Watched:
    """Everything of the systems in ``chosen`` (name to settings, None for off), in the order of SYSTEMS.

    ``grafana`` is where the paths of this stack's own Grafana begin, None when it has none.
    """
    parts = [system.build(chosen[system.name], cluster) for system in SYSTEMS if chosen[system.name] is not None]
    if grafana is not None and chosen[monitoring.SYSTEM.name] is not None:
        parts.append(monitoring.grafana(grafana, cluster))
    groups = (*(group for part in parts for group in part.groups), *slo_groups(slos))
    return Watched(
        scrape_jobs=tuple(job for part in parts for job in part.scrape_jobs),
        groups=tuple(group for group in (_overridden(group, overrides) for group in groups) if group.rules),
        exporters=tuple(exporter for part in parts for exporter in part.exporters),
    )


def _overridden(group: Group, overrides: Mapping[str, Override | None]) -> Group:
    return replace(group, rules=tuple(changed for rule in group.rules if (changed := _changed(rule, overrides))))


def _changed(rule: Alert | Recording, overrides: Mapping[str, Override | None]) -> Alert | Recording | None:
    """The rule as this stack wants it; None when it is off."""
    if not isinstance(rule, Alert) or rule.name not in overrides:
        return rule
    override = overrides[rule.name]
    if override is None:
        return None
    return replace(rule, for_=override.for_ or rule.for_, severity=override.severity or rule.severity)
