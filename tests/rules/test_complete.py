"""Every rule has examples: each alert fires at each severity and stays quiet just below, each recording has a value."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from importlib import import_module

import pytest

from model.grafana_alert import GrafanaAlert
from model.rules import BaseAlert, Recording
from tests.catalogue import whole
from tests.rules import EXAMPLES
from tests.rules.near import FURTHER, counts_one

WATCHED = whole()
OF_GRAFANA = [alert for alert in WATCHED.alerts if isinstance(alert, GrafanaAlert)]
ALL = [each for examples in EXAMPLES.values() for each in examples]
RECORDED = {rule.name for group in WATCHED.groups for rule in group.rules if isinstance(rule, Recording)}
NEVER_QUIET = {"Watchdog"}


def test_every_system_has_examples() -> None:
    assert [f"tests/rules/{system}.py" for system, examples in EXAMPLES.items() if not examples] == []


@pytest.mark.parametrize("alert", WATCHED.alerts, ids=lambda alert: alert.name)
def test_every_alert_is_seen_to_fire_and_to_stay_quiet_at_each_severity(alert: BaseAlert) -> None:
    tried = [each for each in ALL if each.rule == alert.name]
    fires = {firing.severity for each in tried for firing in each.firing}
    quiet = {severity for each in tried for severity in each.quiet}
    where, severities = f"tests/rules/{alert.system}", set(alert.severities)
    assert severities - fires == set(), f"severities at which no example in {where} sees it fire"
    if alert.name not in NEVER_QUIET:
        assert severities - quiet == set(), f"severities that no example in {where} sees just below their line"


@pytest.mark.parametrize("alert", WATCHED.alerts, ids=lambda alert: alert.name)
def test_an_alert_is_its_team_s(alert: BaseAlert) -> None:
    """By the owner, routes find who is notified: examples take it from the alert, so it stands here once more."""
    examples = import_module(f"tests.rules.{alert.system}")
    assert alert.owner == getattr(examples, "OWNED_BY_OTHERS", {}).get(alert.name, examples.OWNER)


@pytest.mark.parametrize("alert", OF_GRAFANA, ids=lambda alert: alert.name)
def test_an_alert_of_grafana_s_has_values_near_each_threshold_on_both_sides(alert: GrafanaAlert) -> None:
    """Those of Prometheus's own alerts are measured by promtool, in tests/servers/test_rules.py."""
    values = [Decimal(str(value)) for each in ALL if each.rule == alert.name for value in (each.gives or {}).values()]
    for number in filter(None, alert.thresholds.values()):
        reach = max(number * (FURTHER - 1), counts_one(alert, number))
        near = [value for value in values if abs(value - number) <= reach]
        beyond = [value > number if alert.above else value < number for value in near]
        assert set(beyond) == {True, False}, f"{number}: examples near it on one side at most"


def test_every_recording_rule_has_a_value_that_is_tried() -> None:
    tried = {each.rule for each in ALL if each.gives is not None}
    assert RECORDED - tried == set(), "recording rules without an example that says what they give"


def test_every_example_is_about_a_rule_that_exists() -> None:
    assert {each.rule for each in ALL} - RECORDED - {alert.name for alert in WATCHED.alerts} == set()


def test_an_example_of_a_recording_rule_says_what_it_gives_and_of_an_alert_what_fires() -> None:
    alerts = {alert.name for group in WATCHED.groups for alert in group.rules} - RECORDED
    assert [each.sentence for each in ALL if (each.gives is None) != (each.rule in alerts)] == []


def test_no_example_stands_twice() -> None:
    told = Counter((each.rule, each.group, each.when) for each in ALL)
    assert [each for each, times in told.items() if times > 1] == []
