"""Alerts on log lines as Loki's ruler reads them. Pure: values in, plain data out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from model.cluster import ClusterSettings
from model.grafana_alert import GrafanaAlert, GrafanaGroup
from model.quantities import Url
from model.rules import decimal, shown
from rules.render import Place, links, place_labels, place_of


def rule_file(groups: Iterable[GrafanaGroup], cluster: ClusterSettings, grafana: Url) -> dict[str, Any]:
    """A rule file with ``groups``, whose alerts have thresholds: a rule for each severity, as Prometheus has.

    It is empty without groups. ``grafana`` is its URL for people.
    """
    place = place_of(cluster, grafana)
    made = [
        {
            "name": group.name,
            "interval": str(group.interval),
            "rules": [rule for alert in group.rules for rule in _rules(alert, group, place)],
        }
        for group in groups
    ]
    return {"groups": made} if made else {}


def _rules(alert: GrafanaAlert, group: GrafanaGroup, place: Place) -> Iterator[dict[str, Any]]:
    for severity in alert.severities:
        yield {
            "alert": alert.name,
            "expr": f"({alert.value}) {'<' if alert.below else '>'} {decimal(alert.thresholds[severity])}",
            **({"for": str(alert.for_)} if alert.for_.milliseconds else {}),
            **({"keep_firing_for": str(alert.keep_firing_for)} if alert.keep_firing_for.milliseconds else {}),
            "labels": {
                "severity": severity.value,
                "owner": alert.owner_label,
                **alert.labels,
                "system": group.system,
                **place_labels(place),
            },
            "annotations": {
                "summary": alert.summary,
                "description": alert.description,
                "value": shown(alert.unit),
                "threshold": alert.line(severity),
                **links(alert, place),
                **alert.annotations,
            },
        }
