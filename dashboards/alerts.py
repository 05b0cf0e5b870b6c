"""What is firing, what fired, and who was told."""

from __future__ import annotations

from dashboards.model import Board, Panel, Query, Row, View, variable
from dashboards.uids import Dashboard
from rules.metrics import Unit

_FIRING = 'ALERTS{alertstate="firing", cluster=~"$cluster", owner=~"$owner", alertname!="Watchdog"}'

BOARD = Board(
    uid=Dashboard.ALERTS,
    title="Alerts",
    description="What fires now, what fired in the chosen time, and whose it is.",
    folder="Home",
    tags=("home",),
    since="now-24h",
    variables=(
        variable("cluster", "ALERTS", "Cluster"),
        variable("owner", 'ALERTS{cluster=~"$cluster"}', "Owner"),
    ),
    related=(Dashboard.HOME,),
    rows=(
        Row(
            "Now",
            (
                *(
                    Panel(
                        title=f"Firing: {severity}",
                        description=f"Alerts of severity {severity} that fire now.",
                        view=View.NUMBER,
                        queries=(Query(expr=f'count({_FIRING[:-1]}, severity="{severity}"}}) or vector(0)'),),
                        width=4,
                    )
                    for severity in ("critical", "warning", "info")
                ),
                Panel(
                    title="Firing by owner",
                    description="How many alerts each team has open.",
                    queries=(Query(expr=f"count by (owner) ({_FIRING})", legend="{{owner}}"),),
                    stacked=True,
                    width=12,
                ),
                Panel(
                    title="Firing",
                    description="Each alert that fires now. Its message has the links to its runbook and dashboard.",
                    view=View.RANKING,
                    queries=(
                        Query(expr=f"count by (alertname, severity, owner, system) ({_FIRING})", legend="Subjects"),
                    ),
                    columns=("alertname", "severity", "owner", "system"),
                    width=24,
                    height=10,
                ),
            ),
        ),
        Row(
            "In the chosen time",
            (
                Panel(
                    title="Time spent firing",
                    description="For how long each alert fired, all its subjects together: what wakes people most.",
                    view=View.RANKING,
                    queries=(
                        Query(
                            expr=(
                                "topk(20, sum by (alertname, severity, owner)"
                                f" (sum_over_time({_FIRING}[$__range:1m])) * 60)"
                            ),
                            legend="Firing",
                        ),
                    ),
                    unit=Unit.SECONDS,
                    columns=("alertname", "severity", "owner"),
                    width=12,
                    height=10,
                ),
                Panel(
                    title="Fired by system",
                    description="Alerts over time, by the system that they watch.",
                    queries=(Query(expr=f"count by (system) ({_FIRING})", legend="{{system}}"),),
                    stacked=True,
                    width=12,
                    height=10,
                ),
            ),
        ),
    ),
)
