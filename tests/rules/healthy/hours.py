"""How traffic goes through a weekend, and series that follow it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import accumulate

from tests.rules.examples import Labels, Series, metric, steady

HOUR, DAY = 60, 24 * 60
LAST = 27 * HOUR
"""Minutes from nine on the first day to noon on the second."""
BUSY, BUSIER = 600, 800
"""Requests a minute on the first day and on the second."""


def requests(minute: int) -> int:
    """From six to midnight; at night somebody comes every ten minutes."""
    if 15 * HOUR <= minute < 21 * HOUR:
        return int(minute % 10 == 0)
    return BUSY if minute < DAY else BUSIER


def awake(minute: int) -> bool:
    return requests(minute) > 1


@cache
def counter(share: float, of: float = 1) -> str:
    """A counter of a share of what ``of`` all requests do; more than 1 is several times each.

    Events are whole: one that fails at night is all that the last five minutes had.
    """
    done = (int(total + 1e-6) for total in accumulate(requests(minute) * of for minute in range(LAST)))
    return " ".join(str(int(total * share + 0.5)) for total in done)


def gauge(by_day: float, by_night: float) -> str:
    return " ".join(f"{by_day if awake(minute) else by_night:g}" for minute in range(LAST))


def counters(name: str, labels: Labels, shares: Mapping[str, float], label: str) -> Series:
    """By value of one label, the share of the requests."""
    return {metric(name, labels, {label: value}): counter(share) for value, share in shares.items()}


def gauges(values: Mapping[str, float]) -> Series:
    return {selector: steady(value, LAST) for selector, value in values.items()}


def histogram(name: str, labels: Labels, shares: Mapping[str, float], mean: float = 0) -> Series:
    """By the upper end of a bucket, the share of the requests up to there; ``mean`` is that of the observed values."""
    count = max(shares.values())
    return {
        **{metric(f"{name}_bucket", labels, le=end): counter(share / count, count) for end, share in shares.items()},
        metric(f"{name}_count", labels): counter(1, count),
        metric(f"{name}_sum", labels): counter(mean, count),
    }


def up(*targets: Labels) -> Series:
    return gauges({metric("up", target): 1 for target in targets})


def together(parts: Iterable[Callable[[], Series]]) -> Series:
    return {selector: values for part in parts for selector, values in part().items()}
