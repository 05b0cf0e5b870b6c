"""Alerts in the format of Grafana's provider. Pure: values in, plain data out."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from dashboards.listed import alert_panels
from dashboards.model import PanelPlace
from model.cluster import ClusterSettings
from model.datasources import LOKI, PROMETHEUS, Datasource
from model.grafana_alert import GrafanaAlert, GrafanaGroup
from model.quantities import Url
from model.rules import Severity, shown
from rules.render import Place, links, place_labels, place_of
from rules.system import Watched

QUERY, REDUCED, CONDITION = "A", "B", "C"
"""The refs of the query, of its one number per subject, and of the condition."""
_ASKED_WHILE, _WHILE = "D", "E"
"""The refs of what Prometheus says about the subjects, and of its one number per subject."""

# Grafana's own uid and type of its expressions.
_EXPRESSION = Datasource("__expr__", "__expr__", "Expression")
# Grafana's defaults for these keys. If they were absent, every plan would show a change.
_INTERVAL_MS, _MAX_DATA_POINTS = 1000, 43200
# The windows of an instant query define how far it looks back. Grafana requires a range too, and this is its default.
_RANGE_SECONDS = 600


def rule_groups(
    watched: Watched, cluster: ClusterSettings, grafana: Url, elsewhere: Collection[GrafanaGroup] = ()
) -> tuple[dict[str, Any], ...]:
    """All rule groups of a stack but those that are evaluated ``elsewhere``; ``grafana`` is its URL for people."""
    place = place_of(cluster, grafana)
    panels = alert_panels(watched, cluster)
    return tuple(rule_group(group, place, panels) for group in watched.grafana_groups if group not in elsewhere)


def rule_group(group: GrafanaGroup, place: Place, panels: Mapping[str, PanelPlace]) -> dict[str, Any]:
    """The arguments of a ``RuleGroup`` without its folder; ``panels`` are those that show the alerts' values."""
    return {
        "name": group.name,
        "interval_seconds": int(group.interval.seconds),
        "rules": [_rule(alert, group, place, panels[alert.name]) for alert in group.rules],
    }


def _rule(alert: GrafanaAlert, group: GrafanaGroup, place: Place, panel: PanelPlace) -> dict[str, Any]:
    return {
        # Its name is the label alertname, and a folder has only one rule of a name. The uid stays the same when rules
        # change places.
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
            "owner": alert.owner_label,
            **alert.labels,
            **place_labels(place),
            "system": group.system,
        },
        "annotations": {
            "summary": _grafana(alert.summary),
            "description": _grafana(alert.description),
            **_measured(alert),
            **links(alert, place),
            **{name: _grafana(text) for name, text in alert.annotations.items()},
            "__dashboardUid__": panel.dashboard,
            "__panelId__": str(panel.id),
        },
    }


def _stages(alert: GrafanaAlert) -> list[dict[str, Any]]:
    # The threshold of the least urgent severity; the label shows which severity applies above it.
    line = float(list(alert.thresholds.values())[-1]) if alert.thresholds else 0.0
    evaluator = {"type": "lt" if alert.below else "gt", "params": [line]}
    measured = _number(QUERY, REDUCED, alert.datasource, alert.value)
    if not alert.only_while:
        condition = {"type": "threshold", "expression": REDUCED, "conditions": [{"evaluator": evaluator}]}
        return [*measured, _stage(CONDITION, _EXPRESSION, condition)]
    reached = f"${REDUCED} {'<' if alert.below else '>'} {line!r} && ${_WHILE} > 0"
    return [
        *measured,
        *_number(_ASKED_WHILE, _WHILE, PROMETHEUS, alert.only_while),
        _stage(CONDITION, _EXPRESSION, {"type": "math", "expression": reached}),
    ]


def _number(query: str, reduced: str, datasource: Datasource, expr: str) -> list[dict[str, Any]]:
    """The stages with the refs ``query`` and ``reduced``: an instant query, and its one number per subject."""
    asked: dict[str, Any] = {"expr": expr, "editorMode": "code"}
    asked |= {"queryType": "instant"} if datasource == LOKI else {"instant": True, "range": False}
    return [
        _stage(query, datasource, asked),
        _stage(reduced, _EXPRESSION, {"type": "reduce", "expression": query, "reducer": "last"}),
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
    """Annotations with the measured value and the threshold."""
    if not alert.thresholds:
        return {}
    # If missing data is a problem, an alert fires without a value too.
    value = f"{{{{ with $values.{REDUCED} }}}}{shown(alert.unit).replace('$value', '.Value')}{{{{ end }}}}"
    return {"value": value, "threshold": _by_severity(alert, alert.line)}


def _by_severity(alert: GrafanaAlert, text: Callable[[Severity], str]) -> str:
    """The text of the most urgent severity whose threshold the value crosses."""
    *more, least = alert.severities
    chosen = text(least)
    for severity in reversed(more):
        # Floats need a point: Go does not compare a float with an integer.
        reached = f"{'lt' if alert.below else 'gt'} $values.{REDUCED}.Value {float(alert.thresholds[severity])!r}"
        chosen = f"{{{{ if {reached} }}}}{text(severity)}{{{{ else }}}}{chosen}{{{{ end }}}}"
    return chosen


def _grafana(template: str) -> str:
    """A template of Prometheus for Grafana, where ``$value`` is a text about all queries."""
    return template.replace("$value", f"$values.{REDUCED}.Value")
