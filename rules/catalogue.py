"""Checks of all rules together: known names, surviving labels, no duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from model.content import CONTENT, ContentAlert, ContentRecording, Runbook
from model.datasources import PROMETHEUS
from model.grafana_alert import GrafanaAlert
from model.metrics import known_series
from model.promql import Labels, labels_of, names, narrower
from model.rules import Alert, BaseAlert, Group, Recording
from model.runbooks import runbooks
from model.slo import VALUE
from model.slo_rules import OF_WINDOW
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
    "master_name",
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
    "value",
    "status",
    "dependency",
    "controller",
    "endpoint",
    "stack_name",
    "gateway",
    "agent_type",
    "api",
    "model_type",
    "agent_tier",
    "database_type",
    "agent_id",
    "agent_name",
    "portainer_stack",
    "portainer_service",
    "guardrail",
    "cache",
    "target",
    "dimension",
    "kind",
    "state",
    "measure",
    "period",
    "server",
    "evaluation",
    "prompt_version",
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
        # What its first group reads of its second, which comes later and reads the first.
        own: Labels = frozenset({*slo.labels.split(", "), "slo", VALUE})
        known |= {narrower(name, "slo", slo.name): own for name in OF_WINDOW}
    for _, recording in _rules(watched, Recording):
        if isinstance(recording, ContentRecording):
            result, added = labels_if_known(recording.expr, known), frozenset[str]()
        else:
            result, added = _labels(recording.expr, known, recording.name), ADDED_LABELS
        # An objective without values has the label as well: an empty one is none.
        added |= recording.labels.keys() | ({VALUE} if "slo" in recording.labels else set())
        labels = None if result is None else result | added
        # Several objectives record under one name, and may have labels of their own.
        for name in (recording.name, *(narrower(recording.name, *each) for each in recording.labels.items())):
            before = known.get(name, labels)
            known[name] = None if labels is None or before is None else labels & before
    return known


def check(watched: Watched) -> None:
    """Raise ValueError for the first mistake in these rules: a defect of the project, not of a stack file."""
    # People's own systems have more of them, which the inhibitions by severity compare as well.
    by_name = (each.equal for each in watched.inhibitions if "alertname" in each.equal)
    # The values of an objective's own labels are joined in the label value.
    joined = {label for slo in watched.slos for label in slo.by}
    told_apart = joined.union(SUBJECT, *by_name)
    for name, labels in alert_labels(watched).items():
        untold = labels - told_apart
        if untold:
            raise ValueError(f"alert {name}: add its labels to SUBJECT: {', '.join(sorted(untold))}")


def alert_labels(watched: Watched) -> dict[str, frozenset[str]]:
    """Labels of each alert's expression, by the alert's name.

    Raises ValueError for the first rule that is wrong.
    """
    known, found = series_of(watched), dict[str, frozenset[str]]()
    for group, alert in _rules(watched, Alert):
        if isinstance(alert, ContentAlert):
            continue
        if alert.name in found:
            raise ValueError(f"alert {alert.name}: there are two alerts with that name")
        if not group.system:
            raise ValueError(f"group {group.name}: belongs to no system")
        _is_explained(alert, watched.runbooks)
        for severity in alert.severities:
            survive = _labels(alert.expr(severity), known, f"alert {alert.name}")
            if survive is None:
                raise ValueError(f"alert {alert.name}: its labels are unknown: aggregate its expression by labels")
            _describes_what_survives(alert, survive)
            found[alert.name] = survive
    ours = (group for group in watched.grafana_groups if group.system != CONTENT)
    for asked in (rule for group in ours for rule in group.rules):
        if asked.name in found:
            raise ValueError(f"alert {asked.name}: there are two alerts with that name")
        _is_explained(asked, watched.runbooks)
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
    if alert.datasource == PROMETHEUS and _labels(alert.value, known, f"alert {alert.name}") != labels:
        raise ValueError(f"alert {alert.name}: its expression has other labels than {', '.join(alert.by) or 'none'}")
    if alert.only_while and _labels(alert.only_while, known, f"alert {alert.name}, only_while") != labels:
        raise ValueError(f"alert {alert.name}: `only_while` has other labels than {', '.join(alert.by) or 'none'}")
    _describes_what_survives(alert, labels)
    return labels


def _rules(watched: Watched, kind: type[_Rule]) -> Iterator[tuple[Group, _Rule]]:
    return ((group, rule) for group in watched.groups for rule in group.rules if isinstance(rule, kind))


def _labels(expr: str, known: Mapping[str, Labels], where: str) -> Labels:
    try:
        return labels_of(expr, known)
    except ValueError as problem:
        raise ValueError(f"{where}: {problem}") from None


def labels_if_known(expr: str, known: Mapping[str, Labels]) -> Labels:
    """Labels of an expression of people, who have metrics that nobody here knows."""
    try:
        return labels_of(expr, {**dict.fromkeys(names(expr)), **known})
    except ValueError:
        return None


def other_subjects(groups: Iterable[Group], series: Mapping[str, Labels]) -> tuple[str, ...]:
    """The labels by which people's alerts distinguish subjects, besides SUBJECT; ``series`` are of their systems."""
    known: dict[str, Labels] = dict(series)
    found: set[str] = set()
    for rule in (rule for group in groups for rule in group.rules):
        if isinstance(rule, Recording):
            labels = labels_if_known(rule.expr, known)
            known[rule.name] = labels and labels | frozenset(rule.labels)
        else:
            for severity in rule.severities:
                found |= labels_if_known(rule.expr(severity), known) or frozenset()
    return tuple(sorted(found - {*SUBJECT, "severity"}))


def _is_explained(alert: BaseAlert, brought: tuple[Runbook, ...]) -> None:
    if not alert.owner:
        raise ValueError(f"alert {alert.name}: no owner: set it on the alert or on its system")
    if alert.runbook_name not in runbooks() and all(alert.runbook_name != each.name for each in brought):
        raise ValueError(f"alert {alert.name}: no runbook docs/runbooks/{alert.runbook_name}.md")


def _describes_what_survives(alert: BaseAlert, labels: frozenset[str]) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", alert.description))
    if named - labels:
        lost = ", ".join(sorted(named - labels))
        raise ValueError(f"alert {alert.name}: its description uses {lost}, which its expression does not have")
