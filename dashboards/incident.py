"""One alert, as a message links to it: what fired, what changed before, what else fires, and lines and traces."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import quote

from dashboards import incident_near as near
from dashboards.alerts import with_subject
from dashboards.annotations import changes
from dashboards.incident_near import CLUSTER, IN, KUBERNETES, MONITORING, NAME, SERVICES
from dashboards.kubernetes_namespace import IN_NAMESPACE
from dashboards.model import MOST_LINES, CustomVariable, Dashboard, Panel, Query, Row, Variable, Visualization, variable
from model.datasources import JAEGER, PROMETHEUS
from model.grafana_alert import GrafanaAlert
from model.incident import ALERT, ANY, LABELS, PANEL
from model.metrics import Unit
from model.promql import narrowed
from model.rules import BaseAlert, decimal
from model.uids import ALERTS, HOME, INCIDENT, RUNBOOKS_FOLDER, folder_uid
from rules.kubernetes.uids import KUBERNETES_NAMESPACE, KUBERNETES_WORKLOAD
from rules.logs.uids import LOGS, LOGS_ERRORS
from rules.services.uids import ONE_SERVICE
from rules.system import Watched

_VALUE = f"${{{ALERT}:raw}}"
_LEGEND = " ".join(f"{{{{{each}}}}}" for each in ("threshold", *LABELS, "device", "mountpoint", "model", "tool"))
"""What tells the lines of one alert apart. Grafana leaves out the labels that a series does not have."""
_OF_A_NAMESPACE = (KUBERNETES_NAMESPACE, KUBERNETES_WORKLOAD)
"""Dashboards of alerts with thousands of possible subjects. Their values are queried for one namespace."""


def dashboard(watched: Watched, on: Collection[str]) -> Dashboard:
    """The incident dashboard of a stack; ``on`` has the keys of the systems that are on."""
    fired = watched.alerts
    return Dashboard(
        uid=INCIDENT,
        title="Incident",
        description="One alert: its value, what changed before, what else fires, log lines and traces.",
        folder="Home",
        tags=("home",),
        time_from="now-3h",
        variables=(
            variable("cluster", "ALERTS", "Cluster"),
            Variable(
                name="system",
                label="system",
                of=f'ALERTS{{cluster=~"$cluster", alertname="{NAME}"}}',
                title="System",
                multiple=False,
            ),
        ),
        custom_variables=(
            CustomVariable(name=ALERT, title="Alert", values={each.name: _value(each) for each in measured(fired)}),
        ),
        boxes=dict.fromkeys(LABELS, ANY) | {PANEL: ""},
        related=(ALERTS, HOME, KUBERNETES_WORKLOAD, ONE_SERVICE, LOGS_ERRORS, LOGS),
        annotations=changes(IN) if KUBERNETES in on else (),
        rows=(
            Row("What fired", (_checks(on), _chart(), _subjects())),
            Row(
                "What else",
                (near.state(on), near.nearby(), near.changes(on), near.neighbours(on), near.kubernetes_events()),
            ),
            Row("Log lines and traces", (near.error_lines(), near.spans(), *near.traces())),
        ),
    )


def measured(alerts: Collection[BaseAlert]) -> Iterator[BaseAlert]:
    """Alerts whose values Prometheus has. Values by LogQL are on the runbooks."""
    return (each for each in alerts if not isinstance(each, GrafanaAlert) or each.datasource == PROMETHEUS)


def in_a_namespace(alert: BaseAlert) -> bool:
    return alert.dashboard in _OF_A_NAMESPACE


def _value(alert: BaseAlert) -> str:
    """Its value, and a series for each threshold with the label ``threshold``."""
    value = narrowed(alert.value, IN_NAMESPACE) if in_a_namespace(alert) else alert.value
    # There is no such series: this is the shortest constant with a label.
    lines = (f'absent(ALERTS{{threshold="{each}"}}) * {decimal(line)}' for each, line in alert.thresholds.items())
    return " or ".join((value, *lines))


def _checks(on: Collection[str]) -> Panel:
    """The text beside the chart: what to do first, and what this stack cannot show."""
    runbook = f"/d/runbooks-${{system}}?${{{PANEL}}}&${{cluster:queryparam}}&${{namespace:queryparam}}"
    links = {
        "Runbook": runbook,
        "Its dashboards": "/dashboards?tag=${system}",
        "All runbooks": f"/dashboards/f/{folder_uid(RUNBOOKS_FOLDER)}",
        "Who is on duty": f"/d/{HOME}",
        "Receivers": "/alerting/groups?alertmanager=Alertmanager",
        "Silences": "/alerting/silences?alertmanager=Alertmanager",
    }
    traces = f"{_traces('failed', ('tags', 'error=true'))}, {_traces('slow', ('minDuration', '1s'))}"
    missing = {
        KUBERNETES: "The system `kubernetes` is off: changes and states of workloads and nodes are not known.",
        SERVICES: "The system `services` is off: errors and dependencies of services are not known.",
        MONITORING: "The system `monitoring` is off: spans are not counted.",
    }
    said = (
        " · ".join(f"[{name}]({link})" for name, link in links.items()),
        "",
        "1. Is the value still beyond its threshold? The chart has both, the table below the owner.",
        "2. Did something change just before? Roll it back first.",
        "3. Did a neighbour fire earlier? It is often the cause.",
        f"4. Do its error lines or spans name a cause? Traces of the service in Jaeger: {traces}.",
        *(text for key, text in missing.items() if key not in on),
    )
    return Panel(
        title=f"{NAME}: what to do",
        description="\n".join(said),
        visualization=Visualization.TEXT,
        width=9,
        height=11,
    )


def _traces(what: str, chosen: tuple[str, str]) -> str:
    """A link to spans of the service."""
    key, wanted = chosen
    searched = quote(
        f'{{"a":{{"datasource":"{JAEGER.uid}","queries":[{{"refId":"A","queryType":"search","service":"SERVICE",'
        f'"{key}":"{wanted}"}}],"range":{{"from":"FROM","to":"TO"}}}}}}'
    )
    for name, value in {"SERVICE": "service:percentencode", "FROM": "__from", "TO": "__to"}.items():
        searched = searched.replace(name, f"${{{value}}}")
    return f"[{what}](/explore?schemaVersion=1&panes={searched})"


def _chart() -> Panel:
    # A series may lack labels that the alert has: those that a rule adds.
    pattern = "/".join(f"(|${each})" for each in LABELS)
    joined = ", ".join(f'"{each}"' for each in LABELS)
    marked = f'label_replace(label_join({_VALUE}, "subject", "/", {joined}), "subject", "1", "subject", `{pattern}`)'
    # Only for the check of labels: a value has no such label, the thresholds beside it have.
    kept = f'label_replace({marked}, "threshold", "$1", "threshold", "(.*)")'
    chosen = 'absent(ALERTS{subject="1"})'
    worst = f"topk by (threshold) ({MOST_LINES}, {kept} and on (subject) {chosen})"
    return Panel(
        title=f"Measured: {NAME}",
        description="The alert's value from the catalogue, with its thresholds. A value without thresholds exists only"
        " while something is wrong.",
        queries=(Query(expr=f"max without (subject) ({worst})", legend=_LEGEND),),
        unmeasured="Prometheus has no value of it in this time range. Choose its subject in the table below;"
        " values by log lines are on the runbook.",
        width=15,
        height=11,
    )


def _subjects() -> Panel:
    since = f'max_over_time(ALERTS_FOR_STATE{{alertname="{NAME}", {CLUSTER}}}[$__range])'
    fired = f'count_over_time(ALERTS{{alertname="{NAME}", alertstate="firing", {CLUSTER}}}[$__range])'
    return Panel(
        title="Subjects and owners",
        description="For what it fired in the time range, and since when; none if Grafana evaluates it. Click one to"
        " see it.",
        visualization=Visualization.TABLE,
        queries=(
            Query(
                expr=f"topk(50, time() - {with_subject(f'({since} and ignoring (alertstate) {fired})')})",
                legend="Active for",
                unit=Unit.SECONDS,
            ),
        ),
        columns=("alertname", "severity", "subject", "owner", "system", *LABELS),
        hidden=LABELS,
        first="severity",
        data_link=INCIDENT,
        width=24,
        height=6,
    )
