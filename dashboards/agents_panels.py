"""Helpers that the dashboards of agents share."""

from __future__ import annotations

from dashboards.model import Panel, Query, Variable, Visualization, stat, variable
from model.metrics import Unit
from model.rules import Alert
from model.uids import DashboardUid
from rules.agents.promql import RANGE, counted
from rules.histograms import without_le

# Nobody can tell more lines apart.
MOST = 10
# A page of a table.
ROWS = 20


def chosen(*names: str) -> str:
    """Matchers by the variables of these names."""
    return ", ".join(f'{name}=~"${name}"' for name in names)


def variables(of: str, *names: str) -> tuple[Variable, ...]:
    """A choice for each of these labels of a recorded rate, each narrowed by those before."""
    return tuple(
        variable(name, f"{of}{{{chosen(*names[:position])}}}", name.capitalize()) for position, name in enumerate(names)
    )


PUSHED = 'cluster=~"$cluster", k8s_namespace_name=~"$namespace", service_name=~"$service"'
"""The same in what agents push, where an agent may have no name."""


def alert_stat(alert: Alert, title: str, description: str, series: str) -> Panel:
    """The worst of what an alert judges each of, as one of six signals."""
    return stat(title, description, f"max({series})", alert.unit, alert.name)


def alert_time_series(
    alert: Alert, title: str, description: str, series: str, legend: str, *traced: Query, width: int = 8
) -> Panel:
    """What an alert compares, over time, with the lines where it fires: the worst of ``series``."""
    return Panel(
        title=title,
        description=description,
        queries=(Query(expr=f"topk({MOST}, {series})", legend=legend), *traced),
        unit=alert.unit,
        alert=alert.name,
        width=width,
    )


def where_set(alert: str, title: str, description: str, matchers: str, legend: str, width: int) -> Panel:
    """The same for an alert that some settings turn off: without the alert, no panel."""
    return Panel(
        title=title,
        description=description,
        queries=(Query(of_alert=matchers, legend=legend),),
        alert=alert,
        width=width,
    )


def median(*histograms: tuple[str, str]) -> Query:
    """Half are faster, with traces: what is recorded has none, so this asks the series that agents push.

    Of several ``histograms``, name and matchers, and of each the classic and the native kind, the first that is there;
    traces are shown of all.
    """
    kinds = (
        rate
        for name, matchers in histograms
        for rate in (
            f"rate({name}_bucket{{{matchers}}}[{RANGE}])",
            without_le(f"rate({name}{{{matchers}}}[{RANGE}])"),
        )
    )
    halves = (f"histogram_quantile(0.5, sum by (le) ({each}))" for each in kinds)
    return Query(expr=" or ".join(halves), legend="half of all", exemplars=True)


def outcomes(rate: str, matchers: str, by: str, of_all: str) -> dict[str, str]:
    """Columns of a table by failures, out of a recorded rate: what never failed stands in it with 0."""
    every, bad = counted(f"{rate}{{{matchers}}}", by), counted(f'{rate}{{error_type!="", {matchers}}}', by)
    return {"Failing": f"({bad} or {every} * 0)", of_all: every}


def stacked(
    title: str, description: str, expr: str, legend: str, unit: Unit = Unit.PER_SECOND, *, width: int = 8
) -> Panel:
    """A stacked time series of amounts."""
    return Panel(
        title=title,
        description=description,
        queries=(Query(expr=expr, legend=legend),),
        unit=unit,
        stacked=True,
        width=width,
    )


def table(
    title: str,
    description: str,
    columns: tuple[str, ...],
    values: dict[str, str],
    unit: Unit,
    data_link: DashboardUid,
    *,
    width: int = 12,
) -> Panel:
    """The largest by the first of ``values``, PromQL by heading."""
    (heading, first), *others = values.items()
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.TABLE,
        queries=(
            Query(expr=f"topk({ROWS}, {first})", legend=heading),
            # Of the same rows, so that there are no more.
            *(
                Query(expr=f"{expr} and on ({', '.join(columns)}) topk({ROWS}, {first})", legend=name)
                for name, expr in others
            ),
        ),
        unit=unit,
        columns=columns,
        data_link=data_link,
        width=width,
    )
