"""Where everybody starts: is anything wrong, and where to look."""

from __future__ import annotations

from dashboards.model import Board, Panel, Query, Row, View
from dashboards.uids import Dashboard
from rules.metrics import Unit

_FIRING = 'ALERTS{alertstate="firing", alertname!="Watchdog"}'


def board(others: tuple[Board, ...]) -> Board:
    """The first board, which leads to all ``others``."""
    folders = dict.fromkeys(other.folder for other in others)
    listed = "\n".join(
        f"**{folder}**\n" + "\n".join(_entry(other) for other in others if other.folder == folder) + "\n"
        for folder in folders
    )
    return Board(
        uid=Dashboard.HOME,
        title="Home",
        description="Is anything wrong, and where to look.",
        folder="Home",
        tags=("home",),
        since="now-24h",
        rows=(
            Row(
                "Is anything wrong?",
                (
                    *(_firing(severity) for severity in ("critical", "warning")),
                    Panel(
                        title="Targets down",
                        description="What Prometheus asks for metrics and gets none from: alerts about it are blind.",
                        view=View.NUMBER,
                        queries=(Query(expr="count(up == 0) or vector(0)"),),
                        width=4,
                        height=6,
                    ),
                    Panel(
                        title="Firing now",
                        description="Open alerts, by name: what each is about and what to do stands in its runbook.",
                        view=View.RANKING,
                        queries=(Query(expr=f"count by (alertname, severity, owner) ({_FIRING})", legend="Subjects"),),
                        columns=("alertname", "severity", "owner"),
                        drill=Dashboard.ALERTS,
                        width=12,
                        height=6,
                    ),
                ),
            ),
            Row(
                "Where to look",
                (
                    Panel(title="Dashboards", description=listed, view=View.TEXT, width=16, height=18),
                    Panel(
                        title="Alerts of the last day",
                        description="How many alerts were open, by severity.",
                        queries=(Query(expr=f"count by (severity) ({_FIRING})", legend="{{severity}}"),),
                        stacked=True,
                        width=8,
                        height=9,
                    ),
                    Panel(
                        title="Targets that answer",
                        description="The part of all targets that answer Prometheus, by cluster.",
                        queries=(Query(expr="avg by (cluster) (up)", legend="{{cluster}}"),),
                        unit=Unit.RATIO,
                        width=8,
                        height=9,
                    ),
                ),
            ),
        ),
    )


def _firing(severity: str) -> Panel:
    meaning = {"critical": "somebody is, or should be, at work on it", "warning": "somebody should look today"}
    return Panel(
        title=f"Open: {severity}",
        description=f"Alerts that fire now: {meaning[severity]}.",
        view=View.NUMBER,
        queries=(Query(expr=f'count({_FIRING[:-1]}, severity="{severity}"}}) or vector(0)'),),
        width=4,
        height=6,
    )


def _entry(board: Board) -> str:
    return f"- [{board.title}](/d/{board.uid}): {board.description}"
