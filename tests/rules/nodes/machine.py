"""The machine as a whole, by example."""

from __future__ import annotations

from rules.nodes.alerts.machine import CLOCK_NOT_SYNCHRONISED, CLOCK_SKEW, FILE_DESCRIPTORS, REBOOTED
from tests.rules.examples import Series, critical, example, gauges, info, metric, warning
from tests.rules.nodes.subjects import NODE


def _files(used: int) -> Series:
    """Of 100 that may be open."""
    return gauges({metric("node_filefd_allocated", NODE): used, metric("node_filefd_maximum", NODE): 100}, 40)


def _clock(ahead: float) -> Series:
    """Seconds before Prometheus' own, which begins at 0 here."""
    return {metric("node_time_seconds", NODE): f"{ahead}+60x40"}


def _synchronised(status: int, error: float) -> Series:
    return gauges(
        {metric("node_timex_sync_status", NODE): status, metric("node_timex_maxerror_seconds", NODE): error}, 40
    )


_BOOT = metric("node_boot_time_seconds", NODE)

EXAMPLES = (
    example(
        "95 of 100 are in use",
        FILE_DESCRIPTORS,
        series=_files(95),
        at="10m",
        fires=[critical("n-1 has 95% of its file descriptors in use.", "95%", node="n-1")],
    ),
    example(
        "85 of 100 are in use",
        FILE_DESCRIPTORS,
        series=_files(85),
        at="10m",
        fires=[warning("n-1 has 85% of its file descriptors in use.", "85%", node="n-1")],
    ),
    example("74 of 100 are in use", FILE_DESCRIPTORS, series=_files(74), at="30m"),
    example(
        "a clock is more than a minute behind",
        CLOCK_SKEW,
        series=_clock(-65),
        at="10m",
        fires=[critical("The clock of n-1 differs from Prometheus's clock by 1m 5s.", "1m 5s", node="n-1")],
    ),
    example(
        "a clock is almost a minute behind",
        CLOCK_SKEW,
        series=_clock(-55),
        at="10m",
        fires=[warning("The clock of n-1 differs from Prometheus's clock by 55s.", "55s", node="n-1")],
    ),
    example(
        "a clock is more than a second ahead",
        CLOCK_SKEW,
        series=_clock(1.125),
        at="10m",
        fires=[warning("The clock of n-1 differs from Prometheus's clock by 1.125s.", "1.125s", node="n-1")],
    ),
    example("a scrape takes almost a second", CLOCK_SKEW, series=_clock(0.875), at="30m"),
    example("a clock is wrong for nine minutes after a boot", CLOCK_SKEW, series=_clock(90), at="9m"),
    example(
        "no time server has answered since yesterday",
        CLOCK_NOT_SYNCHRONISED,
        series=_synchronised(0, 16),
        at="15m",
        fires=[warning("The clock of n-1 follows no time server: it will drift.", node="n-1")],
    ),
    example(
        "a daemon sets the clock in a way of its own", CLOCK_NOT_SYNCHRONISED, series=_synchronised(0, 0.5), at="30m"
    ),
    example("the clock is set, though not well", CLOCK_NOT_SYNCHRONISED, series=_synchronised(1, 16), at="30m"),
    example("the first answers are still to come", CLOCK_NOT_SYNCHRONISED, series=_synchronised(0, 16), at="14m"),
    example(
        "a node has come back after three minutes",
        REBOOTED,
        series={_BOOT: "100x10 _x2 900x30"},
        at="20m",
        fires=[info("n-1 was rebooted within the last half hour.", node="n-1")],
    ),
    example("a clock was set by half a minute", REBOOTED, series={_BOOT: "100x10 130x30"}, at="20m"),
    example("a node is new", REBOOTED, series={_BOOT: "_x10 900x30"}, at="20m"),
)
