"""What a stack file may change about alerts besides their owners: thresholds, labels, what they leave out."""

from __future__ import annotations

from typing import Any

import pytest

from components.settings.notification_checks import alert_labels
from model.grafana_alert import GrafanaAlert
from model.promql import without
from model.rules import Alert
from tests.owners import alerts, problems, stack

TEXT = "a text of at most 128 letters, digits, spaces and _ . , : ; / @ + -"
VALUE = "a value of the label, in which * stands for any text, like sandbox-*; to exclude all, turn the alert off"
EACH = "left out: there is a threshold for each of warning, critical"
WRONG: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"alerts": {"TargetDown": {"labels": {"node": "a", "team": "{{ $value }}"}}}},
        [f'alerts.TargetDown.labels.team: "{{{{ $value }}}}": {TEXT}'],
    ),
    (
        {
            "alerts": {"TargetDown": {"labels": {"node": "a", "burn": "b", "tier": "1"}}},
            "notifications": {"labels": {"severity": "page", "__x": "y", "region": "eu"}},
        },
        [
            f"{path}: a label that neither alerts nor routes have themselves"
            for path in (
                'notifications.labels.severity: "page"',
                'notifications.labels.__x: "y"',
                'alerts.TargetDown.labels.node: "a"',
                'alerts.TargetDown.labels.burn: "b"',
            )
        ],
    ),
    (
        {
            "alerts": {
                "NodeHighCPUUsage": {"exclude": {"namespaces": ["a"]}},
                "RbacDenials": {"exclude": {"labels": {"pod": ["a"]}}},
                "AuditLogGap": {"exclude": {"namespaces": ["a"]}},
                "KubernetesStateMetricsDown": {"exclude": {"labels": {"job": ["a", "b"]}}},
            }
        },
        [
            f"{path}: a label that the alert's series have: {labels}"
            for path, labels in {
                'alerts.NodeHighCPUUsage.exclude.namespaces: "a"': "cluster, environment, node",
                'alerts.RbacDenials.exclude.labels.pod: "a"': "cluster, namespace, app",
                'alerts.AuditLogGap.exclude.namespaces: "a"': "it has none",
                'alerts.KubernetesStateMetricsDown.exclude.labels.job: "a, b"': "it has none",
            }.items()
        ],
    ),
    (
        {"alerts": {"TargetDown": {"exclude": {"namespaces": ["*"], "labels": {"node": []}}}}},
        [
            f'alerts.TargetDown.exclude.namespaces[0]: "*": {VALUE}',
            "alerts.TargetDown.exclude.labels.node: []: at least 1 of them",
        ],
    ),
]


@pytest.mark.parametrize(("changed", "said"), WRONG, ids=[said[0].partition(":")[0] for _, said in WRONG])
def test_all_settings_that_fit_nowhere_are_listed_at_once(changed: dict[str, Any], said: list[str]) -> None:
    assert problems(**changed) == said


# --- thresholds, labels ---


def test_an_alert_that_only_warns_gets_a_critical_threshold() -> None:
    busy = alerts(stack(alerts={"NodeHighCPUUsage": {"critical": 0.99}}))["NodeHighCPUUsage"]
    assert isinstance(busy, Alert)
    compared = {
        severity.value: "node:cpu_utilisation:ratio_rate5m > 0.99" in busy.expr(severity)
        for severity in busy.severities
    }
    assert compared == {"critical": True, "warning": False}


def test_two_thresholds_move_together() -> None:
    """The new critical one is on the wrong side of the old warning."""
    lower = alerts(stack(alerts={"NodeHighMemoryUsage": {"critical": 0.5, "warning": 0.4}}))["NodeHighMemoryUsage"]
    assert [float(number) for number in lower.thresholds.values()] == [0.5, 0.4]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            {"critical": 0.1},
            'alerts.NodeHighCPUUsage: "critical 0.1": thresholds of which the more urgent is the larger',
        ),
        (
            {"critical": 0.99, "severity": "critical"},
            f'alerts.NodeHighCPUUsage.severity: "critical": {EACH}',
        ),
        (
            {"critical": "off"},
            'alerts.NodeHighCPUUsage.critical: "off": a severity that the alert has a threshold for: warning',
        ),
    ],
)
def test_an_added_threshold_must_fit(override: dict[str, Any], said: str) -> None:
    assert problems(alerts={"NodeHighCPUUsage": override}) == [said]


def test_an_alert_that_fires_without_a_value_keeps_its_one_severity() -> None:
    said = 'alerts.PrometheusSilent: "warning": critical alone: the alert fires without a value as well'
    assert problems(alerts={"PrometheusSilent": {"warning": 60}}) == [said]


def test_labels_of_all_alerts_and_of_one_stand_beside_those_of_the_alert() -> None:
    settings = stack(
        notifications={"labels": {"company": "example", "tier": "2"}},
        alerts={"NodeHighCPUUsage": {"labels": {"tier": "1"}}},
    )
    assert all(alert.labels["company"] == "example" for alert in settings.watched.alerts)
    assert alerts(settings)["NodeHighCPUUsage"].labels == {"company": "example", "tier": "1"}
    assert alerts(settings)["RbacDenials"].labels == {"company": "example", "tier": "2"}
    assert alerts(settings)["AgentRunsErrorBudgetBurnFast"].labels["slo"] == "agent-runs"


def test_no_label_that_an_inhibition_reads_can_be_set() -> None:
    read_by_inhibitions = {
        label for each in stack().watched.inhibitions for label in (*each.source, *each.target, *each.equal)
    }
    given = dict.fromkeys(sorted(read_by_inhibitions), "x")
    assert len(problems(notifications={"labels": given})) == len(given) > 20


# --- what an alert leaves out ---


@pytest.mark.parametrize(
    ("expr", "left"),
    [
        ("a", "a{X}"),
        ('a{b="c"}', 'a{X, b="c"}'),
        (
            "sum by (n) (rate(a[5m])) / sum by (n) (rate(b[5m]))",
            "sum by (n) (rate(a{X}[5m])) / sum by (n) (rate(b[5m]))",
        ),
        # The total is of all: left out of it, each share would grow.
        ("sum by (n) (a) / scalar(sum(b))", "sum by (n) (a{X}) / scalar(sum(b))"),
        ("a unless on (m) b", "a{X} unless on (m) b"),
        ("a or b", "a{X} or b{X}"),
        ("a * on (m) group_left (n) b", "a * on (m) group_left (n) b{X}"),
        ("sum by (m) (a) * on (m) group_right () b", "sum by (m) (a) * on (m) group_right () b{X}"),
        ("2 * -(a)", "2 * -(a{X})"),
        ("max_over_time((sum by (n) (a) > 0)[5m:1m])", "max_over_time((sum by (n) (a{X}) > 0)[5m:1m])"),
        ('label_replace(a, "other", "$1", "n", "(.+)")', 'label_replace(a{X}, "other", "$1", "n", "(.+)")'),
    ],
)
def test_an_expression_leaves_out_what_gives_it_the_label(expr: str, left: str) -> None:
    known = dict.fromkeys("ab", frozenset({"n", "m", "b"}))
    assert without(expr, "n", "x|y-.*", known) == left.replace("X", 'n!~"x|y-.*"')


@pytest.mark.parametrize(
    "expr",
    [
        "sum(a)",
        "vector(1)",
        'absent(a{n="x"})',
        'label_replace(a, "n", "$1", "m", "(.+)")',
        "a or on (m) b",
        '{__name__=~"a|b"}',
    ],
)
def test_an_expression_without_such_a_label_is_refused(expr: str) -> None:
    known = dict.fromkeys("ab", frozenset({"n", "m"}))
    with pytest.raises(ValueError, match=r"label|there|itself|matched|name"):
        without(expr, "n", "x", known)


def test_every_alert_about_a_namespace_can_leave_one_out_or_says_why_not() -> None:
    settings = stack()
    of_a_namespace = {labels["alertname"] for labels in alert_labels(settings.watched, settings.cluster)}
    excluding = {name: {"exclude": {"namespaces": ["sandbox-*"]}} for name in of_a_namespace}
    found = problems(alerts=excluding)
    refused = {each.split(".")[1] for each in found}
    kept = {alert.name for alert in settings.watched.alerts if "namespace" not in alert.description}
    assert refused - kept == {"AuditLogGap"}, "it fires for what is absent"


def test_grafana_leaves_out_the_same_subjects() -> None:
    exclude = {"namespaces": ["sandbox-*", "demo.v2"]}
    refused = alerts(stack(alerts={"RbacDenials": {"exclude": exclude}, "ErrorLogSpike": {"exclude": exclude}}))
    matcher = '| namespace!~"sandbox-.*|demo[.]v2"'
    assert refused["RbacDenials"].value.endswith(f"{matcher} [5m]))")
    assert refused["ErrorLogSpike"].value.count(matcher) == 3, "and so does the hour that it is compared with"
    denied = refused["RbacDenials"]
    assert isinstance(denied, GrafanaAlert)
    assert denied.lines.endswith(matcher), "the runbook shows the lines that are counted"
