"""All dashboards of a stack: of its systems, of every stack, and of the runbooks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dashboards import (
    agent_hive_overview,
    agent_platform_overview,
    agents_a2a,
    agents_conversation,
    agents_llm,
    agents_overview,
    agents_quality,
    agents_tools,
    alert_quality,
    alerts,
    eliza_overview,
    home,
    incident,
    interaction_backend_conversation,
    interaction_backend_overview,
    istio_mesh,
    kubernetes_api,
    kubernetes_cluster,
    kubernetes_namespace,
    kubernetes_workload,
    logs_audit,
    logs_errors,
    logs_explorer,
    mongodb_overview,
    monitoring_cost,
    monitoring_health,
    monitoring_job,
    nodes_overview,
    portainer_containers,
    postgres_overview,
    progressive_overview,
    redis_overview,
    runbooks,
    saved,
    services_capacity,
    services_dependencies,
    services_overview,
    services_service,
    slos,
    supabase_overview,
)
from dashboards.kit import build, panel_places
from dashboards.model import Dashboard, Panel, PanelPlace
from dashboards.queries import filled
from model.cluster import ClusterSettings
from model.promql import names, narrowed
from model.rules import BaseAlert
from rules.agents.protocols import A2A_GROUP
from rules.kubernetes.recordings import CONTROL_PLANE
from rules.system import System, Watched
from rules.systems import SYSTEMS


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A dashboard as JSON, with its folder."""

    uid: str
    folder: str
    json: str
    is_v2: bool = False
    """Whether it is of schema v2."""


@dataclass(frozen=True)
class Listed:
    """A dashboard of a system. It exists while the system is on."""

    system: str
    """The system's key. The system's title is the folder."""
    dashboard: Dashboard
    needs: str = ""
    """The rule group that the dashboard needs. Without the group it is left out."""


DASHBOARDS = (
    Listed("kubernetes", kubernetes_cluster.DASHBOARD),
    Listed("kubernetes", kubernetes_namespace.DASHBOARD),
    Listed("kubernetes", kubernetes_workload.DASHBOARD),
    Listed("kubernetes", kubernetes_api.DASHBOARD, needs=CONTROL_PLANE.name),
    Listed("nodes", nodes_overview.DASHBOARD),
    Listed("services", services_overview.DASHBOARD),
    Listed("services", services_service.DASHBOARD),
    Listed("services", services_dependencies.DASHBOARD),
    Listed("services", services_capacity.DASHBOARD),
    Listed("agents", agents_overview.DASHBOARD),
    Listed("agents", agents_llm.DASHBOARD),
    Listed("agents", agents_tools.DASHBOARD),
    Listed("agents", agents_quality.DASHBOARD),
    Listed("agents", agents_conversation.DASHBOARD),
    Listed("agents", agents_a2a.DASHBOARD, needs=A2A_GROUP),
    Listed("logs", logs_explorer.DASHBOARD),
    Listed("logs", logs_errors.DASHBOARD),
    Listed("logs", logs_audit.DASHBOARD),
    Listed("postgres", postgres_overview.DASHBOARD),
    Listed("redis", redis_overview.DASHBOARD),
    Listed("mongodb", mongodb_overview.DASHBOARD),
    Listed("supabase", supabase_overview.DASHBOARD),
    Listed("portainer", portainer_containers.DASHBOARD),
    Listed("istio", istio_mesh.DASHBOARD),
    Listed("agent_hive", agent_hive_overview.DASHBOARD),
    Listed("progressive", progressive_overview.DASHBOARD),
    Listed("eliza", eliza_overview.DASHBOARD),
    Listed("agent_platform", agent_platform_overview.DASHBOARD),
    Listed("interaction_backend", interaction_backend_overview.DASHBOARD),
    Listed("interaction_backend", interaction_backend_conversation.DASHBOARD),
    Listed("monitoring", monitoring_health.DASHBOARD),
    Listed("monitoring", monitoring_cost.DASHBOARD),
    Listed("monitoring", monitoring_job.DASHBOARD),
)
"""The dashboards of all systems, in Home's order. Each has a file, ``<system>_<subject>.py``."""
_FOLDERS = {system.key: system.title for system in SYSTEMS}


def dashboards(
    on: Collection[str], watched: Watched, cluster: ClusterSettings, duties: tuple[home.Duty, ...] = ()
) -> tuple[Dashboard, ...]:
    """All dashboards in a fixed order. ``on`` has the keys of the systems that are on."""
    jobs = {job.name for job in watched.scrape_jobs}
    there = {"", *(group.name for group in watched.groups)}
    series = {name for metric in watched.metrics for name in metric.series} | {"ALERTS", "up"}
    series |= {rule.name for group in watched.groups for rule in group.rules}
    of_systems = (
        replace(
            each.dashboard,
            folder=_FOLDERS[each.system],
            links=tuple(link for link in watched.links if link.dashboard == each.dashboard.uid),
        )
        for each in DASHBOARDS
        if each.system in on and each.needs in there
    )
    of_slos = (slos.ALL, slos.one(watched)) if watched.slos else ()
    queries = saved.dashboard(on, watched.queries)
    written = (
        alerts.DASHBOARD,
        incident.dashboard(watched, on),
        alert_quality.dashboard(watched),
        *of_slos,
        *of_systems,
        *((queries,) if queries.rows else ()),
    )
    by_name = {alert.name: alert for alert in watched.alerts}
    stack = home.Stack(
        systems=tuple(_watch(system, watched) for system in SYSTEMS if system.key in on),
        series=series,
        alerts=by_name,
        objectives=bool(watched.slos),
        duties=duties,
    )
    start = home.dashboard((*written, *watched.dashboards), stack)
    every = (start, *written, *runbooks.dashboards(watched, cluster))
    uids = {dashboard.uid for dashboard in every}
    return tuple(_of_stack(_asking(_scraped(dashboard, jobs), series), uids, by_name) for dashboard in every)


def _watch(system: System[Any], watched: Watched) -> home.Watch:
    rules = (rule for group in watched.groups if group.system == system.key for rule in group.rules)
    objectives = dict.fromkeys(rule.labels["slo"] for rule in rules if "slo" in rule.labels)
    overview = next(each.dashboard.uid for each in DASHBOARDS if each.system == system.key)
    return home.Watch(system=system, overview=overview, objectives=tuple(objectives))


def _of_stack(dashboard: Dashboard, there: Collection[str], alerts: Mapping[str, BaseAlert]) -> Dashboard:
    """The dashboard with links only to dashboards of this stack, and with the values of this stack's alerts."""
    rows = (replace(row, panels=tuple(_panels_of_stack(row.panels, there, alerts))) for row in dashboard.rows)
    related = tuple(uid for uid in dashboard.related if uid in there)
    return replace(dashboard, rows=tuple(row for row in rows if row.panels), related=related)


def _panels_of_stack(
    panels: tuple[Panel, ...], there: Collection[str], alerts: Mapping[str, BaseAlert]
) -> Iterator[Panel]:
    for panel in panels:
        data_link = panel.data_link if panel.data_link in there else None
        if not any(query.of_alert for query in panel.queries):
            yield replace(panel, data_link=data_link)
        elif panel.alert in alerts:
            value = alerts[panel.alert].value
            queries = (replace(query, expr=narrowed(value, query.of_alert), of_alert="") for query in panel.queries)
            yield replace(panel, data_link=data_link, queries=tuple(queries), unit=alerts[panel.alert].unit)


def _scraped(dashboard: Dashboard, jobs: Collection[str]) -> Dashboard:
    """The dashboard without rows, panels and annotations whose scrape job this stack does not have."""
    there = {"", *jobs}
    rows = (
        replace(row, panels=tuple(panel for panel in row.panels if panel.needs in there))
        for row in dashboard.rows
        if row.needs in there
    )
    return replace(
        dashboard,
        rows=tuple(rows),
        annotations=tuple(annotation for annotation in dashboard.annotations if annotation.needs in there),
    )


def _asking(dashboard: Dashboard, series: Collection[str]) -> Dashboard:
    """The dashboard without optional queries for ``series`` that this stack does not have."""

    def asked(panel: Panel) -> Panel:
        queries = (each for each in panel.queries if not each.optional or names(filled(each.expr)) <= set(series))
        return replace(panel, queries=tuple(queries))

    rows = (
        replace(row, panels=tuple(left for panel in row.panels if (left := asked(panel)).queries or not panel.queries))
        for row in dashboard.rows
    )
    return replace(dashboard, rows=tuple(rows))


def rendered(
    on: Collection[str], watched: Watched, cluster: ClusterSettings, duties: tuple[home.Duty, ...] = ()
) -> tuple[Rendered, ...]:
    """All dashboards as JSON, with the thresholds of this stack's alerts."""
    by_name = {alert.name: alert for alert in watched.alerts}
    ours = (
        Rendered(uid=dashboard.uid, folder=dashboard.folder, json=build(dashboard, by_name))
        for dashboard in dashboards(on, watched, cluster, duties)
    )
    brought = (
        Rendered(uid=each.uid, folder=each.folder, json=each.json, is_v2=each.is_v2) for each in watched.dashboards
    )
    return (*ours, *brought)


def alert_panels(watched: Watched, cluster: ClusterSettings) -> Mapping[str, PanelPlace]:
    """By name of each alert of Grafana, the panel in the runbooks' dashboards that shows its value."""
    places: dict[str, PanelPlace] = {}
    for dashboard in runbooks.dashboards(watched, cluster):
        places |= panel_places(dashboard)
    return {alert.name: places[alert.name] for group in watched.grafana_groups for alert in group.rules}
