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
"""Labels that the renderer puts on what every rule makes; an alert's annotations are written before that."""


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
    "status",
    "dependency",
    "controller",
)
"""Labels that tell the subjects of one alert apart; fixed, so that no rule that comes or goes restarts Alertmanager."""


def series_of(watched: Watched) -> dict[str, Labels]:
    """Every series that a rule or a panel may ask for, with its labels: metrics, then recording rules in their order.

    Raises ValueError about a recording rule that is wrong.
    """
    # Which alerts fire is a series too, with the labels of each.
    known: dict[str, Labels] = {**known_series(watched.metrics, watched.scrape_jobs), "ALERTS": None}
    recorded = {recording.name for _, recording in _rules(watched, Recording)}
    for slo in watched.slos:
        # A user's own counters: what labels they have, only the user knows.
        known |= {name: None for name in slo.metrics if name not in known and name not in recorded}
    for _, recording in _rules(watched, Recording):
        result = _labels(recording.expr, known, recording.name)
        labels = None if result is None else result | ADDED_LABELS | frozenset(recording.labels)
        before = known.get(recording.name, labels)
        known[recording.name] = None if labels is None or before is None else labels & before
    return known


def check(watched: Watched) -> None:
    """Raise ValueError about the first thing that is wrong in these rules: a defect of ours, not of a stack file's."""
    for name, labels in alert_labels(watched).items():
        untold = labels - set(SUBJECT)
        if untold:
            raise ValueError(f"alert {name}: SUBJECT does not know its labels {', '.join(sorted(untold))}")


def alert_labels(watched: Watched) -> dict[str, frozenset[str]]:
    """Labels of each alert by name, besides those that the renderer adds and the alert's own.

    Raises ValueError about the first rule that is wrong.
    """
    known, found = series_of(watched), dict[str, frozenset[str]]()
    for group, alert in _rules(watched, Alert):
        if alert.name in found:
            raise ValueError(f"alert {alert.name}: there are two of that name")
        if not group.system:
            raise ValueError(f"group {group.name}: belongs to no system")
        _has_an_owner(alert)
        for severity in alert.severities:
            survive = _labels(alert.expr(severity), known, f"alert {alert.name}")
            if survive is None:
                raise ValueError(f"alert {alert.name}: nobody knows which labels it has: aggregate by some")
            _describes_what_survives(alert, survive)
            found[alert.name] = survive
    for asked in (rule for group in watched.grafana_groups for rule in group.rules):
        if asked.name in found:
            raise ValueError(f"alert {asked.name}: there are two of that name")
        found[asked.name] = _grafana_labels(asked, known)
    _are_unique([*(group.name for group in watched.groups), *(group.name for group in watched.grafana_groups)])
    return found


def _are_unique(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"group {name}: there are two of that name")


def _grafana_labels(alert: GrafanaAlert, known: Mapping[str, Labels]) -> frozenset[str]:
    """Those that it says it has; LogQL is read by nobody but Loki, so the tests ask that."""
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
        raise ValueError(f"alert {alert.name}: an owner, its own or its system's")


def _describes_what_survives(alert: BaseAlert, labels: frozenset[str]) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", alert.description))
    if named - labels:
        lost = ", ".join(sorted(named - labels))
        raise ValueError(f"alert {alert.name}: its description names {lost}, which its expression has not")
