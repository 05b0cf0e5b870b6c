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
    steady,
    warning,
)
from tests.rules.monitoring.subjects import LOKI, pod

_PUSH = {"route": "loki_api_v1_push"}
_QUERY = {"route": "loki_api_v1_query_range"}
_LOST = {"tenant": "fake", "reason": "rate_limited"}
_RULE_GROUP = "/loki/rules-scratch/fake/recording.yaml;errors"


def _requests(route: str, status: str, each_minute: int) -> Series:
    labels = LOKI | {"method": "POST", "route": route, "status_code": status, "ws": "false"}
    return {metric("loki_request_duration_seconds_count", labels): growing(each_minute, 30)}


def _pushes(failing: int, taken: int) -> Series:
    return {**_requests(_PUSH["route"], "500", failing), **_requests(_PUSH["route"], "204", taken)}


def _queries(within: dict[str, int], each_minute: int) -> Series:
    """So many a minute, cumulative by the upper end of their bucket."""
    labels = {**LOKI, "method": "GET", **_QUERY, "status_code": "200", "ws": "false"}
    buckets = {**within, "+Inf": each_minute}
    return {
        metric("loki_request_duration_seconds_count", labels): growing(each_minute, 30),
        **counters(
            {metric("loki_request_duration_seconds_bucket", labels, le=le): count for le, count in buckets.items()}, 30
        ),
    }


def _lines(discarded: int, received: int) -> Series:
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
    example(
        "three of ten pushes fail",
        REQUESTS_FAILING,
        series=_pushes(6, 14),
        at="10m",
        fires=[critical("30% of the requests to loki_api_v1_push fail.", "30%", **_PUSH)],
    ),
    example(
        "one of ten pushes fails",
        REQUESTS_FAILING,
        series=_pushes(2, 18),
        at="10m",
        fires=[warning("10% of the requests to loki_api_v1_push fail.", "10%", **_PUSH)],
    ),
    example("one of twenty-five pushes fails", REQUESTS_FAILING, series=_pushes(1, 24), at="15m"),
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
        "queries take between 10 and 25 seconds",
        REQUESTS_SLOW,
        series=_queries({"10": 0, "25": 100}, 100),
        at="20m",
        fires=[
            warning(
                "One in a hundred requests to loki_api_v1_query_range takes longer than 24.85s.", "24.85s", **_QUERY
            )
        ],
    ),
    example(
        "queries take between 5 and 10 seconds", REQUESTS_SLOW, series=_queries({"5": 0, "10": 100}, 100), at="30m"
    ),
    example(
        "one person runs a slow query each minute", REQUESTS_SLOW, series=_queries({"10": 0, "25": 1}, 1), at="30m"
    ),
    example(
        "6 lines of a hundred are refused",
        LINES_DISCARDED,
        series=_lines(36, 600),
        at="15m",
        fires=[critical("6% of fake's lines are lost: rate_limited.", "6%", **_LOST)],
    ),
    example(
        "11 lines of ten thousand are refused",
        LINES_DISCARDED,
        series=_lines(22, 20_000),
        at="20m",
        fires=[warning("0.11% of fake's lines are lost: rate_limited.", "0.11%", **_LOST)],
    ),
    example("9 lines of ten thousand are refused", LINES_DISCARDED, series=_lines(18, 20_000), at="20m"),
    example(
        "three of ten lines are refused, and no more than ten come", LINES_DISCARDED, series=_lines(3, 10), at="20m"
    ),
    example(
        "every flush fails",
        STORAGE_FAILING,
        series=_flushes("0+1x30"),
        at="20m",
        fires=[critical("loki-0 failed 20 times in half an hour to write its WAL or chunks.", "20", **LOKI)],
    ),
    example(
        "one flush failed",
        STORAGE_FAILING,
        series=_flushes("0x5 1x30"),
        at="15m",
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
        "there was no run for 25 hours after its start",
        RETENTION_STUCK,
        series=_retention(0),
        at="25h",
        step="5m",
        fires=[critical("No retention run has finished for 1d 1h 0m 0s: logs are kept for too long.", "1d 1h 0m 0s")],
    ),
    example(
        "the last run ended four hours ago",
        RETENTION_STUCK,
        series=_retention(3600),
        at="5h",
        step="5m",
        fires=[warning("No retention run has finished for 4h 0m 0s: logs are kept for too long.", "4h 0m 0s")],
    ),
    example("the last run ended three hours ago", RETENTION_STUCK, series=_retention(3600), at="4h", step="5m"),
    example(
        "a group fails every minute",
        RULES_FAILING,
        series=_rule_failures("0+1x20"),
        at="15m",
        fires=[warning("errors fails: metrics made from logs are missing.", rule_group=_RULE_GROUP)],
    ),
    example("a group failed twice, and never again", RULES_FAILING, series=_rule_failures("0 1 2x20"), at="10m"),
    example(
        "there are three times as many streams",
        STREAMS_GROW,
        series=_streams(1500, 4500),
        at="25h",
        step="5m",
        fires=[warning("fake has 3 times as many streams as a day ago.", "3", tenant="fake")],
    ),
    example("streams have nearly doubled", STREAMS_GROW, series=_streams(1500, 2900), at="25h", step="5m"),
    example(
        "a few streams have become many times as many", STREAMS_GROW, series=_streams(300, 2000), at="25h", step="5m"
    ),
)
