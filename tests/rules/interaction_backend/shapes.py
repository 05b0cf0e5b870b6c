"""Series of interaction backends, for the examples of their rules."""

from __future__ import annotations

from collections.abc import Iterator

from model.rules import Alert
from rules.interaction_backend import recordings as recorded
from tests.rules.examples import (
    Example,
    Labels,
    Series,
    counters,
    day_then,
    example,
    histogram,
    metric,
    warning,
)

PROCESS: Labels = {"job": "backend", "service_name": "backend", "k8s_namespace_name": "interaction"}
POD = PROCESS | {"instance": "i-1"}
SUBJECT: Labels = {"namespace": "interaction", "service": "backend"}
GUARDRAIL, CACHE, TARGET = {"guardrail": "pii"}, {"cache": "answers"}, {"target": "planner"}
ACME: Labels = {"dimension": "tenant", "value": "acme"}
FIRST, LOOKUP, DELEGATION = (
    "ag_ui_time_to_first_event_seconds",
    "cache_lookup_duration_seconds",
    "a2a_delegation_duration_seconds",
)
MODEL = SUBJECT | {"agent": "backend", "provider": "openai", "model": "gpt-4o"}
DAY = 312
"""Samples of a day and two hours, one in five minutes."""
QUARTER, MINUTES = "1460m", "1450m"
"""A quarter of an hour, and five minutes, after the day."""


def counts(name: str, label: str, labels: Labels | None = None, **per_minute: float) -> Series:
    """A counter's growth by the values of a label."""
    return counters({metric(name, POD, labels or {}, {label: value}): n for value, n in per_minute.items()})


def streams(**per_minute: float) -> Series:
    return counts("ag_ui_streams_total", "outcome", {}, **per_minute)


def below(end: float, name: str, labels: Labels | None = None, events: int = 100) -> Series:
    """A histogram whose events lie evenly below a bucket's end."""
    every = POD | (labels or {})
    return histogram(name, every, {f"{end:.12g}": events, "+Inf": events}) | counters(
        {metric(f"{name}_count", every): events}
    )


def first_event(p99: float, completed: float = 1000) -> Series:
    return below(p99 / 0.99, FIRST) | streams(completed=completed)


def lookups(name: str, value: str, other: str, labels: Labels, before: float, after: float) -> Series:
    """A recorded rate of one event per second, of which a share has the value."""
    shares_of = {value: day_then(before, after), other: day_then(1 - before, 1 - after)}
    label = "result" if name == recorded.LOOKUPS else "decision"
    return {metric(name, SUBJECT, labels, {label: each}): values for each, values in shares_of.items()}


def rises(
    alert: Alert, series: Series, recording: str, labels: Labels, before: float, limit: float, says: str
) -> Iterator[Example]:
    """A recording that was so much the day before, and is a little more or less than ``limit`` times that now."""
    for times, fires in ((limit - 0.1, []), (limit + 0.1, [f"{limit + 0.1:g}"])):
        risen = {metric(recording, labels): day_then(before, before * times)}
        firing = [warning(says.format(value), value, **labels) for value in fires]
        yield example(
            f"it takes {times:g} times as long", alert, series=series | risen, at=QUARTER, step="5m", fires=firing
        )
