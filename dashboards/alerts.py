"""Firing alerts, past alerts, and their owners."""

from __future__ import annotations

from dataclasses import replace

from dashboards.model import URGENCY, Dashboard, Panel, Query, Row, Visualization, variable
from model.datasources import ALERTMANAGER
from model.metrics import Unit
from model.rules import Severity
from model.uids import ALERT_QUALITY, ALERTS, HOME, INCIDENT, runbooks_uid
from rules.logs.uids import LOGS_ERRORS

NEWS = 'alertname!="Watchdog"'
"""Matches all alerts except the Watchdog, which always fires."""
_CHOSEN = ("cluster", "owner", "alertname")
_MATCHERS = ", ".join([NEWS, *(f'{name}=~"${name}"' for name in _CHOSEN)])


def firing(matchers: str) -> str:
    """PromQL: firing alerts of Prometheus, one series per subject."""
    return f'ALERTS{{alertstate="firing", {matchers}}}'


def of(severity: Severity, matchers: str) -> str:
    """PromQL: the same of one severity. A warning about the subject of a critical alert of its name is left out."""
    these = firing(f'severity="{severity}", {matchers}')
    return these if severity is Severity.CRITICAL else f"{these} unless ignoring (severity) {_critical(matchers)}"


def _critical(matchers: str) -> str:
    return of(Severity.CRITICAL, matchers)


def worst(matchers: str) -> str:
    """PromQL: firing alerts, a subject once if it is critical."""
    milder = firing(f'severity!="critical", {matchers}')
    return f"({_critical(matchers)} or {milder} unless ignoring (severity) {_critical(matchers)})"


def open_for(matchers: str, by: str = "") -> Query:
    """Seconds since each alert became active; the longest per ``by``."""
    since = f"ALERTS_FOR_STATE{{{matchers}}} and ignoring (alertstate) {worst(matchers)}"
    return Query(
        expr=f"time() - min by ({by}) ({since})" if by else f"topk(50, time() - ({since}))",
        legend="Open for",
        unit=Unit.SECONDS,
    )


def how_many(severity: Severity, title: str, description: str, matchers: str) -> Panel:
    """A stat: number of firing alerts of one severity."""
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.STAT,
        queries=(Query(expr=f"count({of(severity, matchers)}) or vector(0)"),),
        severity=severity,
        width=4,
        height=5,
    )


_FIELD = "${{__data.fields.{}:percentencode}}"
_OF_ROW = {
    "Runbooks": f"/d/{runbooks_uid(_FIELD.format('system'))}?var-alert={_FIELD.format('alertname')}",
    "Silence": f"/alerting/silence/new?alertmanager={ALERTMANAGER.name}"
    f"&matcher=alertname%3D{_FIELD.format('alertname')}",
}
"""Links of a row, which has the columns `alertname` and `system`."""


def by_name(title: str, matchers: str, columns: tuple[str, ...], height: int, *, hidden: tuple[str, ...] = ()) -> Panel:
    """A table with a row per alert name, critical alerts first."""
    by = ", ".join(columns)
    return Panel(
        title=title,
        description="Firing alerts of Prometheus, their duration and number. Click one to list it, read its runbook or"
        " silence it.",
        visualization=Visualization.TABLE,
        queries=(
            open_for(matchers, by),
            Query(expr=f"count by ({by}) {worst(matchers)}", legend="Subjects"),
        ),
        columns=columns,
        first="severity",
        data_link=ALERTS,
        row_links=_OF_ROW,
        hidden=hidden,
        width=12,
        height=height,
    )


def of_grafana(matchers: str, height: int) -> Panel:
    """An alert list of the alerts that Grafana evaluates. They have no series to query."""
    return Panel(
        title="Firing in Grafana",
        description="Alerts that Grafana evaluates itself: over log lines, and over Prometheus and Alertmanager.",
        visualization=Visualization.ALERT_LIST,
        matchers=matchers,
        width=12,
        height=height,
    )


SUBJECTS = (
    *("namespace", "workload", "service", "pod", "container", "node", "job", "instance"),
    *("agent", "model", "tool", "slo"),
)


def with_subject(expr: str) -> str:
    """PromQL: alerts with the values of all labels that say what they are about in one label.

    A column for each would be wider than a screen, and nearly empty.
    """
    labels = ", ".join(f'"{label}"' for label in SUBJECTS)
    return f'label_join({expr}, "subject", " ", {labels})'


_URGENCY = " or ".join(f"{urgency} * {of(severity, _MATCHERS)}" for severity, urgency in URGENCY.items())

DASHBOARD = Dashboard(
    uid=ALERTS,
    title="Alerts",
    description="Firing alerts, and alerts in the time range.",
    folder="Home",
    tags=("home",),
    time_from="now-24h",
    variables=(
        variable("cluster", "ALERTS", "Cluster"),
        variable("owner", 'ALERTS{cluster=~"$cluster"}', "Owner"),
        variable("alertname", 'ALERTS{cluster=~"$cluster", owner=~"$owner"}', "Alert"),
    ),
    related=(HOME, INCIDENT, ALERT_QUALITY, LOGS_ERRORS),
    rows=(
        Row(
            "Now",
            (
                *(
                    how_many(
                        severity,
                        f"Firing: {severity}",
                        f"Firing alerts of Prometheus with severity {severity}.",
                        _MATCHERS,
                    )
                    for severity in Severity
                ),
                by_name("Firing", _MATCHERS, ("alertname", "severity", "owner"), 13),
                of_grafana(", ".join(f'{name}=~"${{{name}:regex}}"' for name in _CHOSEN), 8),
                Panel(
                    title="Subjects",
                    description="What each firing alert is about; the fifty oldest. Click one to see it with what"
                    " changed before.",
                    visualization=Visualization.TABLE,
                    queries=(replace(open_for(_MATCHERS), expr=with_subject(open_for(_MATCHERS).expr)),),
                    columns=("alertname", "severity", "subject", "cluster"),
                    first="severity",
                    data_link=INCIDENT,
                    width=24,
                    height=10,
                ),
            ),
        ),
        Row(
            "History",
            (
                Panel(
                    title="Alert history",
                    description="Alerts of Prometheus by highest severity. The first one is often the cause.",
                    visualization=Visualization.STATE_TIMELINE,
                    queries=(Query(expr=f"max by (alertname) ({_URGENCY})", legend="{{alertname}}"),),
                    width=24,
                    height=12,
                ),
            ),
        ),
    ),
)
