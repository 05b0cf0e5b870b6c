"""Alerts as Grafana's provider takes them. Pure: values in, plain data out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dashboards.listed import alert_panels
from dashboards.model import PanelPlace
from model.cluster import ClusterSettings
from model.datasources import Datasource
from model.grafana_alert import GrafanaAlert, GrafanaGroup
from model.quantities import Url
from model.rules import Severity, shown
from rules.render import Place, links, place_labels
from rules.system import Watched

QUERY, REDUCED, CONDITION = "A", "B", "C"
"""What is asked; its one number per subject; whether that crosses the line."""

# Grafana's own uid and type of what it computes itself.
_EXPRESSION = Datasource("__expr__", "__expr__", "Expression")
# What Grafana fills in where they are missing, and a plan would show as a change for ever.
_INTERVAL_MS, _MAX_DATA_POINTS = 1000, 43200
# An instant query looks back as far as its own windows say; Grafana wants a range beside it, and this is its own.
_RANGE_SECONDS = 600


def rule_groups(watched: Watched, cluster: ClusterSettings, grafana: Url) -> tuple[dict[str, Any], ...]:
    """All of a stack; ``grafana`` is where people open it."""
    place = Place(cluster=cluster.name, environment=cluster.environment, grafana=str(grafana).rstrip("/"))
    panels = alert_panels(watched, cluster)
    return tuple(rule_group(group, place, panels) for group in watched.grafana_groups)


def rule_group(group: GrafanaGroup, place: Place, panels: Mapping[str, PanelPlace]) -> dict[str, Any]:
    """A ``RuleGroup``'s arguments, but for its folder; ``panels`` are those that draw what an alert measures."""
    return {
        "name": group.name,
        "interval_seconds": int(group.interval.seconds),
        "rules": [_rule(alert, group, place, panels[alert.name]) for alert in group.rules],
    }


def _rule(alert: GrafanaAlert, group: GrafanaGroup, place: Place, panel: PanelPlace) -> dict[str, Any]:
    return {
        # Its name is the label alertname, and in a folder there is one rule of a name; the uid is what stays when
        # rules change places.
        "name": alert.name,
        "uid": alert.name.lower(),
        "condition": CONDITION,
        "datas": _stages(alert),
        "for_": str(alert.for_),
        **({"keep_firing_for": str(alert.keep_firing_for)} if alert.keep_firing_for.milliseconds else {}),
        "no_data_state": alert.no_data_state,
        "exec_err_state": alert.exec_err_state,
        "labels": {
            "severity": _by_severity(alert, str),
            "owner": alert.owner,
            **alert.labels,
            **place_labels(place),
            "system": group.system,
        },
        "annotations": {
            "summary": alert.summary,
            "description": _grafana(alert.description),
            **_measured(alert),
            **links(alert, place),
            "__dashboardUid__": panel.dashboard,
            "__panelId__": str(panel.id),
        },
    }


def _stages(alert: GrafanaAlert) -> list[dict[str, Any]]:
    # The line of the least urgent severity; above it, the label tells which one it is.
    line = float(list(alert.thresholds.values())[-1]) if alert.thresholds else 0.0
    evaluator = {"type": "lt" if alert.below else "gt", "params": [line]}
    asked: dict[str, Any] = {"expr": alert.value, "editorMode": "code"}
    if alert.datasource.type == "loki":
        asked["queryType"] = "instant"
    else:
        asked |= {"instant": True, "range": False}
    return [
        _stage(QUERY, alert.datasource, asked),
        _stage(REDUCED, _EXPRESSION, {"type": "reduce", "expression": QUERY, "reducer": "last"}),
        _stage(
            CONDITION,
            _EXPRESSION,
            {"type": "threshold", "expression": REDUCED, "conditions": [{"evaluator": evaluator}]},
        ),
    ]


def _stage(ref_id: str, datasource: Datasource, model: dict[str, Any]) -> dict[str, Any]:
    common = {
        "refId": ref_id,
        "datasource": {"type": datasource.type, "uid": datasource.uid},
        "intervalMs": _INTERVAL_MS,
        "maxDataPoints": _MAX_DATA_POINTS,
    }
    return {
        "ref_id": ref_id,
        "datasource_uid": datasource.uid,
        **({"query_type": model["queryType"]} if "queryType" in model else {}),
        "relative_time_range": {"from_": 0 if datasource is _EXPRESSION else _RANGE_SECONDS, "to": 0},
        "model": json.dumps(common | model, sort_keys=True),
    }


def _measured(alert: GrafanaAlert) -> dict[str, str]:
    """What was measured, and the line that it crossed, for people."""
    if not alert.thresholds:
        return {}
    # Where that means trouble, an alert fires without any value too.
    value = f"{{{{ with $values.{REDUCED} }}}}{shown(alert.unit).replace('$value', '.Value')}{{{{ end }}}}"
    return {"value": value, "threshold": _by_severity(alert, alert.line)}


def _by_severity(alert: GrafanaAlert, text: Callable[[Severity], str]) -> str:
    """The text of the most urgent severity that the value has reached."""
    *more, least = alert.severities
    chosen = text(least)
    for severity in reversed(more):
        # A float is written with a point: Go compares no integer with one.
        reached = f"{'lt' if alert.below else 'gt'} $values.{REDUCED}.Value {float(alert.thresholds[severity])!r}"
        chosen = f"{{{{ if {reached} }}}}{text(severity)}{{{{ else }}}}{chosen}{{{{ end }}}}"
    return chosen


def _grafana(template: str) -> str:
    """A template of Prometheus's in Grafana's words: there, ``$value`` is a text about all stages."""
    return template.replace("$value", f"$values.{REDUCED}.Value")
