"""The system `services`: its settings, whom it pages about what, and which of its alerts notify."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from components.settings.stack import Refused, read
from model.quantities import Duration
from model.rules import Alert, Inhibition, Recording, Severity
from model.slo import Slo
from rules.services.settings import slug
from tests.catalogue import EVERYTHING
from tests.conftest import Stacks

Labels = Mapping[str, str]
HERE: Labels = {"cluster": "c-1", "environment": "test"}
CHECKOUT: Labels = {**HERE, "namespace": "shop", "service": "checkout", "system": "services"}
WORKLOAD: Labels = {"workload": "checkout", "workload_type": "Deployment"}


def services(**settings: Any) -> dict[str, Any]:
    return {**EVERYTHING, "systems": {**EVERYTHING["systems"], "services": settings}}


def alerts(**settings: Any) -> dict[str, Alert]:
    watched = read(services(**settings)).watched
    return {alert.name: alert for alert in watched.alerts if isinstance(alert, Alert)}


def told(*firing: Labels, **settings: Any) -> list[tuple[str, str]]:
    """Name and severity of those that notify, as Alertmanager decides it."""
    rules = read(services(**settings)).watched.inhibitions
    return [
        (alert["alertname"], alert["severity"])
        for alert in firing
        if not any(mutes(rule, other, alert) for rule in rules for other in firing if other is not alert)
    ]


def mutes(rule: Inhibition, source: Labels, target: Labels) -> bool:
    both = ((rule.source, source), (rule.target, target))
    matched = all(re.fullmatch(regex, alert.get(name, "")) for side, alert in both for name, regex in side.items())
    return matched and all(source.get(label, "") == target.get(label, "") for label in rule.equal)


@cache
def usual() -> Mapping[str, Alert]:
    return alerts()


def firing(name: str, severity: str = "warning", **labels: str) -> Labels:
    return {**CHECKOUT, **usual()[name].labels, "alertname": name, "severity": severity, **labels}


def burning(speed: str, severity: str, **labels: str) -> Labels:
    """An objective of the service, whose availability burns its budget."""
    own = {"system": "slos", "burn": speed, "symptom": "errors", "alertname": f"CheckoutErrorBudgetBurn{speed}"}
    return {**CHECKOUT, **own, "severity": severity, **labels}


def in_kubernetes(name: str, severity: str) -> Labels:
    return {**HERE, **WORKLOAD, "namespace": "shop", "system": "kubernetes", "alertname": name, "severity": severity}


# --- one outage, one page ---

DOWN = (firing("ServiceDown", "critical", **WORKLOAD), firing("ServiceDown", **WORKLOAD))
EFFECTS = (
    firing("HighErrorRate", "critical"),
    firing("EdgeErrorsHigh", "critical", controller="ingress-nginx"),
    firing("SlowestResponses", "critical"),
    firing("SlowResponseTime"),
    firing("TrafficDropped"),
    firing("DependencyFailing", dependency="bank.example"),
)


def test_a_service_that_is_down_is_one_page() -> None:
    late = in_kubernetes("KubernetesReplicasMissing", "critical")
    assert told(*DOWN, *EFFECTS, late, in_kubernetes("KubernetesReplicasMissing", "warning")) == [
        ("ServiceDown", "critical")
    ]


def test_a_service_that_is_down_mutes_no_other() -> None:
    other = {**firing("HighErrorRate", "critical"), "service": "cart"}
    assert told(*DOWN, other) == [("ServiceDown", "critical"), ("HighErrorRate", "critical")]


def test_a_service_that_nobody_lists_and_that_is_down_is_a_page_of_its_workload_alone() -> None:
    assert told(DOWN[1], in_kubernetes("KubernetesReplicasMissing", "critical")) == [
        ("KubernetesReplicasMissing", "critical")
    ]


def test_failing_requests_mute_slow_ones() -> None:
    assert told(*EFFECTS[2:5], firing("HighErrorRate", "critical")) == [("HighErrorRate", "critical")]


def test_an_objective_of_the_service_that_burns_pages_before_its_symptoms() -> None:
    burn = burning("fast", "critical")
    assert told(burn, *EFFECTS[:4]) == [(burn["alertname"], "critical")]
    slow = burning("creeping", "warning")
    assert ("HighErrorRate", "critical") in told(slow, *EFFECTS[:1]), "a slow burn hides no outage"


def test_a_burn_of_one_symptom_mutes_no_other_symptom() -> None:
    burn = burning("fast", "critical")
    assert told(burn, firing("SlowestResponses", "critical"))[1:] == [("SlowestResponses", "critical")]


def test_a_service_that_is_down_mutes_the_burn_of_its_objectives() -> None:
    assert told(*DOWN, burning("fast", "critical")) == [("ServiceDown", "critical")]


def test_a_platform_pages_before_its_services() -> None:
    own = {"system": "agents", "symptom": "errors", "agent": "planner"}
    platform = {**CHECKOUT, **own, "alertname": "AgentRunsFailing", "severity": "critical"}
    assert told(platform, *EFFECTS[:4]) == [("AgentRunsFailing", "critical")]
    assert told(burning("fast", "critical"), platform, *EFFECTS[:4])[1:] == []
    warns = {**platform, "severity": "warning"}
    assert ("HighErrorRate", "critical") in told(warns, EFFECTS[0]), "a warning hides no page"


def test_an_objective_of_the_whole_cluster_mutes_no_service() -> None:
    burn = {**HERE, "alertname": "ShopErrorBudgetBurnFast", "severity": "critical", "burn": "fast", "system": "slos"}
    assert ("HighErrorRate", "critical") in told(burn, *EFFECTS[:1])


@pytest.mark.parametrize(
    ("dependency", "source"),
    [
        ("postgres/orders", {**HERE, "system": "postgres", "alertname": "PostgreSQLDown", "instance": "orders"}),
        ("payments", {**CHECKOUT, "service": "payments", "alertname": "ServiceDown"}),
        ("shop/payments", {**CHECKOUT, "service": "payments", "alertname": "ServiceDown"}),
    ],
)
def test_what_a_service_depends_on_mutes_its_effects_while_it_is_down(dependency: str, source: dict[str, str]) -> None:
    listed = {"checkout": {"dependsOn": [dependency]}}
    cause = {**source, "severity": "critical"}
    effects = (firing("ServiceNotReady", "critical"), *EFFECTS)
    assert told(cause, *effects, listed=listed) == [(source["alertname"], "critical")]
    elsewhere = {**cause, "service": "other", "instance": "other"}
    assert len(told(elsewhere, *effects, listed=listed)) > 1, "another instance"


# --- who pages ---


def test_whatever_may_page_says_on_which_condition() -> None:
    paging = [
        alert for alert in alerts().values() if alert.system == "services" and Severity.CRITICAL in alert.severities
    ]
    assert paging
    assert [alert.name for alert in paging if "service:pages:info" not in alert.only.get(Severity.CRITICAL, "")] == []


def test_a_threshold_of_a_service_replaces_that_of_others_and_stands_in_its_alert() -> None:
    alert = alerts(listed={"shop/cart": {"errorsAbove": 2.5}})["HighErrorRate"]
    ratio, cart = "service:requests:error_ratio5m", '{namespace="shop", service="cart"}'
    assert alert.expr(Severity.WARNING).startswith(
        f"(({ratio} unless {ratio}{cart}) > 0.05 or {ratio}{cart} > 0.025) and"
    )
    (critical, _) = alert.plain()
    assert critical["annotations"]["threshold"] == (
        '{{ if and (eq $labels.namespace "shop") (eq $labels.service "cart") }}above 2.5 %{{ else }}above 5 %{{ end }}'
    )


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"sources": [{"labels": {"route": "path"}}]}, "requests, duration, or both"),
        ({"sources": [{"requests": 'a{b="c"}'}]}, "the name of one metric, without labels"),
        ({"listed": {"shop/cart/x": {}}}, "a service like checkout"),
        ({"listed": {"cart": {}, "shop/cart": {}}}, "either shop/cart or cart"),
        ({"listed": {"cart": {"errorsAbove": 0}}}, "errorsAbove"),
        ({"listed": {"cart": {"p95Above": "0s"}}}, "a duration longer than 0s"),
        ({"listed": {"cart": {"streams": ['/"']}}}, "a route as the metrics have it"),
        ({"holidays": ["Christmas"]}, "holidays"),
    ],
)
def test_settings_are_refused_with_what_is_allowed(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused, match=re.escape(problem)):
        read(services(**settings))


# --- without others ---


@pytest.mark.parametrize("off", ["kubernetes", "monitoring"])
def test_it_reads_what_other_systems_bring_only_while_they_are_on(off: str) -> None:
    stack = services()
    stack["systems"][off] = None
    read(stack).watched  # noqa: B018  which checks every rule against the series that there are


def test_what_is_down_is_looked_for_as_often_as_the_stack_evaluates(stack: Stacks) -> None:
    groups = {group.name: group for group in stack("dev", systems={"services": {}}).settings.watched.groups}
    assert groups["services-availability"].interval is None
    assert groups["services-past"].interval == Duration.parse("4m")


def test_what_may_page_is_evaluated_with_what_it_judges(stack: Stacks) -> None:
    groups = stack("dev", systems={"services": {}}).settings.watched.groups
    ours = [group for group in groups if group.system == "services"]
    recorded = {group.name: {rule.name for rule in group.rules if isinstance(rule, Recording)} for group in ours}
    at_present = set().union(*recorded.values()) - recorded["services-past"]
    for group in ours:
        for alert in (rule for rule in group.rules if isinstance(rule, Alert) and Severity.CRITICAL in rule.severities):
            judged = {name for name in at_present if re.search(rf"{name}\b", alert.value)}
            assert judged <= recorded[group.name], f"{alert.name} waits for another group"


# --- objectives ---


def slos(**listed: Any) -> dict[str, Slo]:
    return {slo.name: slo for slo in read(services(listed=listed)).watched.slos if slo.service in ("checkout", "cart")}


def test_a_listed_service_has_the_objectives_that_it_sets() -> None:
    found = slos(checkout={"availability": 99.9}, **{"shop/cart": {"latency": {"quantile": 95, "atMost": "500ms"}}})
    assert {name: (slo.namespace, slo.by) for name, slo in found.items()} == {
        "checkout-availability": ("", ("namespace",)),
        "shop-cart-latency": ("shop", ()),
    }
    assert slos(checkout={"errorsAbove": 2}) == {}


def test_an_objective_by_route_reads_the_routes_without_those_that_stream() -> None:
    latency = {"quantile": 95, "atMost": "500ms"}
    streams = ["/events.v1", "/runs/{id}"]
    found = slos(**{"shop/cart": {"latency": latency, "by": ["route"], "streams": streams}})["shop-cart-latency"]
    assert 'route!~"/events\\\\.v1|/runs/\\\\{id\\\\}"' in found.events
    assert found.by == ("route",)


def test_a_burn_by_route_mutes_the_alerts_of_its_service() -> None:
    watched = read(services(listed={"checkout": {"availability": 99.9, "by": ["route"]}})).watched
    (fast,) = (alert for alert in watched.alerts if alert.name == "CheckoutAvailabilityErrorBudgetBurnFast")
    burn = {**HERE, **fast.labels, "namespace": "shop", "route": "/pay", "alertname": fast.name, "severity": "critical"}
    assert told(burn, *EFFECTS[:2]) == [(fast.name, "critical")]


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ({"a.b": {"availability": 99}, "a-b": {"availability": 99}}, 'listed: "a-b": a name that is not a-b again'),
        ({"3d": {"availability": 99}}, "a name with a letter first"),
        ({"cart": {"availability": 99, "by": ["tenant"]}}, "route or namespace"),
        ({"shop/cart": {"availability": 99, "by": ["namespace"]}}, "the name has its namespace"),
        ({"cart": {"availability": 100}}, "a percentage between 50 and 99.999"),
    ],
)
def test_an_objective_that_cannot_be_is_refused_with_what_can(listed: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused, match=re.escape(problem)):
        read(services(listed=listed))


def test_an_objective_holds_no_longer_than_the_retention() -> None:
    prometheus = {**EVERYTHING["prometheus"], "retention": {"time": "30d", "size": "10GiB"}}
    stack = {**services(listed={"cart": {"availability": 99, "window": "60d"}}), "prometheus": prometheus}
    problem = 'systems.services.listed.cart.window: "60d": at most prometheus.retention.time, 30d'
    with pytest.raises(Refused, match=re.escape(problem)):
        read(stack)


def test_names_of_services_make_names_of_objectives() -> None:
    assert [slug(name) for name in ("Check_out.v2", "shop/cart-2", "api-2-go")] == [
        "check-out-v2",
        "shop-cart2",
        "api2-go",
    ]
