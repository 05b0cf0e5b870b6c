"""Who is notified of which alert, in the repository's stacks and in trees of all kinds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from components.routing import TEST_PAGE, Matcher, Node, reached, receivers_for, tree, walk
from components.settings.notification_checks import alert_labels
from components.settings.notifications import NotificationSettings
from tests.conftest import Recorded

EXPECTED = {
    "critical": ("on-call", "team-chat"),
    "warning": ("team-chat",),
    "info": ("team-mail",),
}


def test_in_production_every_alert_reaches_those_whom_it_should(prod: Recorded) -> None:
    root = tree(prod.settings.notifications)
    known = alert_labels(prod.settings.watched, prod.settings.cluster)
    assert {labels["severity"] for labels in known} == set(EXPECTED)
    for labels in known:
        expected = ("heartbeat",) if labels["alertname"] == "Watchdog" else EXPECTED[labels["severity"]]
        for alert in (labels, {**labels, "namespace": "shop"}):
            assert receivers_for(root, alert) == expected, labels["alertname"]


def test_a_test_page_reaches_the_one_that_it_names(prod: Recorded) -> None:
    root = tree(prod.settings.notifications)
    for receiver in prod.settings.notifications.receivers:
        assert receivers_for(root, {TEST_PAGE: receiver.name, "severity": "critical"}) == (receiver.name,)


def test_without_a_dead_man_the_alert_that_always_fires_notifies_nobody() -> None:
    hook = {"name": "a", "webhook": {"urlSecret": {"name": "urls", "key": "a"}}}
    root = tree(NotificationSettings.model_validate({"receivers": [hook], "routes": [{"receiver": "a"}]}))
    assert receivers_for(root, {"alertname": "Watchdog", "severity": "info"}) == ()
    assert receivers_for(root, {"alertname": "Other", "severity": "info"}) == ("a",)


@pytest.mark.parametrize(
    ("values", "text", "let_in"),
    [
        (("shop",), "shop", True),
        (("shop",), "shop-1", False),
        (("shop", "cart"), "cart", True),
        (("shop-*",), "shop-1", True),
        (("shop-*",), "my-shop-1", False),
        (("cart.v2",), "cartxv2", False),
        (("*",), "", True),
        (("shop",), "", False),
    ],
)
def test_a_value_matches_the_whole_label(values: tuple[str, ...], text: str, let_in: bool) -> None:
    assert Matcher("namespace", values).matches({"namespace": text}) is let_in
    expression = Matcher("namespace", values).expression
    assert (re.fullmatch(expression, text) is not None if expression else text == values[0]) is let_in, "as rendered"


def node(children: list[Node], severity: tuple[str, ...], receiver: str, continues: bool) -> Node:
    matchers: Any = (Matcher("severity", severity),) if severity else ()
    return Node(receiver=receiver, matchers=matchers, continues=continues, nodes=tuple(children))


RECEIVERS = some.sampled_from("abcd")
SEVERITIES = some.lists(some.sampled_from(["critical", "warning", "info"]), unique=True).map(tuple)
TREES = some.recursive(
    some.builds(node, some.just([]), SEVERITIES, RECEIVERS, some.booleans()),
    lambda children: some.builds(node, some.lists(children, max_size=3), SEVERITIES, RECEIVERS, some.booleans()),
    max_leaves=12,
)


BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a busy machine, a single example may take seconds."""


@BUSY
@given(TREES, some.sampled_from(["critical", "warning", "info", ""]))
def test_the_deepest_routes_that_match_notify(root: Node, severity: str) -> None:
    labels = {"severity": severity} if severity else {}
    taken = reached(root, labels)
    assert bool(taken) == all(matcher.matches(labels) for matcher in root.matchers), "what is let in goes nowhere else"
    for each in taken:
        assert all(matcher.matches(labels) for matcher in each.matchers)
        assert not any(reached(child, labels) for child in each.nodes), "a child would have taken it"


@BUSY
@given(TREES, some.sampled_from(["critical", "warning", "info"]))
def test_routes_behind_one_that_matched_and_stops_do_not_notify(root: Node, severity: str) -> None:
    labels = {"severity": severity}
    for each in walk(root):
        first = next((n for n, child in enumerate(each.nodes) if reached(child, labels) and not child.continues), None)
        if first is not None:
            before = Node(receiver=each.receiver, matchers=each.matchers, nodes=each.nodes[: first + 1])
            assert receivers_for(each, labels) == receivers_for(before, labels)
