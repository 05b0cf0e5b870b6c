"""PostgreSQL: whether servers answer and replicate, what their connections do, and where their time goes."""

from __future__ import annotations

from dataclasses import replace

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Panel, Query, Row, Scale, Visualization, alert_stat, found
from dashboards.stores import CHOSEN, lines, of_alert, rate, variables
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS, HOME
from rules.postgres import alerts
from rules.postgres.uids import POSTGRES
from rules.stores import BY

_DATABASE = "{{instance}}, {{datname}}"
_OF_DATABASE = f"{BY}, datname"


def _as_text(statements: str) -> str:
    """Grafana takes an id of digits for a number, and rounds it."""
    return f'label_replace({statements}, "queryid", "id $1", "queryid", "(.+)")'


DASHBOARD = Dashboard(
    uid=POSTGRES,
    title="PostgreSQL",
    description="Which PostgreSQL server is down, full, slow, or without a replica.",
    tags=("postgres",),
    variables=variables("pg_up"),
    related=(HOME, ALERTS),
    annotations=(alerts_of("postgres"),),
    rows=(
        Row(
            "Do they answer?",
            (
                alert_stat(
                    alerts.DOWN,
                    "Down",
                    "Servers that do not answer. Check the pod, then the exporter's password.",
                    found(alerts.DOWN, CHOSEN),
                ),
                alert_stat(
                    alerts.SLOT_INACTIVE,
                    "Inactive replication slots",
                    "Servers that keep WAL for a slot that nobody reads. Start its reader or drop it.",
                    found(alerts.SLOT_INACTIVE, CHOSEN),
                ),
                replace(
                    of_alert(
                        alerts.HIGH_CONNECTIONS,
                        "Connections in use",
                        "Share of the connections that clients may open. At 1 new ones fail: find who leaks them.",
                    ),
                    scale=Scale.OPEN,  # those that are reserved for superusers come on top
                ),
                lines(
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
                lines(
                    "Transactions per second",
                    "Committed and rolled back.",
                    f"{rate('pg_stat_database_xact_commit', _OF_DATABASE)}"
                    f" + {rate('pg_stat_database_xact_rollback', _OF_DATABASE)}",
                    _DATABASE,
                    Unit.PER_SECOND,
                ),
                lines("Mean statement time", "Of half an hour.", alerts.STATEMENT.name, unit=Unit.SECONDS),
                Panel(
                    title="Most expensive statements",
                    description="Seconds of work per second, by the queryid in pg_stat_statements.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(
                            expr=_as_text(
                                narrowed(
                                    f"topk(10, {rate('pg_stat_statements_seconds_total', f'{_OF_DATABASE}, queryid')})",
                                    CHOSEN,
                                )
                            ),
                            legend="Seconds/s",
                        ),
                    ),
                    columns=("instance", "datname", "queryid"),
                ),
                replace(
                    of_alert(
                        alerts.LOCKED,
                        "Waiting for locks",
                        "Sessions that wait for another one's lock. Find and end the one that holds it.",
                    ),
                    unmeasured="none",
                ),
                of_alert(
                    alerts.LONG_TRANSACTION,
                    "Oldest transaction",
                    "Vacuum removes no row that it may still see. Above the line, end it.",
                ),
                of_alert(
                    alerts.DEADLOCKS,
                    "Deadlocks",
                    "Ended within an hour. Above the line, transactions take the same rows in different orders.",
                ),
                lines(
                    "Cache hit ratio",
                    "Share of blocks found in shared buffers.",
                    alerts.HIT_RATIO,
                    unit=Unit.RATIO,
                ),
                lines(
                    "Checkpoints per second",
                    "Those that WAL forced (max_wal_size), which write more than timed ones.",
                    rate("pg_stat_bgwriter_checkpoints_req_total"),
                    unit=Unit.PER_SECOND,
                ),
                replace(
                    lines(
                        "Dead rows",
                        "The ten tables with most, of servers with `tables: true`.",
                        f"topk(10, max by ({_OF_DATABASE}, relname) (pg_stat_user_tables_n_dead_tup))",
                        "{{instance}}, {{datname}}, {{relname}}",
                    ),
                    unmeasured="no server has `tables: true`",
                ),
            ),
        ),
        Row(
            "Is the data safe?",
            (
                replace(
                    of_alert(
                        alerts.LAG,
                        "Replication lag",
                        "Age of the data that replicas show, while they stream. Above the line, read from the primary.",
                    ),
                    unmeasured="no replica streams",
                ),
                replace(
                    lines(
                        "Replication lag in bytes",
                        "What each replica has not replayed, by its primary.",
                        f"max by ({BY}, application_name, client_addr) (pg_stat_replication_pg_wal_lsn_diff)",
                        "{{instance}} to {{application_name}} {{client_addr}}",
                        Unit.BYTES,
                    ),
                    unmeasured="no replica streams",
                ),
                replace(
                    lines(
                        "WAL kept for slots",
                        "What a slot keeps grows until it is read.",
                        f"max by ({BY}, slot_name) (pg_replication_slots_pg_wal_lsn_diff)",
                        "{{instance}}, {{slot_name}}",
                        Unit.BYTES,
                    ),
                    unmeasured="no slots",
                ),
                of_alert(
                    alerts.WRAPAROUND,
                    "Oldest transaction id",
                    "Transactions since the oldest row was frozen. Above the line, vacuum before writes stop.",
                ),
                replace(
                    of_alert(
                        alerts.BACKUP_OLD,
                        "Last archived WAL",
                        "Age of the newest WAL in the archive. What is newer would be lost: check the archive command.",
                    ),
                    unmeasured="WAL is not archived",
                ),
                lines(
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
