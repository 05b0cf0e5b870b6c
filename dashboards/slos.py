"""SLOs: all with their budgets, and one in detail."""

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
                    description="Remaining share of each error budget. Below 0 the objective is missed.",
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
                    title="Error budget over time",
                    description="A steep fall is an incident; a slope is a lasting loss.",
                    queries=(
                        Query(expr=f"min by (slo) (slo:error_budget_remaining:ratio{{{_ALL}}})", legend="{{slo}}"),
                    ),
                    unit=Unit.RATIO,
                    width=12,
                    height=10,
                ),
                Panel(
                    title="Burn rate",
                    description="Burn rate over an hour; at 1 the budget lasts exactly.",
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
    """The dashboard of one objective, with the thresholds of this stack's alerts."""
    return Dashboard(
        uid=SLO,
        title="SLOs: one in detail",
        description="One objective: events, error rates per alert window, and budget.",
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
                        description="Share of events that must be good.",
                        visualization=Visualization.STAT,
                        queries=(Query(expr=f"max(slo:objective:ratio{{{_ONE}}})"),),
                        unit=Unit.RATIO,
                        width=6,
                    ),
                    Panel(
                        title="Budget left",
                        description="Share of the error budget left in this window.",
                        visualization=Visualization.STAT,
                        queries=(Query(expr=f"min(slo:error_budget_remaining:ratio{{{_ONE}}})"),),
                        unit=Unit.RATIO,
                        width=6,
                    ),
                    Panel(
                        title="Failing now",
                        description="Share of failed events in the last 5 minutes.",
                        visualization=Visualization.STAT,
                        queries=(Query(expr=f"max(slo:sli_error:ratio_rate5m{{{_ONE}}})"),),
                        unit=Unit.RATIO,
                        width=6,
                    ),
                    Panel(
                        title="Events now",
                        description="Events per second. With few events, one failure weighs much.",
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
                        description="All events and bad events per second.",
                        queries=(
                            Query(expr=f"sum by (cluster) (slo:events:rate5m{{{_ONE}}})", legend="all, {{cluster}}"),
                            Query(expr=f"sum by (cluster) (slo:errors:rate5m{{{_ONE}}})", legend="bad, {{cluster}}"),
                        ),
                        unit=Unit.PER_SECOND,
                        width=12,
                    ),
                    Panel(
                        title="Error budget over time",
                        description="Remaining error budget. It recovers as old failures leave the window.",
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
    """Both windows of a burn-rate alert, and its threshold, which differs by objective."""
    # An objective without this alert gets a threshold of 1, which no ratio exceeds.
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
            f"The alert fires while both windows, {burn.long} and {burn.short}, are above the line: at this rate"
            f" {burn.budget:.0%} of the budget is spent in {burn.long}."
        ),
        queries=(*windows, line),
        unit=Unit.RATIO,
        width=12,
    )
