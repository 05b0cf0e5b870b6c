"""The whole stack file: one field per component, and what the fields must hold together."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from components.settings.alertmanager import AlertmanagerSettings, NotificationSettings
from components.settings.base import Many, Model, Problem, problem, problems, unknown_key
from components.settings.cluster import ClusterSettings
from components.settings.loki import CHECKS as LOKI_CHECKS
from components.settings.loki import LokiSettings
from components.settings.prometheus import PrometheusSettings
from components.settings.promtail import LogSettings, PromtailSettings
from components.settings.quantities import Duration
from components.settings.secrets import references, unanswered
from rules.model import Severity, System, Watched
from rules.slo import SloSettings
from rules.systems import SYSTEMS, watch


class AlertOverride(Model):
    """What is different about an alert on this stack."""

    for_: Duration | None = Field(default=None, alias="for")
    """How long its expression must hold."""
    severity: Severity | None = None
    """How urgent it is."""


class _OrOff:
    """``off`` in place of an override; YAML readers turn the bare word into ``false``."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def read(raw: object, override: core_schema.ValidatorFunctionWrapHandler) -> AlertOverride | None:
            result: AlertOverride | None = None if raw is False or raw == "off" else override(raw)
            return result

        return core_schema.no_info_wrap_validator_function(read, handler.generate_schema(AlertOverride))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"enum": ["off", False]}, handler(schema["schema"])]}


def _system_field(system: System[Any]) -> tuple[Any, Any]:
    default = system.settings() if system.always else None
    return system.settings | None, Field(default=default, description=inspect.cleandoc(system.settings.__doc__ or ""))


_FIELDS: Any = {system.name: _system_field(system) for system in SYSTEMS}
Systems = create_model("Systems", __base__=Model, **_FIELDS)
Systems.__doc__ = "What is watched: each system brings its scrape jobs, exporters, rules and dashboards, all or none."


class Settings(Model):
    """One environment of the stack. Every field is a top-level key, ``agent-observability:<field>``."""

    cluster: ClusterSettings
    """The cluster, and what all workloads have in common."""
    prometheus: PrometheusSettings = PrometheusSettings()
    """The metrics server."""
    alertmanager: AlertmanagerSettings = AlertmanagerSettings()
    """Groups, silences and delivers alerts."""
    loki: LokiSettings = LokiSettings()
    """The log store."""
    logs: LogSettings = LogSettings()
    """How the logs of the cluster's pods reach it."""
    promtail: PromtailSettings = PromtailSettings()
    """Reads the log files of each node's pods."""
    systems: Systems = Systems()  # type: ignore[valid-type]  # made from the list of systems, so only its base is known
    """What is watched."""
    alerts: dict[str, Annotated[AlertOverride | None, _OrOff]] = {}
    """By name of the alert: what is different about it here, or `off`."""
    notifications: NotificationSettings = NotificationSettings()
    """Who is told."""
    slos: Many[SloSettings] = ()
    """Service level objectives of your own services."""

    @property
    def watched(self) -> Watched:
        """What the systems that are on lead to, with the alerts as they are on this stack."""
        return watch(dict(self.systems), self.cluster, self.alerts, self.slos)


class Refused(Exception):
    """A stack file that cannot be deployed; carries every problem."""

    def __init__(self, found: list[Problem]) -> None:
        super().__init__("\n".join(found))
        self.problems = found


def read(sections: Mapping[str, object], secrets: Collection[str] | None = None) -> Settings:
    """The settings in ``sections``, top-level key to plain value; raises Refused with all problems at once.

    ``secrets`` are the names of the stack's secrets; None leaves open which there are. Sections are read one by one, so
    that a misspelt key in one does not hide a dangerous combination in others.
    """
    found: list[Problem] = []
    good: dict[str, Any] = {}
    for name in Settings.model_fields:
        try:
            part = _SECTIONS[name].model_validate({name: sections[name]} if name in sections else {})
            good[name] = getattr(part, name)
        except ValidationError as error:
            found += problems(error, _SECTIONS[name])
    for check in CHECKS:
        needs = inspect.signature(check).parameters
        if all(name in good for name in needs):
            found += check(**{name: good[name] for name in needs})
    named = {path: key for name, part in good.items() for path, key in references(part, name)}
    found += unanswered(named, sections.keys(), secrets)
    known = list(Settings.model_fields)
    found += [unknown_key(name, known) for name in sections if name not in known and name not in named.values()]
    if found:
        raise Refused(found)
    return Settings.model_construct(**good)


_SECTIONS: dict[str, type[Model]] = {
    name: create_model(name, __base__=Model, **{name: (field.rebuild_annotation(), field)})  # type: ignore[call-overload]  # the name is a variable
    for name, field in Settings.model_fields.items()
}


def production_keeps_its_data(
    cluster: ClusterSettings, prometheus: PrometheusSettings, alertmanager: AlertmanagerSettings
) -> Iterator[Problem]:
    servers = {"prometheus": prometheus.storage, "alertmanager": alertmanager.storage}
    for name, storage in servers.items():
        if cluster.is_production and storage is None:
            yield problem(f"{name}.storage", None, "a size: in production nothing may be lost when a pod moves")


def production_names_its_cluster(cluster: ClusterSettings) -> Iterator[Problem]:
    if cluster.is_production and not cluster.context.strip():
        yield problem(
            "cluster.context",
            cluster.context,
            "the kubeconfig context: empty would deploy to whatever kubectl points at",
        )


def production_tells_somebody(cluster: ClusterSettings, notifications: NotificationSettings) -> Iterator[Problem]:
    if cluster.is_production and not notifications.receivers:
        yield problem(
            "notifications.receivers", [], "at least one receiver: in production an alert must reach somebody"
        )


def names_are_unique(
    prometheus: PrometheusSettings, notifications: NotificationSettings, slos: tuple[SloSettings, ...]
) -> Iterator[Problem]:
    lists = {
        "prometheus.remoteWrite": [entry.name for entry in prometheus.remote_write],
        "prometheus.scrapeJobs": [entry.name for entry in prometheus.scrape_jobs],
        "notifications.receivers": [entry.name for entry in notifications.receivers],
        "slos": [entry.name for entry in slos],
    }
    for path, names in lists.items():
        for position, name in enumerate(names):
            if name in names[:position]:
                yield problem(f"{path}[{position}].name", name, "a name that no other entry of the list has")


def scrape_jobs_are_new(cluster: ClusterSettings, prometheus: PrometheusSettings, systems: Model) -> Iterator[Problem]:
    taken = {job.name for job in watch(dict(systems), cluster, {}, ()).scrape_jobs}
    for position, job in enumerate(prometheus.scrape_jobs):
        if job.name in taken:
            yield problem(f"prometheus.scrapeJobs[{position}].name", job.name, "a name that no job of the stack has")


def overridden_alerts_exist(
    cluster: ClusterSettings, systems: Model, slos: tuple[SloSettings, ...], alerts: dict[str, AlertOverride | None]
) -> Iterator[Problem]:
    known = [alert.name for alert in watch(dict(systems), cluster, {}, slos).alerts]
    for name in alerts:
        if name not in known:
            yield unknown_key(f"alerts.{name}", known, what="alert of the systems that are on")


CHECKS: tuple[Callable[..., Iterator[Problem]], ...] = (
    production_keeps_its_data,
    production_names_its_cluster,
    production_tells_somebody,
    names_are_unique,
    scrape_jobs_are_new,
    overridden_alerts_exist,
    *LOKI_CHECKS,
)
"""What sections must hold together; each check names the sections it reads."""
