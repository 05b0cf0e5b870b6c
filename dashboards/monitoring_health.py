"""Does the stack itself work: what it scrapes, evaluates, stores and delivers."""

from __future__ import annotations

from dashboards.model import Board, Panel, Query, Row, View, alerts_of, variable
from dashboards.uids import Dashboard

CLUSTER = 'cluster=~"$cluster"'

BOARD = Board(
    uid=Dashboard.MONITORING,
    title="Monitoring: health",
    description="Whether Prometheus, Alertmanager, Loki, Promtail, Jaeger and Grafana do their work.",
    folder="Monitoring",
    tags=("monitoring",),
    variables=(variable("cluster", "up", "Cluster"),),
    marks=(alerts_of("monitoring"),),
    rows=(
        Row(
            "Targets",
            (
                Panel(
                    title="Targets down",
                    description="Targets that do not answer Prometheus now.",
                    view=View.NUMBER,
                    queries=(Query(expr=f"count(up{{{CLUSTER}}} == 0) or vector(0)"),),
                    width=4,
                    alert="TargetDown",
                ),
                Panel(
                    title="Targets by job",
                    description="How many targets of each job answer.",
                    queries=(Query(expr=f"sum by (job) (up{{{CLUSTER}}})", legend="{{job}}"),),
                    width=20,
                ),
            ),
        ),
    ),
)
