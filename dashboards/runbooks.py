"""Runbooks as dashboards: what to do, beside the alert's own expression with the line that it crossed."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.alerts import open_for
from dashboards.datasources import PROMETHEUS
from dashboards.kubernetes_namespace import IN_NAMESPACE, NAMESPACE
from dashboards.model import Board, Panel, Query, Row, View
from dashboards.uids import RUNBOOKS_FOLDER, Dashboard, runbook_uid
from rules.grafana_alert import GrafanaAlert
from rules.model import RUNBOOKS, Alert, BaseAlert
from rules.promql import narrowed

# More lines nobody tells apart.
MOST = 10
_OF_A_NAMESPACE = (Dashboard.KUBERNETES_NAMESPACE, Dashboard.KUBERNETES_WORKLOAD)
"""The boards of alerts about some of thousands: their runbooks measure in one namespace, that of whoever is paged."""


def boards(alerts: tuple[BaseAlert, ...]) -> Iterator[Board]:
    """One per runbook, in the order of its first alert; alerts that share one are all on it."""
    sharing: dict[str, list[BaseAlert]] = {}
    for alert in alerts:
        sharing.setdefault(alert.runbook_name, []).append(alert)
    return (_board(name, each) for name, each in sharing.items())


def _board(name: str, alerts: list[BaseAlert]) -> Board:
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8").removeprefix(f"# {name}\n").strip()
    matchers = IN_NAMESPACE if all(alert.dashboard in _OF_A_NAMESPACE for alert in alerts) else ""
    return Board(
        uid=runbook_uid(name),
        title=name,
        description=f"What to do when {name} fires.",
        folder=RUNBOOKS_FOLDER,
        tags=("runbook", *sorted({alert.owner for alert in alerts})),
        variables=NAMESPACE if matchers else (),
        related=tuple(dict.fromkeys((Dashboard.ALERTS, *(alert.dashboard for alert in alerts)))),
        rows=(
            Row(
                "Now",
                (
                    Panel(title="Runbook", description=text, view=View.TEXT, width=12, height=8 + 9 * len(alerts)),
                    *_firing(name, alerts, ("namespace",) if matchers else ()),
                    *(panel for alert in alerts for panel in (_measured(alert, matchers), *_lines(alert))),
                ),
            ),
        ),
    )


def _firing(name: str, alerts: list[BaseAlert], where: tuple[str, ...]) -> Iterator[Panel]:
    """Which of them fire: those of Prometheus leave a series, those of Grafana do not."""
    of_prometheus = "|".join(alert.name for alert in alerts if isinstance(alert, Alert))
    of_grafana = "|".join(alert.name for alert in alerts if isinstance(alert, GrafanaAlert))
    description = "The alerts of this runbook that fire now, with what they are about."
    if of_prometheus:
        columns = ("alertname", "severity", "cluster", *where)
        yield Panel(
            title="Firing",
            description=description + (" A click measures there." if where else ""),
            view=View.RANKING,
            queries=(open_for(f'alertname=~"{of_prometheus}"', ", ".join(columns)),),
            columns=columns,
            drill=runbook_uid(name) if where else None,
            width=12,
        )
    if of_grafana:
        yield Panel(
            title="Firing in Grafana",
            description=description,
            view=View.ALERTS,
            matchers=f'alertname=~"{of_grafana}"',
            width=12,
        )


def _lines(alert: BaseAlert) -> Iterator[Panel]:
    if isinstance(alert, GrafanaAlert) and alert.lines:
        yield Panel(
            title=f"{alert.name}: lines",
            description="The lines that the alert counts.",
            view=View.LINES,
            queries=(Query(expr=alert.lines, datasource=alert.datasource),),
            width=12,
        )


def _measured(alert: BaseAlert, matchers: str) -> Panel:
    value = narrowed(alert.value, matchers) if matchers else alert.value
    there = " in the namespace" if matchers else ""
    if alert.thresholds:
        expr = f"{'bottomk' if alert.below else 'topk'}({MOST}, {value})"
        shown = f"What the alert measures{there}, for the {MOST} worst; the dashed lines are where it fires."
    else:
        expr, shown = f"count({value}) or vector(0)", f"How many subjects the alert finds{there}; none is good."
    datasource = alert.datasource if isinstance(alert, GrafanaAlert) else PROMETHEUS
    return Panel(
        title=alert.name,
        description=f"{alert.summary} {shown}",
        queries=(Query(expr=expr, datasource=datasource),),
        unit=alert.unit,
        alert=alert.name,
        width=12,
        height=9,
    )
