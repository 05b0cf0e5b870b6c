"""The alerts over caches, by example."""

from __future__ import annotations

from rules.memcached import CONNECTIONS, DOWN, EVICTIONS, HITS
from tests.rules.examples import Series, counters, critical, example, gauges, metric, warning
from tests.rules.objectives import SAMPLES, objective

_CACHE = {"job": "memcached-exporter", "instance": "sessions"}


def _connections(used: int) -> Series:
    return gauges(
        {
            metric("memcached_current_connections", _CACHE): used,
            metric("memcached_max_connections", _CACHE): 1000,
        }
    )


def _evicted(of_100: int) -> Series:
    return counters(
        {metric("memcached_items_evicted_total", _CACHE): of_100, metric("memcached_items_total", _CACHE): 100}
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
    example(
        "960 of 1000 are in use",
        CONNECTIONS,
        series=_connections(960),
        fires=[critical("sessions has 96% of its connections in use.", "96%", instance="sessions")],
    ),
    example(
        "940 of 1000 are in use",
        CONNECTIONS,
        series=_connections(940),
        fires=[warning("sessions has 94% of its connections in use.", "94%", instance="sessions")],
    ),
    example("800 of 1000 are in use", CONNECTIONS, series=_connections(800)),
    example(
        "6 in 10 push another out",
        EVICTIONS,
        series=_evicted(60),
        at="45m",
        fires=[warning("sessions throws 60% as many items away as it is given.", "60%", instance="sessions")],
    ),
    example("every second pushes another out", EVICTIONS, series=_evicted(50), at="45m"),
    *objective(HITS, _asked),
)
