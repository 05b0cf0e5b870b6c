"""Objectives: all of them with their budgets, and one in detail."""

from __future__ import annotations

from dashboards.annotations import alerts_with
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, variable
from model.metrics import Unit
from model.rules import decimal
from model.slo import BURNS, Burn
from model.uids import ALERTS, HOME, SLO, SLOS
from rules.system import Watched

_ALL = 'cluster=~"$cluster"'
_ONE = 'cluster=~"$cluster", slo="$slo"'
_CLUSTER = variable("cluster", "slo:objective:ratio", "Cluster")

ALL = Dashboard(
    uid=SLOS,
    title="SLOs: all",
    description="Which objectives are kept, and how much of each error budget is left.",
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
                    description="The part of each error budget that is left; below zero, the objective is broken.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(
                            expr=f"max by (cluster, slo) (slo:error_budget_remaining:ratio{{{_ALL}}})", legend="Left"
                        ),
                        Query(expr=f"max by (cluster, slo) (slo:objective:ratio{{{_ALL}}})", legend="Objective"),
                        Query(
                            expr=f"max by (cluster, slo) (slo:sli_error:ratio_rate1h{{{_ALL}}})",
                            legend="Failing (1h)",
                        ),
                    ),
                    unit=Unit.RATIO,
                    columns=("cluster", "slo"),
                    data_link=SLO,
                    width=24,
                    height=10,
                ),
                Panel(
                    title="Budget left over time",
                    description="A steep fall is an incident, a slope is a lasting loss.",
                    queries=(
                        Query(expr=f"min by (slo) (slo:error_budget_remaining:ratio{{{_ALL}}})", legend="{{slo}}"),
                    ),
                    unit=Unit.RATIO,
                    width=12,
                    height=10,
                ),
                Panel(
                    title="Burn rate",
                    description="How many times faster than allowed a budget burns, over an hour; at 1 it lasts.",
                    queries=(
                        Query(
                            expr=(
                                f"max by (slo) (slo:sli_error:ratio_rate1h{{{_ALL}}}"
                                f" / slo:error_budget:ratio{{{_ALL}}})"
                            ),
                            legend="{{slo}}",
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
    """One in detail, with the lines that this stack's alerts have."""
    return Dashboard(
        uid=SLO,
        title="SLOs: one in detail",
        description="One objective: its events, its failures over every window that an alert reads, and its budget.",
        folder="SLOs",
        tags=("slo",),
        time_from="now-24h",
        variables=(_CLUSTER, variable("slo", f"slo:objective:ratio{{{_ALL}}}", "Objective", multiple=False)),
        related=(SLOS, ALERTS),
        annotations=(alerts_with(_ONE),),
        rows=(
            Row(
                "Now",
                (
                    Panel(
                        title="Objective",
                        description="The part of all events that must be good.",
                        visualization=Visualization.STAT,
                        queries=(Query(expr=f"max(slo:objective:ratio{{{_ONE}}})"),),
                        unit=Unit.RATIO,
                        width=6,
                    ),
                    Panel(
                        title="Budget left",
                        description="The part of the error budget that is left in this window.",
                        visualization=Visualization.STAT,
                        queries=(Query(expr=f"min(slo:error_budget_remaining:ratio{{{_ONE}}})"),),
                        unit=Unit.RATIO,
                        width=6,
                    ),
                    Panel(
                        title="Failing now",
                        description="The part of the events of the last five minutes that failed.",
                        visualization=Visualization.STAT,
                        queries=(Query(expr=f"max(slo:sli_error:ratio_rate5m{{{_ONE}}})"),),
                        unit=Unit.RATIO,
                        width=6,
                    ),
                    Panel(
                        title="Events now",
                        description="Events per second. With few of them, a single failure is a large part.",
                        visualization=Visualization.STAT,
                        queries=(Query(expr=f"sum(slo:events:rate5m{{{_ONE}}})"),),
                        unit=Unit.PER_SECOND,
                        width=6,
                    ),
                ),
            ),
            Row(
                "Over time",
                (
                    Panel(
                        title="Events and failures",
                        description="How much happens, and how much of it is bad.",
                        queries=(
                            Query(expr=f"sum by (cluster) (slo:events:rate5m{{{_ONE}}})", legend="all, {{cluster}}"),
                            Query(expr=f"sum by (cluster) (slo:errors:rate5m{{{_ONE}}})", legend="bad, {{cluster}}"),
                        ),
                        unit=Unit.PER_SECOND,
                        width=12,
                    ),
                    Panel(
                        title="Budget over time",
                        description="What is left of the error budget; it comes back as old failures leave the window.",
                        queries=(
                            Query(
                                expr=f"min by (cluster) (slo:error_budget_remaining:ratio{{{_ONE}}})",
                                legend="{{cluster}}",
                            ),
                        ),
                        unit=Unit.RATIO,
                        width=12,
                    ),
                    *(_burn(burn, watched) for burn in BURNS),
                ),
            ),
        ),
    )


def _burn(burn: Burn, watched: Watched) -> Panel:
    """Both windows of a burn-rate alert, and where it fires: each objective has a line of its own."""
    # More than all events cannot fail: where there is no such alert, its line is never crossed.
    lines = {slo.name: "1" for slo in watched.slos} | {
        alert.labels["slo"]: decimal(threshold)
        for alert in watched.alerts
        if alert.labels.get("burn") == burn.name.lower()
        for threshold in alert.thresholds.values()
    }
    named = " or ".join(f'label_replace(vector({line}), "slo", "{slo}", "", "")' for slo, line in lines.items())
    line = Query(expr=f"({named}) and on (slo) slo:objective:ratio{{{_ONE}}}", legend="fires above")
    windows = (
        Query(
            expr=f"max by (cluster) (slo:sli_error:ratio_rate{window}{{{_ONE}}})", legend=f"{window}, {{{{cluster}}}}"
        )
        for window in (burn.long, burn.short)
    )
    return Panel(
        title=f"{burn.name} burn",
        description=(
            f"The alert of this speed fires while both windows, {burn.long} and {burn.short}, are above the line: at"
            f" that rate {burn.budget:.0%} of a budget is gone within {burn.long}."
        ),
        queries=(*windows, line),
        unit=Unit.RATIO,
        width=12,
    )
