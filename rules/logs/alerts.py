"""Alerts on log lines; comments give the reason for each number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from model.datasources import LOKI
from model.grafana_alert import GrafanaAlert, GrafanaGroup
from model.quantities import Duration
from model.rules import Severity
from rules.kubernetes.recordings import DESIRED
from rules.logs import lines
from rules.logs.lines import counted
from rules.logs.uids import LOGS_AUDIT, LOGS_ERRORS

_PER_APP = ("cluster", "namespace", "app")
LogAlert = partial(
    GrafanaAlert,
    datasource=LOKI,
    no_data_state="OK",  # normally there are no such lines
    exec_err_state="OK",  # Prometheus has one alert for a Loki that does not answer
)
"""An alert on log lines; its ``value`` is LogQL."""

# Windows of five minutes, evaluated every minute: late lines are counted, and a burst fires within a minute. They have
# no `for`, because the window replaces it.
AUTHENTICATION_FAILURES = LogAlert(
    name="AuthenticationFailures",
    value=counted(lines.REFUSED_LOGINS, "5m"),
    by=_PER_APP,
    lines=f"{lines.EVERYTHING} {lines.REFUSED_LOGINS}",
    above={
        Severity.WARNING: 20,  # a person gives up after five; several people, or a program with an old token
        Severity.CRITICAL: 100,  # one every three seconds; nobody types that fast
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
        Severity.WARNING: 10,  # a model gives up after a few; a loop, or a role lost a right
        Severity.CRITICAL: 50,  # one every six seconds; all agents of a role, or an attacker who probes
    },
    owner="agents",
    summary="Tool calls of agents are forbidden.",
    description="{{ $labels.namespace }}/{{ $labels.app }} forbade {{ $value | humanize }} tool calls in five minutes.",
    dashboard=LOGS_AUDIT,
)
GUARDRAIL_VIOLATIONS = LogAlert(
    name="GuardrailViolations",
    value=counted(lines.GUARDRAIL_VIOLATIONS, "5m"),
    by=_PER_APP,
    lines=f"{lines.EVERYTHING} {lines.GUARDRAIL_VIOLATIONS}",
    above={
        Severity.WARNING: 5,  # users cause one now and then; one per minute is a pattern
        Severity.CRITICAL: 25,  # one every twelve seconds; an attack, or a broken prompt was released
    },
    owner="agents",
    summary="Guardrails report unusually many violations.",
    description="{{ $labels.namespace }}/{{ $labels.app }} logged {{ $value | humanize }} violations in five minutes.",
    dashboard=LOGS_AUDIT,
)
ADMIN_TOOL_FORBIDDEN = LogAlert(
    name="AdminToolForbidden",
    value=counted(lines.FORBIDDEN_ADMIN_TOOL_CALLS, "15m"),
    by=_PER_APP,
    lines=f"{lines.EVERYTHING} {lines.FORBIDDEN_ADMIN_TOOL_CALLS}",
    above={
        Severity.WARNING: 0,  # any: only administrators are shown these tools
        Severity.CRITICAL: 2,  # three within a quarter of an hour are no mistake
    },
    owner="agents",
    summary="Somebody who is not an administrator calls administrators' tools.",
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
        # Workloads that always log this many errors do not fire: it takes three times the average of the last hour
        # (twelve windows). A workload without errors in that hour has no average, and fires.
        f" unless {counted('', '5m', lines.ERRORS)}"
        f" < 3 * sum by (cluster, namespace, app) (count_over_time({lines.ERRORS} [1h] offset 5m)) / 12"
    ),
    by=_PER_APP,
    lines=lines.ERRORS,
    # One every three seconds. There is no critical threshold: metrics show what users notice, and lines show why.
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
    # One crash is a defect. There is no critical threshold: the alerts on restarts cover programs that keep crashing.
    above={Severity.WARNING: 0},
    summary="A program crashed.",
    description="{{ $labels.namespace }}/{{ $labels.app }} crashed {{ $value | humanize }} times in ten minutes.",
    dashboard=LOGS_ERRORS,
)
OUT_OF_MEMORY_LOGGED = LogAlert(
    name="OutOfMemoryLogged",
    value=counted(lines.OUT_OF_MEMORY, "10m"),
    by=_PER_APP,
    lines=f"{lines.EVERYTHING} {lines.OUT_OF_MEMORY}",
    above={Severity.WARNING: 0},  # any: work was lost, and the cause is a low limit or a leak
    summary="A program ran out of memory.",
    description=(
        "{{ $labels.namespace }}/{{ $labels.app }} logged {{ $value | humanize }} out-of-memory errors in ten minutes."
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
    workload: str = ""
    """The workload whose pods write it; empty if nothing tells how many are wanted."""

    @property
    def gap(self) -> str:
        """LogQL: 1 if there is no event."""
        return f'absent_over_time({{namespace="{self.namespace}", app="{self.app}"}} {lines.AUDIT} [{self.within}])'

    @property
    def wanted(self) -> str:
        """PromQL: the number of pods that were wanted all the time; 1 if it is not known."""
        workload = f'{DESIRED}{{namespace="{self.namespace}", workload="{self.workload}"}}'
        number = f"max(min_over_time({workload}[{self.within}])) or vector(1)" if self.workload else "vector(1)"
        named = f'label_replace({number}, "namespace", "{self.namespace}", "", "")'
        return f'label_replace({named}, "app", "{self.app}", "", "")'


def groups(audited: Iterable[AuditedApp]) -> tuple[GrafanaGroup, ...]:
    """All alerts on log lines. The one on audit logs exists if there are audited apps."""
    apps = sorted(audited, key=lambda each: (each.namespace, each.app))
    security = (AUTHENTICATION_FAILURES, RBAC_DENIALS, GUARDRAIL_VIOLATIONS, ADMIN_TOOL_FORBIDDEN)
    return (
        GrafanaGroup("logs-security", security),
        GrafanaGroup("logs-errors", (ERROR_LOG_SPIKE, PANIC_LOGGED, OUT_OF_MEMORY_LOGGED)),
        # Evaluated less often, because each evaluation reads a long window.
        *((GrafanaGroup("logs-audit", (_gap(apps),), Duration.parse("5m")),) if apps else ()),
    )


def _gap(apps: Iterable[AuditedApp]) -> GrafanaAlert:
    return LogAlert(
        name="AuditLogGap",
        value=" or ".join(app.gap for app in apps),
        only_while=" or ".join(app.wanted for app in apps),  # an app that is scaled to zero writes nothing
        by=("namespace", "app"),
        severity=Severity.WARNING,
        for_=Duration.parse("10m"),  # two evaluations; a restart of Loki may affect one
        summary="An audit log has stopped.",
        description="{{ $labels.namespace }}/{{ $labels.app }} writes no audit events: actions leave no trace.",
        dashboard=LOGS_AUDIT,
    )
