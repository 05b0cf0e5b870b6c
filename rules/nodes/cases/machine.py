"""The machine as a whole, tried."""

from __future__ import annotations

from model.rules import Severity
from rules.nodes.alerts.machine import CLOCK_NOT_SYNCHRONISED, CLOCK_SKEW, FILE_DESCRIPTORS, REBOOTED
from rules.nodes.cases.tried import CRITICAL, NODE, WARNING, tried


def _files(used: int) -> dict[str, str]:
    """Of 100 that may be open."""
    return {f"node_filefd_allocated{{{NODE}}}": f"{used}x40", f"node_filefd_maximum{{{NODE}}}": "100x40"}


def _clock(ahead: float) -> dict[str, str]:
    """Seconds before Prometheus' own, which begins at 0 here."""
    return {f"node_time_seconds{{{NODE}}}": f"{ahead}+60x40"}


def _synchronised(status: int, error: float) -> dict[str, str]:
    return {
        f"node_timex_sync_status{{{NODE}}}": f"{status}x40",
        f"node_timex_maxerror_seconds{{{NODE}}}": f"{error}x40",
    }


_BOOT = f"node_boot_time_seconds{{{NODE}}}"

CASES = (
    tried(
        FILE_DESCRIPTORS,
        "95 of 100 are in use",
        _files(95),
        "10m",
        fires=(CRITICAL, WARNING),
        says="n-1 has 95% of its file descriptors in use.",
        value="95%",
    ),
    tried(
        FILE_DESCRIPTORS,
        "85 of 100 are in use",
        _files(85),
        "10m",
        fires=(WARNING,),
        says="n-1 has 85% of its file descriptors in use.",
        value="85%",
    ),
    tried(FILE_DESCRIPTORS, "74 of 100 are in use", _files(74), "30m"),
    tried(
        CLOCK_SKEW,
        "a clock is a minute and a half behind",
        _clock(-90),
        "10m",
        fires=(CRITICAL, WARNING),
        says="The clock of n-1 is 1m 30s apart from that of Prometheus.",
        value="1m 30s",
    ),
    tried(
        CLOCK_SKEW,
        "a clock is three seconds ahead",
        _clock(3),
        "10m",
        fires=(WARNING,),
        says="The clock of n-1 is 3s apart from that of Prometheus.",
        value="3s",
    ),
    tried(CLOCK_SKEW, "a scrape takes half a second", _clock(0.5), "30m"),
    tried(CLOCK_SKEW, "a clock is wrong for nine minutes after a boot", _clock(90), "9m"),
    tried(
        CLOCK_NOT_SYNCHRONISED,
        "no time server has answered since yesterday",
        _synchronised(0, 16),
        "15m",
        fires=(WARNING,),
        says="The clock of n-1 follows no time server: it will drift.",
    ),
    tried(CLOCK_NOT_SYNCHRONISED, "a daemon sets the clock in a way of its own", _synchronised(0, 0.5), "30m"),
    tried(CLOCK_NOT_SYNCHRONISED, "the clock is set, though not well", _synchronised(1, 16), "30m"),
    tried(CLOCK_NOT_SYNCHRONISED, "the first answers are still to come", _synchronised(0, 16), "14m"),
    tried(
        REBOOTED,
        "a node has come back after three minutes",
        {_BOOT: "100x10 _x2 900x30"},
        "20m",
        fires=(Severity.INFO,),
        says="n-1 was rebooted within the last half hour.",
    ),
    tried(REBOOTED, "a clock was set by half a minute", {_BOOT: "100x10 130x30"}, "20m"),
    tried(REBOOTED, "a node is new", {_BOOT: "_x10 900x30"}, "20m"),
)
