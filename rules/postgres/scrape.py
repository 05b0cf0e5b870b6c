"""The exporters of PostgreSQL, and their metrics."""

from __future__ import annotations

from model.exporter import Exporter
from model.flows import Internet
from model.images import pinned
from model.metrics import Metric, Metrics, Unit
from model.quantities import HostPort
from model.scrape import Relabel
from model.settings import Resources
from rules.postgres.settings import PostgresServer, PostgresSettings
from rules.stores import Watch

POSTGRES_EXPORTER = "postgres-exporter"
IMAGE = pinned(
    "docker.io/prometheuscommunity/postgres-exporter:v0.17.1",
    uid=65534,
    binaries={POSTGRES_EXPORTER: "/bin/postgres_exporter"},
)
PORT = 9187
# Without it the exporter waits for ever for a server that hangs, and says nothing. It tries twice, within a scrape.
_CONNECT_SECONDS = 3


def exporters(settings: PostgresSettings) -> tuple[Exporter, ...]:
    return settings.exporters(lambda name, server, address: _exporter(name, server, address, settings.resources))


def _exporter(name: str, server: PostgresServer, address: HostPort, resources: Resources) -> Exporter:
    assert server.password_secret  # noqa: S101  checked by the settings
    secrets = f"/etc/{POSTGRES_EXPORTER}-{name}/secrets"
    root = f"&sslrootcert={secrets}/ca" if server.ca_secret else ""
    return Exporter(
        name=POSTGRES_EXPORTER,
        instance=name,
        image=IMAGE,
        args=(
            f"--web.listen-address=:{PORT}",
            "--collector.database_wraparound",
            "--collector.long_running_transactions",
            "--collector.stat_statements",
            # Nothing uses these; some have series for each table, role or lock.
            *(f"--no-collector.{unused}" for unused in ("locks", "roles", "statio_user_tables", "wal")),
            *(() if server.tables else ("--no-collector.stat_user_tables",)),
        ),
        ports={"metrics": PORT},
        resources=resources,
        live=("/", "metrics"),
        # Not /metrics: an exporter whose server is down must still be scraped, to say so.
        ready=("/", "metrics"),
        env={
            "DATA_SOURCE_URI": f"{address}/{server.database}?sslmode={server.ssl_mode}{root}"
            f"&connect_timeout={_CONNECT_SECONDS}",
            "DATA_SOURCE_USER": server.user,
            "DATA_SOURCE_PASS_FILE": f"{secrets}/password",
        },
        secrets={"password": server.password_secret, **({"ca": server.ca_secret} if server.ca_secret else {})},
        egress=((Internet(address.host), (address.port,)),),
    )


def metrics(job: str) -> tuple[Metric, ...]:
    """Metrics that rules and panels use, of one of the two jobs.

    When no connection is left, the exporter keeps its one and exposes only those with the label ``server``: whether
    the server answers, its connections, settings, replicas, slots and archiver.
    """
    of = Metrics(job)
    replica, statement, table = (
        "application_name client_addr state",
        "datname queryid user",
        "datname relname schemaname",
    )
    return (
        of.gauge("pg_up"),
        of.gauge("pg_stat_activity_count", "datname state usename application_name backend_type wait_event_type"),
        of.gauge("pg_settings_max_connections"),
        of.gauge("pg_settings_superuser_reserved_connections"),
        of.gauge("pg_stat_replication_pg_wal_lsn_diff", replica, unit=Unit.BYTES),
        of.gauge("pg_replication_slots_active", "slot_name"),
        of.gauge("pg_replication_slots_pg_wal_lsn_diff", "slot_name", unit=Unit.BYTES),
        of.gauge("pg_stat_archiver_last_archive_age", unit=Unit.SECONDS),
        of.gauge("pg_replication_is_replica"),
        of.gauge("pg_replication_lag_seconds", unit=Unit.SECONDS),
        of.gauge("pg_long_running_transactions_oldest_timestamp_seconds", unit=Unit.SECONDS),
        # Their unit is transactions, whatever their name says.
        of.gauge("pg_database_wraparound_age_datfrozenxid_seconds", "datname"),
        of.gauge("pg_database_wraparound_age_datminmxid_seconds", "datname"),
        of.gauge("pg_database_size_bytes", "datname", unit=Unit.BYTES),
        *(
            of.counter(f"pg_stat_database_{what}", "datname")
            for what in ("xact_commit", "xact_rollback", "blks_hit", "blks_read", "deadlocks")
        ),
        of.counter("pg_stat_bgwriter_checkpoints_timed_total"),
        of.counter("pg_stat_bgwriter_checkpoints_req_total"),
        of.counter("pg_stat_statements_seconds_total", statement, unit=Unit.SECONDS),
        of.counter("pg_stat_statements_calls_total", statement),
        of.gauge("pg_stat_user_tables_n_dead_tup", table),
    )


WATCH = Watch(
    POSTGRES_EXPORTER,
    "postgres-existing",
    metrics,
    # The exporter adds a zero for each state of each database, and counts the server's own processes, which have no
    # user.
    (Relabel(source=("__name__", "usename"), regex="pg_stat_activity_count;", action="drop"),),
)
