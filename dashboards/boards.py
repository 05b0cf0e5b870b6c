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
    board: Board
    needs: str = ""
    """The group of rules without which there is nothing to show: what a system has on some stacks only."""


DASHBOARDS = (
    Listed("kubernetes", kubernetes_cluster.BOARD),
    Listed("kubernetes", kubernetes_namespace.BOARD),
    Listed("kubernetes", kubernetes_workload.BOARD),
    Listed("kubernetes", kubernetes_api.BOARD, needs=CONTROL_PLANE.name),
    Listed("nodes", nodes_overview.BOARD),
    Listed("agents", agents_overview.BOARD),
    Listed("agents", agents_llm.BOARD),
    Listed("agents", agents_tools.BOARD),
    Listed("agents", agents_quality.BOARD),
    Listed("agents", agents_a2a.BOARD, needs=A2A_GROUP),
    Listed("logs", logs_explorer.BOARD),
    Listed("logs", logs_errors.BOARD),
    Listed("logs", logs_audit.BOARD),
    Listed("monitoring", monitoring_health.BOARD),
    Listed("monitoring", monitoring_cost.BOARD),
    Listed("monitoring", monitoring_job.BOARD),
)
"""All of every system, in the order in which Home lists them; one file each, ``<system>_<what it shows>.py``."""
_FOLDERS = {system.key: system.title for system in SYSTEMS}


def boards(on: Collection[str], watched: Watched, cluster: ClusterSettings) -> tuple[Board, ...]:
    """In a fixed order; ``on`` are the keys of the systems that are."""
    jobs = {job.name for job in watched.scrape_jobs}
    there = {"", *(group.name for group in watched.groups)}
    of_systems = (
        replace(each.board, folder=_FOLDERS[each.system])
        for each in DASHBOARDS
        if each.system in on and each.needs in there
    )
    of_slos = (slos.ALL, slos.one(watched)) if watched.slos else ()
    written = (alerts.BOARD, *of_slos, *of_systems)
    every = (home.board(written), *written, *runbooks.boards(watched.alerts, cluster))
    uids, by_name = {board.uid for board in every}, {alert.name: alert for alert in watched.alerts}
    return tuple(_of_stack(_scraped(board, jobs), uids, by_name) for board in every)


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
