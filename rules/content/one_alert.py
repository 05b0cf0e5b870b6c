"""One alert of several rules: people write a rule per severity, the catalogue has a threshold per severity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from model.content import ContentAlert, ContentLogAlert, ContentRecording

_Rule = TypeVar("_Rule", ContentAlert | ContentRecording, ContentLogAlert)


def united(rules: Iterable[_Rule]) -> list[_Rule]:
    """The rules in order, with one alert for those that differ in severity and threshold only."""
    merged: list[_Rule] = []
    for rule in rules:
        for position, before in enumerate(merged):
            if both := _both(before, rule):
                merged[position] = both
                break
        else:
            merged.append(rule)
    return merged


def _both(one: _Rule, other: _Rule) -> _Rule | None:
    if isinstance(one, ContentRecording) or isinstance(other, ContentRecording) or one.name != other.name:
        return None
    if not one.thresholds or not other.thresholds or one.thresholds.keys() & other.thresholds.keys():
        return None
    try:
        both = replace(one, above={**one.above, **other.above}, below={**one.below, **other.below})
    except ValueError:  # the less urgent is further, or one is above and the other below
        return None
    return both if replace(other, where=one.where, above=both.above, below=both.below) == both else None
