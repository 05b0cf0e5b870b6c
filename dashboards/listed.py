"""Every dashboard of a stack: those of the systems that are on, those of every stack, and the runbooks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from dashboards import (
    agents_a2a,
    agents_llm,
    agents_overview,
    agents_quality,
    agents_tools,
    alerts,
    home,
    kubernetes_api,
    kubernetes_cluster,
    kubernetes_namespace,
    kubernetes_workload,
    logs_audit,
    logs_errors,
    logs_explorer,
    monitoring_cost,
    monitoring_health,
    monitoring_job,
    nodes_overview,
    runbooks,
    services_overview,
    slos,
)
from dashboards.kit import build, panel_places
from dashboards.model import Dashboard, Panel, PanelPlace
from model.cluster import ClusterSettings
from model.promql import narrowed
from model.rules import BaseAlert
from rules.agents.protocols import A2A_GROUP
from rules.kubernetes.recordings import CONTROL_PLANE
from rules.system import Watched
from rules.systems import SYSTEMS


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A dashboard, ready for Grafana."""

    uid: str
    folder: str
    json: str


@dataclass(frozen=True)
class Listed:
    """A dashboard of a system, there while the system is on."""

    system: str
    """The system's key; its title is the dashboard's folder."""
    dashboard: Dashboard
    needs: str = ""
    """The rule group that it needs; without the group, there is no dashboard."""


DASHBOARDS = (
    Listed("kubernetes", kubernetes_cluster.DASHBOARD),
    Listed("kubernetes", kubernetes_namespace.DASHBOARD),
    Listed("kubernetes", kubernetes_workload.DASHBOARD),
    Listed("kubernetes", kubernetes_api.DASHBOARD, needs=CONTROL_PLANE.name),
    Listed("nodes", nodes_overview.DASHBOARD),
    Listed("services", services_overview.DASHBOARD),
    Listed("agents", agents_overview.DASHBOARD),
    Listed("agents", agents_llm.DASHBOARD),
    Listed("agents", agents_tools.DASHBOARD),
    Listed("agents", agents_quality.DASHBOARD),
    Listed("agents", agents_a2a.DASHBOARD, needs=A2A_GROUP),
    Listed("logs", logs_explorer.DASHBOARD),
    Listed("logs", logs_errors.DASHBOARD),
    Listed("logs", logs_audit.DASHBOARD),
    Listed("monitoring", monitoring_health.DASHBOARD),
    Listed("monitoring", monitoring_cost.DASHBOARD),
    Listed("monitoring", monitoring_job.DASHBOARD),
)
"""All of every system, in the order in which Home lists them; one file each, ``<system>_<what it shows>.py``."""
_FOLDERS = {system.key: system.title for system in SYSTEMS}


def dashboards(on: Collection[str], watched: Watched, cluster: ClusterSettings) -> tuple[Dashboard, ...]:
    """In a fixed order; ``on`` are the keys of the systems that are."""
    jobs = {job.name for job in watched.scrape_jobs}
    there = {"", *(group.name for group in watched.groups)}
    of_systems = (
        replace(each.dashboard, folder=_FOLDERS[each.system])
        for each in DASHBOARDS
        if each.system in on and each.needs in there
    )
    of_slos = (slos.ALL, slos.one(watched)) if watched.slos else ()
    written = (alerts.DASHBOARD, *of_slos, *of_systems)
    every = (home.dashboard(written), *written, *runbooks.dashboards(watched.alerts, cluster))
    uids, by_name = {dashboard.uid for dashboard in every}, {alert.name: alert for alert in watched.alerts}
    return tuple(_of_stack(_scraped(dashboard, jobs), uids, by_name) for dashboard in every)


def _of_stack(dashboard: Dashboard, there: Collection[str], alerts: Mapping[str, BaseAlert]) -> Dashboard:
    """A dashboard that leads only to dashboards that this stack has, and asks what this stack's alerts measure."""
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
    """A dashboard without the rows, panels and annotations whose telemetry this stack has not."""
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


def rendered(on: Collection[str], watched: Watched, cluster: ClusterSettings) -> tuple[Rendered, ...]:
    """The same, with the thresholds of this stack's alerts drawn into them."""
    by_name = {alert.name: alert for alert in watched.alerts}
    return tuple(
        Rendered(uid=dashboard.uid, folder=dashboard.folder, json=build(dashboard, by_name))
        for dashboard in dashboards(on, watched, cluster)
    )


def alert_panels(watched: Watched, cluster: ClusterSettings) -> Mapping[str, PanelPlace]:
    """By alert of Grafana, the panel among the runbooks that draws what it measures."""
    places: dict[str, PanelPlace] = {}
    for dashboard in runbooks.dashboards(watched.alerts, cluster):
        places |= panel_places(dashboard)
    return {alert.name: places[alert.name] for group in watched.grafana_groups for alert in group.rules}
