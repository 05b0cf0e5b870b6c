"""Errors in logs: by app, by kind of message, panics and memory."""

from __future__ import annotations

from dashboards.annotations import of_namespaces
from dashboards.model import Dashboard, Panel, Query, Row, Scale, Visualization, log_variables
from model.datasources import LOKI
from model.metrics import Unit
from model.uids import HOME
from rules.logs import lines
from rules.logs.uids import LOGS, LOGS_AUDIT, LOGS_ERRORS

_CHOSEN = 'cluster=~"$cluster", namespace=~"$namespace", app=~"$app"'
_ERRORS = f'{{{_CHOSEN}, level=~"error|fatal"}}'
_ALL = f'{{{_CHOSEN}, app!~"{lines.NOT_PROGRAMS}"}}'
# The kind of a message: its field in JSON, else the first line, without ids and numbers and cut to 100 characters.
# Otherwise every line would be a series of its own, and Loki returns at most a thousand.
_KIND = (
    '| regexp `"(message|msg|error|event)": ?"(?P<said>[^"]+)`'
    ' | label_format said=`{{ regexReplaceAll "(?s)\\n.*" (or .said __line__) "" }}`'
    ' | label_format kind=`{{ regexReplaceAll "[0-9a-fA-F-]{8,}|[0-9]+" .said "#" | trunc 100 }}`'
)


def _alert_time_series(title: str, description: str, streams: str, filters: str, alert: str) -> Panel:
    expr = f"sum by (namespace, app) (count_over_time({streams} {filters} [5m]))"
    return Panel(
        title=title,
        description=description,
        queries=(Query(expr=expr, legend="{{namespace}}/{{app}}", datasource=LOKI),),
        alert=alert,
        width=12,
    )


DASHBOARD = Dashboard(
    uid=LOGS_ERRORS,
    title="Logs: errors",
    description="Errors in logs: by app, by kind of message, panics and memory.",
    tags=("logs",),
    variables=log_variables("cluster", "namespace", "app"),
    related=(HOME, LOGS, LOGS_AUDIT),
    annotations=of_namespaces(),
    rows=(
        Row(
            "Errors",
            (
                _alert_time_series(
                    "Errors by app",
                    "Lines of level error and fatal in five minutes. Read the first ones of a rise.",
                    _ERRORS,
                    "",
                    "ErrorLogSpike",
                ),
                Panel(
                    title="Error share",
                    description="Share of error lines per app over 5 minutes.",
                    queries=(
                        Query(
                            expr=(
                                f"topk(10, sum by (namespace, app) (rate({_ERRORS} [5m]))"
                                f" / sum by (namespace, app) (rate({{{_CHOSEN}}} [5m])))"
                            ),
                            legend="{{namespace}}/{{app}}",
                            datasource=LOKI,
                        ),
                    ),
                    unit=Unit.RATIO,
                    scale=Scale.SMALL,
                    width=12,
                ),
                Panel(
                    title="Most frequent errors",
                    description="The twenty most frequent in an hour; # stands for numbers and ids.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(
                            expr=f"topk(20, sum by (namespace, app, kind) (count_over_time({_ERRORS} {_KIND} [1h])))",
                            legend="Lines",
                            datasource=LOKI,
                        ),
                    ),
                    columns=("namespace", "app", "kind"),
                    width=24,
                    height=10,
                ),
            ),
        ),
        Row(
            "What died",
            (
                _alert_time_series(
                    "Panics",
                    "Programs that crashed, in 5 minutes. Their stack traces are below.",
                    _ALL,
                    lines.PANICS,
                    "PanicLogged",
                ),
                _alert_time_series(
                    "Out of memory",
                    "Out-of-memory lines in 5 minutes. Raise the limit or find the leak.",
                    _ALL,
                    lines.OUT_OF_MEMORY,
                    "OutOfMemoryLogged",
                ),
                Panel(
                    title="Panic lines",
                    description="Panic lines with stack traces.",
                    visualization=Visualization.LOGS,
                    queries=(Query(expr=f"{_ALL} {lines.PANICS}", datasource=LOKI),),
                    width=24,
                    height=10,
                ),
            ),
        ),
        Row(
            "Lines",
            (
                Panel(
                    title="Errors",
                    description="Newest lines of level error and fatal. One with a trace id links to its trace.",
                    visualization=Visualization.LOGS,
                    queries=(Query(expr=_ERRORS, datasource=LOKI),),
                    width=24,
                    height=16,
                ),
            ),
        ),
    ),
)
