"""Every rule that Prometheus evaluates, tried by promtool: it does what its examples say, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from model.quantities import Duration
from model.rules import Alert
from tests.rules import EXAMPLES
from tests.rules.examples import Example
from tests.rules.near import places
from tests.rules.promtool import WATCHED, Verdict, verdicts

Verdicts = Callable[[str], Mapping[str, Verdict]]
ALERTS = [alert for alert in WATCHED.alerts if isinstance(alert, Alert)]
TRIED = [(system, each) for system, examples in EXAMPLES.items() for each in examples if not each.grafana]


@pytest.fixture(scope="module")
def verdicts_on(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """What promtool says of a system's examples, which are all in one run of it."""

    @cache
    def once(system: str) -> Mapping[str, Verdict]:
        examples = [each for each in EXAMPLES[system] if not each.grafana]
        return verdicts(examples, tmp_path_factory.mktemp(system))

    return once


@pytest.mark.parametrize(
    ("system", "example"), [pytest.param(system, each, id=each.sentence) for system, each in TRIED]
)
def test_a_rule_does_what_its_example_says(system: str, example: Example, verdicts_on: Verdicts) -> None:
    assert verdicts_on(system)[example.sentence].against == ""


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_has_examples_on_both_sides_of_each_threshold_and_at_the_end_of_its_for(
    alert: Alert, verdicts_on: Verdicts
) -> None:
    tried = [each.sentence for each in EXAMPLES[alert.system] if each.rule == alert.name]
    near = {place for sentence in tried for place in verdicts_on(alert.system)[sentence].near}
    assert {place for place, _ in places(alert)} - near == set(), f"no example in tests/rules/{alert.system} is"


def test_the_report_of_a_wrong_example_has_its_sentence(tmp_path: Path) -> None:
    right = next(each for each in EXAMPLES["nodes"] if each.firing)
    late = replace(right, when="nothing has happened yet", at=Duration(0))

    told = verdicts([right, late], tmp_path)

    assert told[right.sentence].against == ""
    assert right.firing[0].description in told[late.sentence].against
