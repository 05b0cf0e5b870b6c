"""Runbooks as dashboards: what to do, beside the alert's own expression with the line that it crossed."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.model import Board, Panel, Query, Row, View
from dashboards.uids import Dashboard, runbook_uid
from rules.model import RUNBOOKS, Alert

FOLDER = "Runbooks"


def boards(alerts: tuple[Alert, ...]) -> Iterator[Board]:
    """One per runbook, in the order of its first alert; alerts that share one are all on it."""
    sharing: dict[str, list[Alert]] = {}
    for alert in alerts:
        sharing.setdefault(alert.runbook_name, []).append(alert)
    return (_board(name, each) for name, each in sharing.items())


def _board(name: str, alerts: list[Alert]) -> Board:
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8").removeprefix(f"# {name}\n").strip()
    return Board(
        uid=runbook_uid(name),
        title=name,
        description=f"What to do when {name} fires.",
        folder=FOLDER,
        tags=("runbook", *sorted({alert.owner for alert in alerts})),
        related=tuple(dict.fromkeys((Dashboard.ALERTS, *(alert.dashboard for alert in alerts)))),
        rows=(
            Row(
                "Now",
                (
                    Panel(title="Runbook", description=text, view=View.TEXT, width=12, height=8 + 9 * len(alerts)),
                    Panel(
                        title="Firing",
                        description="The alerts of this runbook that fire now, with what they are about.",
                        view=View.RANKING,
                        queries=(
                            Query(
                                expr=(
                                    f'ALERTS{{alertstate="firing", alertname=~"{"|".join(a.name for a in alerts)}"}}'
                                ),
                                legend="Firing",
                            ),
                        ),
                        columns=("alertname", "severity", "cluster"),
                        width=12,
                    ),
                    *(_measured(alert) for alert in alerts),
                ),
            ),
        ),
    )


def _measured(alert: Alert) -> Panel:
    if alert.thresholds:
        expr, shown = alert.value, "What the alert measures; the dashed lines are where it fires."
    else:
        expr, shown = f"count({alert.value}) or vector(0)", "How many subjects the alert finds; none is good."
    return Panel(
        title=alert.name,
        description=f"{alert.summary} {shown}",
        queries=(Query(expr=expr),),
        unit=alert.unit,
        alert=alert.name,
        width=12,
        height=9,
    )
