"""Log lines: search, volume and top writers."""

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
    description="Log lines: search, volume and top writers.",
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
                    description="Matching lines by level. Some programs write none.",
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
                    description="Ingested bytes before compression. Drop lines of the largest first.",
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
                    description="The twenty with the most matching lines in the time range.",
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
                    title="Log lines",
                    description="Newest lines. One with a trace id links to its trace.",
                    visualization=Visualization.LOGS,
                    queries=(Query(expr=_FOUND, datasource=LOKI),),
                    width=24,
                    height=20,
                ),
            ),
        ),
    ),
)
