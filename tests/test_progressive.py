"""Two installations of Progressive in one cluster are told apart by the environment of their namespaces.

The examples notify those whom the platform's operators named.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from components.prometheus.config import scrape_config
from components.routing import receivers_for, tree
from components.settings.notification_checks import alert_labels
from components.settings.stack import Settings, read
from model.rules import Alert
from rules.progressive import SYSTEM
from rules.render import place_of, rule_group
from tests.test_services import mutes
from tools import stack_file
from tools.recorder import ROOT

STACK = read(
    {
        "cluster": {"name": "c-1", "environment": "live", "context": "c-1", "flavour": "kind"},
        "systems": {"progressive": {"environments": {"shop": "production", "shop-next": "staging"}}},
    }
)
GROUPS = [
    rule_group(group, place_of(STACK.cluster, STACK.grafana.address))
    for group in STACK.watched.groups
    if group.system == SYSTEM.key
]


def steps(job: str) -> list[dict[str, Any]]:
    (found,) = (each for each in STACK.watched.scrape_jobs if each.name == job)
    config: list[dict[str, Any]] = scrape_config(found, STACK.cluster)["relabel_configs"]
    return [step for step in config if step.get("target_label") == "environment"]


def test_a_target_has_the_environment_of_its_namespace_and_otherwise_the_cluster_s() -> None:
    own = {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "environment"}
    for job in ("progressive-framework-v5", "progressive-agents"):
        assert steps(job) == [
            {"target_label": "environment", "replacement": "live"},
            {**own, "regex": "shop", "replacement": "production"},
            {**own, "regex": "shop-next", "replacement": "staging"},
        ]
    others = {each.name for each in STACK.watched.scrape_jobs} - {"progressive-framework-v5", "progressive-agents"}
    assert others, "the stack watches itself"
    assert all(len(steps(job)) == 1 for job in others), "the series of other systems are the cluster's"


def test_a_result_keeps_the_environment_of_its_series() -> None:
    assert {tuple(group["labels"]) for group in GROUPS} == {("cluster",)}
    others = [group for group in STACK.watched.groups if group.system != SYSTEM.key]
    assert not any(group.environments for group in others)


def test_an_alert_without_series_has_the_environment_of_the_cluster() -> None:
    given = {rule["alert"] for group in GROUPS for rule in group["rules"] if "environment" in rule.get("labels", {})}
    absent = {
        rule.name
        for group in STACK.watched.groups
        for rule in group.rules
        if group.system == SYSTEM.key and isinstance(rule, Alert) and rule.name.endswith("NoData")
    }
    assert given == absent
    assert len(given) == len([slo for slo in STACK.watched.slos if slo.name.startswith("progressive-")])


# --- one outage, one page ---

WHERE = {"cluster": "c-1", "namespace": "shop-next", "service": "progressive-framework-v5"}


def fires(name: str, severity: str = "critical", **more: str) -> dict[str, str]:
    """Labels of an alert in staging."""
    (found,) = (alert for alert in STACK.watched.alerts if alert.name == name)
    own = {"alertname": name, "severity": severity, "system": "progressive", "environment": "staging"}
    return {**WHERE, **found.labels, **own, **more}


def of_any(name: str, severity: str = "critical", **more: str) -> dict[str, str]:
    """The same of another system, which knows the cluster's environment only."""
    return {**WHERE, "alertname": name, "severity": severity, "environment": "live", **more}


ANY_ERRORS = {"system": "services", "general": "true", "symptom": "errors"}
VALUE = {"value": "shop-next"}
OUTAGES = {
    "the core is gone": (
        fires("ProgressiveSystemDown"),
        fires("ProgressiveAgentUnresponsive", service="npa", agent_type="npa"),
        fires("ProgressiveCoreErrorsErrorBudgetBurnFast", **VALUE),
        fires("ProgressiveAgentErrorsErrorBudgetBurnFast", service="npa", value="shop-next, npa"),
        fires("ProgressiveNoActiveUsers", "warning"),
        of_any("ServiceDown", system="services"),
        of_any("TargetDown", "warning", system="monitoring", job="progressive-framework-v5"),
    ),
    "a database is gone": (
        fires("ProgressiveDatabaseConnectionFailure", database_type="postgresql"),
        fires("ProgressiveHighErrorRate"),
        fires("ProgressiveCoreErrorsErrorBudgetBurnFast", **VALUE),
        fires("ProgressiveQueryLatencyErrorBudgetBurnFast", **VALUE),
        of_any("HighErrorRate", **ANY_ERRORS),
    ),
    "a type of agents is gone": (
        fires("ProgressiveAgentUnresponsive", service="npa", agent_type="npa"),
        fires("ProgressiveHighAgentFailureRate", "warning", service="npa", agent_type="npa"),
        fires("ProgressiveAgentErrorsErrorBudgetBurnFast", service="npa", value="shop-next, npa"),
        fires("ProgressiveLowNutritionPlanGeneration", "warning", service="npa"),
    ),
    "requests fail": (
        fires("ProgressiveCoreErrorsErrorBudgetBurnFast", **VALUE),
        fires("ProgressiveCoreAvailabilityErrorBudgetBurnFast", **VALUE),
        fires("ProgressiveHighErrorRate", "warning"),
        of_any("HighErrorRate", "warning", **ANY_ERRORS),
    ),
    "queries are slow": (
        fires("ProgressiveQueryLatencyErrorBudgetBurnFast", **VALUE),
        fires("ProgressiveCoreLatencyErrorBudgetBurnFast", **VALUE),
        fires("ProgressiveHighResponseTime", "warning"),
    ),
}
"""By outage, the alerts that fire: the first notifies people."""


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_notifies_once_and_in_one_environment(outage: str) -> None:
    firing, rules = OUTAGES[outage], STACK.watched.inhibitions
    told = [each for each in firing if not any(mutes(rule, other, each) for rule in rules for other in firing)]
    assert told == [firing[0]]
    elsewhere = {**firing[1], "environment": "production", "namespace": "shop"}
    assert not any(mutes(rule, firing[0], elsewhere) for rule in rules), "production has its own"


# --- who is notified ---

PAGED = ("critical-chat", "on-call", "on-call-mail")


@cache
def example(stack: str) -> Settings:
    return read(stack_file.read(ROOT / "examples" / "progressive" / f"Pulumi.{stack}.yaml").config)


def notified(stack: str, alert: str, severity: str, environment: str, **more: str) -> tuple[str, ...]:
    settings = example(stack)
    about = {"alertname": alert, "severity": severity, "environment": environment}
    (labels,) = (
        labels for labels in alert_labels(settings.watched, settings.cluster) if about.items() <= labels.items()
    )
    return receivers_for(tree(settings.notifications), {**labels, **more})


@pytest.mark.parametrize(
    ("alert", "severity", "receivers"),
    [
        ("ProgressiveSystemDown", "critical", (*PAGED, "core-chat")),
        ("ProgressiveDatabaseConnectionFailure", "critical", (*PAGED, "core-chat")),
        ("ProgressiveHighErrorRate", "critical", (*PAGED, "core-chat")),
        ("ProgressiveCoreLatencyErrorBudgetBurnFast", "critical", (*PAGED, "core-chat")),
        ("ProgressiveAgentUnresponsive", "critical", (*PAGED, "agents-chat")),
        ("ProgressiveAgentErrorsErrorBudgetBurnFast", "critical", (*PAGED, "agents-chat")),
        ("PostgreSQLDown", "critical", (*PAGED, "database-chat", "database-mail")),
        ("RedisDown", "critical", (*PAGED, "database-chat", "database-mail")),
        ("KubernetesNodeDown", "critical", PAGED),
        ("ProgressiveHighErrorRate", "warning", ("warning-chat",)),
        ("ProgressiveNoActiveUsers", "warning", ("warning-chat",)),
        ("ProgressiveCoreAvailabilityErrorBudgetSpent", "warning", ("warning-chat",)),
        ("ProgressiveCoreAvailabilityErrorBudgetSpent", "info", ("devops-mail",)),
    ],
)
def test_an_alert_of_production_reaches_those_whom_its_operators_named(
    alert: str, severity: str, receivers: tuple[str, ...]
) -> None:
    assert notified("prod", alert, severity, "production") == receivers


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_an_alert_of_staging_reaches_its_own_channel_alone(severity: str) -> None:
    assert notified("prod", "ProgressiveHighErrorRate", severity, "staging") == ("staging-chat",)
    of_others = "KubernetesPodCrashLooping"
    assert notified("prod", of_others, "warning", "production", namespace="progressive-framework-staging") == (
        "staging-chat",
    )


def test_an_alert_of_development_reaches_its_own_channel() -> None:
    assert notified("dev", "ProgressiveSystemDown", "critical", "development") == ("dev-chat",)


@pytest.mark.parametrize("stack", ["prod", "dev"])
def test_no_alert_is_lost(stack: str) -> None:
    settings = example(stack)
    root = tree(settings.notifications)
    lost = {
        labels["alertname"]
        for labels in alert_labels(settings.watched, settings.cluster)
        if not receivers_for(root, labels)
    }
    assert lost <= {"Watchdog"}, "which is for dead men"
