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
    slos,
)
from dashboards.kit import build, panel_places
from dashboards.model import Board, Panel, PanelPlace
from model.cluster import ClusterSettings
from model.promql import narrowed
from model.rules import BaseAlert
from rules.agents.protocols import A2A_GROUP
from rules.kubernetes.recordings import CONTROL_PLANE
from rules.system import Watched


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A dashboard, ready for Grafana."""

    uid: str
    folder: str
    json: str


OF_SYSTEMS: dict[str, tuple[Board, ...]] = {
    "kubernetes": (kubernetes_cluster.BOARD, kubernetes_namespace.BOARD, kubernetes_workload.BOARD),
    "nodes": (nodes_overview.BOARD,),
    "agents": (agents_overview.BOARD, agents_llm.BOARD, agents_tools.BOARD, agents_quality.BOARD),
    "logs": (logs_explorer.BOARD, logs_errors.BOARD, logs_audit.BOARD),
    "monitoring": (monitoring_health.BOARD, monitoring_cost.BOARD, monitoring_job.BOARD),
}
"""By system: there is one file per board, ``<system>_<what it shows>.py``."""
OF_GROUPS: dict[str, Board] = {CONTROL_PLANE.name: kubernetes_api.BOARD, A2A_GROUP: agents_a2a.BOARD}
"""By group of rules, of what a system has on some stacks only."""


def boards(on: Collection[str], watched: Watched, cluster: ClusterSettings) -> tuple[Board, ...]:
    """In a fixed order; ``on`` are the names of the systems that are."""
    jobs = {job.name for job in watched.scrape_jobs}
    of_systems = (board for system, each in OF_SYSTEMS.items() if system in on for board in each)
    of_slos = (slos.ALL, slos.one(watched)) if watched.slos else ()
    groups = {group.name for group in watched.groups}
    of_groups = (board for group, board in OF_GROUPS.items() if group in groups)
    written = (alerts.BOARD, *of_slos, *of_systems, *of_groups)
    every = (home.board(written), *written, *runbooks.boards(watched.alerts, cluster))
    there, by_name = {board.uid for board in every}, {alert.name: alert for alert in watched.alerts}
    return tuple(_of_stack(_scraped(board, jobs), there, by_name) for board in every)


def _of_stack(board: Board, there: Collection[str], alerts: Mapping[str, BaseAlert]) -> Board:
    """A board that leads only to boards that this stack has, and asks what this stack's alerts measure."""
    rows = (replace(row, panels=tuple(_panels_of_stack(row.panels, there, alerts))) for row in board.rows)
    related = tuple(uid for uid in board.related if uid in there)
    return replace(board, rows=tuple(row for row in rows if row.panels), related=related)


def _panels_of_stack(
    panels: tuple[Panel, ...], there: Collection[str], alerts: Mapping[str, BaseAlert]
) -> Iterator[Panel]:
    for panel in panels:
        drill = panel.drill if panel.drill in there else None
        if not any(query.of_alert for query in panel.queries):
            yield replace(panel, drill=drill)
        elif panel.alert in alerts:
            value = alerts[panel.alert].value
            queries = (replace(query, expr=narrowed(value, query.of_alert), of_alert="") for query in panel.queries)
            yield replace(panel, drill=drill, queries=tuple(queries), unit=alerts[panel.alert].unit)


def _scraped(board: Board, jobs: Collection[str]) -> Board:
    """A board without the rows, panels and marks whose telemetry this stack has not."""
    there = {"", *jobs}
    rows = (
        replace(row, panels=tuple(panel for panel in row.panels if panel.needs in there))
        for row in board.rows
        if row.needs in there
    )
    return replace(board, rows=tuple(rows), marks=tuple(mark for mark in board.marks if mark.needs in there))


def rendered(on: Collection[str], watched: Watched, cluster: ClusterSettings) -> tuple[Rendered, ...]:
    """The same, with the thresholds of this stack's alerts drawn into them."""
    by_name = {alert.name: alert for alert in watched.alerts}
    return tuple(
        Rendered(uid=board.uid, folder=board.folder, json=build(board, by_name))
        for board in boards(on, watched, cluster)
    )


def alert_panels(watched: Watched, cluster: ClusterSettings) -> Mapping[str, PanelPlace]:
    """By alert of Grafana, the panel among the runbooks that draws what it measures."""
    places: dict[str, PanelPlace] = {}
    for board in runbooks.boards(watched.alerts, cluster):
        places |= panel_places(board)
    return {alert.name: places[alert.name] for group in watched.grafana_groups for alert in group.rules}
