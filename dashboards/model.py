"""Value types of dashboards, rows, panels and queries; ``kit`` turns them into JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from model.datasources import LOKI, PROMETHEUS, Datasource
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert, Severity
from model.uids import DashboardUid
from rules.system import Link

COLUMNS = 24
"""Grafana's grid."""
STAT = 6
"""Width of a stat. A narrower one cuts its title on a small laptop's screen."""
MOST_LINES = 10
"""Lines of a time series, where there may be hundreds. More are not legible."""


class Visualization(StrEnum):
    """Panel types, by Grafana's names."""

    TIME_SERIES = "timeseries"
    """Lines over the time range."""
    STAT = "stat"
    """One current number."""
    TABLE = "table"
    """One row per series, the largest first."""
    HEATMAP = "heatmap"
    """A histogram's buckets over time."""
    LOGS = "logs"
    """Log lines."""
    STATE_TIMELINE = "state-timeline"
    """Severity of each series over time. Values are numbers of ``URGENCY``."""
    ALERT_LIST = "alertlist"
    """Alerts that Grafana evaluates. They have no series to query."""
    ANNOTATIONS = "annolist"
    """Annotations that were posted to Grafana with the tag in ``matchers``."""
    TEXT = "text"
    """Markdown."""


UP, DOWN = 0, 4
"""Numbers of a system without alerts, and of one of which nothing answers."""
URGENCY = {Severity.INFO: 1, Severity.WARNING: 2, Severity.CRITICAL: 3}
"""Severities as numbers, for panels."""


class Scale(StrEnum):
    """Axis of a time series of ratios."""

    WHOLE = "whole"
    """From 0 to 100 %."""
    SMALL = "small"
    """From 0 to as much as data and thresholds need, such as of a share of errors, of which 1 % matters."""
    OPEN = "open"
    """At least from 0 to 100 %: budgets may be overdrawn, and limits exceeded."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query of a panel: PromQL or LogQL, depending on the datasource, with the dashboard's variables."""

    expr: str = ""
    of_alert: str = ""
    """Instead of ``expr``: matchers for the value of the panel's alert. Without that alert the panel is left out."""
    legend: str = ""
    """Name of its series, with ``{{label}}``, or of its column in a table."""
    unit: Unit | None = None
    """Unit of its column in a table, if it differs from the panel's."""
    alert: str = ""
    """The alert whose thresholds colour its values, if it is not the panel's."""
    below: tuple[tuple[Severity, Decimal], ...] = ()
    """Instead: thresholds below which they are coloured, the least urgent first."""
    line: Severity | None = None
    """If it is a threshold: the severity of what fires beyond it. It is drawn as thresholds are."""
    status: bool = False
    """Whether its column in a table has numbers of ``URGENCY``, UP or DOWN, which are shown in words."""
    datasource: Datasource = PROMETHEUS
    exemplars: bool = False
    """Whether exemplars (links to traces) are shown."""
    optional: bool = False
    """Whether a stack that does not know its series leaves it out, and a panel of such queries alone with it."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel of a dashboard."""

    title: str
    description: str
    """What it shows and what to do; in a text panel, the text."""
    visualization: Visualization = Visualization.TIME_SERIES
    queries: tuple[Query, ...] = ()
    unit: Unit = Unit.NONE
    counted: str = ""
    """What a rate counts, such as ``tokens``; the default is taken from the name of its series."""
    scale: Scale | None = None
    """Axis of a time series of ratios; the default fits the thresholds of its alert."""
    width: int = 8
    height: int = 8
    alert: str = ""
    """The alert whose thresholds it shows and whose runbook it links to."""
    counts: bool = False
    """Whether it counts the alert's results, so that one is too many. For alerts without thresholds."""
    severity: Severity | None = None
    """Severity of a count of one, if no single alert has it."""
    stacked: bool = False
    band: bool = False
    """Whether its last two queries are the lower and the upper edge of a band."""
    columns: tuple[str, ...] = ()
    """Labels of a table's rows, from the most general one to the row's subject, which is shown first.

    Other labels are hidden, and so are the most general ones if there is no room (:mod:`dashboards.tables`).
    """
    leading: tuple[str, ...] = ()
    """Labels before the values, if they are more than the subject: both ends of a call."""
    first: str = ""
    """Column that a table is sorted by first, ascending."""
    ascending: bool = False
    """Whether the smallest value is the worst, such as of what is left."""
    data_link: str | None = None
    """Uid of the dashboard that a click on a table's row opens, with the row's labels as variables."""
    row_links: Mapping[str, str] = field(default_factory=dict)
    """Further links of a table's rows, title to URL. A URL may have ``${__data.fields.<label>:percentencode}``."""
    hidden: tuple[str, ...] = ()
    """Columns of a table that only its links read."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Texts that a table shows for values of its first column."""
    needs: str = ""
    """Scrape job that the panel needs. Without the job it is left out."""
    matchers: str = ""
    """Matchers of an alert list, possibly with the dashboard's variables as ``${name:regex}``; of annotations a tag."""
    unmeasured: str = ""
    """What it shows without data; the default is Grafana's text, or ``none`` if it counts results of alerts."""
    linked: bool = False
    """Whether links open only this panel. Then its id depends on its title, not on its position."""

    def __post_init__(self) -> None:
        if self.visualization is Visualization.TABLE and not all(query.legend for query in self.queries):
            # The column would have no header, and a table is sorted by its first such column.
            raise ValueError(f"table {self.title}: a query without a legend, which names its column")


@dataclass(frozen=True)
class PanelPlace:
    """Address of a panel in Grafana."""

    dashboard: str
    """The dashboard's uid."""
    id: int
    """The panel's id."""


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]
    needs: str = ""
    """Scrape job that the row needs. Without the job it is left out."""
    collapsed: bool = False
    """Whether it is collapsed when the dashboard opens."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable whose options are the values of a label."""

    name: str
    label: str
    """The label whose values are its options."""
    of: str
    """Selector of series, or of Loki's streams, with that label. It may use the variables before it."""
    title: str
    datasource: Datasource = PROMETHEUS
    multiple: bool = True
    """Whether several values can be selected. The default is all values; otherwise it is the first."""


@dataclass(frozen=True, kw_only=True)
class CustomVariable:
    """A variable with fixed values. One is selected, by its name."""

    name: str
    title: str
    values: Mapping[str, str]
    """Values by name. Links select by name, and queries get the value, which may contain other variables."""


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Events as lines across every panel: each series of ``expr`` while it exists, or what was posted with ``tag``."""

    name: str
    expr: str = ""
    text: str = ""
    """Text of the annotation, with ``{{label}}``."""
    tag: str = ""
    """Instead of ``expr``: tag of the annotations that were posted to Grafana."""
    severity: Severity
    """Severity, which sets its colour."""
    needs: str = ""
    """Scrape job that it needs. Without the job it is left out."""


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """One dashboard."""

    uid: str
    title: str
    description: str
    """What the dashboard shows, in one sentence."""
    tags: tuple[str, ...]
    """Tags. The dashboard links to dashboards with the same tag."""
    rows: tuple[Row, ...]
    folder: str = ""
    """Title of its folder. The default is its system's title."""
    variables: tuple[Variable, ...] = ()
    custom_variables: tuple[CustomVariable, ...] = ()
    search: bool = False
    """Whether it has a text box, the variable ``search``, for a regular expression."""
    boxes: Mapping[str, str] = field(default_factory=dict)
    """Further variables with a text box each, by name, with the text that they have at first. Without one only links
    fill it, and it is not shown."""
    related: tuple[DashboardUid, ...] = ()
    links: tuple[Link, ...] = ()
    """Links to other pages, which the stack file names."""
    time_from: str = "now-6h"
    annotations: tuple[Annotation, ...] = ()

    @property
    def refresh(self) -> str:
        """How often it asks again. A graph of days changes by less than a pixel in a minute, and costs the most."""
        number, unit = int(self.time_from[4:-1]), self.time_from[-1]
        days = number if unit == "d" else number / 24
        return "1m" if days <= 1 else "15m" if days <= 7 else "1h"

    @property
    def panels(self) -> Iterator[Panel]:
        return (panel for row in self.rows for panel in row.panels)


def variable(name: str, of: str, title: str, *, multiple: bool = True, label: str = "") -> Variable:
    """A variable for the values of the label ``name`` (or ``label``) in the series ``of``."""
    return Variable(name=name, label=label or name, of=of, title=title, multiple=multiple)


def log_variables(*names: str) -> tuple[Variable, ...]:
    """A variable for each of these labels of log streams. Each is narrowed by those before it."""
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
    """A stat, a quarter of a row wide, coloured by the thresholds of ``alert``."""
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.STAT,
        queries=(Query(expr=expr),),
        unit=unit,
        alert=alert,
        width=STAT,
        height=4,
    )


def alert_stat(alert: Alert, title: str, description: str, expr: str) -> Panel:
    """A stat of the number of series of ``expr``, an alert's results; green at 0."""
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.STAT,
        queries=(Query(expr=f"count({expr}) or vector(0)"),),
        alert=alert.name,
        counts=True,
        width=STAT,
        height=4,
    )


def found(alert: Alert, matchers: str) -> str:
    """PromQL: the results of an alert without thresholds, narrowed by ``matchers``."""
    (severity,) = alert.severities
    return narrowed(alert.expr(severity), matchers)


def alert_time_series(alert: Alert, title: str, description: str, expr: str, legend: str, width: int = 8) -> Panel:
    """A time series of ``expr``, the value of an alert, with the alert's thresholds."""
    return Panel(
        title=title,
        description=description,
        queries=(Query(expr=expr, legend=legend),),
        unit=alert.unit,
        alert=alert.name,
        width=width,
    )
