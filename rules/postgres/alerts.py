"""Alerts, recordings and the objective of PostgreSQL; comments give the reason for each number."""

from __future__ import annotations

from collections.abc import Mapping

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Recording, Severity
from rules.postgres.scrape import WATCH
from rules.stores import BY, MOST_REPLICAS, SERVICE, availability, expected, high_connections, mutes, mutes_outside

EXPECTED = "service:postgres_replicas:expected"
"""Replicas that a service must have, from the settings."""

_SHARE = (
    f'sum by ({BY}) (pg_stat_activity_count{{backend_type="client backend"}})'
    f" / (max by ({BY}) (pg_settings_max_connections) - max by ({BY}) (pg_settings_superuser_reserved_connections))"
)
_STREAMING = 'pg_stat_replication_pg_wal_lsn_diff{state="streaming"}'

REPLICAS = Recording(
    # Judged from the primary: a replica that has lost its primary reports that it lags 0 seconds.
    name="service:postgres_replicas:streaming",
    expr=f"count by ({SERVICE}) ({_STREAMING}) or 0 * max by ({SERVICE}) ({EXPECTED})",
)
STATEMENT = Recording(
    name="instance:postgres_statement_seconds:mean30m",
    expr=" / ".join(f"sum by ({BY}) (rate(pg_stat_statements_{of}_total[30m]))" for of in ("seconds", "calls")),
    unit=Unit.SECONDS,
)

DOWN = Alert(
    name="PostgreSQLDown",
    value=WATCH.down("pg_up"),
    severity=Severity.CRITICAL,
    for_=Duration.parse("1m"),  # a restart takes seconds
    summary="A PostgreSQL server does not answer.",
    description="{{ $labels.instance }} of {{ $labels.service }} does not answer its exporter.",
)
REJECTS = Alert(
    name="PostgreSQLRejectsConnections",
    # Each scrape opens a connection, and keeps another one by which it still knows that the server is up.
    value=f"max by ({BY}) (pg_up) == 1 unless on ({BY}) pg_replication_is_replica",
    severity=Severity.CRITICAL,
    for_=Duration.parse("3m"),  # longer than a burst of clients
    summary="A PostgreSQL server takes no new connection.",
    description="{{ $labels.instance }} answers on connections that are open, and takes no new one.",
    runbook="PostgreSQLHighConnections",
)
# Connections of clients, of those that are not reserved for superusers.
HIGH_CONNECTIONS = high_connections(
    "PostgreSQLHighConnections",
    "PostgreSQL server",
    _SHARE,
)
NO_PRIMARY = Alert(
    name="PostgreSQLNoPrimary",
    # Not while a server answers and cannot be asked for its role, since its connections are used up.
    value=f"sum by ({SERVICE}) (pg_replication_is_replica == bool 0) != 1 and on ({SERVICE}) {EXPECTED}"
    f" unless on ({SERVICE}) (pg_up == 1 unless on ({BY}) pg_replication_is_replica)",
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # a failover takes less
    summary="A PostgreSQL service does not have exactly one primary.",
    description="{{ $labels.service }} has {{ $value }} primaries: none takes writes, or several diverge.",
)
REPLICAS_MISSING = Alert(
    name="PostgreSQLReplicasMissing",
    value=f"max by ({SERVICE}) ({REPLICAS.name}) / max by ({SERVICE}) ({EXPECTED})",
    # Less than one of the most that can be expected is none, and the next failure loses data.
    below={Severity.WARNING: 1, Severity.CRITICAL: 1 / MOST_REPLICAS},
    and_=f"on ({SERVICE}) min by ({SERVICE}) (pg_replication_is_replica) == 0",  # the primary answers
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # a replica that restarts is back in less
    summary="A PostgreSQL service has too few replicas.",
    description="The primary of {{ $labels.service }} streams to {{ $value | humanizePercentage }} of its replicas.",
)
LAG = Alert(
    name="PostgreSQLReplicationLag",
    # Only while the primary streams: without it a replica reports 0, or the age of the last write.
    value=f"max by ({BY}) (pg_replication_lag_seconds) and on ({SERVICE}) {_STREAMING}",
    above={Severity.WARNING: 30},  # people who read after they write notice seconds; half a minute is no hiccup
    unit=Unit.SECONDS,
    for_=Duration.parse("5m"),  # longer than a bulk load or a long query that delays the replay
    summary="A PostgreSQL replica is behind.",
    description="{{ $labels.instance }} shows the data of {{ $value | humanizeDuration }} ago.",
)
SLOT_INACTIVE = Alert(
    name="PostgreSQLSlotInactive",
    value=f"count by ({BY}) (pg_replication_slots_active == 0)",
    severity=Severity.WARNING,
    for_=Duration.parse("15m"),  # longer than a restart or an upgrade of a replica
    summary="Nobody reads a replication slot.",
    description="{{ $labels.instance }} keeps WAL for {{ $value }} slots that nobody reads, until its disk is full.",
)
LONG_TRANSACTION = Alert(
    name="PostgreSQLLongTransaction",
    value=f"max by ({BY}) (pg_long_running_transactions_oldest_timestamp_seconds)",
    above={Severity.WARNING: 3600},  # vacuum has removed no row for an hour; dumps of small databases take less
    unit=Unit.SECONDS,
    for_=Duration.parse("2m"),  # two scrapes
    summary="A transaction has been open for long.",
    description="{{ $labels.instance }} has a transaction that is {{ $value | humanizeDuration }} old.",
)
LOCKED = Alert(
    name="PostgreSQLLocksHeld",
    value=f'sum by ({BY}) (pg_stat_activity_count{{wait_event_type="Lock"}})',
    above={Severity.WARNING: 4},  # a few wait on a busy row; more behind each other wait for one that does not end
    for_=Duration.parse("5m"),  # longer than a migration may hold a lock
    summary="Sessions wait for locks.",
    description="{{ $value }} sessions of {{ $labels.instance }} wait for a lock.",
)
DEADLOCKS = Alert(
    name="PostgreSQLDeadlocks",
    value=f"sum by ({BY}) (increase(pg_stat_database_deadlocks[1h]))",
    above={Severity.WARNING: 5},  # clients retry one now and then; several an hour are one pair of statements
    for_=Duration.parse("5m"),  # of a sum over an hour, so that it has not just begun
    summary="Transactions deadlock.",
    description='{{ $labels.instance }} has ended {{ $value | printf "%.0f" }} deadlocks within an hour.',
)
SLOW = Alert(
    name="PostgreSQLSlowQueries",
    value=f"{STATEMENT.name} / ({STATEMENT.name} offset 1d)",
    above={Severity.WARNING: 2},  # twice a statement's time halves what the clients' pools can do
    and_=f"{STATEMENT.name} > 0.01",  # nobody notices less than 10 ms
    for_=Duration.parse("30m"),  # longer than nightly jobs at the other hour of a clock change take
    summary="Statements take much longer than a day ago.",
    description="Statements of {{ $labels.instance }} take {{ $value | humanize }} times as long as a day ago.",
)
_AGES = [f"max by ({BY}) (pg_database_wraparound_age_{of}_seconds)" for of in ("datfrozenxid", "datminmxid")]
WRAPAROUND = Alert(
    name="PostgreSQLWraparound",
    value=f"{_AGES[0]} >= {_AGES[1]} or {_AGES[1]}",
    # Autovacuum begins at 0.2 billion. At 1.6 billion it drops all else (vacuum_failsafe_age); at 2.1 writes end.
    above={Severity.WARNING: 1_000_000_000, Severity.CRITICAL: 1_600_000_000},
    for_=Duration.parse("10m"),  # it changes in hours
    summary="A PostgreSQL server runs out of transaction ids.",
    description="{{ $labels.instance }} has rows that {{ $value | humanize }} transactions have not frozen.",
)
BACKUP_OLD = Alert(
    name="PostgreSQLBackupOld",
    value=f"max by ({BY}) (pg_stat_archiver_last_archive_age)",
    above={Severity.WARNING: 24 * 3600},  # a restore would lose a day, if it writes little or not
    unless=f"on ({BY}) pg_replication_is_replica == 1",  # a former primary archives no more
    unit=Unit.SECONDS,
    for_=Duration.parse("10m"),
    summary="The last archived WAL is old.",
    description="{{ $labels.instance }} last archived WAL {{ $value | humanizeDuration }} ago.",
)
HIT_RATIO = " / ".join(
    (
        f"sum by ({BY}) (rate(pg_stat_database_blks_hit[15m]))",
        f"sum by ({BY}) (rate(pg_stat_database_blks_hit[15m]) + rate(pg_stat_database_blks_read[15m]))",
    )
)
"""No alert: a report that reads much once lowers it, and what people notice is a slow statement."""

AVAILABILITY = availability("postgres-availability", "pg_up")
_OF_REPLICAS = (NO_PRIMARY, REPLICAS_MISSING)
_ALERTS = (
    *(DOWN, REJECTS, HIGH_CONNECTIONS, LAG, SLOT_INACTIVE, LONG_TRANSACTION, LOCKED, DEADLOCKS, WRAPAROUND, BACKUP_OLD),
)


def groups(replicas: Mapping[str, int]) -> tuple[Group, ...]:
    """The rule groups. Without expected ``replicas``, by service, nothing is known about primaries and replicas."""
    return (
        Group("postgres", _ALERTS),
        *((Group("postgres-replicas", (*expected(EXPECTED, replicas), REPLICAS, *_OF_REPLICAS)),) if replicas else ()),
        Group("postgres-statements", (STATEMENT, SLOW), Duration.parse("2m")),  # a mean of half an hour
    )


INHIBITIONS = (
    # One outage, one page.
    mutes(DOWN, *_ALERTS, SLOW, of=BY),
    mutes(DOWN, *_OF_REPLICAS, of=SERVICE),
    mutes(HIGH_CONNECTIONS, REJECTS, of=BY, severity="critical"),
    *mutes_outside(DOWN, AVAILABILITY, WATCH.jobs),
)
