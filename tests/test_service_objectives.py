"""The short form of a service's objectives."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from model.quantities import Duration
from model.rules import Alert
from model.service_objectives import Requests, ServiceObjectives, service_slos
from model.slo import Slo, Symptom
from model.slo_rules import slo_groups

CHECKOUT = {"availability": 99.9, "latency": {"quantile": 95, "atMost": "500ms"}, "by": ["route"]}


def _in_time(at_most: Duration) -> str:
    return f'service:buckets:rate5m{{service="checkout", le="{at_most.seconds:g}"}}'


REQUESTS = Requests(
    all='service:requests:rate5m{service="checkout"}',
    failed='service:requests:rate5m{service="checkout", status_class="5xx"}',
    timed='service:durations:rate5m{service="checkout"}',
    in_time=_in_time,
)


def slos(**changes: Any) -> tuple[Slo, ...]:
    objectives = ServiceObjectives.model_validate(CHECKOUT | changes)
    return tuple(service_slos("checkout", objectives, REQUESTS, owner="shop", namespace="shop"))


def test_a_service_has_an_objective_for_its_errors_and_one_for_its_latency() -> None:
    availability, latency = slos()
    assert (availability.name, str(availability.objective)) == ("checkout-availability", "0.999")
    assert (latency.name, str(latency.objective)) == ("checkout-latency", "0.95")
    assert (availability.symptom, latency.symptom) == (Symptom.ERRORS, Symptom.LATENCY)
    assert {(slo.namespace, slo.service, slo.owner, str(slo.window)) for slo in (availability, latency)} == {
        ("shop", "checkout", "shop", "30d")
    }


def test_its_events_are_what_is_recorded_by_route() -> None:
    availability, latency = slos()
    summed = "sum by (cluster, environment, route)"
    assert availability.events == f'{summed} (service:requests:rate5m{{service="checkout"}})'
    assert availability.errors == f'{summed} (service:requests:rate5m{{service="checkout", status_class="5xx"}})'
    assert latency.events == f'{summed} (service:durations:rate5m{{service="checkout"}})'
    assert latency.good == f'{summed} (service:buckets:rate5m{{service="checkout", le="0.5"}})'


def test_as_many_routes_have_budgets_as_a_service_has() -> None:
    assert {slo.values for slo in slos()} == {100}
    assert {slo.values for slo in slos(maximumValues=5)} == {5}


@pytest.mark.parametrize(
    ("left", "names"), [("availability", ["checkout-latency"]), ("latency", ["checkout-availability"])]
)
def test_an_objective_that_is_not_set_is_none(left: str, names: list[str]) -> None:
    assert [slo.name for slo in slos(**{left: None})] == names


def test_a_label_of_each_series_is_none_of_the_alerts_own() -> None:
    made, _ = slos(by=["namespace", "service"])
    assert (made.namespace, made.service) == ("", "")
    (fast,) = (
        rule
        for group in slo_groups((made,))
        for rule in group.rules
        if isinstance(rule, Alert) and rule.labels.get("burn") == "fast"
    )
    assert fast.labels == {"slo": "checkout-availability", "burn": "fast", "symptom": "errors"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"availability": 100},
        {"latency": {"quantile": 0.95, "atMost": "1s"}},
        {"latency": {"quantile": 95}},
        {"window": "1h"},
        {"window": "91d"},
        {"by": ["le"]},
        {"avialability": 99},
    ],
)
def test_wrong_objectives_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        slos(**wrong)
