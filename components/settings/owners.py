"""Who owns what, as a stack file says it: the teams, and what each has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from components.settings.alerts import AlertOverride
from components.settings.notifications import LabelPattern
from components.settings.prometheus import PrometheusSettings
from components.settings.slos import SloSettings
from model.owners import Owners
from model.settings import Many, Model, Problem, QualifiedName, Spelled, Team, problem
from rules.system import Surroundings
from rules.systems import SYSTEMS

_PATTERN = r"[A-Za-z0-9_.*-]{1,63}"
ServicePattern = Annotated[
    str,
    Spelled(rf"({_PATTERN}/)?{_PATTERN}", "a service like checkout or shop/checkout, in which * stands for any text"),
]


class TeamSettings(Model):
    """What a team owns."""

    alerts: Many[str] = ()
    """Names of alerts: all that they fire for."""
    services: Many[ServicePattern] = ()
    """Services, as the labels `service`, `workload` or `app` of an alert name them; `shop/checkout` is the one in
    namespace `shop`. `*` stands for any text."""
    namespaces: Many[LabelPattern] = ()
    """Namespaces. `*` stands for any text."""
    systems: Many[str] = ()
    """Keys of systems: alerts of these that nothing more specific decides."""


class OwnerSettings(Model):
    """Which team owns what: the label `owner` of alerts, by which routes select receivers.

    Of several that fit an alert, the most specific wins: the alert itself, its service, the label of its pods, its
    namespace, its system.
    """

    teams: dict[Team, TeamSettings] = {}
    """The teams by name, and what each owns. With any, an owner anywhere in the stack file must be one of them, or the
    owner of a system."""
    pod_label: QualifiedName | None = None
    """Label of pods that names their team, such as `team`; a pod whose label is none of `teams` has no team. Alerts on
    logs have no pods: for these name services or namespaces."""

    def owners(self) -> Owners:
        """The same by thing; of two teams that name one, which is refused, the first."""
        return Owners(
            alerts=self._by("alerts"),
            services=self._by("services"),
            pod_label=self.pod_label or "",
            namespaces=self._by("namespaces"),
            systems=self._by("systems"),
            teams=tuple(self.teams),
        )

    def _by(self, kind: str) -> Mapping[str, str]:
        return {thing: name for _, thing, name in reversed(list(self.things(kind)))}

    def things(self, kind: str) -> Iterator[tuple[str, str, str]]:
        """Path, thing and team of all that teams own of a kind, such as ``namespaces``."""
        for name, team in self.teams.items():
            for position, thing in enumerate(getattr(team, kind)):
                yield f"owners.teams.{name}.{kind}[{position}]", thing, name


def each_thing_has_one_owner(owners: OwnerSettings, alerts: Mapping[str, AlertOverride | None]) -> Iterator[Problem]:
    for kind in TeamSettings.model_fields:
        first: dict[str, str] = {}
        for path, thing, _ in owners.things(kind):
            if thing in first:
                yield problem(path, thing, f"what no other entry has: {first[thing]} is the same")
            first.setdefault(thing, path)
    for path, thing, name in owners.things("alerts"):
        override = alerts.get(thing)
        if override is not None and override.owner not in (None, name):
            yield problem(f"alerts.{thing}.owner", override.owner, f"left out, or {name}: {path} says who owns it")


def owned_systems_exist(owners: OwnerSettings) -> Iterator[Problem]:
    known = [system.key for system in SYSTEMS]
    for path, thing, _ in owners.things("systems"):
        if thing not in known:
            yield problem(path, thing, f"a system: {', '.join(known)}")


def owners_are_known(
    owners: OwnerSettings,
    alerts: Mapping[str, AlertOverride | None],
    slos: tuple[SloSettings, ...],
    prometheus: PrometheusSettings,
) -> Iterator[Problem]:
    known = {*owners.teams, *(system.owner for system in SYSTEMS)}
    given = {f"alerts.{name}.owner": each.owner for name, each in alerts.items() if each is not None}
    if owners.teams:
        given |= {f"slos[{position}].owner": slo.owner for position, slo in enumerate(slos)}
        jobs = enumerate(prometheus.scrape_jobs)
        given |= {f"prometheus.scrapeJobs[{position}].owner": job.owner for position, job in jobs}
    for path, owner in given.items():
        if owner is not None and owner not in known:
            yield problem(path, owner, f"an owner: {', '.join(sorted(known))}; owners.teams adds others")


def pods_can_name_their_team(owners: OwnerSettings, surroundings: Surroundings) -> Iterator[Problem]:
    if owners.pod_label is None:
        return
    if not owners.teams:
        yield problem("owners.podLabel", owners.pod_label, "owners.teams beside it: a pod that names no team has none")
    if "kubernetes" not in surroundings.on:
        reason = "system kubernetes beside it: kube-state-metrics exposes the labels of pods"
        yield problem("owners.podLabel", owners.pod_label, reason)


CHECKS = (each_thing_has_one_owner, owned_systems_exist, owners_are_known, pods_can_name_their_team)
"""Checks across sections; each names the sections that it reads."""
