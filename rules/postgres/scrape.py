"""The exporters of PostgreSQL, and their metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from model.exporter import Exporter, scrape_job
from model.flows import Internet
from model.images import pinned
from model.metrics import Metric, Metrics, Unit
from model.scrape import Relabel, ScrapeJob, StaticTargets
from rules.postgres.settings import PostgresServer, PostgresSettings

POSTGRES_EXPORTER, EXISTING = "postgres-exporter", "postgres-existing"
JOBS = f"{POSTGRES_EXPORTER}|{EXISTING}"
IMAGE = pinned(
    "docker.io/prometheuscommunity/postgres-exporter:v0.17.1",
    uid=65534,
    binaries={POSTGRES_EXPORTER: "/bin/postgres_exporter"},
)
PORT = 9187
# Without it the exporter waits for ever for a server that hangs, and says nothing. It tries twice, within a scrape.
_CONNECT_SECONDS = 3


def exporters(settings: PostgresSettings) -> tuple[Exporter, ...]:
    """One for each server that has no exporter: each has its own password, and a slow server delays no other."""
    return tuple(
        _exporter(name, server, settings) for name, server in sorted(settings.servers.items()) if server.address
    )


def _exporter(name: str, server: PostgresServer, settings: PostgresSettings) -> Exporter:
    assert server.address  # noqa: S101  checked by the settings
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
        resources=settings.resources,
        live=("/", "metrics"),
        # Not /metrics: an exporter whose server is down must still be scraped, to say so.
        ready=("/", "metrics"),
        env={
            "DATA_SOURCE_URI": f"{server.address}/{server.database}?sslmode={server.ssl_mode}{root}"
            f"&connect_timeout={_CONNECT_SECONDS}",
            "DATA_SOURCE_USER": server.user,
            "DATA_SOURCE_PASS_FILE": f"{secrets}/password",
        },
        secrets={"password": server.password_secret, **({"ca": server.ca_secret} if server.ca_secret else {})},
        egress=((Internet(server.address.host), (server.address.port,)),),
    )


def scrape_jobs(settings: PostgresSettings, namespace: str) -> Iterator[ScrapeJob]:
    """Jobs of the stack's own exporters, and of existing ones. Both have the labels `instance` and `service`."""
    services = tuple(_service(name, service) for name, service in settings.services.items())
    if ours := exporters(settings):
        job = scrape_job(ours, namespace, keeps=_names(POSTGRES_EXPORTER))
        yield replace(job, relabel=(*job.relabel, *services), metric_relabel=(_OF_NOBODY,))
    existing = {name: server.exporter for name, server in sorted(settings.servers.items()) if server.exporter}
    if existing:
        yield ScrapeJob(
            name=EXISTING,
            discovery=StaticTargets(tuple(map(str, existing.values()))),
            egress=tuple((Internet(address.host), (address.port,)) for address in existing.values()),
            relabel=(
                *(
                    Relabel(source=("__address__",), regex=re.escape(str(address)), target="instance", replacement=name)
                    for name, address in existing.items()
                ),
                *services,
            ),
            keeps=_names(EXISTING),
            metric_relabel=(_OF_NOBODY,),
        )


def _names(job: str) -> tuple[str, ...]:
    """What is stored: of a server with many tables and clients, the exporter says ten times as much."""
    return tuple(sorted(metric.name for metric in metrics(job)))


def _service(instance: str, service: str) -> Relabel:
    return Relabel(source=("instance",), regex=instance, target="service", replacement=service)


# The exporter adds a zero for each state of each database, and counts the server's own processes, which have no user.
_OF_NOBODY = Relabel(source=("__name__", "usename"), regex="pg_stat_activity_count;", action="drop")


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
