"""Every dashboard of a stack: those of the systems that are on, those of every stack, and the runbooks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from dashboards import (
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
    nodes_overview,
    runbooks,
    slos,
)
from dashboards.kit import build, panel_places
from dashboards.model import Board, Panel, PanelPlace
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
    "logs": (logs_explorer.BOARD, logs_errors.BOARD, logs_audit.BOARD),
    "monitoring": (monitoring_health.BOARD, monitoring_cost.BOARD),
}
"""By system: there is one file per board, ``<system>_<what it shows>.py``."""


def boards(on: Collection[str], watched: Watched) -> tuple[Board, ...]:
    """In a fixed order; ``on`` are the names of the systems that are."""
    jobs = {job.name for job in watched.scrape_jobs}
    of_systems = (_scraped(board, jobs) for system, each in OF_SYSTEMS.items() if system in on for board in each)
    of_slos = (slos.ALL, slos.ONE) if watched.slos else ()
    of_control_plane = (kubernetes_api.BOARD,) if CONTROL_PLANE.name in {g.name for g in watched.groups} else ()
    written = (alerts.BOARD, *of_slos, *of_systems, *of_control_plane)
    every = (home.board(written), *written, *runbooks.boards(watched.alerts))
    return tuple(_without_dead_ends(board, {board.uid for board in every}) for board in every)


def _without_dead_ends(board: Board, there: Collection[str]) -> Board:
    """A board that leads only to boards that this stack has."""

    def kept(panel: Panel) -> Panel:
        return panel if panel.drill in there else replace(panel, drill=None)

    rows = tuple(replace(row, panels=tuple(map(kept, row.panels))) for row in board.rows)
    return replace(board, rows=rows, related=tuple(uid for uid in board.related if uid in there))


def _scraped(board: Board, jobs: Collection[str]) -> Board:
    """A board without the rows whose telemetry this stack has not."""
    return replace(board, rows=tuple(row for row in board.rows if not row.needs or row.needs in jobs))


def rendered(on: Collection[str], watched: Watched) -> tuple[Rendered, ...]:
    """The same, with the thresholds of this stack's alerts drawn into them."""
    by_name = {alert.name: alert for alert in watched.alerts}
    return tuple(
        Rendered(uid=board.uid, folder=board.folder, json=build(board, by_name)) for board in boards(on, watched)
    )


def alert_panels(watched: Watched) -> Mapping[str, PanelPlace]:
    """By alert, the panel of its runbook that draws what it measures."""
    places: dict[str, PanelPlace] = {}
    for board in runbooks.boards(watched.alerts):
        places |= panel_places(board)
    return {alert.name: places[alert.name] for alert in watched.alerts}
