"""Objectives by value, within the retention, and what their pages mute."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from components.settings.slos import SloSettings
from components.settings.stack import Refused, read
from model.rules import Alert, BaseAlert, Recording
from model.settings import problems
from model.slo_alerts import slo_inhibitions
from model.slo_rules import slo_groups
from rules.agents.alerts import RUNS_FAILING, SLOW_RUNS

SALES = {
    "name": "sales",
    "objective": 99,
    "by": ["tenant", "route"],
    "total": "sales_total",
    "errors": 'sales_total{code="500"}',
    "owner": "shop",
}
STACK = {"cluster": {"name": "c-1", "environment": "test", "context": "c-1", "flavour": "kind"}}


def rules(**changes: Any) -> list[Alert | Recording]:
    return [rule for group in slo_groups((SloSettings.model_validate(SALES | changes).slo,)) for rule in group.rules]


def alerts(**changes: Any) -> dict[str, Alert]:
    return {rule.name.removeprefix("Sales"): rule for rule in rules(**changes) if isinstance(rule, Alert)}


def refusals(**changes: Any) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        SloSettings.model_validate(SALES | changes)
    return problems(refused.value, SloSettings)


def stack(retention: str, *slos: dict[str, Any]) -> list[str]:
    """The problems of a stack file."""
    try:
        read(STACK | {"prometheus": {"retention": {"time": retention}}, "slos": list(slos)})
    except Refused as refused:
        return refused.problems
    return []


# --- values ---


def test_the_bound_of_values_says_how_many_series_one_has() -> None:
    recorded = {rule.name for rule in rules() if isinstance(rule, Recording)}
    told = SloSettings.model_json_schema()["properties"]["maximumValues"]["description"]
    assert re.findall(r"each with (\d+) series", told) == [str(len(recorded))]


def test_no_label_of_a_value_is_lost_on_the_way_to_its_alerts() -> None:
    settings = read(STACK | {"prometheus": {"retention": {"time": "90d"}}, "slos": [SALES]})
    burning = [alert for alert in settings.watched.alerts if "burn" in alert.labels]
    assert burning, "an alert that loses a label of its description is refused when the stack is read"
    assert all("{{ $labels.value }}" in alert.description for alert in burning)


def test_an_objective_without_values_reads_no_others() -> None:
    assert not [rule.name for rule in rules(by=[]) if isinstance(rule, Recording) and "value" in rule.expr]
    assert "SloTooManyValues" not in alerts(by=[])


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        (
            {"by": ["cluster"]},
            "by: [...]: labels that an objective does not have anyway, like agent: not cluster",
        ),
        ({"by": ["slo", "le"]}, "by: [...]: labels that an objective does not have anyway, like agent: not le, slo"),
        ({"by": ["agent", "agent"]}, "by: [...]: each label once"),
        ({"by": ["a", "b", "c", "d"]}, "by: [...]: at most 3 of them"),
        ({"by": ["a-b"]}, 'by[0]: "a-b": a label name of letters, digits and underscores'),
        ({"maximumValues": 501}, "maximumValues: 501: at most 500"),
        ({"by": ["service"], "service": "till"}, 'service: "till": none where `by` names service'),
        ({"by": ["namespace"], "namespace": "shop"}, 'namespace: "shop": none where `by` names namespace'),
    ],
)
def test_labels_that_cannot_be_are_refused_by_name(changes: dict[str, Any], refusal: str) -> None:
    assert refusals(**changes) == [refusal]


def test_a_label_that_the_stack_s_own_series_do_not_have_is_refused() -> None:
    (refusal,) = stack(
        "30d",
        SALES | {"total": "prometheus_notifications_sent_total", "errors": "prometheus_notifications_errors_total"},
    )
    assert refusal.startswith("slos[0]: ")
    assert "tenant" in refusal


# --- windows and retention ---


def test_a_window_beyond_the_retention_is_refused_by_name() -> None:
    assert stack("15d", SALES | {"window": "16d"}) == ['slos[0].window: "16d": at most prometheus.retention.time, 15d']
    assert stack("15d", SALES | {"window": "15d"}) == []
    assert stack("90d", SALES | {"window": "90d"}) == []


def test_samples_of_less_than_a_week_are_too_few_for_objectives() -> None:
    assert stack("6d", SALES) == ['prometheus.retention.time: "6d": at least 7d, the shortest window of slos']
    assert stack("6d") == []


@pytest.mark.parametrize(("retention", "window"), [("90d", "30d"), ("15d", "15d"), ("7d", "7d")])
def test_a_window_that_is_not_set_fits_the_retention(retention: str, window: str) -> None:
    settings = read(STACK | {"prometheus": {"retention": {"time": retention}}, "slos": [SALES]})
    assert {str(slo.window) for slo in settings.watched.slos} == {window}


# --- one page ---


def muted(burning: dict[str, str], other: dict[str, str]) -> bool:
    """Whether an alert with these labels mutes another one, as Alertmanager decides."""

    def fits(matchers: Any, labels: dict[str, str]) -> bool:
        return all(re.fullmatch(pattern, labels.get(label, "")) for label, pattern in matchers.items())

    return any(
        fits(each.source, burning)
        and fits(each.target, other)
        and all(burning.get(label, "") == other.get(label, "") for label in each.equal)
        for each in slo_inhibitions()
    )


def page(alert: BaseAlert, **labels: str) -> dict[str, str]:
    return {"severity": "critical", "cluster": "c-1", "environment": "test", **alert.labels, **labels}


PLANNER = {"namespace": "agents", "service": "trips", "agent": "planner"}
FAST = alerts(by=[], namespace="agents", service="trips")["ErrorBudgetBurnFast"]


def test_a_page_on_the_budget_of_a_service_mutes_the_page_on_its_agents() -> None:
    assert muted(page(FAST), page(RUNS_FAILING, **PLANNER))


@pytest.mark.parametrize(
    ("burning", "other"),
    [
        ({}, {**PLANNER, "service": "hotels"}),
        ({}, {**PLANNER, "namespace": "staging"}),
        ({"severity": "warning"}, PLANNER),
        ({"agent": "critic"}, PLANNER),
    ],
    ids=["another service", "another namespace", "only a warning", "the budget of another agent"],
)
def test_a_page_on_another_subject_mutes_nothing(burning: dict[str, str], other: dict[str, str]) -> None:
    assert not muted(page(FAST, **burning), page(RUNS_FAILING, **other))


def test_a_page_on_the_budget_of_an_agent_mutes_the_page_on_the_same_agent() -> None:
    assert muted(page(FAST, agent="planner"), page(RUNS_FAILING, **PLANNER))


def test_failures_do_not_mute_slowness() -> None:
    assert not muted(page(FAST), page(SLOW_RUNS, **PLANNER))


def test_an_objective_of_no_service_mutes_only_its_own_slower_burns() -> None:
    made = alerts(by=[])
    assert not muted(page(made["ErrorBudgetBurnFast"]), page(RUNS_FAILING))
    assert muted(page(made["ErrorBudgetBurnFast"]), page(made["ErrorBudgetBurnSteady"]))


def test_the_burn_of_one_value_does_not_mute_that_of_another() -> None:
    made = alerts()
    fast, slow = made["ErrorBudgetBurnFast"], made["ErrorBudgetBurnSlow"]
    assert muted(page(fast, value="acme, /pay"), page(slow, value="acme, /pay"))
    assert not muted(page(fast, value="acme, /pay"), page(slow, value="zorn, /pay"))
