"""Supabase: whether projects answer and have room, and how their database, Auth, API and Realtime do."""

from __future__ import annotations

from functools import partial

from dashboards.annotations import alerts_of
from dashboards.model import STAT, Dashboard, Panel, Row, Visualization, alert_stat, found, variable
from dashboards.stores import lines, of_alert, rate
from model.metrics import Unit
from model.uids import ALERTS, HOME
from rules.supabase import alerts
from rules.supabase.alerts import BY
from rules.supabase.uids import SUPABASE

_IN = 'cluster=~"$cluster", instance=~"$instance"'
_lines = partial(lines, chosen=_IN)
_of_alert = partial(of_alert, chosen=_IN)
_MEMORY = [f"max by ({BY}) (supabase_node_memory_Mem{of}_bytes)" for of in ("Available", "Total")]
_IDLE = f'avg by ({BY}) (rate(supabase_node_cpu_seconds_total{{mode="idle"}}[5m]))'

DASHBOARD = Dashboard(
    uid=SUPABASE,
    title="Supabase",
    description="Which Supabase project is down, full, slow, or fails its clients.",
    tags=("supabase",),
    variables=(
        variable("cluster", 'up{job=~"supabase-.+"}', "Cluster"),
        variable("instance", 'up{cluster=~"$cluster", job=~"supabase-.+"}', "Project"),
        variable("supabase_project_ref", f"supabase_pg_up{{{_IN}}}", "Reference", multiple=False),
    ),
    related=(HOME, ALERTS),
    annotations=(alerts_of("supabase"),),
    rows=(
        Row(
            "Do they answer?",
            (
                *(
                    alert_stat(alert, title, description, found(alert, _IN))
                    for alert, title, description in (
                        (
                            alerts.DOWN,
                            "Down",
                            "Databases that do not answer. Check the project's state, then its network.",
                        ),
                        (
                            alerts.PART_DOWN,
                            "Parts down",
                            "Parts of self-hosted projects that do not answer: read their pods' last lines.",
                        ),
                        (
                            alerts.METRICS_GONE,
                            "No metrics",
                            "Hosted projects of which nothing is known. Check the service key and the endpoint.",
                        ),
                    )
                ),
                Panel(
                    title="Elsewhere",
                    description="[The project's own page](https://supabase.com/dashboard/project/${supabase_project_ref}):"
                    " reports, logs, settings. [Supabase's state](https://status.supabase.com).",
                    visualization=Visualization.TEXT,
                    width=STAT,
                    height=4,
                ),
            ),
        ),
        Row(
            "Database",
            (
                _of_alert(
                    alerts.HIGH_CONNECTIONS,
                    "Connections in use",
                    "Share of all that the database takes. At 1 new ones fail: use the pooler.",
                ),
                _lines(
                    "Clients of the pooler",
                    "Connections to Supavisor, by mode.",
                    f"sum by ({BY}, mode) (supabase_supavisor_connections_active)",
                    "{{instance}}, {{mode}}",
                ),
                _lines("Time of a statement", "Mean of half an hour.", alerts.STATEMENT.name, unit=Unit.SECONDS),
                _lines(
                    "Statements per second",
                    "All databases.",
                    rate("supabase_pg_stat_statements_total_queries", BY),
                    unit=Unit.PER_SECOND,
                ),
                _of_alert(
                    alerts.LAG, "Replication lag", "Of read replicas: the age of the last change that they have."
                ),
            ),
        ),
        Row(
            "Realtime, Auth, API and Storage",
            (
                _lines("Realtime", "Subscriptions to changes, or clients.", alerts.REALTIME.name),
                _lines(
                    "Auth requests per second",
                    "By status.",
                    rate("supabase_http_status_codes_total", f"{BY}, code"),
                    "{{instance}}, {{code}}",
                    Unit.PER_SECOND,
                ),
                _of_alert(
                    alerts.AUTH_ERRORS,
                    "Auth errors",
                    "Share of requests that it fails. Check the database, then the identity provider.",
                ),
                _of_alert(
                    alerts.API_ERRORS,
                    "API without a connection",
                    "Requests that failed, in five minutes. Check the database's connections.",
                ),
                _lines(
                    "API waiting",
                    "Requests that wait for a connection to the database.",
                    f"max by ({BY}) (supabase_pgrst_db_pool_waiting)",
                ),
                _of_alert(
                    alerts.STORAGE_ERRORS,
                    "Storage errors",
                    "Of self-hosted Storage: share that it fails. Check its bucket and database.",
                ),
            ),
        ),
        Row(
            "Host",
            (
                _of_alert(
                    alerts.DISK_SPACE_LOW,
                    "Space left",
                    "Of the disk with the database. At 0 it takes no writes: enlarge it.",
                ),
                _of_alert(
                    alerts.DISK_IO,
                    "Disk",
                    "Share of the time that it is busy. Near 1 statements wait: find the slowest.",
                ),
                _lines(
                    "CPU",
                    "Share in use. Near 100 % statements wait: look at the time of a statement.",
                    f"1 - {_IDLE}",
                    unit=Unit.RATIO,
                ),
                _lines(
                    "Memory",
                    "Share in use. Near 100 % the database reads more from disk.",
                    f"1 - {_MEMORY[0]} / {_MEMORY[1]}",
                    unit=Unit.RATIO,
                ),
            ),
        ),
    ),
)
