"""The whole stack file: one field per component, and what the fields must hold together."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from components.settings.alertmanager import AlertmanagerSettings, NotificationSettings
from components.settings.base import Many, Model, Problem, Workload, holds_secret, problem, problems, unknown_key
from components.settings.cluster import ClusterSettings
from components.settings.grafana import CHECKS as GRAFANA_CHECKS
from components.settings.grafana import GrafanaSettings
from components.settings.jaeger import CHECKS as JAEGER_CHECKS
from components.settings.jaeger import JaegerSettings
from components.settings.loki import CHECKS as LOKI_CHECKS
from components.settings.loki import LokiSettings
from components.settings.prometheus import PrometheusSettings
from components.settings.promtail import LogSettings, PromtailSettings
from components.settings.quantities import Duration, Image
from components.settings.secrets import encrypted, leaves, references, unanswered
from rules.model import Severity, System, Watched
from rules.slo import SloSettings
from rules.systems import SYSTEMS, watch


class AlertOverride(Model):
    """What is different about an alert on this stack."""

    for_: Duration | None = Field(default=None, alias="for")
    """How long its expression must hold."""
    severity: Severity | None = Field(default=None, strict=False)  # a word in YAML, no Severity yet
    """How urgent it is."""


class _OrOff:
    """``off`` in place of an override; YAML readers turn the bare word into ``false``."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def read(raw: object, override: core_schema.ValidatorFunctionWrapHandler) -> AlertOverride | None:
            if raw is False or raw == "off":
                return None
            if not isinstance(raw, dict | AlertOverride):
                raise PydanticCustomError("override", "off, or a mapping with for or severity")
            result: AlertOverride = override(raw)
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
    grafana: GrafanaSettings = GrafanaSettings()
    """Where people look: dashboards, exploration, log alerts."""
    jaeger: JaegerSettings = JaegerSettings()
    """The trace store."""
    loki: LokiSettings = LokiSettings()
    """The log store."""
    logs: LogSettings = LogSettings()
    """How the logs of the cluster's pods reach it."""
    promtail: PromtailSettings = PromtailSettings()
    """Reads the log files of each node's pods."""
    systems: Systems = Systems()
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
        return watch(dict(self.systems), self.cluster, self.alerts, self.slos, self._grafana)

    @property
    def _grafana(self) -> str | None:
        """Where our Grafana's own paths begin; None when it is somebody else's."""
        return None if self.grafana.external else self.grafana.path


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
        inside = [name] if name in (secrets or ()) else list(encrypted(sections.get(name), name))
        if inside:
            found += [holds_secret(path) for path in inside]
            continue
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
    # What a refused section names cannot be told from its other text: a second problem would only mislead.
    unread = {leaf for name, part in sections.items() if name in known and name not in good for _, leaf in leaves(part)}
    expected = {*known, *named.values(), *unread}
    found += [unknown_key(name, known) for name in sections if name not in expected]
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
    taken = {job.name for job in watch(dict(systems), cluster, {}, (), grafana="").scrape_jobs}
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


def cluster_has_a_name(cluster: ClusterSettings) -> Iterator[Problem]:
    if not cluster.name:
        yield problem(
            "cluster.name", "", "a name: it is the cluster label of every series, and an empty one is no label"
        )


def namespaces_are_our_own(cluster: ClusterSettings) -> Iterator[Problem]:
    stack, node_agents = cluster.namespaces.stack, cluster.namespaces.node_agents
    for path, name in {"stack": stack, "nodeAgents": node_agents}.items():
        if name == "default" or name.startswith("kube-"):
            reason = "a namespace of its own: the stack creates it, and deletes it when it is destroyed"
            yield problem(f"cluster.namespaces.{path}", name, reason)
    if stack == node_agents:
        reason = "another namespace than stack: this one is privileged, and servers must not be"
        yield problem("cluster.namespaces.nodeAgents", node_agents, reason)


OWN_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by")
"""Labels that the stack sets itself: what its selectors find, and who manages it."""
OWN_PREFIXES = ("pod-security.kubernetes.io/", "kubernetes.io/")
"""Where Kubernetes keeps labels that mean something to it."""
OWN_EXTERNAL_LABELS = ("cluster", "environment", "prometheus_replica")


def labels_are_free(
    cluster: ClusterSettings,
    prometheus: PrometheusSettings,
    alertmanager: AlertmanagerSettings,
    jaeger: JaegerSettings,
    grafana: GrafanaSettings,
    loki: LokiSettings,
    promtail: PromtailSettings,
) -> Iterator[Problem]:
    workloads: dict[str, Workload] = {
        "prometheus": prometheus,
        "alertmanager": alertmanager,
        "jaeger": jaeger,
        "grafana": grafana,
        "loki": loki,
        "promtail": promtail,
    }
    given = {"cluster.labels": cluster.labels} | {f"{name}.labels": each.labels for name, each in workloads.items()}
    for path, labels in given.items():
        for label, value in labels.items():
            if label in OWN_LABELS or label.startswith(OWN_PREFIXES):
                yield problem(f"{path}.{label}", value, "a label that neither the stack nor Kubernetes sets itself")
    for label in prometheus.external_labels:
        if label in OWN_EXTERNAL_LABELS:
            reason = "a label that the stack does not set itself: " + ", ".join(OWN_EXTERNAL_LABELS) + " are"
            yield problem(f"prometheus.externalLabels.{label}", prometheus.external_labels[label], reason)


def tolerations_match_a_taint(cluster: ClusterSettings) -> Iterator[Problem]:
    for position, toleration in enumerate(cluster.tolerations):
        path = f"cluster.tolerations[{position}]"
        if toleration.operator == "Exists" and toleration.value is not None:
            yield problem(f"{path}.value", toleration.value, "no value with operator Exists, which accepts every value")
        if toleration.operator == "Equal" and toleration.key is None:
            yield problem(f"{path}.operator", "Equal", "Exists when no key is given, or a key")


def durations_are_not_zero(
    prometheus: PrometheusSettings,
    alertmanager: AlertmanagerSettings,
    jaeger: JaegerSettings,
    notifications: NotificationSettings,
) -> Iterator[Problem]:
    sections = {
        "prometheus": prometheus,
        "alertmanager": alertmanager,
        "jaeger": jaeger,
        "notifications": notifications,
    }
    for path, value in leaves(sections):
        # Waiting for nobody is a choice; an interval of zero is none.
        if value == Duration(0) and path.lstrip(".") != "notifications.groupWait":
            yield problem(path.lstrip("."), str(value), "a duration longer than 0s")


SHORTEST_INTERVAL, LONGEST_INTERVAL = Duration.parse("1s"), Duration.parse("2m")
"""Prometheus answers with a sample of the last five minutes: with two missed, a series must still be there."""


def intervals_make_sense(prometheus: PrometheusSettings) -> Iterator[Problem]:
    intervals = {"scrapeInterval": prometheus.scrape_interval, "evaluationInterval": prometheus.evaluation_interval}
    for name, interval in intervals.items():
        if interval.milliseconds and not SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL:
            reason = (
                f"a duration from {SHORTEST_INTERVAL} to {LONGEST_INTERVAL}: after 5m without sample a series is gone"
            )
            yield problem(f"prometheus.{name}", str(interval), reason)
    for position, job in enumerate(prometheus.scrape_jobs):
        if job.interval and Duration(0) < job.interval < SHORTEST_INTERVAL:
            path = f"prometheus.scrapeJobs[{position}].interval"
            yield problem(path, str(job.interval), f"a duration of at least {SHORTEST_INTERVAL}")


def registry_can_be_pulled_from(cluster: ClusterSettings) -> Iterator[Problem]:
    registry = cluster.images.registry
    if registry is not None and not re.fullmatch(Image.REPOSITORY, registry):
        yield problem("cluster.images.registry", registry, "a host and optional path like mirror.example.com/quay")


def production_hides_its_logins(cluster: ClusterSettings, prometheus: PrometheusSettings) -> Iterator[Problem]:
    for position, remote in enumerate(prometheus.remote_write):
        login = remote.basic_auth or remote.bearer_token_secret
        if cluster.is_production and login and remote.url.scheme == "http":
            reason = "an https URL: in production no password or token crosses the network in plain"
            yield problem(f"prometheus.remoteWrite[{position}].url", str(remote.url), reason)


CHECKS: tuple[Callable[..., Iterator[Problem]], ...] = (
    cluster_has_a_name,
    namespaces_are_our_own,
    labels_are_free,
    tolerations_match_a_taint,
    registry_can_be_pulled_from,
    production_keeps_its_data,
    production_names_its_cluster,
    production_tells_somebody,
    production_hides_its_logins,
    durations_are_not_zero,
    intervals_make_sense,
    names_are_unique,
    scrape_jobs_are_new,
    overridden_alerts_exist,
    *GRAFANA_CHECKS,
    *JAEGER_CHECKS,
    *LOKI_CHECKS,
)
"""What sections must hold together; each check names the sections it reads."""
