"""Alerts on log lines; comments give the reason for each number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from model.datasources import LOKI
from model.grafana_alert import GrafanaAlert, GrafanaGroup
from model.quantities import Duration
from model.rules import Severity
from rules.logs import lines
from rules.logs.lines import counted
from rules.logs.uids import LOGS_AUDIT, LOGS_ERRORS

_PER_APP = ("cluster", "namespace", "app")
LogAlert = partial(
    GrafanaAlert,
    datasource=LOKI,
    no_data_state="OK",  # no such line at all is what a good day looks like
    exec_err_state="OK",  # a Loki that does not answer is one alert of Prometheus, not one more for each of these
)
"""An alert over lines; its value is LogQL."""

# Windows of five minutes, read every minute: a line that arrives late is still counted, a burst fires within a minute.
# None waits (`for`): the window has waited already.
AUTHENTICATION_FAILURES = LogAlert(
    name="AuthenticationFailures",
    value=counted(lines.REFUSED_LOGINS, "5m"),
    by=_PER_APP,
    lines=f"{lines.EVERYTHING} {lines.REFUSED_LOGINS}",
    above={
        Severity.WARNING: 20,  # a person gives up after three to five: several people, or a program with an old token
        Severity.CRITICAL: 100,  # one every three seconds: nobody types that fast
    },
    summary="Many logins are refused.",
    description="{{ $labels.namespace }}/{{ $labels.app }} refused {{ $value | humanize }} logins in five minutes.",
    dashboard=LOGS_AUDIT,
)
RBAC_DENIALS = LogAlert(
    name="RbacDenials",
    value=counted(lines.FORBIDDEN_TOOL_CALLS, "5m"),
    by=_PER_APP,
    lines=f"{lines.EVERYTHING} {lines.FORBIDDEN_TOOL_CALLS}",
    above={
        Severity.WARNING: 10,  # a model that tries a tool it lacks stops after a few: a loop, or a role that was cut
        Severity.CRITICAL: 50,  # one every six seconds for five minutes: all agents of a role, or somebody who probes
    },
    owner="agents",
    summary="Agents are refused the tools they call.",
    description="{{ $labels.namespace }}/{{ $labels.app }} forbade {{ $value | humanize }} tool calls in five minutes.",
    dashboard=LOGS_AUDIT,
)
GUARDRAIL_VIOLATIONS = LogAlert(
    name="GuardrailViolations",
    value=counted(lines.GUARDRAIL_VIOLATIONS, "5m"),
    by=_PER_APP,
    lines=f"{lines.EVERYTHING} {lines.GUARDRAIL_VIOLATIONS}",
    above={
        Severity.WARNING: 5,  # users stumble into one now and then; more than one a minute is a pattern
        Severity.CRITICAL: 25,  # one every twelve seconds: an attack, or a prompt that went out broken
    },
    owner="agents",
    summary="Guardrails stop an unusual number of messages.",
    description="Guardrails of {{ $labels.namespace }}/{{ $labels.app }} struck {{ $value | humanize }} times in 5m.",
    dashboard=LOGS_AUDIT,
)
ADMIN_TOOL_FORBIDDEN = LogAlert(
    name="AdminToolForbidden",
    value=counted(lines.FORBIDDEN_ADMIN_TOOL_CALLS, "15m"),
    by=_PER_APP,
    lines=f"{lines.EVERYTHING} {lines.FORBIDDEN_ADMIN_TOOL_CALLS}",
    above={
        Severity.WARNING: 0,  # nobody without the role is even shown such a tool: each attempt is worth a look
        Severity.CRITICAL: 2,  # a mistake is not made three times within a quarter of an hour
    },
    owner="agents",
    summary="Somebody tries administrators' tools without being one.",
    description=(
        "{{ $labels.namespace }}/{{ $labels.app }} forbade {{ $value | humanize }} calls of administrators' tools"
        " within 15 minutes."
    ),
    dashboard=LOGS_AUDIT,
)
ERROR_LOG_SPIKE = LogAlert(
    name="ErrorLogSpike",
    value=(
        f"{counted('', '5m', lines.ERRORS)}"
        # A workload that always complains this much is no news: three times its own last hour (twelve windows) is. One
        # that was silent has no such average, and nothing excuses it.
        f" unless {counted('', '5m', lines.ERRORS)}"
        f" < 3 * sum by (cluster, namespace, app) (count_over_time({lines.ERRORS} [1h] offset 5m)) / 12"
    ),
    by=_PER_APP,
    lines=lines.ERRORS,
    # One every three seconds. No critical: what users feel is told by metrics, and lines say why.
    above={Severity.WARNING: 100},
    summary="A workload logs many more errors than usual.",
    description="{{ $labels.namespace }}/{{ $labels.app }} logged {{ $value | humanize }} errors in five minutes.",
    dashboard=LOGS_ERRORS,
)
PANIC_LOGGED = LogAlert(
    name="PanicLogged",
    value=counted(lines.PANICS, "10m"),
    by=_PER_APP,
    lines=f"{lines.EVERYTHING} {lines.PANICS}",
    # One is a defect. Ten minutes, and no critical: a program that keeps dying is told by its restarts.
    above={Severity.WARNING: 0},
    summary="A program died of its own defect.",
    description="{{ $labels.namespace }}/{{ $labels.app }} died {{ $value | humanize }} times in ten minutes.",
    dashboard=LOGS_ERRORS,
)
OUT_OF_MEMORY_LOGGED = LogAlert(
    name="OutOfMemoryLogged",
    value=counted(lines.OUT_OF_MEMORY, "10m"),
    by=_PER_APP,
    lines=f"{lines.EVERYTHING} {lines.OUT_OF_MEMORY}",
    above={Severity.WARNING: 0},  # one is lost work, and a limit or a leak to look at
    summary="A program ran out of memory.",
    description=(
        "{{ $labels.namespace }}/{{ $labels.app }} tells of memory that ran out, {{ $value | humanize }} times in ten"
        " minutes."
    ),
    dashboard=LOGS_ERRORS,
)


@dataclass(frozen=True)
class AuditedApp:
    """An app that writes an audit log."""

    namespace: str
    app: str
    within: Duration
    """It writes at least one event in this time."""


def groups(audited: Iterable[AuditedApp]) -> tuple[GrafanaGroup, ...]:
    """All alerts on lines; the one on audit logs only where apps are named."""
    gaps = " or ".join(
        f'absent_over_time({{namespace="{each.namespace}", app="{each.app}"}} {lines.AUDIT} [{each.within}])'
        for each in sorted(audited, key=lambda each: (each.namespace, each.app))
    )
    security = (AUTHENTICATION_FAILURES, RBAC_DENIALS, GUARDRAIL_VIOLATIONS, ADMIN_TOOL_FORBIDDEN)
    return (
        GrafanaGroup("logs-security", security),
        GrafanaGroup("logs-errors", (ERROR_LOG_SPIKE, PANIC_LOGGED, OUT_OF_MEMORY_LOGGED)),
        # Long windows: read less often, since each reading reads all of it.
        *((GrafanaGroup("logs-audit", (_gap(gaps),), Duration.parse("5m")),) if gaps else ()),
    )


def _gap(value: str) -> GrafanaAlert:
    return LogAlert(
        name="AuditLogGap",
        value=value,
        by=("namespace", "app"),
        severity=Severity.WARNING,
        for_=Duration.parse("10m"),  # two readings: one may fall into a restart of Loki
        summary="An audit log has stopped.",
        description="{{ $labels.namespace }}/{{ $labels.app }} writes no audit events: what happens leaves no trace.",
        dashboard=LOGS_AUDIT,
    )
