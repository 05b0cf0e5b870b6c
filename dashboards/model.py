"""Value types of dashboards, rows, panels and queries; ``kit`` turns them into JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from model.datasources import LOKI, PROMETHEUS, Datasource
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert, Severity
from model.uids import DashboardUid

COLUMNS = 24
"""Grafana's grid."""


class Visualization(StrEnum):
    """How a panel shows what its queries return."""

    TIME_SERIES = "timeseries"
    """Lines over the chosen time."""
    STAT = "stat"
    """One number, now."""
    TABLE = "table"
    """A row per series, the largest first."""
    HEATMAP = "heatmap"
    """A histogram's buckets over time."""
    LOGS = "logs"
    """Log lines."""
    STATE_TIMELINE = "state-timeline"
    """How urgent each of some things was over time: its value is a severity's place in ``URGENCY``."""
    ALERT_LIST = "alertlist"
    """Alerts that Grafana evaluates, of this stack; they leave no series that a query could find."""
    TEXT = "text"
    """Markdown."""


URGENCY = {Severity.INFO: 1, Severity.WARNING: 2, Severity.CRITICAL: 3}
"""Severities as numbers, for what shows how urgent something is."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a panel asks. PromQL or LogQL, as its datasource says, with the dashboard's variables."""

    expr: str = ""
    of_alert: str = ""
    """Instead of ``expr``: matchers that narrow what the panel's alert measures. Without it there is no such panel."""
    legend: str = ""
    """Name of its series, with ``{{label}}``; in a table, of its column of values."""
    unit: Unit | None = None
    """Of its column in a table, where that is not the panel's."""
    datasource: Datasource = PROMETHEUS
    exemplars: bool = False
    """Whether traces are marked on the line."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One question and its answer."""

    title: str
    description: str
    """What it shows and what to do about it; for a text panel, the text itself."""
    visualization: Visualization = Visualization.TIME_SERIES
    queries: tuple[Query, ...] = ()
    unit: Unit = Unit.NONE
    width: int = 8
    height: int = 8
    alert: str = ""
    """The alert whose thresholds are drawn, and whose runbook is linked."""
    counts: bool = False
    """Whether it counts what the alert finds, so that one is too many; so it is for an alert without thresholds."""
    severity: Severity | None = None
    """Severity of one counted thing, where no single alert sets it."""
    stacked: bool = False
    columns: tuple[str, ...] = ()
    """Labels that a table shows, in this order; others are hidden."""
    first: str = ""
    """The column by which a table is ordered, ascending, before its values."""
    data_link: str | None = None
    """The uid of the dashboard that a click on a row of a table leads to, with the row's labels as variables."""
    needs: str = ""
    """The scrape job without which the panel is left out."""
    matchers: str = ""
    """Which labels the alerts of a list have; may name the dashboard's variables as ``${name:regex}``."""
    linked: bool = False
    """Whether links lead to it alone: then its number follows from its title, not from its place."""


@dataclass(frozen=True)
class PanelPlace:
    """Address of a panel in Grafana."""

    dashboard: str
    """The dashboard's uid."""
    id: int
    """The panel's number on it."""


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]
    needs: str = ""
    """The scrape job without which the row is left out."""
    collapsed: bool = False
    """Whether it is collapsed at first."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A choice that narrows the whole dashboard: the values of a label."""

    name: str
    label: str
    """The label whose values it offers."""
    of: str
    """The selector of the series that have it, or of Loki's streams; may name the variables before."""
    title: str
    datasource: Datasource = PROMETHEUS
    multiple: bool = True
    """Whether several can be chosen, and all are by default; otherwise the first one is."""


@dataclass(frozen=True, kw_only=True)
class CustomVariable:
    """A variable whose values are written in the dashboard: one of them is chosen, by its name."""

    name: str
    title: str
    values: Mapping[str, str]
    """By name; links choose by the name, and queries get the value, which may name the other variables."""


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Something that happened, as a line across every panel: each series of ``expr`` when it is there."""

    name: str
    expr: str
    text: str
    """What is written at the line, with ``{{label}}``."""
    severity: Severity
    """How urgent it is: its colour."""
    needs: str = ""
    """The scrape job without which it is left out."""


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """One dashboard."""

    uid: str
    title: str
    description: str
    """The question that it answers."""
    tags: tuple[str, ...]
    """Dashboards with the same tag are offered as links."""
    rows: tuple[Row, ...]
    folder: str = ""
    """Title of its folder; that of its system unless given."""
    variables: tuple[Variable, ...] = ()
    custom_variables: tuple[CustomVariable, ...] = ()
    search: bool = False
    """Whether there is a field to type in: its text, a regular expression, is the variable ``search``."""
    related: tuple[DashboardUid, ...] = ()
    time_from: str = "now-6h"
    annotations: tuple[Annotation, ...] = ()

    @property
    def panels(self) -> Iterator[Panel]:
        return (panel for row in self.rows for panel in row.panels)


def variable(name: str, of: str, title: str, *, multiple: bool = True, label: str = "") -> Variable:
    """A choice among the values that the label ``name`` (or ``label``) has in the series ``of``."""
    return Variable(name=name, label=label or name, of=of, title=title, multiple=multiple)


def log_variables(*names: str) -> tuple[Variable, ...]:
    """A choice for each of these labels of log streams, each narrowed by those before."""
    chosen = [f'{name}=~"${name}"' for name in names]
    return tuple(
        Variable(
            name=name,
            label=name,
            of=f"{{{', '.join(chosen[:position])}}}" if position else "",
            title=name.capitalize(),
            datasource=LOKI,
        )
        for position, name in enumerate(names)
    )


def stat(title: str, description: str, expr: str, unit: Unit = Unit.NONE, alert: str = "") -> Panel:
    """One number, a sixth of a row wide, coloured by the thresholds of ``alert``."""
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.STAT,
        queries=(Query(expr=expr),),
        unit=unit,
        alert=alert,
        width=4,
        height=4,
    )


def alert_stat(alert: Alert, title: str, description: str, expr: str) -> Panel:
    """How many there are of what an alert finds, ``expr``: none, and it is green."""
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.STAT,
        queries=(Query(expr=f"count({expr}) or vector(0)"),),
        alert=alert.name,
        counts=True,
        width=4,
        height=4,
    )


def found(alert: Alert, matchers: str) -> str:
    """What an alert without thresholds fires for, as far as ``matchers`` choose it."""
    (severity,) = alert.severities
    return narrowed(alert.expr(severity), matchers)


def alert_time_series(alert: Alert, title: str, description: str, expr: str, legend: str, width: int = 8) -> Panel:
    """What an alert compares, ``expr``, over time, with the lines where it fires."""
    return Panel(
        title=title,
        description=description,
        queries=(Query(expr=expr, legend=legend),),
        unit=alert.unit,
        alert=alert.name,
        width=width,
    )
