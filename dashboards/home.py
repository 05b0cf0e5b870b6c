"""The start page: the state of each system, firing alerts, today's changes, who is on duty, and all dashboards."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from dashboards.alerts import NEWS, by_name, how_many, of, of_grafana
from dashboards.annotations import DEPLOY
from dashboards.model import COLUMNS, DOWN, UP, URGENCY, Dashboard, Panel, Query, Row, Visualization
from dashboards.queries import filled
from model.content import ContentDashboard
from model.metrics import Unit
from model.promql import names
from model.rules import Alert, BaseAlert, Severity
from model.uids import HOME, RUNBOOKS_FOLDER, folder_uid
from rules.headline import Figure
from rules.system import System

_MEANING = {
    Severity.CRITICAL: "somebody must work on it now",
    Severity.WARNING: "somebody should look today",
}
_RUNBOOKS = "steps for every alert, with its current value."
_OPEN = f'{NEWS}, severity=~"{"|".join(_MEANING)}"'
_LEFT = "slo:error_budget_remaining:ratio"
_IN_A_ROW = 4
"""Stats beside each other: the titles of more would be cut on a laptop."""


@dataclass(frozen=True)
class Duty:
    """Who is notified of an owner's alerts."""

    owner: str
    receivers: Mapping[Severity, tuple[str, ...]]
    """Names of receivers by severity; none where nobody is notified."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A system that is on, as Home shows it."""

    system: System[Any]
    overview: str
    """Uid of its first dashboard."""
    objectives: tuple[str, ...]
    """Names of its objectives."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What Home knows of a stack."""

    systems: tuple[Watch, ...]
    series: Collection[str]
    """Names of all series."""
    alerts: Mapping[str, BaseAlert]
    objectives: bool
    """Whether there are any, of systems or in the stack file."""
    duties: tuple[Duty, ...]


def dashboard(others: tuple[Dashboard | ContentDashboard, ...], stack: Stack) -> Dashboard:
    """The start page, with links to all ``others``."""
    changes = tuple(_known(stack, "changes").values())
    return Dashboard(
        uid=HOME,
        title="Home",
        description="State of each system, firing alerts, today's changes, and links to all dashboards.",
        folder="Home",
        tags=("home",),
        time_from="now-24h",
        rows=(
            Row(
                "Current state",
                (
                    *_in_rows(tuple(_stats(stack))),
                    *((_of_systems(stack),) if stack.systems else ()),
                    by_name("Firing now", _OPEN, ("alertname", "severity", "owner", "system"), 8, hidden=("system",)),
                    of_grafana("", 5),
                ),
            ),
            Row(
                "Today",
                (
                    *((_changes(changes),) if changes else ()),
                    *((_on_duty(stack.duties),) if stack.duties else ()),
                    Panel(
                        title="Deploys",
                        description=f"What deploy jobs have posted with the tag `{DEPLOY}`; docs/annotations.md has the"
                        " command.",
                        visualization=Visualization.ANNOTATIONS,
                        matchers=DEPLOY,
                        width=COLUMNS,
                        height=6,
                    ),
                ),
            ),
            Row("Navigation", (_navigation(others),)),
        ),
    )


def _stats(stack: Stack) -> Iterator[Panel]:
    for severity, meaning in _MEANING.items():
        yield how_many(severity, f"Open: {severity}", f"Firing alerts of Prometheus: {meaning}.", NEWS)
    if stack.objectives:
        yield Panel(
            title="Objectives missed",
            description="Objectives without an error budget. Until it recovers, stability comes before features.",
            visualization=Visualization.STAT,
            queries=(Query(expr=f"count({_LEFT} < 0) or vector(0)"),),
            severity=Severity.WARNING,
        )
    for figure in (each for watch in stack.systems for each in watch.system.headline.figures):
        alert = stack.alerts.get(figure.alert)
        expr = figure.expr or (_of_alert(figure, alert) if isinstance(alert, Alert) else "")
        if expr and names(filled(expr)) <= set(stack.series):
            yield _stat(figure, expr, alert.unit if alert and not figure.counts else Unit.NONE)


def _of_alert(figure: Figure, alert: Alert) -> str:
    return f"count({alert.expr(alert.severities[-1])}) or vector(0)" if figure.counts else f"max({alert.value})"


def _stat(figure: Figure, expr: str, unit: Unit) -> Panel:
    return Panel(
        title=figure.title,
        description=figure.description,
        visualization=Visualization.STAT,
        queries=(Query(expr=expr),),
        unit=unit,
        alert=figure.alert,
        counts=figure.counts,
    )


def _in_rows(panels: tuple[Panel, ...]) -> Iterator[Panel]:
    """The stats in rows of nearly as many, each as wide as the page."""
    rows = ceil(len(panels) / _IN_A_ROW)
    for number in range(rows):
        row = panels[number * len(panels) // rows : (number + 1) * len(panels) // rows]
        for place, panel in enumerate(row):
            yield replace(panel, width=COLUMNS // len(row) + (place < COLUMNS % len(row)), height=4)


def _known(stack: Stack, what: str) -> dict[str, str]:
    """PromQL of one field of the headlines whose series this stack knows, by the system's key."""
    said = {watch.system.key: str(getattr(watch.system.headline, what)) for watch in stack.systems}
    return {key: expr for key, expr in said.items() if expr and names(filled(expr)) <= set(stack.series)}


def _of_systems(stack: Stack) -> Panel:
    """A row for each system; the dashboard of a row is a label, which its link reads."""
    listed = " or ".join(
        _labelled(_labelled("vector(1)", "system", watch.system.key), "dashboard", watch.overview)
        for watch in stack.systems
    )
    down = (f"{_labelled(expr, 'system', key)} == 0" for key, expr in _known(stack, "up").items())
    state = " or ".join(
        (
            *(f"({each}) + {DOWN}" for each in down),
            _urgency(),
        )
    )
    left = {
        watch.system.key: f'min({_LEFT}{{slo=~"{"|".join(watch.objectives)}"}})'
        for watch in stack.systems
        if watch.objectives
    }
    columns = (
        ("Errors", _known(stack, "errors"), Unit.RATIO),
        ("p95", _known(stack, "latency"), Unit.SECONDS),
        ("SLO left", left, Unit.RATIO),
        ("Cost in 24 h", _known(stack, "cost"), Unit.CURRENCY),
    )
    return Panel(
        title="Systems",
        description="Each system: its worst open alert, or down while nothing of it answers; errors and p95 of its"
        " worst subject; the least error budget of its objectives. A click opens its dashboard, which has p50 and p99.",
        visualization=Visualization.TABLE,
        queries=(
            Query(
                expr=f"({listed}) * on (system) group_left () ({state} or {UP} * group by (system) ({listed}))",
                legend="Status",
                status=True,
            ),
            *(
                Query(
                    expr=" or ".join(_labelled(expr, "system", key) for key, expr in values.items()),
                    legend=legend,
                    unit=unit,
                )
                for legend, values, unit in columns
                if values
            ),
        ),
        columns=("system", "dashboard"),
        hidden=("dashboard",),
        words={watch.system.key: watch.system.title for watch in stack.systems},
        row_links={"Dashboard": "/d/${__data.fields.dashboard:percentencode}?${__url_time_range}"},
        width=12,
        height=13,
    )


def _labelled(expr: str, label: str, value: str) -> str:
    return f'label_replace({expr}, "{label}", "{value}", "", "")'


def _urgency() -> str:
    """PromQL: the number of the worst open alert, by system."""
    return " or ".join(f"{URGENCY[each]} * group by (system) ({of(each, NEWS)})" for each in _MEANING)


def _changes(changes: tuple[str, ...]) -> Panel:
    return Panel(
        title="Changes in 24 hours",
        description="Newest rollouts of Deployments, configurations that servers have loaded, and starts of servers, at"
        " which some load theirs. Was the last one just before an alert? Then roll it back first.",
        visualization=Visualization.TABLE,
        queries=(Query(expr=f"bottomk(20, {' or '.join(changes)})", legend="Ago", unit=Unit.SECONDS),),
        columns=("change", "subject"),
        first="Ago",
        unmeasured="Nothing changed.",
        width=12,
        height=9,
    )


def _on_duty(duties: tuple[Duty, ...]) -> Panel:
    """Owners that are notified alike are one row."""
    owners: dict[tuple[str, ...], list[str]] = {}
    for duty in duties:
        receivers = tuple(", ".join(duty.receivers[each]) or "nobody" for each in _MEANING)
        owners.setdefault(receivers, []).append(duty.owner)
    rows = [
        f"| {' | '.join(('Owner', *(each.capitalize() for each in _MEANING)))} |",
        "|---" * (1 + len(_MEANING)) + "|",
        *(f"| {' | '.join((', '.join(each), *receivers))} |" for receivers, each in owners.items()),
    ]
    return Panel(
        title="On duty: receivers by owner",
        description="\n".join(rows),
        visualization=Visualization.TEXT,
        width=12,
        height=9,
    )


def _navigation(others: tuple[Dashboard | ContentDashboard, ...]) -> Panel:
    folders = dict.fromkeys(other.folder for other in others)
    listed = "\n".join(
        f"**{folder}**\n" + "\n".join(_entry(other) for other in others if other.folder == folder) + "\n"
        for folder in folders
    )
    listed += f"\n**{RUNBOOKS_FOLDER}**\n- [All](/dashboards/f/{folder_uid(RUNBOOKS_FOLDER)}): {_RUNBOOKS}\n"
    return Panel(title="Dashboards", description=listed, visualization=Visualization.TEXT, width=COLUMNS, height=18)


def _entry(dashboard: Dashboard | ContentDashboard) -> str:
    described = f": {dashboard.description}" if dashboard.description else ""
    return f"- [{dashboard.title}](/d/{dashboard.uid}){described}"
