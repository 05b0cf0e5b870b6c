"""Time intervals of Alertmanager as times of a stack file: one for each range of hours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from components.settings.notifications import TimeInterval, Weekday
from tools.adopt.notes import Fields, filled, slug, unique
from tools.adopt.trial import refused

_DAYS: tuple[str, ...] = get_args(Weekday)
_SUNDAY_FIRST = (_DAYS[-1], *_DAYS[:-1])
"""As Alertmanager counts them in a range."""
_DATES = "times of a stack file repeat every week"


def times(given: Iterable[Fields], prefix: str, made: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Adds times to ``made``, by name; the result is the names of ours by the name of theirs."""
    named = {}
    for each in given:
        name = each.text("name")
        intervals = each.parts("timeIntervals")
        each.rest()
        named[name] = [
            ours
            for part in intervals
            for its in _of_interval(part)
            if (ours := _added(f"{prefix}-{name}", its, part, made))
        ]
    return named


def _added(name: str, its: dict[str, Any], part: Fields, made: dict[str, dict[str, Any]]) -> str:
    ours = unique(slug(name) or "time", made)
    if wrong := refused(TimeInterval, {"name": ours, **its}):
        part.lost(wrong)
        return ""
    made[ours] = {"name": ours, **its}
    return ours


def _of_interval(part: Fields) -> list[dict[str, Any]]:
    dated = [name for name in ("daysOfMonth", "months", "years") if part.take(name)]
    common = filled(timeZone=part.text("location"), weekdays=_weekdays(part.many("weekdays")))
    ranges = [_hours(each) for each in part.parts("times")]
    part.rest()
    if dated:
        part.lost(f"{', '.join(dated)}: {_DATES}")
        return []
    return [{**common, **each} for each in ranges or [{}]]


def _hours(given: Fields) -> dict[str, str]:
    start, end = given.text("startTime"), given.text("endTime")
    given.rest()
    # Midnight is the default of both.
    return filled(**{"from": "" if start == "00:00" else start, "to": "" if end == "24:00" else end})


def _weekdays(given: list[Any]) -> list[str]:
    """``monday:friday`` as its days."""
    named: set[str] = set()
    for each in given:
        first, _, last = str(each).lower().partition(":")
        if first in _DAYS and (last or first) in _DAYS:
            start, end = _SUNDAY_FIRST.index(first), _SUNDAY_FIRST.index(last or first)
            named |= set(_SUNDAY_FIRST[start : end + 1])
        else:
            named.add(first)  # which is refused, with the days that there are
    return sorted(named, key=lambda day: _DAYS.index(day) if day in _DAYS else -1)
