"""Objectives: what is accepted, and the rules that come of it."""

from __future__ import annotations

import re
import warnings
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from components.settings.slos import SloSettings
from model.quantities import Duration
from model.rules import Alert, Group, Recording, Severity
from model.settings import problems
from model.slo_rules import slo_groups

CHECKOUT = {
    "name": "checkout-api",
    "objective": 99.9,
    "total": "http_requests_total",
    "errors": 'http_requests_total{code=~"5.."}',
    "owner": "shop",
}
LATENCY = {
    "name": "answers-in-time",
    "objective": 95,
    "total": "http_request_duration_seconds_count",
    "good": 'http_request_duration_seconds_bucket{le="0.5"}',
    "owner": "shop",
}


def slo(**changes: Any) -> SloSettings:
    return SloSettings.model_validate(CHECKOUT | changes)


def groups(**changes: Any) -> tuple[Group, ...]:
    return slo_groups((slo(**changes).slo,))


def rules(**changes: Any) -> list[Alert | Recording]:
    return [rule for group in groups(**changes) for rule in group.rules]


def alerts(**changes: Any) -> dict[str, Alert]:
    return {rule.name: rule for rule in rules(**changes) if isinstance(rule, Alert)}


def expr(alert: Alert) -> str:
    """The whole expression of the most urgent of its rules."""
    return alert.expr(alert.severities[0])


def recordings(**changes: Any) -> dict[str, str]:
    return {rule.name: rule.expr for rule in rules(**changes) if isinstance(rule, Recording)}


def thresholds(**changes: Any) -> dict[str, str]:
    """By speed of burning: the error ratio, as it is written in the rule."""
    burning = {name.partition("ErrorBudgetBurn")[2]: expr(alert) for name, alert in alerts(**changes).items()}
    return {speed: expr.split(" > ")[1].split(" ")[0] for speed, expr in burning.items() if speed}


def refusals(settings: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        SloSettings.model_validate(settings)
    return problems(refused.value, SloSettings)


def test_five_alerts_watch_the_budget_and_one_the_data() -> None:
    # What waits after its window would warn when all is well again.
    made = {name: (alert.severities, str(alert.for_)) for name, alert in alerts().items()}
    assert made == {
        "CheckoutApiErrorBudgetBurnFast": ((Severity.CRITICAL,), "0s"),
        "CheckoutApiErrorBudgetBurnSteady": ((Severity.CRITICAL,), "0s"),
        "CheckoutApiErrorBudgetBurnSlow": ((Severity.WARNING,), "0s"),
        "CheckoutApiErrorBudgetBurnCreeping": ((Severity.WARNING,), "0s"),
        "CheckoutApiErrorBudgetSpent": ((Severity.WARNING, Severity.INFO), "0s"),
        "CheckoutApiSloNoData": ((Severity.WARNING,), "1h"),
    }


def test_a_page_needs_both_windows_more_than_one_failure_and_enough_events() -> None:
    assert expr(alerts(minimumEvents=250)["CheckoutApiErrorBudgetBurnFast"]) == (
        'slo:sli_error:ratio_rate1h{slo="checkout-api"} > 0.0144'
        ' and slo:sli_error:ratio_rate5m{slo="checkout-api"} > 0.0144'
        ' and slo:errors:sum1h{slo="checkout-api"} > 1.5'
        ' and slo:events:sum1h{slo="checkout-api"} >= 250'
        ' unless slo:errors:rate5m{slo="checkout-api"} < 0.9 * (slo:errors:rate5m{slo="checkout-api"} offset 1m)'
    )
    burning, _ = groups()
    assert str(burning.interval) == "1m", "or the events are counted wrong"


@pytest.mark.parametrize(
    ("objective", "window", "written"),
    [
        (99.9, "30d", {"Fast": "0.0144", "Steady": "0.006", "Slow": "0.003", "Creeping": "0.001"}),
        ("99.99", "30d", {"Fast": "0.00144", "Steady": "0.0006", "Slow": "0.0003", "Creeping": "0.0001"}),
        (99.999, "90d", {"Fast": "0.000432", "Steady": "0.00018", "Slow": "0.00009", "Creeping": "0.00003"}),
        (99.9, "31d", {"Fast": "0.01488", "Steady": "0.0062", "Slow": "0.0031", "Creeping": "0.00103333333333"}),
    ],
)
def test_thresholds_are_exact_and_follow_objective_and_window(
    objective: object, window: str, written: dict[str, str]
) -> None:
    assert thresholds(objective=objective, window=window) == written


def test_a_burn_that_outlasts_the_period_is_no_alert() -> None:
    # A tenth of a week's budget in three days would be a factor of 0.23.
    assert thresholds(window="7d") == {"Fast": "0.00336", "Steady": "0.0014", "Slow": "0.001", "Creeping": "0.001"}


def test_an_alert_that_even_an_outage_cannot_reach_is_left_out() -> None:
    assert thresholds(objective=90) == {"Steady": "0.6", "Slow": "0.3", "Creeping": "0.1"}, "14.4 x 10 % is over 100 %"


@pytest.mark.parametrize(
    ("objective", "has_one"), [(99.9, False), (99.7, True), (99, True), (95, True), (93.1, True), (93, False)]
)
def test_an_outage_has_an_alert_where_the_fast_burn_comes_late_and_failures_are_not_ordinary(
    objective: float, has_one: bool
) -> None:
    assert ("CheckoutApiErrorBudgetBurnOutage" in alerts(objective=objective)) == has_one


def test_an_outage_notifies_once() -> None:
    made = alerts(objective=99)
    told = 'ALERTS{slo="checkout-api", burn=~"%s", alertstate="firing"}'
    assert told % "fast" in expr(made["CheckoutApiErrorBudgetBurnOutage"])
    assert told % "outage" in expr(made["CheckoutApiErrorBudgetBurnFast"])
    assert told % "outage|fast" in expr(made["CheckoutApiErrorBudgetBurnSteady"])


@pytest.mark.parametrize(("written", "exact"), [(99.9, "99.9"), ("99.90", "99.9"), (95, "95"), (50, "50")])
def test_an_objective_is_what_was_written(written: object, exact: str) -> None:
    objective = slo(objective=written).objective
    assert str(objective) == exact
    assert slo(objective=written).slo.budget == 1 - objective.ratio


def test_objective_and_budget_are_recorded_without_float_dust() -> None:
    recorded = recordings()
    assert recorded["slo:objective:ratio"].endswith(" * 0.999")
    assert recorded["slo:error_budget:ratio"].endswith(" * 0.001")
    assert "[29d:5m] offset 1d" in recorded["slo:errors:sum_window"]


def test_what_is_summed_over_long_is_read_once_and_the_period_s_seldom() -> None:
    burning, budget = groups()
    sums = {rule.name: rule for rule in burning.rules if isinstance(rule, Recording) and ":sum" in rule.name}
    of_period = {rule.name: rule for rule in budget.rules if isinstance(rule, Recording) and ":sum" in rule.name}
    assert all(rule.expr.count("sum_over_time") == 1 for rule in sums.values())
    assert all(rule.expr.count("[29d:5m]") == 1 for rule in of_period.values())
    assert not [rule.name for rule in of_period.values() if "[30d]" in rule.expr], "each minute of it"
    assert set(of_period) == {"slo:events:sum_window", "slo:errors:sum_window"}
    assert not of_period.keys() & sums.keys()
    assert (burning.interval, budget.interval) == (Duration.parse("1m"), Duration.parse("4m"))


def test_an_objective_says_whose_it_is_as_people_know_it_from_sloth() -> None:
    (info,) = (rule for rule in rules(service="checkout") if rule.name == "slo:objective:info")
    said = {"slo": "checkout-api", "service": "checkout", "objective": "99.9", "window": "30d", "owner": "shop"}
    assert info.labels == said
    (unsaid,) = (rule for rule in rules() if rule.name == "slo:objective:info")
    assert unsaid.labels["service"] == "checkout-api"
    assert "namespace" not in unsaid.labels, "it is of each namespace"
    (one,) = (rule for rule in rules(namespace="shop") if rule.name == "slo:objective:info")
    assert one.labels["namespace"] == "shop"


def test_there_is_an_error_ratio_for_every_window_that_an_alert_reads() -> None:
    windows = {name.removeprefix("slo:sli_error:ratio_rate") for name in recordings() if "ratio_rate" in name}
    assert windows == {"5m", "30m", "1h", "2h", "6h", "1d", "3d"}


def test_no_errors_is_a_ratio_of_zero() -> None:
    assert recordings()["slo:errors:rate5m"] == (
        'sum by (cluster, environment) (rate(http_requests_total{code=~"5.."}[5m]))'
        ' or on (cluster, environment) slo:events:rate5m{slo="checkout-api"} * 0'
    )


def test_no_traffic_is_no_ratio() -> None:
    ratios = [expr for name, expr in recordings().items() if "ratio_rate" in name]
    assert all(expr.endswith(" > 0)") for expr in ratios), "0 / 0 would be NaN"


def test_no_good_events_are_all_bad() -> None:
    made, _ = slo_groups((SloSettings.model_validate(LATENCY).slo,))
    recorded = {rule.name: rule.expr for rule in made.rules if isinstance(rule, Recording)}
    assert recorded["slo:errors:rate5m"] == (
        'slo:events:rate5m{slo="answers-in-time"} - on (cluster, environment)'
        ' sum by (cluster, environment) (rate(http_request_duration_seconds_bucket{le="0.5"}[5m]))'
        ' or on (cluster, environment) slo:events:rate5m{slo="answers-in-time"}'
    )


def test_the_service_s_own_series_are_read_over_five_minutes_only() -> None:
    for name, expr in recordings().items():
        ranges = set(re.findall(r"http_requests_total(?:{[^}]*})?(.{4})", expr))
        assert ranges <= {"[5m]"}, f"{name} would load days of every series"


def test_missing_data_is_reported() -> None:
    assert expr(alerts()["CheckoutApiSloNoData"]) == 'absent(slo:events:rate5m{slo="checkout-api"})'


def test_every_rule_names_its_objective_and_every_alert_its_owner() -> None:
    for rule in rules():
        for plain in rule.plain():
            assert plain["labels"]["slo"] == "checkout-api"
            assert isinstance(rule, Recording) or plain["labels"]["owner"] == "shop"


def test_different_objectives_never_share_the_name_of_an_alert_or_group() -> None:
    names = ["".join(letters).strip("-") for letters in product("ab-1", repeat=4)]
    accepted = []
    for name in dict.fromkeys(names):
        try:
            accepted.append(slo(name=name).slo)
        except ValidationError:
            continue
    every = slo_groups(tuple(accepted))
    titles = [rule.name for made in every for rule in made.rules if isinstance(rule, Alert)]
    assert len(accepted) > 50
    assert len(titles) == len(set(titles))
    assert len(every) == len({made.name for made in every})


A_COUNTER = 'the selector of one counter, without functions, range or offset, like http_requests_total{code=~"5.."}'


@pytest.mark.parametrize(
    "total",
    [
        "rate(http_requests_total[5m])",
        "http_requests_total[5m]",
        "http_requests_total offset 5m",
        "http_requests_total # of the shop",
        'http_requests_total{code="200" or code="404"}',
        '{__name__=~"http_.*"}',
        "sum(http_requests_total",
        "1",
        "",
    ],
)
def test_only_the_selector_of_a_counter_is_taken(total: str) -> None:
    (refusal,) = refusals(CHECKOUT | {"total": total})
    assert refusal.startswith("total: ")
    assert refusal.endswith(f": {A_COUNTER}")


def test_a_histogram_without_its_bucket_is_refused() -> None:
    assert refusals(LATENCY | {"good": "answers_bucket"}) == [
        'good: "answers_bucket": one bucket of the histogram, like answers_bucket{le="0.5"}: each event is in many'
    ]


@pytest.mark.parametrize("changes", [{"errors": None}, {"good": "http_requests_total"}])
def test_an_objective_counts_bad_events_or_good_ones(changes: dict[str, Any]) -> None:
    (refusal,) = refusals(CHECKOUT | changes)
    assert refusal.endswith("errors or good: exactly one of them, as a counter selector")


@pytest.mark.parametrize(
    ("field", "value", "refusal"),
    [
        ("objective", 100, "objective: 100: a percentage between 50 and 99.999, like 99.9"),
        ("objective", 0.999, "objective: 0.999: a percentage between 50 and 99.999, like 99.9"),
        ("objective", 99.9999, "objective: 99.9999: a percentage between 50 and 99.999, like 99.9"),
        ("objective", True, "objective: true: a percentage between 50 and 99.999, like 99.9"),
        ("objective", float("nan"), "objective: NaN: a percentage between 50 and 99.999, like 99.9"),
        ("window", "1d", 'window: "1d": a duration between 7d and 90d'),
        ("window", "1y", 'window: "1y": a duration between 7d and 90d'),
        ("minimumEvents", 0, "minimumEvents: 0: at least 1"),
        ("owner", "", 'owner: "": a team of at most 63 letters, digits, dashes, underscores and dots'),
    ],
)
def test_a_value_out_of_bounds_is_explained(field: str, value: object, refusal: str) -> None:
    assert refusals(CHECKOUT | {field: value}) == [refusal]


@pytest.mark.parametrize("name", ["Checkout", "3d-prints", "pay-2", "pay--api", "pay-", "a" * 64, "pay\n"])
def test_a_name_that_gives_no_alert_name_of_its_own_is_refused(name: str) -> None:
    (refusal,) = refusals(CHECKOUT | {"name": name})
    assert refusal.endswith(
        "a name of at most 63 lower-case letters, digits and dashes, with a letter first and after each dash"
    )


def test_the_schema_is_generated_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = SloSettings.model_json_schema()
    assert schema["required"] == ["name", "objective", "owner"]
    assert all("description" in field for field in schema["properties"].values())
