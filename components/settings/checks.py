"""Checks across the sections of a stack file: they refuse what loses data, opens access or suppresses alerts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from components import images
from components.settings.alert_checks import CHECKS as ALERT_CHECKS
from components.settings.alertmanager import AlertmanagerSettings
from components.settings.collector import CHECKS as COLLECTOR_CHECKS
from components.settings.collector import CollectorSettings
from components.settings.grafana import CHECKS as GRAFANA_CHECKS
from components.settings.grafana import GrafanaSettings
from components.settings.grafana_alerts import CHECKS as GRAFANA_ALERT_CHECKS
from components.settings.jaeger import CHECKS as JAEGER_CHECKS
from components.settings.jaeger import JaegerSettings
from components.settings.logs import CHECKS as LOG_CHECKS
from components.settings.logs import LogSettings
from components.settings.loki import CHECKS as LOKI_CHECKS
from components.settings.loki import LokiSettings
from components.settings.notification_checks import CHECKS as NOTIFICATION_CHECKS
from components.settings.notifications import NotificationSettings
from components.settings.owners import CHECKS as OWNER_CHECKS
from components.settings.prometheus import PrometheusSettings
from components.settings.scrape_job_checks import CHECKS as SCRAPE_JOB_CHECKS
from components.settings.scrape_job_checks import SHORTEST_INTERVAL
from components.settings.secrets import leaves
from components.settings.slos import SloSettings
from components.settings.unchanged import Unchanged
from dashboards.listed import DASHBOARDS
from model.cluster import ClusterSettings
from model.content import CONTENT
from model.promql import labels_of
from model.quantities import Duration, Image
from model.service_objectives import ServiceObjectives
from model.settings import Model, Problem, Workload, problem
from model.slo import SHORTEST
from model.uids import ALERTS, ALERTS_FOLDER, HOME, RUNBOOKS_FOLDER, SAVED_QUERIES, SLO, SLOS, folder_uid, runbooks_uid
from rules.content.checks import clashes, dashboard_clashes
from rules.system import Surroundings, System
from rules.systems import SYSTEMS, USER_SLOS


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
            "the kubeconfig context: without it Pulumi deploys to the current context of kubectl",
        )


def names_are_unique(
    prometheus: PrometheusSettings, notifications: NotificationSettings, slos: tuple[SloSettings, ...]
) -> Iterator[Problem]:
    lists = {
        "prometheus.remoteWrite": [entry.name for entry in prometheus.remote_write],
        "prometheus.scrapeJobs": [entry.name for entry in prometheus.scrape_jobs],
        "notifications.receivers": [entry.name for entry in notifications.receivers],
        "notifications.times": [entry.name for entry in notifications.times],
        "slos": [entry.name for entry in slos],
    }
    for path, names in lists.items():
        for position, name in enumerate(names):
            if name in names[:position]:
                yield problem(f"{path}[{position}].name", name, "a name that no other entry of the list has")


def slos_are_new(built_in: Unchanged, slos: tuple[SloSettings, ...]) -> Iterator[Problem]:
    taken = {slo.name for slo in built_in.watched.slos}
    for position, slo in enumerate(slos):
        if slo.name in taken:
            yield problem(f"slos[{position}].name", slo.name, "a name that no objective of the stack has")


def slos_hold_within_retention(
    prometheus: PrometheusSettings, systems: Model, slos: tuple[SloSettings, ...]
) -> Iterator[Problem]:
    """No store of this stack answers for longer."""
    retention = prometheus.retention.time
    own = ((f"slos[{position}]", slo.window) for position, slo in enumerate(slos))
    for path, window in (*_windows(systems, "systems"), *own):
        if window and window > retention:
            yield problem(f"{path}.window", str(window), f"at most prometheus.retention.time, {retention}")
    if slos and Duration(0) < retention < SHORTEST:
        yield problem("prometheus.retention.time", str(retention), f"at least {SHORTEST}, the shortest window of slos")


def _windows(value: object, path: str) -> Iterator[tuple[str, Duration | None]]:
    """The windows of all objectives in short form."""
    if isinstance(value, ServiceObjectives):
        yield path, value.window
    elif isinstance(value, Model | dict):
        for key, inner in value.items() if isinstance(value, dict) else value:
            yield from _windows(inner, f"{path}.{key}")


def slos_name_labels_that_series_have(built_in: Unchanged, slos: tuple[SloSettings, ...]) -> Iterator[Problem]:
    """Checks the stack's own series only. The labels of other series are unknown."""
    if not slos:
        return
    known = built_in.series
    for position, slo in enumerate(each.slo for each in slos):
        for expr in filter(None, (slo.events, slo.errors, slo.good)):
            try:
                labels_of(expr, {**dict.fromkeys(slo.metrics), **known})
            except ValueError as wrong:
                yield f"slos[{position}]: {wrong}"
                break


def scrape_jobs_are_new(
    surroundings: Surroundings, prometheus: PrometheusSettings, built_in: Unchanged
) -> Iterator[Problem]:
    if not prometheus.scrape_jobs:
        return
    # Also with an external Grafana: rules and dashboards use that name for the stack's own job.
    if not surroundings.runs_grafana:
        built_in = replace(built_in, surroundings=replace(surroundings, runs_grafana=True))
    taken = {job.name for job in built_in.watched.scrape_jobs}
    for position, job in enumerate(prometheus.scrape_jobs):
        if job.name in taken:
            yield problem(f"prometheus.scrapeJobs[{position}].name", job.name, "a name that no job of the stack has")


def content_has_names_of_its_own(surroundings: Surroundings, unchanged: Unchanged) -> Iterator[Problem]:
    yield from clashes(surroundings.content, unchanged.watched)
    added = (each for _, each in surroundings.content.systems)
    yield from dashboard_clashes(surroundings.content, *own_dashboards(added))


def own_dashboards(added: Iterable[System[Any]] = ()) -> tuple[set[str], dict[str, str]]:
    """Uids of the stack's own dashboards, and its folders' titles by uid; ``added`` are systems of people."""
    all_systems = (*SYSTEMS, *added)
    uids = {HOME, ALERTS, SLOS, SLO, SAVED_QUERIES, *(each.dashboard.uid for each in DASHBOARDS)}
    uids |= {runbooks_uid(key) for key in (CONTENT, USER_SLOS, *(each.key for each in all_systems))}
    titles = ("Home", ALERTS_FOLDER, RUNBOOKS_FOLDER, *(each.title for each in all_systems))
    return uids, {folder_uid(title): title for title in titles}


def cluster_has_a_name(cluster: ClusterSettings) -> Iterator[Problem]:
    if not cluster.name:
        yield problem("cluster.name", "", "a name: it is the cluster label of every series")


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
"""Labels that the stack sets itself, for its selectors and for ``managed-by``."""
OWN_PREFIXES = ("pod-security.kubernetes.io/", "kubernetes.io/")
"""Domains of labels that Kubernetes interprets."""
OWN_EXTERNAL_LABELS = ("cluster", "environment", "prometheus_replica")


def labels_are_free(
    cluster: ClusterSettings,
    prometheus: PrometheusSettings,
    alertmanager: AlertmanagerSettings,
    collector: CollectorSettings,
    jaeger: JaegerSettings,
    grafana: GrafanaSettings,
    loki: LokiSettings,
    logs: LogSettings,
) -> Iterator[Problem]:
    workloads: dict[str, Workload] = {
        "prometheus": prometheus,
        "alertmanager": alertmanager,
        "collector": collector,
        "jaeger": jaeger,
        "grafana": grafana,
        "loki": loki,
        "logs": logs,
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
        # groupWait may be 0, for no wait. Other intervals may not.
        if value == Duration(0) and not path.lower().endswith("groupwait"):
            yield problem(path.lstrip("."), str(value), "a duration longer than 0s")


LONGEST_INTERVAL = Duration.parse("2m")
"""Prometheus looks back five minutes. After two missed scrapes a series must still exist."""


def intervals_make_sense(prometheus: PrometheusSettings) -> Iterator[Problem]:
    intervals = {"scrapeInterval": prometheus.scrape_interval, "evaluationInterval": prometheus.evaluation_interval}
    for name, interval in intervals.items():
        if interval.milliseconds and not SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL:
            reason = (
                f"a duration from {SHORTEST_INTERVAL} to {LONGEST_INTERVAL}: after 5m without sample a series is gone"
            )
            yield problem(f"prometheus.{name}", str(interval), reason)


def registry_can_be_pulled_from(cluster: ClusterSettings) -> Iterator[Problem]:
    registry = cluster.images.registry
    if registry is not None and not re.fullmatch(Image.REPOSITORY, registry):
        yield problem("cluster.images.registry", registry, "a host and optional path like mirror.example.com/quay")


def digests_are_of_images(cluster: ClusterSettings) -> Iterator[Problem]:
    for name, digest in cluster.images.digests.items():
        if name not in images.ALL:
            yield problem(f"cluster.images.digests.{name}", digest, f"one of {', '.join(sorted(images.ALL))}")


def production_hides_its_logins(
    cluster: ClusterSettings, prometheus: PrometheusSettings, notifications: NotificationSettings
) -> Iterator[Problem]:
    if not cluster.is_production:
        return
    for position, remote in enumerate(prometheus.remote_write):
        if remote.logs_in and remote.url.scheme == "http":
            reason = "an https URL: in production no password or token crosses the network in plain"
            yield problem(f"prometheus.remoteWrite[{position}].url", str(remote.url), reason)
    for position, receiver in enumerate(notifications.receivers):
        if receiver.email and receiver.email.user and not receiver.email.is_encrypted:
            reason = "true with a login: in production no password or token crosses the network in plain"
            yield problem(f"notifications.receivers[{position}].email.requireTls", False, reason)


CHECKS: tuple[Callable[..., Iterator[Problem]], ...] = (
    cluster_has_a_name,
    namespaces_are_our_own,
    labels_are_free,
    tolerations_match_a_taint,
    registry_can_be_pulled_from,
    digests_are_of_images,
    production_keeps_its_data,
    production_names_its_cluster,
    production_hides_its_logins,
    durations_are_not_zero,
    intervals_make_sense,
    names_are_unique,
    scrape_jobs_are_new,
    slos_are_new,
    slos_hold_within_retention,
    slos_name_labels_that_series_have,
    *ALERT_CHECKS,
    content_has_names_of_its_own,
    *COLLECTOR_CHECKS,
    *GRAFANA_CHECKS,
    *JAEGER_CHECKS,
    *LOG_CHECKS,
    *LOKI_CHECKS,
    *NOTIFICATION_CHECKS,
    *SCRAPE_JOB_CHECKS,
    *OWNER_CHECKS,
    *GRAFANA_ALERT_CHECKS,
)
"""Checks across sections; each names the sections that it reads."""
