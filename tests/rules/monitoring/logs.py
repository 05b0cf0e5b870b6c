"""Loki, by example."""

from __future__ import annotations

from rules.monitoring.alerts.logs import (
    LINES_DISCARDED,
    REQUESTS_FAILING,
    REQUESTS_SLOW,
    RETENTION_STUCK,
    RING_UNHEALTHY,
    RULES_FAILING,
    STORAGE_FAILING,
    STREAMS_GROW,
)
from tests.rules.examples import (
    Series,
    counters,
    critical,
    day_then,
    example,
    gauges,
    growing,
    metric,
    shares,
    steady,
    warning,
)
from tests.rules.monitoring.subjects import LOKI, pod

_PUSH = {"route": "loki_api_v1_push"}
_QUERY = {"route": "loki_api_v1_query_range"}
_LOST = {"tenant": "fake", "reason": "rate_limited"}
_RULE_GROUP = "/loki/rules-scratch/fake/recording.yaml;errors"


def _requests(route: str, status: str, each_minute: float) -> Series:
    labels = LOKI | {"method": "POST", "route": route, "status_code": status, "ws": "false"}
    return {metric("loki_request_duration_seconds_count", labels): growing(each_minute, 30)}


def _pushes(failing: float, taken: float) -> Series:
    return {**_requests(_PUSH["route"], "500", failing), **_requests(_PUSH["route"], "204", taken)}


def _queries(within: dict[str, int], each_minute: float) -> Series:
    """So many a minute, cumulative by the upper end of their bucket."""
    labels = {**LOKI, "method": "GET", **_QUERY, "status_code": "200", "ws": "false"}
    buckets = {**within, "+Inf": each_minute}
    return {
        metric("loki_request_duration_seconds_count", labels): growing(each_minute, 30),
        **counters(
            {metric("loki_request_duration_seconds_bucket", labels, le=le): count for le, count in buckets.items()}, 30
        ),
    }


def _lines(discarded: float, received: float) -> Series:
    """Every minute."""
    common = {**LOKI, "tenant": "fake", "format": "loki", "policy": ""}
    lost = {**common, "reason": _LOST["reason"], "retention_hours": "168"}
    return counters(
        {
            metric("loki_discarded_samples_total", lost): discarded,
            metric("loki_distributor_lines_received_total", common, is_internal_stream="false"): received,
        },
        30,
    )


def _flushes(failures: str) -> Series:
    return {
        metric("loki_ingester_chunks_flush_failures_total", LOKI): failures,
        metric("loki_ingester_wal_disk_full_failures_total", LOKI): "0x60",
    }


def _unhealthy(members: int) -> Series:
    return gauges(
        {
            metric("loki_ring_members", LOKI, name="ingester", state="Unhealthy"): members,
            metric("loki_ring_members", LOKI, name="ingester", state="ACTIVE"): 3,
        },
        20,
    )


def _retention(last: int) -> Series:
    """Since second 0; the last run's end, 0 when there was none."""
    return {
        metric("loki_compactor_apply_retention_last_successful_run_timestamp_seconds", LOKI): steady(last, 400),
        metric("process_start_time_seconds", LOKI): "0x400",
    }


def _rule_failures(values: str) -> Series:
    labels = LOKI | {"rule_group": _RULE_GROUP, "user": "fake"}
    return {metric("loki_prometheus_rule_evaluation_failures_total", labels): values}


def _streams(before: int, after: int) -> Series:
    """Of two replicas that hold the same."""
    return {
        metric("loki_ingester_memory_streams", pod("loki", number), tenant="fake"): day_then(before, after)
        for number in (0, 1)
    }


EXAMPLES = (
    *shares(
        REQUESTS_FAILING,
        "{} of the pushes fail",
        lambda percent: _pushes(percent, 100 - percent),
        "{} of the requests to loki_api_v1_push fail.",
        {4.5: None, 5.5: warning, 24: warning, 26: critical},
        at="6m",
        **_PUSH,
    ),
    example(
        "it is not ready yet, and its probe says so", REQUESTS_FAILING, series=_requests("ready", "503", 60), at="15m"
    ),
    example(
        "the only two queries of each minute fail",
        REQUESTS_FAILING,
        series=_requests(_QUERY["route"], "500", 2),
        at="15m",
    ),
    example(
        "11 of a thousand queries take between 10 and 25 seconds",
        REQUESTS_SLOW,
        series=_queries({"10": 989, "25": 1000}, 1000),
        at="16m",
        fires=[
            warning(
                "One in a hundred requests to loki_api_v1_query_range takes longer than 11.36s.", "11.36s", **_QUERY
            )
        ],
    ),
    example(
        "queries take between 5 and 10 seconds", REQUESTS_SLOW, series=_queries({"5": 0, "10": 100}, 100), at="30m"
    ),
    example(
        "one person runs a slow query each minute", REQUESTS_SLOW, series=_queries({"10": 0, "25": 1}, 1), at="30m"
    ),
    *shares(
        LINES_DISCARDED,
        "{} of the lines are refused",
        lambda percent: _lines(percent * 1000, 100_000),
        "{} of fake's lines are lost: rate_limited.",
        {0.09: None, 0.11: warning, 4.5: warning, 5.5: critical},
        at="11m",
        **_LOST,
    ),
    example(
        "three of ten lines are refused, and no more than ten come", LINES_DISCARDED, series=_lines(3, 10), at="20m"
    ),
    example(
        "eleven flushes failed",
        STORAGE_FAILING,
        series=_flushes("0+1x11 11x30"),
        at="16m",
        fires=[critical("loki-0 failed 11 times in half an hour to write its WAL or chunks.", "11", **LOKI)],
    ),
    example(
        "ten flushes failed",
        STORAGE_FAILING,
        series=_flushes("0+1x10 10x30"),
        at="16m",
        fires=[warning("loki-0 failed 10 times in half an hour to write its WAL or chunks.", "10", **LOKI)],
    ),
    example(
        "one flush failed",
        STORAGE_FAILING,
        series=_flushes("0x5 1x30"),
        at="11m",
        fires=[warning("loki-0 failed 1 times in half an hour to write its WAL or chunks.", "1", **LOKI)],
    ),
    example("flushes failed long ago", STORAGE_FAILING, series=_flushes("9x60"), at="50m"),
    example(
        "two ingesters of five are away",
        RING_UNHEALTHY,
        series=_unhealthy(2),
        at="10m",
        fires=[critical("2 members of the ring ingester are unhealthy.", "2", name="ingester")],
    ),
    example(
        "one ingester is away",
        RING_UNHEALTHY,
        series=_unhealthy(1),
        at="10m",
        fires=[warning("1 members of the ring ingester are unhealthy.", "1", name="ingester")],
    ),
    example("all ingesters are there", RING_UNHEALTHY, series=_unhealthy(0), at="20m"),
    example(
        "there was no run for a day and ten minutes after its start",
        RETENTION_STUCK,
        series=_retention(0),
        at="1450m",
        step="5m",
        fires=[critical("No retention run has finished for 1d 0h 10m 0s: logs are kept for too long.", "1d 0h 10m 0s")],
    ),
    *(
        example(
            f"the last run ended {hours} hours and ten minutes ago",
            RETENTION_STUCK,
            series=_retention(3600),
            at=f"{hours * 60 + 70}m",
            step="5m",
            fires=[
                warning(
                    f"No retention run has finished for {hours}h 10m 0s: logs are kept for too long.",
                    f"{hours}h 10m 0s",
                )
            ],
        )
        for hours in (23, 3)
    ),
    example("the last run ended three hours ago", RETENTION_STUCK, series=_retention(3600), at="4h", step="5m"),
    example(
        "a group fails every minute",
        RULES_FAILING,
        series=_rule_failures("0+1x20"),
        at="11m",
        fires=[warning("errors fails: metrics made from logs are missing.", rule_group=_RULE_GROUP)],
    ),
    example("a group failed twice, and never again", RULES_FAILING, series=_rule_failures("0 1 2x20"), at="10m"),
    example(
        "there are more than twice as many streams",
        STREAMS_GROW,
        series=_streams(1500, 3300),
        at="1475m",
        step="5m",
        fires=[warning("fake has 2.2 times as many streams as a day ago.", "2.2", tenant="fake")],
    ),
    example("streams have nearly doubled", STREAMS_GROW, series=_streams(1500, 2900), at="25h", step="5m"),
    example(
        "a few streams have become many times as many", STREAMS_GROW, series=_streams(300, 2000), at="25h", step="5m"
    ),
)
