"""Promtail, by example."""

from __future__ import annotations

from rules.monitoring.alerts.promtail import BEHIND, DROPS
from tests.rules.examples import Series, critical, example, gauges, growing, metric, warning
from tests.rules.monitoring.subjects import pod

_DROPPED = {"node": "n-0", "reason": "ingester_error"}


def _drops(each_minute: float) -> Series:
    labels = pod("promtail") | {"host": "loki.monitoring.svc:3100", "reason": _DROPPED["reason"], "tenant": ""}
    return {metric("promtail_dropped_entries_total", labels): growing(each_minute, 30)}


def _log(mebibytes_behind: int) -> Series:
    labels = pod("promtail") | {"path": "/var/log/pods/shop_web-1_6f/main/0.log"}
    return gauges(
        {
            metric("promtail_file_bytes_total", labels): 2**25,
            metric("promtail_read_bytes_total", labels): 2**25 - mebibytes_behind * 2**20,
        },
        20,
    )


EXAMPLES = (
    example(
        "more than six lines are refused each minute",
        DROPS,
        series=_drops(6.6),
        at="20m",
        fires=[warning("n-0 loses 0.1 lines per second: ingester_error.", "110m per second", **_DROPPED)],
    ),
    example("five lines are refused each minute", DROPS, series=_drops(5), at="20m"),
    example(
        "more than a whole file has not been read",
        BEHIND,
        series=_log(12),
        at="10m",
        fires=[critical("A log on n-0 has 12MiB that Loki does not have yet.", "12MiB", node="n-0")],
    ),
    example(
        "more than half of a file has not been read",
        BEHIND,
        series=_log(6),
        at="10m",
        fires=[warning("A log on n-0 has 6MiB that Loki does not have yet.", "6MiB", node="n-0")],
    ),
    example(
        "nearly a whole file has not been read",
        BEHIND,
        series=_log(9),
        at="10m",
        fires=[warning("A log on n-0 has 9MiB that Loki does not have yet.", "9MiB", node="n-0")],
    ),
    example("half of a file has not been read", BEHIND, series=_log(5), at="20m"),
)
