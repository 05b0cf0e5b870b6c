"""What Prometheus takes in and keeps, by example."""

from __future__ import annotations

from rules.monitoring.alerts.prometheus_data import (
    CLOCK_AHEAD,
    DISCOVERY_FAILING,
    PUSHES_REFUSED,
    REMOTE_WRITE_BEHIND,
    REMOTE_WRITE_DROPS,
    RETENTION_CUT,
    SAMPLES_REJECTED,
    SCRAPE_LIMIT_HIT,
    SERIES_GROW,
    STORAGE_FAILING,
)
from tests.rules.examples import Series, counters, critical, day_then, example, gauges, info, metric, shares, warning
from tests.rules.monitoring.subjects import LOKI, PROMETHEUS, place

_REMOTE = {**PROMETHEUS, "remote_name": "mimir"}
_URL = "https://mimir.example/api/v1/push"
_OTLP = {"pod": "prometheus-0", "handler": "/api/v1/otlp/v1/metrics"}


def _asks(failing: float, answered: float) -> Series:
    requests = "prometheus_sd_kubernetes_http_request_total"
    return counters(
        {
            metric(requests, PROMETHEUS, status_code="<error>"): failing,
            metric(requests, PROMETHEUS, status_code="200"): answered,
        },
        20,
    )


def _limits(samples: str) -> Series:
    return {
        metric("prometheus_target_scrapes_exceeded_sample_limit_total", PROMETHEUS): samples,
        metric("prometheus_target_scrapes_exceeded_body_size_limit_total", PROMETHEUS): "0x30",
        metric("prometheus_target_scrape_pool_exceeded_label_limits_total", PROMETHEUS): "0x30",
        metric("prometheus_target_scrape_pool_exceeded_target_limit_total", PROMETHEUS): "0x30",
    }


def _rejected(doubled: int) -> Series:
    """So many a minute."""
    return counters(
        {
            metric("prometheus_target_scrapes_sample_duplicate_timestamp_total", PROMETHEUS): doubled,
            metric("prometheus_target_scrapes_sample_out_of_order_total", PROMETHEUS): 0,
            metric("prometheus_target_scrapes_sample_out_of_bounds_total", PROMETHEUS): 0,
            metric("prometheus_tsdb_too_old_samples_total", PROMETHEUS, type="float"): 0,
            # Loki's own storage, which is no business of this alert.
            metric("prometheus_tsdb_too_old_samples_total", LOKI, type="float"): 900,
        },
        30,
    )


def _pushes(refused: float, taken: float) -> Series:
    return counters(
        {
            metric("prometheus_http_requests_total", PROMETHEUS, handler=_OTLP["handler"], code="400"): refused,
            metric("prometheus_http_requests_total", PROMETHEUS, handler=_OTLP["handler"], code="200"): taken,
        },
        30,
    )


def _behind(seconds: int) -> Series:
    highest = "prometheus_remote_storage_queue_highest"
    return {
        metric(f"{highest}_timestamp_seconds", _REMOTE, url=_URL): "100000+60x20",
        metric(f"{highest}_sent_timestamp_seconds", _REMOTE, url=_URL): f"{100000 - seconds}+60x20",
    }


_SENT = metric("prometheus_remote_storage_queue_highest_sent_timestamp_seconds", _REMOTE, url=_URL)
_STARTED = metric("process_start_time_seconds", PROMETHEUS)


def _written(failed: float, of_all: float) -> Series:
    return counters(
        {
            metric("prometheus_remote_storage_samples_failed_total", _REMOTE, url=_URL): failed,
            metric("prometheus_remote_storage_samples_total", _REMOTE, url=_URL): of_all,
        },
        20,
    )


def _storage(compactions_failed: str) -> Series:
    others = (
        "reloads_failures",
        "wal_writes_failed",
        "wal_truncations_failed",
        "wal_corruptions",
        "checkpoint_creations_failed",
        "head_truncations_failed",
    )
    return {
        metric("prometheus_tsdb_compactions_failed_total", PROMETHEUS): compactions_failed,
        **gauges({metric(f"prometheus_tsdb_{other}_total", PROMETHEUS): 0 for other in others}, 120),
    }


def _series(before: int, after: int) -> Series:
    return {metric("prometheus_tsdb_head_series", PROMETHEUS): day_then(before, after)}


def _ahead(seconds: int) -> Series:
    """Time begins at 0 here."""
    return {metric("prometheus_tsdb_head_max_time_seconds", PROMETHEUS): f"{seconds}+60x20"}


EXAMPLES = (
    *shares(
        DISCOVERY_FAILING,
        "{} of its questions are not answered",
        lambda percent: _asks(percent, 100 - percent),
        "prometheus-0: {} of its requests to the API server fail.",
        {49: None, 51: warning},
        at="11m",
        **place(PROMETHEUS),
    ),
    example(
        "a target sends too much at every scrape",
        SCRAPE_LIMIT_HIT,
        series=_limits("0+1x30"),
        at="11m",
        fires=[
            warning(
                "prometheus-0 drops whole scrapes: a target exceeds a limit of samples, bytes or labels.",
                **PROMETHEUS,
            )
        ],
    ),
    example("a single scrape was too large", SCRAPE_LIMIT_HIT, series=_limits("0x5 1x30"), at="14m"),
    example(
        "eleven samples in ten seconds come twice",
        SAMPLES_REJECTED,
        series=_rejected(66),
        at="25m",
        fires=[
            warning(
                "prometheus-0 rejects 1.1 samples/s: duplicate, too old or out of order.",
                "1.1 per second",
                **PROMETHEUS,
            )
        ],
    ),
    example("nine samples in ten seconds come twice", SAMPLES_REJECTED, series=_rejected(54), at="30m"),
    *shares(
        PUSHES_REFUSED,
        "{} of the pushes are refused",
        lambda percent: _pushes(percent, 100 - percent),
        "prometheus-0 refuses {} of the requests to /api/v1/otlp/v1/metrics.",
        {0.9: None, 1.1: warning, 24: warning, 26: critical},
        at="11m",
        **_OTLP,
    ),
    example("the only push of each minute is refused", PUSHES_REFUSED, series=_pushes(1, 0), at="20m"),
    *(
        example(
            f"it is {behind} behind",
            REMOTE_WRITE_BEHIND,
            series=_behind(seconds),
            at="15m",
            fires=[fires(f"prometheus-0 is {behind} late in sending to mimir.", behind, **_REMOTE)],
        )
        for seconds, behind, fires in (
            (4200, "1h 10m 0s", critical),
            (3540, "59m 0s", warning),
            (360, "6m 0s", warning),
        )
    ),
    example(
        "it has sent nothing since it started 25 minutes ago",
        REMOTE_WRITE_BEHIND,
        series=dict.fromkeys(_behind(0), "100000+60x30") | {_SENT: "0x30", _STARTED: "100000x30"},
        at="25m",
        fires=[warning("prometheus-0 is 25m 0s late in sending to mimir.", "25m 0s", **_REMOTE)],
    ),
    example("it is five minutes behind", REMOTE_WRITE_BEHIND, series=_behind(300), at="20m"),
    *shares(
        REMOTE_WRITE_DROPS,
        "{} of what is sent is refused",
        lambda percent: _written(percent * 100, 10_000),
        "mimir rejects {} of prometheus-0's samples.",
        {0.09: None, 0.11: warning, 4.5: warning, 5.5: critical},
        at="11m",
        **_REMOTE,
    ),
    example(
        "a block failed eleven times",
        STORAGE_FAILING,
        series=_storage("0x5 0+1x11 11x60"),
        at="30m",
        fires=[critical("prometheus-0 failed 11 times in three hours to write its WAL or blocks.", "11", **PROMETHEUS)],
    ),
    example(
        "a block failed ten times",
        STORAGE_FAILING,
        series=_storage("0x5 0+1x10 10x60"),
        at="30m",
        fires=[warning("prometheus-0 failed 10 times in three hours to write its WAL or blocks.", "10", **PROMETHEUS)],
    ),
    example(
        "a single block failed an hour ago",
        STORAGE_FAILING,
        series=_storage("0x60 1x60"),
        at="2h",
        fires=[warning("prometheus-0 failed 1 times in three hours to write its WAL or blocks.", "1", **PROMETHEUS)],
    ),
    example("nothing has failed since long ago", STORAGE_FAILING, series=_storage("7x120"), at="2h"),
    example(
        "a block was deleted for its size",
        RETENTION_CUT,
        series={metric("prometheus_tsdb_size_retentions_total", PROMETHEUS): "0x60 1x60"},
        at="2h",
        fires=[
            info("prometheus-0 is at its size limit and deletes samples before their retention ends.", **PROMETHEUS)
        ],
    ),
    example(
        "blocks were deleted for their size once, but not since",
        RETENTION_CUT,
        series={metric("prometheus_tsdb_size_retentions_total", PROMETHEUS): "3x120"},
        at="2h",
    ),
    *(
        example(
            f"there are {times} times as many series",
            SERIES_GROW,
            series=_series(100_000, round(100_000 * times)),
            at="1475m",
            step="5m",
            fires=[
                fires(f"prometheus-0 holds {times} times as many series as a day ago.", f"{times}", **place(PROMETHEUS))
            ],
        )
        for times, fires in ((3.2, critical), (2.8, warning), (1.6, warning))
    ),
    example("there are two fifths more series", SERIES_GROW, series=_series(100_000, 140_000), at="25h", step="5m"),
    example("a small stack has grown fivefold", SERIES_GROW, series=_series(20_000, 100_000), at="25h", step="5m"),
    example(
        "samples come from more than a minute ahead",
        CLOCK_AHEAD,
        series=_ahead(66),
        at="10m",
        fires=[warning("prometheus-0 holds samples from 1m 6s in the future.", "1m 6s", **PROMETHEUS)],
    ),
    example("samples come from a minute ahead", CLOCK_AHEAD, series=_ahead(60), at="20m"),
    example(
        "one sample came from nine minutes ahead",
        CLOCK_AHEAD,
        series=_ahead(0) | {metric("prometheus_tsdb_head_max_time_seconds", PROMETHEUS): "540x9 600+60x10"},
        at="12m",
    ),
)
