"""Rule groups as Prometheus reads them, and what every rule gets, whoever evaluates it: labels, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from model.quantities import Duration
from model.rules import Alert, BaseAlert, Group, Recording
from model.uids import runbook_path

LINKED_LABELS = ("cluster", "namespace", "app", "pod", "node", "agent", "model", "slo", "value")
"""Labels of an alert that are variables of the dashboard it links to."""
RUNBOOK_LABELS = ("cluster", "namespace")
"""The same, of the dashboards of runbooks."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where rules are evaluated."""

    cluster: str
    environment: str
    grafana: str
    """Where people open Grafana, without a slash at the end."""
    interval: Duration = Duration.parse("1m")
    """Time between Prometheus's evaluations of a group that has none of its own."""


def rule_group(group: Group, place: Place) -> dict[str, Any]:
    """One group of a rule file."""
    return {
        "name": group.name,
        "interval": str(group.interval or place.interval),
        "labels": place_labels(place),
        "rules": [_finished(plain, rule, group, place) for rule in group.rules for plain in rule.plain()],
    }


def _finished(plain: dict[str, Any], rule: Alert | Recording, group: Group, place: Place) -> dict[str, Any]:
    if isinstance(rule, Recording):
        return plain
    annotations = {**plain["annotations"], **links(rule, place)}
    return {**plain, "labels": {**plain["labels"], "system": group.system}, "annotations": annotations}


def place_labels(place: Place) -> dict[str, str]:
    """Labels of all that is evaluated there: an expression may have lost them, or never had any."""
    return {"cluster": place.cluster, "environment": place.environment}


def links(alert: BaseAlert, place: Place) -> dict[str, str]:
    """Annotations that lead somewhere."""
    runbook = f"{runbook_path(alert.system, alert.runbook_name)}&{_variables(alert, place, RUNBOOK_LABELS)}"
    return {
        "runbook_url": place.grafana + runbook,
        "dashboard_url": f"{place.grafana}/d/{alert.dashboard}?{_variables(alert, place, LINKED_LABELS)}",
    }


def _variables(alert: BaseAlert, place: Place, labels: tuple[str, ...]) -> str:
    """What opens a dashboard at what the alert's description speaks of."""
    # A rule's own labels are no labels yet when its annotations are written.
    fixed = {"cluster": place.cluster, **alert.labels}
    named = set(re.findall(r"\$labels\.(\w+)", alert.description))
    values = {label: f"{{{{ $labels.{label} | urlquery }}}}" for label in named}
    values |= {label: quote(value, safe="") for label, value in fixed.items()}
    return "&".join(f"var-{label}={values[label]}" for label in labels if label in values)
