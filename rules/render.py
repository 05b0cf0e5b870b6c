"""Rule groups as Prometheus reads them, with what every rule gets: labels, links. Written once, here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from components.settings.quantities import Duration
from dashboards.uids import runbook_uid
from rules.model import Alert, Group, Recording

LINKED_LABELS = ("cluster", "namespace", "pod", "node", "agent", "model", "slo")
"""Labels of an alert that are variables of the dashboard it links to."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where rules are evaluated."""

    cluster: str
    environment: str
    grafana: str
    """Where people open Grafana, without a slash at the end."""
    interval: Duration
    """Time between evaluations of a group that has none of its own."""


def rule_group(group: Group, place: Place) -> dict[str, Any]:
    """One group of a rule file."""
    return {
        "name": group.name,
        "interval": str(group.interval or place.interval),
        "rules": [_finished(plain, rule, group, place) for rule in group.rules for plain in rule.plain()],
    }


def _finished(plain: dict[str, Any], rule: Alert | Recording, group: Group, place: Place) -> dict[str, Any]:
    # An expression may have lost these two, or never had any.
    labels = {**plain.get("labels", {}), "cluster": place.cluster, "environment": place.environment}
    if isinstance(rule, Recording):
        return {**plain, "labels": labels}
    links = {"runbook_url": runbook_url(rule, place), "dashboard_url": dashboard_url(rule, place)}
    return {**plain, "labels": {**labels, "system": group.system}, "annotations": {**plain["annotations"], **links}}


def runbook_url(alert: Alert, place: Place) -> str:
    return f"{place.grafana}/d/{runbook_uid(alert.runbook_name)}"


def dashboard_url(alert: Alert, place: Place) -> str:
    """The alert's dashboard, at what its description speaks of."""
    # A rule's own labels are no labels yet when its annotations are written.
    fixed = {"cluster": place.cluster, **alert.labels}
    named = set(re.findall(r"\$labels\.(\w+)", alert.description))
    values = {label: f"{{{{ $labels.{label} | urlquery }}}}" for label in named} | fixed
    variables = [f"var-{label}={values[label]}" for label in LINKED_LABELS if label in values]
    return f"{place.grafana}/d/{alert.dashboard}?{'&'.join(variables)}"
