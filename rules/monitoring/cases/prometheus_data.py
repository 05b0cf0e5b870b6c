"""What Prometheus takes in and keeps, tried."""

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
from rules.monitoring.cases.tried import CRITICAL, INFO, LOKI, PROMETHEUS, WARNING, day_then, of, place, tried

_REMOTE = {**PROMETHEUS, "remote_name": "mimir"}
_URL = "https://mimir.example/api/v1/push"
_OTLP = {"pod": "prometheus-0", "handler": "/api/v1/otlp/v1/metrics"}


def _asks(failing: int, answered: int) -> dict[str, str]:
    requests = "prometheus_sd_kubernetes_http_request_total"
    return {
        f"{requests}{of(PROMETHEUS, status_code='<error>')}": f"0+{failing}x20",
        f"{requests}{of(PROMETHEUS, status_code='200')}": f"0+{answered}x20",
    }


def _limits(samples: str) -> dict[str, str]:
    return {
        f"prometheus_target_scrapes_exceeded_sample_limit_total{of(PROMETHEUS)}": samples,
        f"prometheus_target_scrapes_exceeded_body_size_limit_total{of(PROMETHEUS)}": "0x30",
        f"prometheus_target_scrape_pool_exceeded_label_limits_total{of(PROMETHEUS)}": "0x30",
        f"prometheus_target_scrape_pool_exceeded_target_limit_total{of(PROMETHEUS)}": "0x30",
    }


def _rejected(doubled: int) -> dict[str, str]:
    """So many a minute."""
    return {
        f"prometheus_target_scrapes_sample_duplicate_timestamp_total{of(PROMETHEUS)}": f"0+{doubled}x30",
        f"prometheus_target_scrapes_sample_out_of_order_total{of(PROMETHEUS)}": "0x30",
        f"prometheus_target_scrapes_sample_out_of_bounds_total{of(PROMETHEUS)}": "0x30",
        f"prometheus_tsdb_too_old_samples_total{of(PROMETHEUS, type='float')}": "0x30",
        # Loki's own storage, which is no business of this alert.
        f"prometheus_tsdb_too_old_samples_total{of(LOKI, type='float')}": "0+900x30",
    }


def _pushes(refused: int, taken: int) -> dict[str, str]:
    return {
        f"prometheus_http_requests_total{of(PROMETHEUS, handler=_OTLP['handler'], code='400')}": f"0+{refused}x30",
        f"prometheus_http_requests_total{of(PROMETHEUS, handler=_OTLP['handler'], code='200')}": f"0+{taken}x30",
    }


def _behind(seconds: int) -> dict[str, str]:
    highest = "prometheus_remote_storage_queue_highest"
    return {
        f"{highest}_timestamp_seconds{of(_REMOTE, url=_URL)}": "100000+60x20",
        f"{highest}_sent_timestamp_seconds{of(_REMOTE, url=_URL)}": f"{100000 - seconds}+60x20",
    }


def _written(failed: int, of_all: int) -> dict[str, str]:
    return {
        f"prometheus_remote_storage_samples_failed_total{of(_REMOTE, url=_URL)}": f"0+{failed}x20",
        f"prometheus_remote_storage_samples_total{of(_REMOTE, url=_URL)}": f"0+{of_all}x20",
    }


def _storage(compactions_failed: str) -> dict[str, str]:
    others = (
        "reloads_failures",
        "wal_writes_failed",
        "wal_truncations_failed",
        "wal_corruptions",
        "checkpoint_creations_failed",
        "head_truncations_failed",
    )
    return {
        f"prometheus_tsdb_compactions_failed_total{of(PROMETHEUS)}": compactions_failed,
        **{f"prometheus_tsdb_{other}_total{of(PROMETHEUS)}": "0x120" for other in others},
    }


def _series(before: int, after: int) -> dict[str, str]:
    return {f"prometheus_tsdb_head_series{of(PROMETHEUS)}": day_then(before, after)}


def _ahead(seconds: int) -> dict[str, str]:
    """Time begins at 0 here."""
    return {f"prometheus_tsdb_head_max_time_seconds{of(PROMETHEUS)}": f"{seconds}+60x20"}


CASES = (
    tried(
        DISCOVERY_FAILING,
        "six of ten questions are not answered",
        _asks(6, 4),
        "15m",
        fires=(WARNING,),
        labels=place(PROMETHEUS),
        says="prometheus-0: 60% of its questions to the API server fail.",
        value="60%",
    ),
    tried(DISCOVERY_FAILING, "four of ten questions are not answered", _asks(4, 6), "20m"),
    tried(
        SCRAPE_LIMIT_HIT,
        "a target sends too much at every scrape",
        _limits("0+1x30"),
        "12m",
        fires=(WARNING,),
        labels=PROMETHEUS,
        says="prometheus-0 drops whole scrapes: a target has more samples, bytes or labels than it may.",
    ),
    tried(SCRAPE_LIMIT_HIT, "a single scrape was too large", _limits("0x5 1x30"), "14m"),
    tried(
        SAMPLES_REJECTED,
        "two samples per second come twice",
        _rejected(120),
        "25m",
        fires=(WARNING,),
        labels=PROMETHEUS,
        says="prometheus-0 rejects 2 samples a second: doubled, too old or out of order.",
        value="2 per second",
    ),
    tried(SAMPLES_REJECTED, "nine samples in ten seconds come twice", _rejected(54), "30m"),
    tried(
        PUSHES_REFUSED,
        "three of ten pushes are refused",
        _pushes(3, 7),
        "15m",
        fires=(CRITICAL, WARNING),
        labels=_OTLP,
        says="prometheus-0 refuses 30% of what comes to /api/v1/otlp/v1/metrics.",
        value="30%",
    ),
    tried(
        PUSHES_REFUSED,
        "one of ten pushes is refused",
        _pushes(1, 9),
        "15m",
        fires=(WARNING,),
        labels=_OTLP,
        says="prometheus-0 refuses 10% of what comes to /api/v1/otlp/v1/metrics.",
        value="10%",
    ),
    tried(PUSHES_REFUSED, "one of two hundred pushes is refused", _pushes(1, 199), "20m"),
    tried(PUSHES_REFUSED, "the only push of each minute is refused", _pushes(1, 0), "20m"),
    tried(
        REMOTE_WRITE_BEHIND,
        "it is two hours behind",
        _behind(7200),
        "15m",
        fires=(CRITICAL, WARNING),
        labels=_REMOTE,
        says="prometheus-0 owes mimir the last 2h 0m 0s.",
        value="2h 0m 0s",
    ),
    tried(
        REMOTE_WRITE_BEHIND,
        "it is ten minutes behind",
        _behind(600),
        "15m",
        fires=(WARNING,),
        labels=_REMOTE,
        says="prometheus-0 owes mimir the last 10m 0s.",
        value="10m 0s",
    ),
    tried(REMOTE_WRITE_BEHIND, "it is five minutes behind", _behind(300), "20m"),
    tried(
        REMOTE_WRITE_DROPS,
        "a tenth is refused",
        _written(10, 100),
        "15m",
        fires=(CRITICAL, WARNING),
        labels=_REMOTE,
        says="mimir refuses 10% of what prometheus-0 sends.",
        value="10%",
    ),
    tried(
        REMOTE_WRITE_DROPS,
        "one in a hundred is refused",
        _written(1, 100),
        "15m",
        fires=(WARNING,),
        labels=_REMOTE,
        says="mimir refuses 1% of what prometheus-0 sends.",
        value="1%",
    ),
    tried(REMOTE_WRITE_DROPS, "one in two thousand is refused", _written(1, 2000), "20m"),
    tried(
        STORAGE_FAILING,
        "the block is tried every minute, and fails",
        _storage("0x5 0+1x60"),
        "30m",
        fires=(CRITICAL, WARNING),
        labels=PROMETHEUS,
        says="prometheus-0 failed 24 times in three hours to write its WAL or blocks.",
        value="24",
    ),
    tried(
        STORAGE_FAILING,
        "a single block failed an hour ago",
        _storage("0x60 1x60"),
        "2h",
        fires=(WARNING,),
        labels=PROMETHEUS,
        says="prometheus-0 failed 1 times in three hours to write its WAL or blocks.",
        value="1",
    ),
    tried(STORAGE_FAILING, "nothing has failed since long ago", _storage("7x120"), "2h"),
    tried(
        RETENTION_CUT,
        "a block was deleted for its size",
        {f"prometheus_tsdb_size_retentions_total{of(PROMETHEUS)}": "0x60 1x60"},
        "2h",
        fires=(INFO,),
        labels=PROMETHEUS,
        says="prometheus-0 is at its size limit and deletes samples that are not old enough to go.",
    ),
    tried(
        RETENTION_CUT,
        "blocks were deleted for their size once, but not since",
        {f"prometheus_tsdb_size_retentions_total{of(PROMETHEUS)}": "3x120"},
        "2h",
    ),
    tried(
        SERIES_GROW,
        "there are four times as many series",
        _series(100_000, 400_000),
        "25h",
        step="5m",
        fires=(CRITICAL, WARNING),
        labels=place(PROMETHEUS),
        says="prometheus-0 holds 4 times as many series as a day ago.",
        value="4",
    ),
    tried(
        SERIES_GROW,
        "there are twice as many series",
        _series(100_000, 200_000),
        "25h",
        step="5m",
        fires=(WARNING,),
        labels=place(PROMETHEUS),
        says="prometheus-0 holds 2 times as many series as a day ago.",
        value="2",
    ),
    tried(SERIES_GROW, "there are two fifths more series", _series(100_000, 140_000), "25h", step="5m"),
    tried(SERIES_GROW, "a small stack has grown fivefold", _series(20_000, 100_000), "25h", step="5m"),
    tried(
        CLOCK_AHEAD,
        "samples come from five minutes ahead",
        _ahead(300),
        "10m",
        fires=(WARNING,),
        labels=PROMETHEUS,
        says="prometheus-0 holds samples from 5m 0s in the future.",
        value="5m 0s",
    ),
    tried(CLOCK_AHEAD, "samples come from a minute ahead", _ahead(60), "20m"),
    tried(
        CLOCK_AHEAD,
        "one sample came from nine minutes ahead",
        _ahead(0) | {f"prometheus_tsdb_head_max_time_seconds{of(PROMETHEUS)}": "540x9 600+60x10"},
        "12m",
    ),
)
