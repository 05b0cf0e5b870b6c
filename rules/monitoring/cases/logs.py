"""Loki, tried."""

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
from rules.monitoring.cases.tried import CRITICAL, LOKI, WARNING, day_then, of, pod, tried

_PUSH = {"route": "loki_api_v1_push"}
_QUERY = {"route": "loki_api_v1_query_range"}
_LOST = {"tenant": "fake", "reason": "rate_limited"}
_RULE_GROUP = "/loki/rules-scratch/fake/recording.yaml;errors"


def _requests(route: str, status: str, each_minute: int) -> dict[str, str]:
    labels = of(LOKI, method="POST", route=route, status_code=status, ws="false")
    return {f"loki_request_duration_seconds_count{labels}": f"0+{each_minute}x30"}


def _pushes(failing: int, taken: int) -> dict[str, str]:
    return {**_requests(_PUSH["route"], "500", failing), **_requests(_PUSH["route"], "204", taken)}


def _queries(within: dict[str, int], each_minute: int) -> dict[str, str]:
    """So many a minute, cumulative by the upper end of their bucket."""
    labels = {**LOKI, "method": "GET", **_QUERY, "status_code": "200", "ws": "false"}
    buckets = {**within, "+Inf": each_minute}
    return {
        f"loki_request_duration_seconds_count{of(labels)}": f"0+{each_minute}x30",
        **{
            f"loki_request_duration_seconds_bucket{of(labels, le=le)}": f"0+{count}x30" for le, count in buckets.items()
        },
    }


def _lines(discarded: int, received: int) -> dict[str, str]:
    """Every minute."""
    common = {**LOKI, "tenant": "fake", "format": "loki", "policy": ""}
    lost = {**common, "reason": _LOST["reason"], "retention_hours": "168"}
    return {
        f"loki_discarded_samples_total{of(lost)}": f"0+{discarded}x30",
        f"loki_distributor_lines_received_total{of(common, is_internal_stream='false')}": f"0+{received}x30",
    }


def _flushes(failures: str) -> dict[str, str]:
    return {
        f"loki_ingester_chunks_flush_failures_total{of(LOKI)}": failures,
        f"loki_ingester_wal_disk_full_failures_total{of(LOKI)}": "0x60",
    }


def _unhealthy(members: int) -> dict[str, str]:
    return {
        f"loki_ring_members{of(LOKI, name='ingester', state='Unhealthy')}": f"{members}x20",
        f"loki_ring_members{of(LOKI, name='ingester', state='ACTIVE')}": "3x20",
    }


def _retention(last: int) -> dict[str, str]:
    """Since second 0; the last run's end, 0 when there was none."""
    return {
        "loki_compactor_apply_retention_last_successful_run_timestamp_seconds" + of(LOKI): f"{last}x400",
        f"process_start_time_seconds{of(LOKI)}": "0x400",
    }


def _rule_failures(values: str) -> dict[str, str]:
    labels = of(LOKI, rule_group=_RULE_GROUP, user="fake")
    return {f"loki_prometheus_rule_evaluation_failures_total{labels}": values}


def _streams(before: int, after: int) -> dict[str, str]:
    """Of two replicas that hold the same."""
    return {
        f"loki_ingester_memory_streams{of(pod('loki', number), tenant='fake')}": day_then(before, after)
        for number in (0, 1)
    }


CASES = (
    tried(
        REQUESTS_FAILING,
        "three of ten pushes fail",
        _pushes(6, 14),
        "10m",
        fires=(CRITICAL, WARNING),
        labels=_PUSH,
        says="30% of the requests to loki_api_v1_push fail.",
        value="30%",
    ),
    tried(
        REQUESTS_FAILING,
        "one of ten pushes fails",
        _pushes(2, 18),
        "10m",
        fires=(WARNING,),
        labels=_PUSH,
        says="10% of the requests to loki_api_v1_push fail.",
        value="10%",
    ),
    tried(REQUESTS_FAILING, "one of twenty-five pushes fails", _pushes(1, 24), "15m"),
    tried(REQUESTS_FAILING, "it is not ready yet, and its probe says so", _requests("ready", "503", 60), "15m"),
    tried(REQUESTS_FAILING, "the only two queries of each minute fail", _requests(_QUERY["route"], "500", 2), "15m"),
    tried(
        REQUESTS_SLOW,
        "queries take between 10 and 25 seconds",
        _queries({"10": 0, "25": 100}, 100),
        "20m",
        fires=(WARNING,),
        labels=_QUERY,
        says="One in a hundred requests to loki_api_v1_query_range takes longer than 24.85s.",
        value="24.85s",
    ),
    tried(REQUESTS_SLOW, "queries take between 5 and 10 seconds", _queries({"5": 0, "10": 100}, 100), "30m"),
    tried(REQUESTS_SLOW, "one person runs a slow query each minute", _queries({"10": 0, "25": 1}, 1), "30m"),
    tried(
        LINES_DISCARDED,
        "a tenth of all lines is refused",
        _lines(60, 600),
        "15m",
        fires=(CRITICAL, WARNING),
        labels=_LOST,
        says="10% of fake's lines are lost: rate_limited.",
        value="10%",
    ),
    tried(
        LINES_DISCARDED,
        "a hundredth of all lines is refused",
        _lines(12, 1200),
        "20m",
        fires=(WARNING,),
        labels=_LOST,
        says="1% of fake's lines are lost: rate_limited.",
        value="1%",
    ),
    tried(LINES_DISCARDED, "one line of two thousand is refused", _lines(12, 24_000), "20m"),
    tried(LINES_DISCARDED, "three of ten lines are refused, and no more than ten come", _lines(3, 10), "20m"),
    tried(
        STORAGE_FAILING,
        "every flush fails",
        _flushes("0+1x30"),
        "20m",
        fires=(CRITICAL, WARNING),
        labels=LOKI,
        says="loki-0 failed 20 times in half an hour to write its WAL or chunks.",
        value="20",
    ),
    tried(
        STORAGE_FAILING,
        "one flush failed",
        _flushes("0x5 1x30"),
        "15m",
        fires=(WARNING,),
        labels=LOKI,
        says="loki-0 failed 1 times in half an hour to write its WAL or chunks.",
        value="1",
    ),
    tried(STORAGE_FAILING, "flushes failed long ago", _flushes("9x60"), "50m"),
    tried(
        RING_UNHEALTHY,
        "two ingesters of five are away",
        _unhealthy(2),
        "10m",
        fires=(CRITICAL, WARNING),
        labels={"name": "ingester"},
        says="2 members of the ring ingester do not answer the others.",
        value="2",
    ),
    tried(
        RING_UNHEALTHY,
        "one ingester is away",
        _unhealthy(1),
        "10m",
        fires=(WARNING,),
        labels={"name": "ingester"},
        says="1 members of the ring ingester do not answer the others.",
        value="1",
    ),
    tried(RING_UNHEALTHY, "all ingesters are there", _unhealthy(0), "20m"),
    tried(
        RETENTION_STUCK,
        "there was no run for 25 hours after its start",
        _retention(0),
        "25h",
        step="5m",
        fires=(CRITICAL, WARNING),
        says="No compactor has finished for 1d 1h 0m 0s: logs outlive their retention.",
        value="1d 1h 0m 0s",
    ),
    tried(
        RETENTION_STUCK,
        "the last run ended four hours ago",
        _retention(3600),
        "5h",
        step="5m",
        fires=(WARNING,),
        says="No compactor has finished for 4h 0m 0s: logs outlive their retention.",
        value="4h 0m 0s",
    ),
    tried(RETENTION_STUCK, "the last run ended three hours ago", _retention(3600), "4h", step="5m"),
    tried(
        RULES_FAILING,
        "a group fails every minute",
        _rule_failures("0+1x20"),
        "15m",
        fires=(WARNING,),
        labels={"rule_group": _RULE_GROUP},
        says="errors fails: metrics made of logs are missing.",
    ),
    tried(RULES_FAILING, "a group failed twice, and never again", _rule_failures("0 1 2x20"), "10m"),
    tried(
        STREAMS_GROW,
        "there are three times as many streams",
        _streams(1500, 4500),
        "25h",
        step="5m",
        fires=(WARNING,),
        labels={"tenant": "fake"},
        says="fake has 3 times as many streams as a day ago.",
        value="3",
    ),
    tried(STREAMS_GROW, "streams have nearly doubled", _streams(1500, 2900), "25h", step="5m"),
    tried(STREAMS_GROW, "a few streams have become many times as many", _streams(300, 2000), "25h", step="5m"),
)
