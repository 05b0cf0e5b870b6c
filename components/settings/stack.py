"""The whole stack file: one field per component, and the checks across them."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PrivateAttr, ValidationError, create_model

from components.settings.accepted import AcceptedSettings
from components.settings.alertmanager import AlertmanagerSettings
from components.settings.alerts import AlertOverride, OrOff
from components.settings.checks import CHECKS
from components.settings.collector import CollectorSettings
from components.settings.content import ContentFolder, missing
from components.settings.grafana import GrafanaSettings
from components.settings.jaeger import JaegerSettings
from components.settings.logs import LogSettings
from components.settings.loki import LokiSettings
from components.settings.notification_checks import teams_without_route
from components.settings.notifications import NotificationSettings
from components.settings.owners import OwnerSettings
from components.settings.plain import one_line, unusable
from components.settings.prometheus import PrometheusSettings
from components.settings.secrets import encrypted, leaves, references, unanswered
from components.settings.slos import SloSettings
from components.settings.surroundings import surroundings
from components.settings.unchanged import Unchanged
from model.cluster import ClusterSettings
from model.content import CONTENT
from model.grafana_alert import GrafanaGroup
from model.logs import LogField, merged
from model.settings import Many, Model, Problem, holds_secret, problems, unknown_key
from rules.catalogue import check
from rules.content.folders import Folders, content
from rules.content.modules import misbuilt
from rules.system import Content, Surroundings, System, Watched
from rules.systems import SYSTEMS, watch


def _system_field(system: System[Any]) -> tuple[Any, Any]:
    default = system.settings() if system.always else None
    described = inspect.cleandoc(system.settings.__doc__ or "")
    # Without an alias, `agent_hive` would be `agentHive` in a stack file, and in labels and tags not.
    return system.settings | None, Field(default=default, alias=system.key, description=described)


class _Made(Model):
    """A model whose fields have their descriptions already: there is no class body to read them from, and the search
    for one takes longer than all else.
    """

    model_config = ConfigDict(use_attribute_docstrings=False)


_FIELDS: Any = {system.key: _system_field(system) for system in SYSTEMS}
Systems = create_model("Systems", __base__=_Made, **_FIELDS)
Systems.__doc__ = "The systems to watch. Each adds its scrape jobs, exporters, rules and dashboards."


def systems_with(content: Content) -> type[Model]:
    """The settings of all systems, with those that people bring."""
    theirs: Any = {system.key: _system_field(system) for _, system in content.systems}
    return create_model("Systems", __base__=Systems, __doc__=Systems.__doc__, **theirs) if theirs else Systems


class Settings(Model):
    """One environment of the stack. Every field is a top-level key, ``agent-observability:<field>``."""

    cluster: ClusterSettings
    """The cluster, and the settings of all workloads."""
    prometheus: PrometheusSettings = PrometheusSettings()
    """The metrics server."""
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    """Groups, silences and delivers alerts."""
    grafana: GrafanaSettings = GrafanaSettings()
    """Dashboards, exploration and alerts on logs."""
    collector: CollectorSettings = CollectorSettings()
    """The OpenTelemetry collector, which receives all telemetry."""
    jaeger: JaegerSettings = JaegerSettings()
    """The trace store."""
    loki: LokiSettings = LokiSettings()
    """The log store."""
    logs: LogSettings = LogSettings()
    """The log collector on the nodes."""
    systems: Systems = Systems()
    """Systems to watch."""
    alerts: dict[str, Annotated[AlertOverride | None, OrOff]] = {}
    """Overrides of alerts by name, or `off`."""
    owners: OwnerSettings = OwnerSettings()
    """Which team owns what."""
    notifications: NotificationSettings = NotificationSettings()
    """Receivers, routes and time intervals of notifications."""
    slos: Many[SloSettings] = ()
    """Service level objectives of your own services."""
    content: Many[ContentFolder] = ()
    """Folders with your own rules, dashboards and runbooks, such as `content/`. See docs/your-own.md."""
    accepted: AcceptedSettings = {}
    """Reasons for changes that a gate of `make diff` refuses, by gate. See docs/pull-requests.md."""
    _brought: Content = PrivateAttr(default=Content())

    @property
    def surroundings(self) -> Surroundings:
        """The parts of this stack that systems depend on."""
        return surroundings(
            self.cluster,
            self.prometheus,
            self.grafana,
            self.logs,
            self.systems,
            self.owners,
            self.notifications,
            self._brought,
        )

    @cached_property
    def watched(self) -> Watched:
        """The rules of the enabled systems, with this stack's overrides of alerts."""
        watched = watch(dict(self.systems), self.surroundings, self.alerts, tuple(each.slo for each in self.slos))
        check(watched)
        return watched

    @property
    def evaluated_by_loki(self) -> tuple[GrafanaGroup, ...]:
        """Groups of alerts on logs that Loki's ruler evaluates; Grafana evaluates the others."""
        if self.loki.ruler is None or not self.loki.ruler.alerts:
            return ()
        return tuple(group for group in self.watched.grafana_groups if group.system == CONTENT)

    @property
    def log_fields(self) -> tuple[LogField, ...]:
        """Fields of JSON lines that become structured metadata: those of the systems, then the stack file's."""
        return merged((*self.watched.log_fields, *self.logs.more_fields))

    @property
    def warnings(self) -> list[Problem]:
        """What is allowed on this stack, and is worth a word."""
        if not self.owners.teams:
            return []
        return teams_without_route(self.watched, self.cluster, self.notifications, self.owners)

    @property
    def systems_on(self) -> tuple[str, ...]:
        """Keys of the systems that are watched."""
        return tuple(key for key, settings in self.systems if settings is not None)


class Refused(Exception):
    """A stack file that is refused, with all of its problems."""

    def __init__(self, found: Iterable[Problem]) -> None:
        self.problems = [one_line(each) for each in found]
        super().__init__("\n".join(self.problems))


def read(
    sections: Mapping[str, object], secrets: Collection[str] | None = None, folders: Folders | None = None
) -> Settings:
    """The settings in ``sections``, top-level key to plain value; raises Refused with all problems at once.

    ``secrets`` are the names of the stack's secrets; None leaves open which there are. ``folders`` are the content
    folders that the stack names; without them, it brings nothing. Sections are read one by one, so
    that a misspelt key in one does not hide a dangerous combination in others.
    """
    found: list[Problem] = []
    brought = content(folders or {}, found)
    sections_of = _sections(brought)
    good, legible = _parsed(sections, secrets or (), sections_of, found)
    if folders is not None:
        found += missing(good.get("content", ()), folders)
    given = good | _surroundings(good | {"brought": brought})
    faults = list(_misbuilt(brought, given))
    found += faults
    if not faults:  # the checks need every system's rules
        found += _across(given | _unchanged(given))
    named = {path: key for name, part in good.items() for path, key in references(part, name)}
    found += unanswered(named, sections.keys(), secrets)
    known = list(Settings.model_fields)
    if legible:  # otherwise the references are unknown
        # In a refused section, references cannot be told from other text. A second problem would only mislead.
        refused = [part for name, part in sections.items() if name in known and name not in good]
        expected = {*known, *named.values(), *(leaf for part in refused for _, leaf in leaves(part))}
        found += [unknown_key(name, known) for name in sections if name not in expected]
    if found:
        raise Refused(found)
    settings = Settings.model_construct(**good)
    settings._brought = brought  # noqa: SLF001  it is no setting, so it is private to pydantic
    if brought.systems:
        try:
            _ = settings.watched
        except ValueError as wrong:
            raise Refused([f"{', '.join(path for path, _ in brought.systems)}: {wrong}"]) from None
    return settings


def _parsed(
    sections: Mapping[str, object], secrets: Collection[str], models: Mapping[str, type[Model]], found: list[Problem]
) -> tuple[dict[str, Any], bool]:
    """The sections without problems, and whether all could be read at all."""
    good: dict[str, Any] = {}
    legible = True
    for name in Settings.model_fields:
        if broken := list(unusable(sections.get(name), name)):
            found += broken
            legible = False
            continue
        inside = [name] if name in secrets else list(encrypted(sections.get(name), name))
        if inside:
            found += [holds_secret(path) for path in inside]
            continue
        try:
            part = models[name].model_validate({name: sections[name]} if name in sections else {})
            good[name] = getattr(part, name)
        except ValidationError as error:
            found += problems(error, models[name])
    return good, legible


def _misbuilt(brought: Content, given: Mapping[str, Any]) -> Iterator[Problem]:
    """The systems of people that cannot be built with their settings."""
    if "systems" in given and "surroundings" in given:
        for path, system in brought.systems:
            settings = getattr(given["systems"], system.key)
            if settings is not None and (problem := misbuilt(path, system, settings, given["surroundings"])):
                yield problem


def _surroundings(good: Mapping[str, Any]) -> dict[str, Any]:
    """The surroundings for the checks; None if a section that they need is refused."""
    # The alerts depend little on these sections, so other checks run even if these are refused.
    known = {
        "prometheus": PrometheusSettings(),
        "owners": OwnerSettings(),
        "notifications": NotificationSettings(),
        **good,
    }
    needs = inspect.signature(surroundings).parameters
    if any(name not in known for name in needs):
        return {}
    return {"surroundings": surroundings(**{name: known[name] for name in needs})}


def _across(given: Mapping[str, Any]) -> Iterator[Problem]:
    """The problems across sections, of the checks whose sections are all there."""
    for holds in CHECKS:
        needs = inspect.signature(holds).parameters
        if all(name in given for name in needs):
            yield from holds(**{name: given[name] for name in needs})


def _unchanged(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is watched without the stack file's objectives, and with them; without a section that is refused."""
    if not {"surroundings", "systems"} <= given.keys():
        return {}
    built_in = Unchanged(given["surroundings"], given["systems"])
    return {"built_in": built_in} | ({"unchanged": built_in.with_slos(given["slos"])} if "slos" in given else {})


def _section(name: str, kind: Any, field: Any) -> type[Model]:
    return create_model(name, __base__=_Made, **{name: (kind, field)})  # type: ignore[call-overload,no-any-return]  # the name is a variable


_SECTIONS: dict[str, type[Model]] = {
    name: _section(name, field.rebuild_annotation(), field) for name, field in Settings.model_fields.items()
}


def _sections(brought: Content) -> dict[str, type[Model]]:
    if not brought.systems:
        return _SECTIONS
    systems = systems_with(brought)
    return _SECTIONS | {"systems": _section("systems", systems, systems())}
