"""The alerts over PostgreSQL, by example."""

from __future__ import annotations

from rules.postgres.alerts import (
    AVAILABILITY,
    BACKUP_OLD,
    DEADLOCKS,
    DOWN,
    EXPECTED,
    HIGH_CONNECTIONS,
    LAG,
    LOCKED,
    LONG_TRANSACTION,
    NO_PRIMARY,
    REJECTS,
    REPLICAS,
    REPLICAS_MISSING,
    SLOT_INACTIVE,
    SLOW,
    STATEMENT,
    WRAPAROUND,
)
from tests.rules.examples import (
    Labels,
    Series,
    counters,
    critical,
    day_then,
    example,
    gauges,
    metric,
    of,
    shares,
    warning,
)
from tests.rules.objectives import SAMPLES, answering

OWNER = "database"
_SERVICE = {"service": "orders"}
_PRIMARY = _SERVICE | {"instance": "orders-a"}
_REPLICA = _SERVICE | {"instance": "orders-b"}
_BILLING = {"service": "billing"}
_CLIENT = _PRIMARY | {"backend_type": "client backend", "datname": "orders"}
_ENDED = metric("pg_stat_database_deadlocks", _PRIMARY, datname="orders")
_WAL = "pg_stat_replication_pg_wal_lsn_diff"
_OLDEST = "pg_long_running_transactions_oldest_timestamp_seconds"


def _up(server: Labels, up: int = 1) -> Series:
    return gauges({metric("pg_up", server): up}, SAMPLES)


def _connections(percent: float) -> Series:
    """Of 103, three of which are a superuser's; a walsender is none of them."""
    return gauges(
        {
            metric("pg_stat_activity_count", _CLIENT, state="idle"): percent - 10,
            metric("pg_stat_activity_count", _CLIENT, state="active"): 10,
            metric("pg_stat_activity_count", _PRIMARY, backend_type="walsender", state="active"): 2,
            metric("pg_settings_max_connections", _PRIMARY): 103,
            metric("pg_settings_superuser_reserved_connections", _PRIMARY): 3,
        }
    )


def _roles(primaries: int, *, known: bool = True) -> Series:
    """What two servers of the service say of themselves; without a connection left, the first one says nothing."""
    said = {
        metric("pg_replication_is_replica", server): int(position >= primaries)
        for position, server in enumerate((_PRIMARY, _REPLICA))
        if known or server is _REPLICA
    }
    return gauges(said) | _up(_PRIMARY) | _up(_REPLICA)


def _replicas(streaming: int, expected: int, replica: int = 0) -> Series:
    """Of a service that expects other numbers than the example's."""
    streams = {metric(_WAL, _BILLING, state="streaming", client_addr=str(n)): 0 for n in range(streaming)}
    here = {metric("pg_replication_is_replica", _BILLING, instance="billing-a"): replica}
    return gauges({metric(EXPECTED, _BILLING): expected, **here, **streams})


def _streams(*states: str) -> Series:
    """Replicas of the primary, each in one state."""
    return gauges({metric(_WAL, _PRIMARY, state=state, client_addr=f"10.0.0.{n}"): 0 for n, state in enumerate(states)})


def _lag(seconds: float, state: str = "streaming") -> Series:
    return _streams(state) | gauges({metric("pg_replication_lag_seconds", _REPLICA): seconds})


def _slots(*active: int) -> Series:
    return gauges(
        {metric("pg_replication_slots_active", _PRIMARY, slot_name=str(n)): on for n, on in enumerate(active)}
    )


def _statements(before: float, after: float) -> Series:
    """A day of statements of one mean, then two hours of another."""
    return {metric(STATEMENT.name, _PRIMARY): day_then(before, after)}


def _waiting(sessions: int) -> Series:
    waits = _CLIENT | {"wait_event_type": "Lock"}
    return gauges({metric("pg_stat_activity_count", waits): sessions})


def _ages(frozen: float, multi: float) -> Series:
    ages = {"datfrozenxid": frozen, "datminmxid": multi}
    return gauges(
        {metric(f"pg_database_wraparound_age_{of_}_seconds", _PRIMARY, datname="a"): age for of_, age in ages.items()}
    )


def _age(seconds: float, replica: int = 0) -> Series:
    return gauges(
        {
            metric("pg_stat_archiver_last_archive_age", _PRIMARY): seconds,
            metric("pg_replication_is_replica", _PRIMARY): replica,
        }
    )


EXAMPLES = (
    example(
        "it does not answer for a minute",
        DOWN,
        series=_up(_PRIMARY, 0),
        at="1m",
        fires=[critical("orders-a of orders does not answer its exporter.", **_PRIMARY)],
    ),
    example("it has not answered once", DOWN, series=_up(_PRIMARY, 0), at="0m"),
    example(
        "its exporter gets no answer to its question, and gives none",
        DOWN,
        series=gauges({metric("up", _PRIMARY, job="postgres-exporter"): 0}),
        at="1m",
        fires=[critical("orders-a of orders does not answer its exporter.", **_PRIMARY)],
    ),
    example("it answers", DOWN, series=_up(_PRIMARY), near=False),
    example(
        "it answers on a connection that is open, and opened none for three minutes",
        REJECTS,
        series=_up(_PRIMARY),
        at="3m",
        fires=[critical("orders-a answers on connections that are open, and takes no new one.", **_PRIMARY)],
    ),
    example("it has opened none for two minutes", REJECTS, series=_up(_PRIMARY), at="2m"),
    example("it opens one", REJECTS, series=_roles(1), near=False),
    *shares(
        HIGH_CONNECTIONS,
        "{} are in use",
        _connections,
        "Clients of orders-a use {} of its connections.",
        {79: None, 81: warning, 94: warning, 96: critical},
        at="5m",
        **_PRIMARY,
    ),
    example(
        "the old primary came back as a replica two minutes ago",
        NO_PRIMARY,
        series=_roles(0),
        at="2m",
        fires=[critical("orders has 0 primaries: none takes writes, or several diverge.", **_SERVICE)],
    ),
    example(
        "both say that they are the primary",
        NO_PRIMARY,
        series=_roles(2),
        fires=[critical("orders has 2 primaries: none takes writes, or several diverge.", **_SERVICE)],
    ),
    example("a failover has lasted for a minute", NO_PRIMARY, series=_roles(0), at="1m"),
    example("one is the primary", NO_PRIMARY, series=_roles(1)),
    example(
        "the primary answers and has no connection left for the question", NO_PRIMARY, series=_roles(1, known=False)
    ),
    *(
        example(
            f"{streaming} of {expected} stream",
            REPLICAS_MISSING,
            series=_replicas(streaming, expected),
            at="5m",
            fires=[
                fires(f"The primary of billing streams to {share} of its replicas.", share, **_BILLING)
                for fires in found
            ],
        )
        for streaming, expected, share, found in (
            (0, 1, "0%", [critical]),
            (1, 22, "4.545%", [critical]),
            (1, 20, "5%", [warning]),
            (9, 10, "90%", [warning]),
            (2, 2, "100%", []),
        )
    ),
    example("there is no primary to ask", REPLICAS_MISSING, series=_replicas(0, 1, replica=1), near=False),
    example(
        "a replica shows data of 31 seconds ago",
        LAG,
        series=_lag(31),
        at="5m",
        fires=[warning("orders-b shows the data of 31s ago.", "31s", **_REPLICA)],
    ),
    example("a replica shows data of 29 seconds ago", LAG, series=_lag(29)),
    example(
        "the replica has lost its primary, which PostgreSQLDown says", LAG, series=_lag(600, "startup"), near=False
    ),
    example(
        "one of three slots has had no reader for a quarter of an hour",
        SLOT_INACTIVE,
        series=_slots(1, 0, 1),
        at="15m",
        fires=[warning("orders-a keeps WAL for 1 slots that nobody reads, until its disk is full.", **_PRIMARY)],
    ),
    example("a replica restarts", SLOT_INACTIVE, series=_slots(0), at="14m"),
    example("all slots are read", SLOT_INACTIVE, series=_slots(1, 1), at="15m", near=False),
    example(
        "a transaction is an hour and a minute old",
        LONG_TRANSACTION,
        series=gauges({metric(_OLDEST, _PRIMARY): 3660}),
        at="2m",
        fires=[warning("orders-a has a transaction that is 1h 1m 0s old.", "1h 1m 0s", **_PRIMARY)],
    ),
    example("a transaction is 59 minutes old", LONG_TRANSACTION, series=gauges({metric(_OLDEST, _PRIMARY): 3540})),
    example(
        "five sessions wait for a lock",
        LOCKED,
        series=_waiting(5),
        at="5m",
        fires=[warning("5 sessions of orders-a wait for a lock.", "5", **_PRIMARY)],
    ),
    example("four sessions wait for a lock", LOCKED, series=_waiting(4)),
    example(
        "six deadlocks at once, five minutes ago",
        DEADLOCKS,
        series={_ENDED: "0x60 6x30"},
        at="66m",
        fires=[warning("orders-a has ended 6 deadlocks within an hour.", "6", **_PRIMARY)],
    ),
    example("five deadlocks within two hours", DEADLOCKS, series={_ENDED: "0x20 1x20 2x20 3x20 4x20 5x20"}, at="110m"),
    example("less than five within an hour", DEADLOCKS, series=counters({_ENDED: 0.08}, 90), at="70m"),
    example(
        "statements take 42 ms, and took 20 a day ago",
        SLOW,
        series=_statements(0.02, 0.042),
        at="1475m",
        step="5m",
        fires=[warning("Statements of orders-a take 2.1 times as long as a day ago.", "2.1", **_PRIMARY)],
    ),
    example("they take 38 ms, and took 20", SLOW, series=_statements(0.02, 0.038), at="1500m", step="5m"),
    example("they take 9 ms, and took 3", SLOW, series=_statements(0.003, 0.009), at="1500m", step="5m", near=False),
    *(
        example(
            f"the oldest row is {frozen / 1e9:g} and the oldest multixact {multi / 1e9:g} billion old",
            WRAPAROUND,
            series=_ages(frozen, multi),
            at="10m",
            fires=[fires(f"orders-a has rows that {says} transactions have not frozen.", says, **_PRIMARY)]
            if fires
            else [],
        )
        for frozen, multi, fires, says in (
            (0.9e9, 0, None, ""),
            (1.1e9, 0, warning, "1.1G"),
            (0.1e9, 1.5e9, warning, "1.5G"),
            (0.1e9, 1.7e9, critical, "1.7G"),
        )
    ),
    example(
        "a primary has archived nothing for 25 hours",
        BACKUP_OLD,
        series=_age(25 * 3600),
        at="10m",
        fires=[warning("orders-a last archived WAL 1d 1h 0m 0s ago.", "1d 1h 0m 0s", **_PRIMARY)],
    ),
    example("a primary archived 23 hours ago", BACKUP_OLD, series=_age(23 * 3600)),
    example("it was a primary two days ago", BACKUP_OLD, series=_age(48 * 3600, replica=1), near=False),
    *answering(AVAILABILITY, "pg_up", _PRIMARY),
    example("one of two replicas streams", REPLICAS, series=_streams("streaming", "backup"), gives={of(_SERVICE): 1}),
    example("none streams", REPLICAS, gives={of(_SERVICE): 0}),
    example("the example has one replica", EXPECTED, gives={of(): 1}),
    example(
        "100 statements take 2 seconds, and 300 of another kind 6",
        STATEMENT,
        series=counters(
            {
                metric(f"pg_stat_statements_{what}_total", _PRIMARY, queryid=query): step
                for query, what, step in (
                    ("1", "seconds", 2),
                    ("1", "calls", 100),
                    ("2", "seconds", 6),
                    ("2", "calls", 300),
                )
            }
        ),
        at="40m",
        gives={of(_PRIMARY): 0.02},
    ),
)
