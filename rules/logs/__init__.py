"""Log lines of programs: errors, crashes and audit events."""

from __future__ import annotations

from model.logs import LogField
from model.quantities import Duration
from model.settings import AppName, DnsLabel, Many, Model
from rules.kubernetes import SYSTEM as KUBERNETES
from rules.logs.alerts import AuditedApp, groups
from rules.logs.uids import LOGS
from rules.system import Surroundings, System, Watched


class AuditLog(Model):
    """An app that writes audit events, one JSON object per line with `event_type` (docs/logs.md)."""

    namespace: DnsLabel
    """Its namespace."""
    app: AppName
    """Its label `app`."""
    workload: AppName | None = None
    """Its workload, if it has another name than the app. While the workload is scaled to zero, nothing is missed."""
    within: Duration = Duration.parse("1h")
    """It writes at least one event in this time; set it longer for an app without users at night."""


class LogsSettings(Model):
    """The `logs` system: alerts and dashboards on log lines; always on."""

    audit: Many[AuditLog] = ()
    """Apps whose audit log must not stop."""


AUDIT_FIELDS = (
    LogField(name="event_type", meaning="the audit event"),
    LogField(name="status", meaning="its outcome"),
    LogField(name="tool_name", meaning="the tool of a tool call"),
    LogField(name="user_id", meaning="the user"),
)
"""Fields of audit events."""


def build(settings: LogsSettings, surroundings: Surroundings) -> Watched:
    known = KUBERNETES.key in surroundings.on
    audited = (
        AuditedApp(each.namespace, each.app, each.within, (each.workload or each.app) if known else "")
        for each in settings.audit
    )
    return Watched(grafana_groups=groups(audited), log_fields=AUDIT_FIELDS)


SYSTEM = System(
    key="logs",
    title="Logs",
    owner="platform",
    settings=LogsSettings,
    example=LogsSettings(audit=(AuditLog(namespace="shop", app="backend"),)),
    dashboard=LOGS,
    build=build,
    always=True,
)
