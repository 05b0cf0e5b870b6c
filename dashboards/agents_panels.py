"""Helpers that the dashboards of agents share."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.model import Panel, Query, Variable, Visualization, stat, variable
from model.metrics import Unit
from model.rules import Alert
from model.uids import DashboardUid
from rules.agents.promql import counted
from rules.histograms import of_all, without_le
from rules.rates import RANGE

# People cannot distinguish more lines.
MOST = 10
# Rows on one page of a table.
ROWS = 20


def chosen(*names: str) -> str:
    """PromQL matchers for the variables with these names."""
    return ", ".join(f'{name}=~"${name}"' for name in names)


def variables(of: str, *names: str) -> tuple[Variable, ...]:
    """A variable for each label in ``names`` of the series ``of``. Each is narrowed by those before it."""
    return tuple(
        variable(name, f"{of}{{{chosen(*names[:position])}}}", name.capitalize()) for position, name in enumerate(names)
    )


PUSHED = 'cluster=~"$cluster", k8s_namespace_name=~"$namespace", service_name=~"$service"'
"""Matchers for the series that agents push. There an agent may have no name."""


def alert_stat(alert: Alert, title: str, description: str, series: str) -> Panel:
    """A stat of the worst of ``series``, coloured by the alert's thresholds."""
    return stat(title, description, f"max({series})", alert.unit, alert.name)


def alert_time_series(
    alert: Alert, title: str, description: str, series: str, legend: str, *traced: Query, width: int = 8
) -> Panel:
    """A time series of the worst of ``series``, with the alert's thresholds."""
    return Panel(
        title=title,
        description=description,
        queries=(Query(expr=f"topk({MOST}, {series})", legend=legend), *traced),
        unit=alert.unit,
        alert=alert.name,
        width=width,
    )


def where_set(alert: str, title: str, description: str, matchers: str, legend: str, width: int) -> Panel:
    """A time series of the alert's value with its thresholds. The panel is left out in stacks without the alert."""
    return Panel(
        title=title,
        description=description,
        queries=(Query(of_alert=matchers, legend=legend),),
        alert=alert,
        width=width,
    )


def percentiles(buckets: str, picked: str, *histograms: tuple[str, str]) -> tuple[Query, ...]:
    """p50 and p99 of all, beside the p95 of each: with exemplars, and from the recorded ``buckets`` that are picked.

    Recorded series have no exemplars, so the median queries the series that agents push. ``histograms`` are names and
    matchers. The first one with data is used, of each the classic kind before the native one. Exemplars are shown for
    all.
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
    p99 = of_all("0.99", lambda kind: f"{buckets}{{{picked}, {kind}}}")
    return Query(expr=" or ".join(halves), legend="p50, all", exemplars=True), Query(expr=p99, legend="p99, all")


def outcomes(rate: str, matchers: str, by: str, of_all: str) -> dict[str, str]:
    """Columns of a table by failures, from a recorded rate. Rows without failures show 0."""
    every, bad = counted(f"{rate}{{{matchers}}}", by), counted(f'{rate}{{error_type!="", {matchers}}}', by)
    return {"Failing": f"({bad} or {every} * 0)", of_all: every}


def stacked(
    title: str, description: str, expr: str, legend: str, unit: Unit = Unit.PER_SECOND, *, width: int = 8
) -> Panel:
    """A stacked time series."""
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
    judged_by: Iterable[Alert] = (),
) -> Panel:
    """A table of the largest rows by the first of ``values``, which maps headings to PromQL.

    ``judged_by`` are the alerts whose thresholds colour the first columns of values.
    """
    (heading, first), *others = values.items()
    judges = (*(alert.name for alert in judged_by), *([""] * len(values)))
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.TABLE,
        queries=(
            Query(expr=f"topk({ROWS}, {first})", legend=heading, alert=judges[0]),
            # Only the rows of the first column.
            *(
                Query(expr=f"{expr} and on ({', '.join(columns)}) topk({ROWS}, {first})", legend=name, alert=judge)
                for (name, expr), judge in zip(others, judges[1:], strict=False)
            ),
        ),
        unit=unit,
        columns=columns,
        data_link=data_link,
        width=width,
    )
