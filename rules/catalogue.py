"""Checks of all rules together: known names, surviving labels, no duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

from model.datasources import PROMETHEUS
from model.grafana_alert import GrafanaAlert
from model.metrics import known_series
from model.promql import Labels, labels_of
from model.rules import Alert, BaseAlert, Group, Recording
from rules.system import Watched

_Rule = TypeVar("_Rule", Alert, Recording)

ADDED_LABELS = frozenset({"cluster", "environment"})
"""Labels that the renderer adds to the result of every rule. Annotations cannot use them: they are rendered before."""


SUBJECT = (
    "cluster",
    "environment",
    "namespace",
    "pod",
    "container",
    "node",
    "device",
    "mountpoint",
    "master",
    "job",
    "instance",
    "app",
    "service",
    "agent",
    "provider",
    "model",
    "tool",
    "side",
    "method",
    "rule_group",
    "slo",
    "workload",
    "workload_type",
    "job_name",
    "horizontalpodautoscaler",
    "poddisruptionbudget",
    "persistentvolumeclaim",
    "resourcequota",
    "resource",
    "condition",
    "certificate",
    "priority_level",
    "integration",
    "name",
    "handler",
    "route",
    "operation",
    "remote_name",
    "exporter",
    "signal",
    "tenant",
    "reason",
)
"""Labels that identify the subject of an alert. The list is fixed, so that a new rule does not restart Alertmanager."""


def series_of(watched: Watched) -> dict[str, Labels]:
    """Labels of every series that rules and panels may query, by name: metrics and results of recording rules.

    Raises ValueError for the first recording rule that is wrong.
    """
    # The series of firing alerts, whose labels differ.
    known: dict[str, Labels] = {**known_series(watched.metrics, watched.scrape_jobs), "ALERTS": None}
    recorded = {recording.name for _, recording in _rules(watched, Recording)}
    for slo in watched.slos:
        # Users' own counters, whose labels are unknown.
        known |= {name: None for name in slo.metrics if name not in known and name not in recorded}
    for _, recording in _rules(watched, Recording):
        result = _labels(recording.expr, known, recording.name)
        labels = None if result is None else result | ADDED_LABELS | frozenset(recording.labels)
        before = known.get(recording.name, labels)
        known[recording.name] = None if labels is None or before is None else labels & before
    return known


def check(watched: Watched) -> None:
    """Raise ValueError for the first mistake in these rules: a defect of the project, not of a stack file."""
    for name, labels in alert_labels(watched).items():
        untold = labels - set(SUBJECT)
        if untold:
            raise ValueError(f"alert {name}: add its labels to SUBJECT: {', '.join(sorted(untold))}")


def alert_labels(watched: Watched) -> dict[str, frozenset[str]]:
    """Labels of each alert's expression, by the alert's name.

    Raises ValueError for the first rule that is wrong.
    """
    known, found = series_of(watched), dict[str, frozenset[str]]()
    for group, alert in _rules(watched, Alert):
        if alert.name in found:
            raise ValueError(f"alert {alert.name}: there are two alerts with that name")
        if not group.system:
            raise ValueError(f"group {group.name}: belongs to no system")
        _has_an_owner(alert)
        for severity in alert.severities:
            survive = _labels(alert.expr(severity), known, f"alert {alert.name}")
            if survive is None:
                raise ValueError(f"alert {alert.name}: its labels are unknown: aggregate its expression by labels")
            _describes_what_survives(alert, survive)
            found[alert.name] = survive
    for asked in (rule for group in watched.grafana_groups for rule in group.rules):
        if asked.name in found:
            raise ValueError(f"alert {asked.name}: there are two alerts with that name")
        found[asked.name] = _grafana_labels(asked, known)
    _are_unique([*(group.name for group in watched.groups), *(group.name for group in watched.grafana_groups)])
    return found


def _are_unique(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"group {name}: there are two groups with that name")


def _grafana_labels(alert: GrafanaAlert, known: Mapping[str, Labels]) -> frozenset[str]:
    """Its declared labels. PromQL is checked here, LogQL by the tests with a real Loki."""
    labels = frozenset(alert.by)
    _has_an_owner(alert)
    if alert.datasource == PROMETHEUS and _labels(alert.value, known, f"alert {alert.name}") != labels:
        raise ValueError(f"alert {alert.name}: its expression has other labels than {', '.join(alert.by) or 'none'}")
    _describes_what_survives(alert, labels)
    return labels


def _rules(watched: Watched, kind: type[_Rule]) -> Iterator[tuple[Group, _Rule]]:
    return ((group, rule) for group in watched.groups for rule in group.rules if isinstance(rule, kind))


def _labels(expr: str, known: Mapping[str, Labels], where: str) -> Labels:
    try:
        return labels_of(expr, known)
    except ValueError as problem:
        raise ValueError(f"{where}: {problem}") from None


def _has_an_owner(alert: BaseAlert) -> None:
    if not alert.owner:
        raise ValueError(f"alert {alert.name}: no owner: set it on the alert or on its system")


def _describes_what_survives(alert: BaseAlert, labels: frozenset[str]) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", alert.description))
    if named - labels:
        lost = ", ".join(sorted(named - labels))
        raise ValueError(f"alert {alert.name}: its description uses {lost}, which its expression does not have")
