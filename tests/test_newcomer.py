"""A small system stays small."""

from __future__ import annotations

from tests.checkout import NEWCOMER


def test_a_small_system_takes_two_hundred_lines_of_rules_and_dashboard() -> None:
    files = [*NEWCOMER.glob("rules/**/*.py"), *NEWCOMER.glob("dashboards/*.py")]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= 200
