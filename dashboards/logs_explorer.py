"""What programs write: how much, who most, and the lines themselves."""

from __future__ import annotations

from dashboards.annotations import of_namespaces
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, log_variables
from model.datasources import LOKI
from model.metrics import Unit
from model.uids import HOME
from rules.logs.uids import LOGS, LOGS_AUDIT, LOGS_ERRORS

_STREAMS = '{cluster=~"$cluster", namespace=~"$namespace", app=~"$app", level=~"$level"}'
_FOUND = f"{_STREAMS} |~ `(?i)$search`"

DASHBOARD = Dashboard(
    uid=LOGS,
    title="Logs: explorer",
    description="What programs write: how much, who most, and the lines themselves.",
    tags=("logs",),
    time_from="now-1h",
    variables=log_variables("cluster", "namespace", "app", "level"),
    search=True,
    related=(HOME, LOGS_ERRORS, LOGS_AUDIT),
    annotations=of_namespaces(),
    rows=(
        Row(
            "How much",
            (
                Panel(
                    title="Lines by level",
                    description="What was found, by level; a program that names none has no level.",
                    queries=(
                        Query(
                            expr=f"sum by (level) (count_over_time({_FOUND} [$__auto]))",
                            legend="{{level}}",
                            datasource=LOKI,
                        ),
                    ),
                    stacked=True,
                    width=16,
                ),
                Panel(
                    title="Bytes per second by namespace",
                    description="What Loki stores, before compression: where a drop rule would save most.",
                    queries=(
                        Query(
                            expr=f"topk(10, sum by (namespace) (bytes_rate({_STREAMS} [$__auto])))",
                            legend="{{namespace}}",
                            datasource=LOKI,
                        ),
                    ),
                    unit=Unit.BYTES_PER_SECOND,
                    width=8,
                ),
                Panel(
                    title="Top talkers",
                    description="The twenty that wrote most of what was found, within the chosen time.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(
                            expr=f"topk(20, sum by (namespace, app, container) (count_over_time({_FOUND} [$__range])))",
                            legend="Lines",
                            datasource=LOKI,
                        ),
                    ),
                    columns=("namespace", "app", "container"),
                    width=24,
                ),
            ),
        ),
        Row(
            "Lines",
            (
                Panel(
                    title="Found",
                    description="The newest lines. One with a trace id leads to its trace.",
                    visualization=Visualization.LOGS,
                    queries=(Query(expr=_FOUND, datasource=LOKI),),
                    width=24,
                    height=20,
                ),
            ),
        ),
    ),
)
