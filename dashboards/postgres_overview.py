"""PostgreSQL: whether servers answer and replicate, what their connections do, and where their time goes."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import (
    Dashboard,
    Panel,
    Query,
    Row,
    Visualization,
    alert_stat,
    alert_time_series,
    found,
    variable,
)
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert
from model.uids import ALERTS, HOME
from rules.postgres import alerts
from rules.postgres.uids import POSTGRES
from rules.stores import BY

_IN = 'cluster=~"$cluster", service=~"$service", instance=~"$instance"'
_SERVER, _DATABASE = "{{instance}}", "{{instance}}, {{datname}}"
_OF_DATABASE = f"{BY}, datname"


def _of(alert: Alert, title: str, description: str) -> Panel:
    return alert_time_series(alert, title, description, narrowed(alert.value, _IN), _SERVER)


def _lines(title: str, description: str, expr: str, legend: str = _SERVER, unit: Unit = Unit.NONE) -> Panel:
    return Panel(
        title=title, description=description, queries=(Query(expr=narrowed(expr, _IN), legend=legend),), unit=unit
    )


def _rate(metric: str, by: str = BY) -> str:
    return f"sum by ({by}) (rate({metric}[5m]))"


DASHBOARD = Dashboard(
    uid=POSTGRES,
    title="PostgreSQL",
    description="Which PostgreSQL server is down, full, slow, or without a replica.",
    tags=("postgres",),
    variables=(
        variable("cluster", "pg_up", "Cluster"),
        variable("service", 'pg_up{cluster=~"$cluster"}', "Service"),
        variable("instance", 'pg_up{cluster=~"$cluster", service=~"$service"}', "Server"),
    ),
    related=(HOME, ALERTS),
    annotations=(alerts_of("postgres"),),
    rows=(
        Row(
            "Do they answer?",
            (
                alert_stat(alerts.DOWN, "Down", "Servers that do not answer.", found(alerts.DOWN, _IN)),
                alert_stat(
                    alerts.SLOT_INACTIVE,
                    "Unread slots",
                    "Servers that keep WAL for a slot that nobody reads.",
                    found(alerts.SLOT_INACTIVE, _IN),
                ),
                _of(alerts.HIGH_CONNECTIONS, "Connections in use", "Share of the connections that clients may open."),
                _lines(
                    "Connections by state",
                    "Idle ones cost memory; idle in a transaction hold locks and keep rows from vacuum.",
                    f'sum by ({BY}, state) (pg_stat_activity_count{{backend_type="client backend"}})',
                    "{{instance}}, {{state}}",
                ),
            ),
        ),
        Row(
            "What do they do?",
            (
                _lines(
                    "Transactions per second",
                    "Committed and rolled back.",
                    f"{_rate('pg_stat_database_xact_commit', _OF_DATABASE)}"
                    f" + {_rate('pg_stat_database_xact_rollback', _OF_DATABASE)}",
                    _DATABASE,
                    Unit.PER_SECOND,
                ),
                _lines("Mean statement time", "Of half an hour.", alerts.STATEMENT.name, unit=Unit.SECONDS),
                Panel(
                    title="Most expensive statements",
                    description="Seconds of work per second, by the queryid in pg_stat_statements.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(
                            expr=narrowed(
                                f"topk(10, {_rate('pg_stat_statements_seconds_total', f'{_OF_DATABASE}, queryid')})",
                                _IN,
                            )
                        ),
                    ),
                    columns=("instance", "datname", "queryid"),
                ),
                _of(alerts.LOCKED, "Waiting for locks", "Sessions that wait for another one's lock."),
                _of(alerts.LONG_TRANSACTION, "Oldest transaction", "Vacuum removes no row that it may still see."),
                _of(alerts.DEADLOCKS, "Deadlocks", "Ended within an hour."),
                _lines(
                    "Cache hit ratio",
                    "Share of blocks found in shared buffers.",
                    alerts.HIT_RATIO,
                    unit=Unit.RATIO,
                ),
                _lines(
                    "Checkpoints per second",
                    "Those that WAL forced (max_wal_size), which write more than timed ones.",
                    _rate("pg_stat_bgwriter_checkpoints_req_total"),
                    unit=Unit.PER_SECOND,
                ),
                _lines(
                    "Dead rows",
                    "The ten tables with most, of servers with `tables: true`.",
                    f"topk(10, max by ({_OF_DATABASE}, relname) (pg_stat_user_tables_n_dead_tup))",
                    "{{instance}}, {{datname}}, {{relname}}",
                ),
            ),
        ),
        Row(
            "Is the data safe?",
            (
                _of(alerts.LAG, "Replication lag", "Age of the data that replicas show, while they stream."),
                _lines(
                    "WAL behind",
                    "What each replica has not replayed, by its primary.",
                    f"max by ({BY}, application_name, client_addr) (pg_stat_replication_pg_wal_lsn_diff)",
                    "{{instance}} to {{application_name}} {{client_addr}}",
                    Unit.BYTES,
                ),
                _lines(
                    "WAL kept for slots",
                    "What a slot keeps grows until it is read.",
                    f"max by ({BY}, slot_name) (pg_replication_slots_pg_wal_lsn_diff)",
                    "{{instance}}, {{slot_name}}",
                    Unit.BYTES,
                ),
                _of(alerts.WRAPAROUND, "Oldest transaction id", "Transactions since the oldest row was frozen."),
                _of(alerts.BACKUP_OLD, "Last archived WAL", "Age of the newest WAL in the archive."),
                _lines(
                    "Size",
                    "Of each database. The volume's alerts say when its disk is full.",
                    f"max by ({_OF_DATABASE}) (pg_database_size_bytes)",
                    _DATABASE,
                    Unit.BYTES,
                ),
            ),
        ),
    ),
)
