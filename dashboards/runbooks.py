"""The runbooks' dashboards, one per system: the steps, and links to the value of each alert (``decisions/0019``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from shlex import quote

from dashboards.incident import in_a_namespace
from dashboards.kubernetes_namespace import NAMESPACE
from dashboards.model import Dashboard, Panel, Query, Row, Visualization
from model.cluster import ClusterSettings
from model.grafana_alert import GrafanaAlert
from model.incident import ALERT
from model.rules import BaseAlert
from model.runbooks import filled
from model.uids import ALERTS, INCIDENT, RUNBOOKS_FOLDER, panel_path, runbook_title, runbooks_uid
from rules.system import Watched

# People cannot distinguish more lines.
MOST = 10
_SAME_FOR_ALL = {"cluster", "environment", "value"}
"""Labels that do not tell the lines of one alert apart."""


def dashboards(watched: Watched, cluster: ClusterSettings) -> Iterator[Dashboard]:
    """One dashboard per system with the runbooks of all its alerts, in the order of the systems' first alerts."""
    brought = {runbook.name: runbook.text for runbook in watched.runbooks}
    of_systems: dict[str, dict[str, list[BaseAlert]]] = {}
    for alert in watched.alerts:
        # People's alerts may have no runbook. One that Grafana evaluates has its panel here all the same.
        if alert.runbook_name or isinstance(alert, GrafanaAlert):
            sharing = of_systems.setdefault(alert.system, {})
            sharing.setdefault(alert.runbook_name or alert.name, []).append(alert)
    return (_dashboard(system, sharing, brought, cluster) for system, sharing in of_systems.items())


def _dashboard(
    system: str, sharing: Mapping[str, list[BaseAlert]], brought: Mapping[str, str], cluster: ClusterSettings
) -> Dashboard:
    """``sharing`` maps each runbook to its alerts, ``brought`` the names of people's own runbooks to their texts."""
    alerts = [alert for each in sharing.values() for alert in each]
    variables = NAMESPACE if any(map(in_a_namespace, alerts)) else ()
    return Dashboard(
        uid=runbooks_uid(system),
        title=f"Runbooks: {system}",
        description=f"Steps for firing alerts of {system}.",
        folder=RUNBOOKS_FOLDER,
        tags=("runbook", *sorted({owner for alert in alerts for owner in alert.owner_names})),
        variables=variables,
        related=tuple(dict.fromkeys((ALERTS, *(alert.dashboard for alert in alerts)))),
        rows=tuple(_runbook(system, name, each, _text(name, each, brought, cluster)) for name, each in sharing.items()),
    )


def _text(name: str, alerts: list[BaseAlert], brought: Mapping[str, str], cluster: ClusterSettings) -> str:
    if not any(alert.runbook_name for alert in alerts):
        return f"There is no runbook yet: add `runbooks/{name}.md` to the content folder."
    text = filled(name, {alert.name: alert.numbers for alert in alerts}, brought.get(name))
    text = _of_stack(text, cluster).removeprefix(f"# {name}\n").strip()
    # A heading needs no empty lines around it. Of 150 runbooks, which a state contains twice, they are 16 KB.
    return re.sub(r"\n+(## [^\n]+)\n+", r"\n\1\n", text)


def _runbook(system: str, name: str, alerts: list[BaseAlert], text: str) -> Row:
    """A collapsed row with a runbook. Links open its text panel, which links to the values of its alerts.

    Each alert of Grafana has a panel of its own, because Grafana links alerts to panels.
    """
    now = ", ".join(f"[{alert.name}]({_now(system, alert)}){_lines(alert)}{_owners(alert)}" for alert in alerts)
    of_grafana = [alert for alert in alerts if isinstance(alert, GrafanaAlert)]
    written = Panel(
        title=runbook_title(name),
        description=f"Measured now: {now}\n\n{text}",
        visualization=Visualization.TEXT,
        width=12 if of_grafana else 24,
        height=18,
        linked=True,
    )
    return Row(name, (written, *(panel for alert in of_grafana for panel in _asked_by_grafana(alert))), collapsed=True)


def _of_stack(text: str, cluster: ClusterSettings) -> str:
    """A runbook with this stack's names in its commands."""
    names = {
        "<stack-namespace>": cluster.namespaces.stack,
        "<node-agents-namespace>": cluster.namespaces.node_agents,
        "kubectl ": f"kubectl --context {quote(cluster.context)} ",
    }
    for written, name in names.items():
        text = text.replace(written, name)
    return text


def _now(system: str, alert: BaseAlert) -> str:
    """Link to the current value of an alert, with the reader's variables."""
    uid = runbooks_uid(system)
    if isinstance(alert, GrafanaAlert):
        return f"{panel_path(uid, alert.name)}&${{__url_time_range}}"
    kept = "".join(f"&${{{variable.name}:queryparam}}" for variable in NAMESPACE if in_a_namespace(alert))
    return f"/d/{INCIDENT}?var-{ALERT}={alert.name}{kept}"


def _lines(alert: BaseAlert) -> str:
    """The alert's thresholds on this stack."""
    lines = ", ".join(f"{severity} {alert.line(severity)}" for severity in alert.thresholds)
    return f" ({lines})" if lines else ""


def _owners(alert: BaseAlert) -> str:
    """Who owns what it fires for, where the stack file says so."""
    return f"; owner: {' or '.join(alert.owner_names)}" if alert.claims else ""


def _legend(alerts: Iterable[BaseAlert]) -> str:
    """The labels that the alerts' texts name. Grafana leaves out those that a series does not have."""
    named = dict.fromkeys(label for alert in alerts for label in re.findall(r"\$labels\.(\w+)", alert.description))
    labels = [label for label in named if label not in _SAME_FOR_ALL] or [
        label for label in named if label == "cluster"
    ]
    return " ".join(f"{{{{{label}}}}}" for label in labels) or "value"


def _value_of(alert: GrafanaAlert) -> str:
    if alert.thresholds:
        return f"{'bottomk' if alert.below else 'topk'}({MOST}, {alert.value})"
    return f"count({alert.value}) or vector(0)"


def _asked_by_grafana(alert: GrafanaAlert) -> Iterator[Panel]:
    shown = f"Its value for the {MOST} worst; dashed lines are its thresholds." if alert.thresholds else "0 is good."
    legend = _legend([alert]) if alert.thresholds else "results"
    yield Panel(
        title=alert.name,
        description=f"{alert.summary} {shown}",
        queries=(Query(expr=_value_of(alert), legend=legend, datasource=alert.datasource),),
        unit=alert.unit,
        alert=alert.name,
        width=12,
        height=9,
        linked=True,
    )
    if alert.lines:
        yield Panel(
            title=f"{alert.name}: lines",
            description="The lines that the alert counts.",
            visualization=Visualization.LOGS,
            queries=(Query(expr=alert.lines, datasource=alert.datasource),),
            width=12,
        )
