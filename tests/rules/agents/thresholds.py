"""Alerts at each of their thresholds: just above it, and just below."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from model.rules import Alert
from tests.rules.agents.subjects import LONG
from tests.rules.examples import Example, Firing, Labels, Series, example


def on_ratios(
    alert: Alert, series: Callable[[float, float], Series], labels: Labels, says: Callable[[str], str]
) -> Iterator[Example]:
    """An alert on a share of events; ``series`` are made from events and bad ones a minute."""

    def tried(when: str, percent: int, near: bool) -> Example:
        shown = f"{percent}%"
        fires = _fires(alert, percent / 100, says(shown), shown, labels)
        return example(when, alert, series=series(100, percent), at=LONG, fires=fires, near=near)

    for severity, line in alert.thresholds.items():
        percent = int(line * 100)
        yield tried(f"more than {percent} % fails", percent + 1, near=severity is alert.severities[0])
        yield tried(f"hardly {percent} % fails", percent - 1, near=True)
    # 18 in half an hour.
    yield example("a few fail, all there are", alert, series=series(0.6, 0.6), at=LONG, near=False)


def on_latencies(
    alert: Alert, series: Callable[[float], Series], labels: Labels, says: Callable[[str], str]
) -> Iterator[Example]:
    """An alert on a 95th percentile; ``series`` have 95 % of a bucket's end as theirs."""

    def tried(end: float, near: bool) -> Example:
        shown = _duration(0.95 * end)
        fires = _fires(alert, 0.95 * end, says(shown), shown, labels)
        when = f"one in twenty takes longer than {shown}"
        return example(when, alert, series=series(end), at=LONG, fires=fires, near=near)

    for severity, line in alert.thresholds.items():
        yield tried(float(line) * 1.1, near=severity is alert.severities[0])
        yield tried(float(line) * 1.05, near=True)


def _fires(alert: Alert, measured: float, says: str, shown: str, labels: Labels) -> list[Firing]:
    """At the most urgent severity whose line is crossed."""
    crossed = [severity for severity, line in alert.thresholds.items() if measured > line]
    return [Firing(severity, says, shown, labels) for severity in crossed[:1]]


def _duration(seconds: float) -> str:
    """As Prometheus spells it, below an hour."""
    return f"{seconds:.4g}s" if seconds < 60 else f"{seconds // 60:.0f}m {int(seconds % 60)}s"
