"""Promtail, tried."""

from __future__ import annotations

from rules.monitoring.alerts.promtail import BEHIND, DROPS
from rules.monitoring.cases.tried import CRITICAL, WARNING, of, pod, tried

_DROPPED = {"node": "n-0", "reason": "ingester_error"}


def _drops(each_minute: int) -> dict[str, str]:
    labels = of(pod("promtail"), host="loki.monitoring.svc:3100", reason=_DROPPED["reason"], tenant="")
    return {f"promtail_dropped_entries_total{labels}": f"0+{each_minute}x30"}


def _log(mebibytes_behind: int) -> dict[str, str]:
    labels = of(pod("promtail"), path="/var/log/pods/shop_web-1_6f/main/0.log")
    return {
        f"promtail_file_bytes_total{labels}": f"{2**25}x20",
        f"promtail_read_bytes_total{labels}": f"{2**25 - mebibytes_behind * 2**20}x20",
    }


CASES = (
    tried(
        DROPS,
        "two lines are refused each second",
        _drops(120),
        "15m",
        fires=(WARNING,),
        labels=_DROPPED,
        says="n-0 loses 2.0 lines per second: ingester_error.",
        value="2 per second",
    ),
    tried(DROPS, "five lines are refused each minute", _drops(5), "20m"),
    tried(
        BEHIND,
        "more than a whole file has not been read",
        _log(12),
        "10m",
        fires=(CRITICAL, WARNING),
        labels={"node": "n-0"},
        says="A log on n-0 has 12MiB that Loki does not have yet.",
        value="12MiB",
    ),
    tried(
        BEHIND,
        "more than half of a file has not been read",
        _log(6),
        "10m",
        fires=(WARNING,),
        labels={"node": "n-0"},
        says="A log on n-0 has 6MiB that Loki does not have yet.",
        value="6MiB",
    ),
    tried(BEHIND, "half of a file has not been read", _log(5), "20m"),
)
