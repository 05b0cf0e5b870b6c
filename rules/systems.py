"""The list of systems, and the sum of those that are on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from model.cluster import ClusterSettings
from model.content import CONTENT
from model.grafana_alert import GrafanaGroup
from model.logs import merged
from model.metrics import PUSHED, known_series
from model.owners import Owners
from model.quantities import Duration, Url
from model.rules import BaseAlert, Group, Inhibition, Severity, Threshold
from model.slo import SHORTEST, Slo
from model.slo_alerts import slo_inhibitions
from model.slo_rules import slo_groups
from model.uids import ALERTS, SLOS, DashboardUid
from rules import (
    agent_hive,
    agent_platform,
    agents,
    eliza,
    interaction_backend,
    istio,
    kubernetes,
    logs,
    mongodb,
    monitoring,
    nodes,
    portainer,
    postgres,
    progressive,
    redis,
    services,
    supabase,
)
from rules.catalogue import SUBJECT, alert_labels, other_subjects, series_of
from rules.content.asked import asked
from rules.owners import ANY_SUBJECT, excluded, owned
from rules.system import Surroundings, System, Watched

SYSTEMS: tuple[System[Any], ...] = (
    kubernetes.SYSTEM,
    nodes.SYSTEM,
    services.SYSTEM,
    agents.SYSTEM,
    logs.SYSTEM,
    postgres.SYSTEM,
    redis.SYSTEM,
    mongodb.SYSTEM,
    supabase.SYSTEM,
    portainer.SYSTEM,
    istio.SYSTEM,
    agent_hive.SYSTEM,
    progressive.SYSTEM,
    eliza.SYSTEM,
    agent_platform.SYSTEM,
    interaction_backend.SYSTEM,
    monitoring.SYSTEM,
)
"""To add a system, add a folder beside this file and a name to this list. `dashboards.listed` has its dashboards."""

# A critical alert inhibits the warning about the same subject: the same name, and the same labels of SUBJECT.
_SAME = ("alertname", *SUBJECT)
LESS_URGENT = (
    Inhibition(source={"severity": "critical"}, target={"severity": "warning|info"}, equal=_SAME),
    Inhibition(source={"severity": "warning"}, target={"severity": "info"}, equal=_SAME),
)

EXAMPLE = Surroundings(
    # A flavour whose control plane is watched.
    cluster=ClusterSettings(name="example", environment="example", context="example", flavour="kubeadm"),
    scrape_interval=Duration.parse("30s"),
    evaluation_interval=Duration.parse("30s"),
    retention=Duration.parse("90d"),
    log_collector="promtail",
    grafana=Url.parse("https://grafana.example.com"),
    runs_grafana=True,
    on=frozenset(system.key for system in SYSTEMS),
    owners=Owners(),
    alert_labels={},
)
"""Surroundings in which every system is on."""

USER_SLOS = "slos"
"""Key of the system that the stack file's own objectives belong to."""
CONTENT_OWNER = "platform"
"""Owner of people's own alerts that name none."""


_Group = TypeVar("_Group", Group, GrafanaGroup)
_Alert = TypeVar("_Alert", bound=BaseAlert)


class Override(Protocol):
    """The changes of an alert in a stack file. A threshold of None turns its severity off."""

    @property
    def thresholds(self) -> Mapping[Severity, Threshold | None]: ...
    @property
    def for_(self) -> Duration | None: ...
    @property
    def severity(self) -> Severity | None: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def excluded(self) -> Mapping[str, tuple[str, ...]]: ...


def watch(
    settings: Mapping[str, Any],
    surroundings: Surroundings,
    overrides: Mapping[str, Override | None],
    slos: tuple[Slo, ...],
) -> Watched:
    """The sum of all systems that are on, in the order of SYSTEMS. ``settings`` has the settings of each, by its key.

    Raises ValueError for an override of a field that the alert does not have.
    """
    content, owners, kept = surroundings.content, surroundings.owners, surroundings.retention

    def built(systems: Iterable[System[Any]]) -> list[Watched]:
        return [
            _owned(
                system.build(settings[system.key], surroundings),
                system.key,
                owners.systems.get(system.key, system.owner),
                system.dashboard,
                kept,
            )
            for system in systems
            if system.key in surroundings.on
        ]

    of_people = Watched(groups=content.groups, grafana_groups=content.grafana_groups, runbooks=content.runbooks)
    theirs = [*built(system for _, system in content.systems), _owned(of_people, CONTENT, CONTENT_OWNER, ALERTS, kept)]
    parts = [*built(SYSTEMS), _owned(Watched(slos=slos), USER_SLOS, "", SLOS, kept), *theirs]
    jobs = tuple(job for part in parts for job in part.scrape_jobs)
    there = {PUSHED, *(job.name for job in jobs)}
    metrics = (metric for system in theirs for metric in system.metrics if metric.job in there)
    told_apart = other_subjects((group for part in theirs for group in part.groups), known_series(metrics, jobs))
    watched = Watched(
        scrape_jobs=jobs,
        groups=tuple(group for part in parts for group in part.groups),
        grafana_groups=tuple(group for part in parts for group in part.grafana_groups),
        exporters=tuple(exporter for part in parts for exporter in part.exporters),
        metrics=tuple(metric for part in parts for metric in part.metrics),
        promoted=tuple(dict.fromkeys(each for part in parts for each in part.promoted)),
        log_fields=merged(field for part in parts for field in part.log_fields),
        spans=tuple(span for part in parts for span in part.spans),
        attributed=tuple(dict.fromkeys(each for part in parts for each in part.attributed)),
        slos=tuple(slo for part in parts for slo in part.slos),
        inhibitions=(
            *(replace(each, equal=(*each.equal, *told_apart)) for each in LESS_URGENT),
            *(each for part in parts for each in part.inhibitions),
            *slo_inhibitions(),
        ),
        runbooks=content.runbooks,
        dashboards=content.dashboards,
        queries=content.queries,
        links=tuple(link for part in parts for link in part.links),
        of_people=tuple(expr for _, expr in asked(content)),
    )
    watched = _overridden(watched, overrides, surroundings.alert_labels)
    watched = _excluding(watched, {name: override.excluded for name, override in overrides.items() if override})
    by_alert = {name: override.owner for name, override in overrides.items() if override and override.owner}
    return _assigned(watched, replace(owners, alerts={**owners.alerts, **by_alert}))


def examples() -> dict[str, Any]:
    """The example of each system by its key, in the form of a stack file."""
    return {system.key: system.example.model_dump(by_alias=True, exclude_unset=True, mode="json") for system in SYSTEMS}


def example() -> Watched:
    """The sum of all systems, built from their examples."""
    return watch({system.key: system.example for system in SYSTEMS}, EXAMPLE, {}, ())


def _owned(part: Watched, system: str, owner: str, dashboard: DashboardUid, retention: Duration) -> Watched:
    """``part`` with its objectives' rules, the label ``system``, and defaults for ``owner`` and ``dashboard``.

    No objective's window is longer than the ``retention`` of its events.
    """
    kept = max(retention, SHORTEST)
    environments = tuple(dict.fromkeys(each for job in part.scrape_jobs for each in job.environments.values()))

    def of_system(group: _Group) -> _Group:
        rules = (
            replace(rule, system=system, owner=rule.owner or owner, dashboard=rule.dashboard or dashboard)
            if isinstance(rule, BaseAlert)
            else rule
            for rule in group.rules
        )
        return replace(group, system=system, rules=tuple(rules))

    def of_place(group: Group) -> Group:
        return replace(of_system(group), environments=environments)

    slos = tuple(replace(slo, owner=slo.owner or owner, window=min(slo.window, kept)) for slo in part.slos)
    return replace(
        part,
        slos=slos,
        groups=tuple(of_place(group) for group in (*part.groups, *slo_groups(slos))),
        grafana_groups=tuple(of_system(group) for group in part.grafana_groups),
    )


def _overridden(watched: Watched, overrides: Mapping[str, Override | None], labels: Mapping[str, str]) -> Watched:
    """With the alerts as this stack wants them, and without those that are off."""

    def change(alert: _Alert) -> _Alert | None:
        if alert.name not in overrides:
            return replace(alert, labels={**alert.labels, **labels}) if labels else alert
        override = overrides[alert.name]
        if override is None:
            return None
        return alert.changed(
            thresholds=override.thresholds,
            severity=override.severity,
            for_=override.for_,
            labels={**labels, **override.labels},
        )

    return watched.changed(change)


def _excluding(watched: Watched, excluding: Mapping[str, Mapping[str, tuple[str, ...]]]) -> Watched:
    if not any(excluding.values()):
        return watched
    known = series_of(watched)

    def change(alert: _Alert) -> _Alert:
        for label, values in excluding.get(alert.name, {}).items():
            alert = excluded(alert, label, values, known)
        return alert

    return watched.changed(change)


def _assigned(watched: Watched, owners: Owners) -> Watched:
    """With the owners that the stack file names."""
    if owners == Owners():
        return watched
    labels = alert_labels(watched)

    def change(alert: _Alert) -> _Alert:
        return owned(alert, owners, labels.get(alert.name, ANY_SUBJECT))

    return watched.changed(change)
