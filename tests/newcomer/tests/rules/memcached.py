"""The alerts over caches, by example."""

from __future__ import annotations

from rules.memcached import CONNECTIONS, DOWN, EVICTIONS, HITS
from tests.rules.examples import Series, counters, critical, example, gauges, metric, shares, warning
from tests.rules.objectives import SAMPLES, objective

_CACHE = {"job": "memcached-exporter", "instance": "sessions"}


def _connections(percent: float) -> Series:
    return gauges(
        {
            metric("memcached_current_connections", _CACHE): percent,
            metric("memcached_max_connections", _CACHE): 100,
        }
    )


def _evicted(percent: float) -> Series:
    return counters(
        {metric("memcached_items_evicted_total", _CACHE): percent, metric("memcached_items_total", _CACHE): 100}
    )


def _asked(total: int, missing: int) -> Series:
    gets = {"command": "get", **_CACHE}
    return counters(
        {
            metric("memcached_commands_total", gets, status="hit"): total - missing,
            metric("memcached_commands_total", gets, status="miss"): missing,
        },
        SAMPLES,
    )


OWNER = "platform"
EXAMPLES = (
    example(
        "it does not answer for two minutes",
        DOWN,
        series=gauges({metric("memcached_up", _CACHE): 0}),
        at="2m",
        fires=[
            critical("sessions does not answer: all that is asked of it goes to what is behind.", instance="sessions")
        ],
    ),
    example("it does not answer for a minute", DOWN, series=gauges({metric("memcached_up", _CACHE): 0}), at="1m"),
    *shares(
        CONNECTIONS,
        "{} are in use",
        _connections,
        "sessions has {} of its connections in use.",
        {79: None, 81: warning, 94: warning, 96: critical},
        at="10m",
        instance="sessions",
    ),
    *shares(
        EVICTIONS,
        "{} push another out",
        _evicted,
        "sessions throws {} as many items away as it is given.",
        {49: None, 51: warning},
        at="31m",
        instance="sessions",
    ),
    *objective(HITS, _asked),
)
