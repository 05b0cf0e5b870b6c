"""Alerts of agents on both sides of each threshold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from model.rules import Alert
from tests.rules.examples import Example, Firing, Labels, Series, example, shares

Levels = Mapping[float, Callable[..., Firing] | None]
"""What fires at each value."""


def on_ratios(
    alert: Alert, series: Callable[[float, float], Series], labels: Labels, says: str, percents: Levels
) -> Iterator[Example]:
    """An alert on a share of events; ``series`` are made from events and bad ones a minute."""
    yield from shares(alert, "{} fails", lambda percent: series(100, percent), says, percents, at="6m", **labels)
    # 18 in half an hour.
    yield example("a few fail, all there are", alert, series=series(0.6, 0.6), at="45m", near=False)


def on_latencies(
    alert: Alert, series: Callable[[float], Series], labels: Labels, says: str, seconds: Levels
) -> Iterator[Example]:
    """An alert on a 95th percentile; ``series`` have 95 % of a bucket's end as theirs."""
    for percentile, fires in seconds.items():
        shown = _duration(percentile)
        yield example(
            f"one in twenty takes longer than {shown}",
            alert,
            series=series(percentile / 0.95),
            at="19m",
            fires=[fires(says.format(shown), shown, **labels)] if fires else [],
        )


def _duration(seconds: float) -> str:
    """As Prometheus spells it, below an hour."""
    return f"{seconds:.4g}s" if seconds < 60 else f"{seconds // 60:.0f}m {int(seconds % 60)}s"
