"""Services on a day that is like no other, by promtool."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from model.rules import Group
from rules.render import rule_group
from rules.services import past
from tests.rules.promtool import PLACE, run, with_everywhere, write
from tests.rules.services.past import TOTAL, after, history
from tests.rules.services.subjects import FOUND

WEEK_LATER = date(1970, 1, 8)
"""The day on which the tests' first week is over."""


@pytest.mark.parametrize(
    ("holidays", "quiet"),
    [
        ((), False),
        ((WEEK_LATER,), True),
        ((date(1970, 1, 1),), True),
        ((date(1970, 1, 7),), False),
    ],
    ids=["no holiday", "a holiday", "a week after a holiday", "the day after a holiday"],
)
def test_a_holiday_is_compared_with_nothing_and_nothing_with_it(
    holidays: tuple[date, ...], quiet: bool, tmp_path: Path
) -> None:
    group = Group("past", tuple(past.recordings(holidays)))
    labels = with_everywhere(past.COMPARABLE + '{namespace="shop", service="web"}')
    expected = [] if quiet else [{"labels": labels, "value": 3}]
    test = {
        "name": "compared",
        "interval": "1h",
        "input_series": [
            {"series": with_everywhere(series), "values": values}
            for series, values in history(TOTAL, FOUND, 5, last=5).items()
        ],
        "promql_expr_test": [{"eval_time": after(1), "expr": past.COMPARABLE, "exp_samples": expected}],
    }
    write(tmp_path, "past", [rule_group(group, PLACE)], [test])
    assert run(tmp_path) == {"compared": ""}
