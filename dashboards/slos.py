"""SLOs: all with their budgets, and one in detail."""

from __future__ import annotations

from dataclasses import replace

from dashboards.annotations import alerts_with
from dashboards.model import COLUMNS, STAT, Dashboard, Panel, Query, Row, Scale, Variable, Visualization, stat, variable
from model.metrics import Unit
from model.rules import decimal
from model.slo_alerts import BURNS, LEFT, TO_EXHAUSTION, Burn
from model.uids import ALERTS, HOME, SLO, SLOS
from rules.system import Watched

_ALL = 'cluster=~"$cluster"'
_OBJECTIVE = f'{_ALL}, slo="$slo"'
_CLUSTER = variable("cluster", "slo:objective:ratio", "Cluster")

_NOW = (
    ("objective", "max(slo:objective:ratio"),
    ("reached", "min(slo:sli:ratio_window"),
    ("budget left", "min(slo:error_budget_remaining:ratio"),
    ("failing now", "max(slo:sli_error:ratio_rate5m"),
)
"""Ratios and the series that they are of."""

ALL = Dashboard(
    uid=SLOS,
    title="SLOs: all",
    description="All objectives and their remaining error budgets.",
    folder="SLOs",
    tags=("slo",),
    time_from="now-7d",
    variables=(_CLUSTER,),
    related=(HOME, ALERTS),
    annotations=(alerts_with(f'{_ALL}, slo!=""'),),
    rows=(
        Row(
            "Budgets",
            (
                Panel(
                    title="Budget left",
                    description=(
                        "Remaining share of each error budget. Below 0 the objective is missed. It is spent after the"
                        " last column's time at the last hour's rate."
                    ),
                    visualization=Visualization.TABLE,
                    queries=(
                        *(
                            Query(
                                expr=f"max by (cluster, slo, value) ({series}{{{_ALL}}})",
                                legend=column,
                                unit=unit,
                                below=LEFT if column == "Left" else (),
                            )
                            for column, series, unit in (
                                ("Left", "slo:error_budget_remaining:ratio", None),
                                ("Reached", "slo:sli:ratio_window", None),
                                ("Objective", "slo:objective:ratio", None),
                                ("Spent in", TO_EXHAUSTION, Unit.SECONDS),
                            )
                        ),
                    ),
                    unit=Unit.RATIO,
                    columns=("cluster", "value", "slo"),
                    ascending=True,
                    data_link=SLO,
                    width=24,
                    height=10,
                ),
                Panel(
                    title="Error budget over time",
                    description="A steep fall is an incident; a slope is a lasting loss.",
                    queries=(
                        Query(
                            expr=f"min by (slo, value) (slo:error_budget_remaining:ratio{{{_ALL}}})",
                            legend="{{slo}} {{value}}",
                        ),
                    ),
                    unit=Unit.RATIO,
                    scale=Scale.OPEN,
                    width=12,
                    height=10,
                ),
                Panel(
                    title="Burn rate",
                    description="Burn rate over an hour. At 1 the budget lasts exactly. Above it, open the objective.",
                    queries=(
                        Query(
                            expr=(
                                f"max by (slo, value) (slo:sli_error:ratio_rate1h{{{_ALL}}}"
                                f" / slo:error_budget:ratio{{{_ALL}}})"
                            ),
                            legend="{{slo}} {{value}}",
                        ),
                    ),
                    width=12,
                    height=10,
                ),
            ),
        ),
    ),
)


def one(watched: Watched) -> Dashboard:
    """The dashboard of one objective, with the thresholds of this stack's alerts.

    Its values can be chosen where an objective has some: an empty variable would be a riddle.
    """
    chosen = _OBJECTIVE
    values: tuple[Variable, ...] = ()
    if any(slo.by for slo in watched.slos):
        chosen = f'{_OBJECTIVE}, value=~"$value"'
        values = (variable("value", f"slo:objective:ratio{{{_OBJECTIVE}}}", "Value"),)
    return Dashboard(
        uid=SLO,
        title="SLOs: one in detail",
        description="One objective: events, error rates per alert window, and budget.",
        folder="SLOs",
        tags=("slo",),
        time_from="now-24h",
        variables=(
            _CLUSTER,
            variable("slo", f"slo:objective:ratio{{{_ALL}}}", "Objective", multiple=False),
            *values,
        ),
        related=(SLOS, ALERTS),
        annotations=(alerts_with(chosen),),
        rows=(
            Row(
                "Now",
                (
                    Panel(
                        title="Ratios",
                        description=(
                            "Shares of events: good ones by the objective, in this window, and failed ones in the last"
                            " 5 minutes; and of the error budget, what is left. The worst of the chosen values."
                        ),
                        visualization=Visualization.STAT,
                        queries=tuple(
                            Query(
                                expr=f"{series}{{{chosen}}})",
                                legend=name,
                                below=LEFT if name == "budget left" else (),
                            )
                            for name, series in _NOW
                        ),
                        unit=Unit.RATIO,
                        width=COLUMNS - STAT,
                        height=4,
                    ),
                    replace(
                        stat(
                            "Budget spent in",
                            "Time to exhaustion at the last hour's rate; none if nothing fails.",
                            f"min({TO_EXHAUSTION}{{{chosen}}})",
                            Unit.SECONDS,
                        ),
                        unmeasured="none",
                    ),
                ),
            ),
            Row(
                "Over time",
                (
                    Panel(
                        title="Events and failures",
                        description="All events and bad events per second.",
                        queries=(
                            Query(expr=f"sum by (cluster) (slo:events:rate5m{{{chosen}}})", legend="all, {{cluster}}"),
                            Query(expr=f"sum by (cluster) (slo:errors:rate5m{{{chosen}}})", legend="bad, {{cluster}}"),
                        ),
                        unit=Unit.PER_SECOND,
                        width=12,
                    ),
                    Panel(
                        title="Error budget over time",
                        description="Remaining error budget. It recovers as old failures leave the window.",
                        queries=(
                            Query(
                                expr=f"min by (cluster, value) (slo:error_budget_remaining:ratio{{{chosen}}})",
                                legend="{{cluster}} {{value}}",
                            ),
                        ),
                        unit=Unit.RATIO,
                        scale=Scale.OPEN,
                        width=12,
                    ),
                    *(_burn(burn, watched, chosen) for burn in BURNS),
                ),
            ),
        ),
    )


def _burn(burn: Burn, watched: Watched, chosen: str) -> Panel:
    """Both windows of a burn-rate alert, and its threshold, which differs by objective."""
    # An objective without this alert gets a threshold of 1, which no ratio exceeds.
    lines = {slo.name: "1" for slo in watched.slos} | {
        alert.labels["slo"]: decimal(threshold)
        for alert in watched.alerts
        if alert.labels.get("burn") == burn.name.lower()
        for threshold in alert.thresholds.values()
    }
    named = " or ".join(f'label_replace(vector({line}), "slo", "{slo}", "", "")' for slo, line in lines.items())
    compared = f"({named}) and on (slo) slo:objective:ratio{{{chosen}}}"
    line = Query(expr=compared, legend="fires above", line=burn.severity)
    windows = (
        Query(
            expr=f"max by (cluster, value) (slo:sli_error:ratio_rate{window}{{{chosen}}})",
            legend=f"{window}, {{{{cluster}}}} {{{{value}}}}",
        )
        for window in (burn.long, burn.short)
    )
    return Panel(
        title=f"{burn.name} burn",
        description=(
            f"The alert fires while both windows, {burn.long} and {burn.short}, are above the line: at this rate"
            f" {burn.budget:.0%} of the budget is spent in {burn.long}."
        ),
        queries=(*windows, line),
        unit=Unit.RATIO,
        scale=Scale.SMALL,
        width=12,
    )
