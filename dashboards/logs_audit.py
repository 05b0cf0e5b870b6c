"""The audit log: events and security signals."""

from __future__ import annotations

from dashboards.annotations import of_namespaces
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, log_variables
from model.datasources import LOKI
from model.uids import HOME
from rules.logs import lines
from rules.logs.uids import LOGS, LOGS_AUDIT, LOGS_ERRORS

_STREAMS = f'{{cluster=~"$cluster", namespace=~"$namespace", app=~"$app", app!~"{lines.NOT_PROGRAMS}"}}'


def _alert_time_series(title: str, description: str, filters: str, alert: str, window: str = "5m") -> Panel:
    expr = f"sum by (namespace, app) (count_over_time({_STREAMS} {filters} [{window}]))"
    return Panel(
        title=title,
        description=description,
        queries=(Query(expr=expr, legend="{{namespace}}/{{app}}", datasource=LOKI),),
        alert=alert,
        width=12,
    )


def _table(title: str, description: str, filters: str, *fields: str) -> Panel:
    """A table of the most frequent events by these fields."""
    expr = f"topk(20, sum by (app, {', '.join(fields)}) (count_over_time({_STREAMS} {filters} [$__range])))"
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.TABLE,
        queries=(Query(expr=expr, legend="Events", datasource=LOKI),),
        columns=("app", *fields),
        width=12,
    )


DASHBOARD = Dashboard(
    uid=LOGS_AUDIT,
    title="Logs: audit and security",
    description="Audit events: logins, forbidden tools, guardrails.",
    tags=("logs", "security"),
    variables=log_variables("cluster", "namespace", "app"),
    related=(HOME, LOGS, LOGS_ERRORS),
    annotations=of_namespaces(),
    rows=(
        Row(
            "Refused",
            (
                _alert_time_series(
                    "Failed logins",
                    "Failed authentications in 5 minutes. Many of one user: guessing; of all: the identity provider.",
                    lines.REFUSED_LOGINS,
                    "AuthenticationFailures",
                ),
                _alert_time_series(
                    "Forbidden tool calls",
                    "Tool calls that the caller's role forbids, in 5 minutes. Check the role, then the call.",
                    lines.FORBIDDEN_TOOL_CALLS,
                    "RbacDenials",
                ),
                _alert_time_series(
                    "Guardrail violations",
                    "Messages that a guardrail stopped in 5 minutes. If one user sends most, read them.",
                    lines.GUARDRAIL_VIOLATIONS,
                    "GuardrailViolations",
                ),
                _alert_time_series(
                    "Forbidden admin tool calls",
                    "Calls in 15 minutes. Check each one.",
                    lines.FORBIDDEN_ADMIN_TOOL_CALLS,
                    "AdminToolForbidden",
                    "15m",
                ),
            ),
        ),
        Row(
            "Who and what",
            (
                _table(
                    "Forbidden tools",
                    "Forbidden tools by user. Many tools of one user: check for probing.",
                    lines.FORBIDDEN_TOOL_CALLS,
                    "tool_name",
                    "user_id",
                ),
                _table(
                    "Admin tool calls",
                    "All calls by user and outcome.",
                    lines.ADMIN_TOOL_CALLS,
                    "tool_name",
                    "user_id",
                    "status",
                ),
            ),
        ),
        Row(
            "Audit log",
            (
                Panel(
                    title="Audit events",
                    description="Audit events per app. If an app stops, check its audit log.",
                    queries=(
                        Query(
                            expr=f"sum by (namespace, app) (count_over_time({_STREAMS} {lines.AUDIT} [$__auto]))",
                            legend="{{namespace}}/{{app}}",
                            datasource=LOKI,
                        ),
                    ),
                    stacked=True,
                    width=12,
                ),
                _table("Events by type", "Audit events by type.", lines.AUDIT, "event_type", "status"),
                Panel(
                    title="Newest events",
                    description="Newest audit events. One with a trace id links to its run.",
                    visualization=Visualization.LOGS,
                    queries=(Query(expr=f"{_STREAMS} {lines.AUDIT}", datasource=LOKI),),
                    width=24,
                    height=16,
                ),
            ),
        ),
    ),
)
