"""The alerts over Supabase, by example."""

from __future__ import annotations

from rules.supabase.alerts import (
    API_ERRORS,
    AUTH_ERRORS,
    AVAILABILITY,
    CONNECTION_DROP,
    DISCONNECTED,
    DISK_IO,
    DISK_SPACE_LOW,
    DOWN,
    HIGH_CONNECTIONS,
    LAG,
    METRICS_GONE,
    PART_DOWN,
    READ_ONLY,
    REALTIME,
    SLOW,
    STATEMENT,
    STORAGE_ERRORS,
)
from tests.rules.examples import (
    Labels,
    Series,
    counters,
    critical,
    day_then,
    down,
    example,
    gauges,
    metric,
    of,
    shares,
    warning,
)
from tests.rules.objectives import SAMPLES, answering

OWNER = "database"
_SHOP = {"instance": "shop", "job": "supabase-hosted-shop"}
_AUTH = {"instance": "own", "job": "supabase-auth-own"}
_REALTIME = {"instance": "own", "job": "supabase-realtime-own"}
_LAG = "supabase_physical_replication_lag"


def _of(name: str, value: float, of: Labels = _SHOP, **labels: str) -> Series:
    return gauges({metric(f"supabase_{name}", of, labels): value}, SAMPLES)


def _backends(percent: float) -> Series:
    return _of("pg_stat_database_num_backends", percent) | _of("max_connections_connection_count", 100)


def _statements(before: float, after: float) -> Series:
    """Mean seconds of a statement, for a day and then for two hours, with a sample every five minutes."""
    return {metric(STATEMENT.name, _SHOP): day_then(before, after)}


def _connected(before: int, after: int) -> Series:
    return {metric("supabase_realtime_postgres_changes_total_subscriptions", _SHOP): f"{before}x20 {after}x40"}


def _requests(name: str, label: str, percent: float, each: float = 100) -> Series:
    """So many a minute, of which some fail."""
    failed = each * percent / 100
    return counters({metric(name, _SHOP, {label: "200"}): each - failed, metric(name, _SHOP, {label: "503"}): failed})


def _disk(percent: float) -> Series:
    one, data = {"device": "a", "mountpoint": "/"}, {"device": "b", "mountpoint": "/data"}
    names = [f"supabase_node_filesystem_{of}_bytes" for of in ("avail", "size")]
    full = {metric(names[0], _SHOP, one): 1, metric(names[1], _SHOP, one): 100}
    return gauges({**full, metric(names[0], _SHOP, data): percent, metric(names[1], _SHOP, data): 100})


def _replica(seconds: float, connected: int = 1, recovers: int = 1) -> Series:
    late = _of(f"{_LAG.removeprefix('supabase_')}_physical_replication_lag_seconds", seconds)
    linked = _of(f"{_LAG.removeprefix('supabase_')}_is_connected_to_primary", connected)
    return late | linked | _of("pg_status_in_recovery", recovers)


def _busy(percent: float) -> Series:
    return counters({metric("supabase_node_disk_io_time_seconds_total", _SHOP, device="b"): 0.6 * percent})


_GONE = "The metrics of shop cannot be had: nothing else of it is watched."
_CODES = "supabase_http_status_codes_total"
_FILES = "supabase_storage_api_http_request_duration_seconds_count"

EXAMPLES = (
    example(
        "a hosted project's database does not answer for two minutes",
        DOWN,
        series=_of("pg_up", 0),
        at="2m",
        fires=[critical("The database of shop does not answer.", **_SHOP)],
    ),
    example(
        "a part of a self-hosted one does not",
        PART_DOWN,
        series=down(_AUTH),
        at="2m",
        fires=[critical("supabase-auth-own does not answer.", **_AUTH)],
    ),
    example("it is deployed", PART_DOWN, series=down(_AUTH), at="1m"),
    example("it restarts", DOWN, series=_of("pg_up", 0), at="1m"),
    example("the endpoint of a hosted project is away, and nobody knows", PART_DOWN, series=down(_SHOP), near=False),
    example(
        "the endpoint of a hosted project is away for ten minutes",
        METRICS_GONE,
        series=down(_SHOP),
        at="10m",
        fires=[warning(_GONE, **_SHOP)],
    ),
    example(
        "it answers without the database's metrics",
        METRICS_GONE,
        series=gauges({metric("up", _SHOP): 1}),
        fires=[warning(_GONE, **_SHOP)],
    ),
    example("it has been away for nine minutes", METRICS_GONE, series=down(_SHOP), at="9m"),
    example("it says that the database is down", METRICS_GONE, series=_of("pg_up", 0) | down(_SHOP), near=False),
    example("a part has no database to report", METRICS_GONE, series=down(_AUTH), near=False),
    *shares(
        HIGH_CONNECTIONS,
        "{} are in use",
        _backends,
        "Clients of shop use {} of its connections.",
        {79: None, 81: warning, 94: warning, 96: critical},
        at="5m",
        **_SHOP,
    ),
    example(
        "statements take 42 ms, and took 20 a day ago",
        SLOW,
        series=_statements(0.02, 0.042),
        at="1475m",
        step="5m",
        fires=[warning("Statements of shop take 2.1 times as long as a day ago.", "2.1", **_SHOP)],
    ),
    example("they take 38 ms, and took 20", SLOW, series=_statements(0.02, 0.038), at="1500m", step="5m"),
    example("they take 9 ms, and took 3", SLOW, series=_statements(0.003, 0.009), at="1500m", step="5m", near=False),
    example(
        "of 100 connections 49 are left for two minutes",
        CONNECTION_DROP,
        series=_connected(100, 49),
        at="23m",
        fires=[warning("Realtime of shop has 49% of the connections of ten minutes ago.", "49%", **_SHOP)],
    ),
    example(
        "all are gone",
        CONNECTION_DROP,
        series=_connected(100, 0),
        at="25m",
        fires=[warning("Realtime of shop has 0% of the connections of ten minutes ago.", "0%", **_SHOP)],
    ),
    example("of 100 connections 51 are left", CONNECTION_DROP, series=_connected(100, 51), at="25m"),
    example("of 20 connections one is left", CONNECTION_DROP, series=_connected(20, 1), at="25m", near=False),
    example(
        "they were lost a quarter of an hour ago", CONNECTION_DROP, series=_connected(100, 40), at="36m", near=False
    ),
    *(
        each
        for alert, name, label, says in (
            (AUTH_ERRORS, _CODES, "code", "Auth"),
            (STORAGE_ERRORS, _FILES, "status_code", "Storage"),
        )
        for each in (
            example(
                "6 % of the requests fail",
                alert,
                series=_requests(name, label, 6),
                at="6m",
                fires=[warning(f"{says} of shop fails 6% of its requests.", "6%", **_SHOP)],
            ),
            example("4.5 % fail", alert, series=_requests(name, label, 4.5)),
            example("all of three a minute fail", alert, series=_requests(name, label, 100, 3), near=False),
        )
    ),
    example(
        "six requests got no connection in five minutes",
        API_ERRORS,
        series=counters({metric("supabase_pgrst_db_pool_timeouts_total", _SHOP): 1.2}),
        at="10m",
        fires=[
            warning(
                "The API of shop failed 6 requests in five minutes, since no connection to the database was free.",
                "6",
                **_SHOP,
            )
        ],
    ),
    example(
        "fewer than five did",
        API_ERRORS,
        series=counters({metric("supabase_pgrst_db_pool_timeouts_total", _SHOP): 0.9}),
    ),
    *shares(
        DISK_SPACE_LOW,
        "{} are left",
        _disk,
        "The disk of shop has {} of its space left.",
        {11: None, 9: warning, 8: warning, 6: critical},
        at="15m",
        **_SHOP,
    ),
    example(
        "it has been read-only for two minutes",
        READ_ONLY,
        series=_of("pg_settings_default_transaction_read_only", 1),
        at="2m",
        fires=[critical("shop is in read-only mode, as it is when its disk is full.", **_SHOP)],
    ),
    example("somebody freezes it", READ_ONLY, series=_of("pg_settings_default_transaction_read_only", 1), at="1m"),
    example("it takes writes", READ_ONLY, series=_of("pg_settings_default_transaction_read_only", 0), near=False),
    *shares(
        DISK_IO,
        "it is busy for {} of the time",
        _busy,
        "The disk of shop is busy for {} of the time.",
        {85: None, 95: warning},
        at="45m",
        **_SHOP,
    ),
    example(
        "a replica shows the data of 11 minutes ago",
        LAG,
        series=_replica(660),
        at="5m",
        fires=[warning("shop shows the data of 11m 0s ago.", "11m 0s", **_SHOP)],
    ),
    example("a replica shows the data of 9 minutes ago", LAG, series=_replica(540)),
    example("it is cut off, and not late", LAG, series=_replica(3600, connected=0), near=False),
    example("it is a primary", LAG, series=_replica(3600, recovers=0), near=False),
    example(
        "a replica has been cut off for five minutes",
        DISCONNECTED,
        series=_replica(0, connected=0),
        at="5m",
        fires=[warning("shop is not connected to its primary, and shows old data.", **_SHOP)],
    ),
    example("the primary restarts", DISCONNECTED, series=_replica(0, connected=0), at="4m"),
    example("it is a primary", DISCONNECTED, series=_replica(0, connected=0, recovers=0), near=False),
    *answering(AVAILABILITY, "supabase_pg_up", _SHOP),
    example(
        "120 statements a minute take half of it",
        STATEMENT,
        series=counters(
            {
                metric("supabase_pg_stat_statements_total_time_seconds", _SHOP): 30,
                metric("supabase_pg_stat_statements_total_queries", _SHOP): 120,
            }
        ),
        at="40m",
        gives={of(_SHOP): 0.25},
    ),
    example(
        "one project is hosted and one is not",
        REALTIME,
        series=_of("realtime_postgres_changes_total_subscriptions", 120)
        | _of("realtime_connections_global_connected", 64, _REALTIME),
        gives={of(_SHOP): 120, of(_REALTIME): 64},
    ),
)
