"""Alerts, recordings and the objective of Supabase; comments give the reason for each number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from model.metrics import Unit
from model.promql import names
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Recording, Severity
from rules.stores import availability, high_connections, mutes, mutes_outside
from rules.supabase.scrape import HOSTED, PART

BY = "cluster, instance, job"
_LAG = "supabase_physical_replication_lag"
_REPLICA = f"on ({BY}) supabase_pg_status_in_recovery == 1"


def _failing(requests: str, failed: str) -> str:
    """PromQL: the share of a counter's requests that failed."""
    every = f"sum by ({BY}) (rate({requests}[5m]))"
    return f"(sum by ({BY}) (rate({requests}{{{failed}}}[5m])) or 0 * {every}) / {every}"


STATEMENT = Recording(
    name="instance:supabase_statement_seconds:mean30m",
    expr=" / ".join(
        f"sum by ({BY}) (rate(supabase_pg_stat_statements_total_{of}[30m]))" for of in ("time_seconds", "queries")
    ),
    unit=Unit.SECONDS,
)
_CONNECTIONS = (
    "supabase_realtime_postgres_changes_total_subscriptions",
    "supabase_realtime_connections_global_connected",
)
"""Hosted projects report subscriptions to changes, and Realtime itself its clients."""


def _connections(metrics: Iterable[str]) -> str:
    return " or ".join(f"sum by ({BY}) ({metric})" for metric in metrics)


REALTIME = Recording(name="instance:supabase_realtime_connections:sum", expr=_connections(_CONNECTIONS))

DOWN = Alert(
    name="SupabaseDown",
    value=f"min by ({BY}) (supabase_pg_up) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # two readings; a restart takes less
    summary="The database of a Supabase project does not answer.",
    description="The database of {{ $labels.instance }} does not answer.",
)
PART_DOWN = Alert(
    name="SupabasePartDown",
    value=f'max by ({BY}) (up{{job=~"{PART}"}}) == 0',
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # a deployment of its one pod takes less
    summary="A part of a self-hosted Supabase does not answer.",
    description="{{ $labels.job }} does not answer.",
    runbook="SupabaseDown",
)
METRICS_GONE = Alert(
    name="SupabaseMetricsGone",
    value=f'max by ({BY}) (up{{job=~"{HOSTED}"}}) unless on ({BY}) supabase_pg_up',
    severity=Severity.WARNING,
    for_=Duration.parse("10m"),  # ten readings; the endpoint is a beta
    summary="A hosted project has no metrics.",
    description="The metrics of {{ $labels.instance }} cannot be had: nothing else of it is watched.",
    runbook="SupabaseDown",
)
HIGH_CONNECTIONS = high_connections(
    "SupabaseHighDBConnections",
    "Supabase project",
    f"sum by ({BY}) (supabase_pg_stat_database_num_backends)"
    f" / max by ({BY}) (supabase_max_connections_connection_count)",
)
SLOW = Alert(
    name="SupabaseSlowQueries",
    value=f"{STATEMENT.name} / ({STATEMENT.name} offset 1d)",
    above={Severity.WARNING: 2},  # twice a statement's time halves what the clients' pools can do
    and_=f"{STATEMENT.name} > 0.01",  # nobody notices less than 10 ms
    for_=Duration.parse("30m"),  # longer than nightly jobs at the other hour of a clock change take
    summary="Statements take much longer than a day ago.",
    description="Statements of {{ $labels.instance }} take {{ $value | humanize }} times as long as a day ago.",
)
CONNECTION_DROP = Alert(
    name="SupabaseRealtimeConnectionDrop",
    value=f"{REALTIME.name} / ({REALTIME.name} offset 10m)",
    below={Severity.WARNING: 0.5},  # a deployment of clients closes some at a time
    and_=f"{REALTIME.name} offset 10m > 20",  # of fewer, half may just have gone home
    unit=Unit.RATIO,
    for_=Duration.parse("2m"),  # two readings: clients that were cut off are back in less
    summary="Realtime has lost half of its connections.",
    description="Realtime of {{ $labels.instance }} has {{ $value | humanizePercentage }} of the connections of ten"
    " minutes ago.",
)
AUTH_ERRORS = Alert(
    name="SupabaseAuthErrors",
    value=_failing("supabase_http_status_codes_total", 'code=~"5.+"'),
    above={Severity.WARNING: 0.05},  # people try again now and then; one of twenty cannot log in
    and_=f"sum by ({BY}) (increase(supabase_http_status_codes_total[5m])) > 20",  # of fewer, one is no rate
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),
    summary="Supabase's Auth answers with errors.",
    description="Auth of {{ $labels.instance }} fails {{ $value | humanizePercentage }} of its requests.",
    runbook="SupabaseAPIErrors",
)
STORAGE_ERRORS = Alert(
    name="SupabaseStorageErrors",
    value=_failing("supabase_storage_api_http_request_duration_seconds_count", 'status_code=~"5.+"'),
    above={Severity.WARNING: 0.05},  # as Auth's
    and_=f"sum by ({BY}) (increase(supabase_storage_api_http_request_duration_seconds_count[5m])) > 20",
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),
    summary="Supabase's Storage answers with errors.",
    description="Storage of {{ $labels.instance }} fails {{ $value | humanizePercentage }} of its requests.",
    runbook="SupabaseAPIErrors",
)
API_ERRORS = Alert(
    name="SupabaseAPIErrors",
    # PostgREST counts no answers by their status, but those that got no connection to the database.
    value=f"sum by ({BY}) (increase(supabase_pgrst_db_pool_timeouts_total[5m]))",
    above={Severity.WARNING: 5},  # one a minute: no single slow statement
    for_=Duration.parse("5m"),
    summary="Supabase's API has no connection for requests.",
    description="The API of {{ $labels.instance }} failed "
    '{{ $value | printf "%.0f" }} requests in five minutes, since no connection to the database was free.',
)
DISK_SPACE_LOW = Alert(
    name="SupabaseDiskSpaceLow",
    value=" / ".join(
        f'min by ({BY}) (supabase_node_filesystem_{of}_bytes{{mountpoint="/data"}})' for of in ("avail", "size")
    ),
    # Supabase enlarges the disk when a tenth is left, up to a limit. With a twentieth it lets nobody write.
    below={Severity.WARNING: 0.1, Severity.CRITICAL: 0.07},
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # longer than the disk takes to grow
    summary="The disk of a Supabase project is almost full.",
    description="The disk of {{ $labels.instance }} has {{ $value | humanizePercentage }} of its space left.",
)
READ_ONLY = Alert(
    name="SupabaseReadOnly",
    value=f"max by ({BY}) (supabase_pg_settings_default_transaction_read_only) == 1",
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # two readings
    summary="A Supabase project lets nobody write.",
    description="{{ $labels.instance }} is in read-only mode, as it is when its disk is full.",
    runbook="SupabaseDiskSpaceLow",
)
DISK_IO = Alert(
    name="SupabaseDiskIOHigh",
    # The budget for bursts is not exposed. While it lasts, the disk is faster than the plan pays for.
    value=f"max by ({BY}) (rate(supabase_node_disk_io_time_seconds_total[15m]))",
    above={Severity.WARNING: 0.9},  # it is never idle, and everything waits for it
    unit=Unit.RATIO,
    for_=Duration.parse("30m"),  # longer than a backup or an index of a small table
    summary="The disk of a Supabase project is always busy.",
    description="The disk of {{ $labels.instance }} is busy for {{ $value | humanizePercentage }} of the time.",
    runbook="SupabaseDiskSpaceLow",
)
LAG = Alert(
    name="SupabaseReplicationLag",
    value=f"max by ({BY}) ({_LAG}_physical_replication_lag_seconds)",
    above={Severity.WARNING: 600},  # it is the age of the last change, which grows while nobody writes
    # A replica that is not connected is not late.
    and_=f"{_REPLICA} and on ({BY}) {_LAG}_is_connected_to_primary == 1",
    unit=Unit.SECONDS,
    for_=Duration.parse("5m"),  # longer than a bulk load
    summary="A read replica of Supabase is behind.",
    description="{{ $labels.instance }} shows the data of {{ $value | humanizeDuration }} ago.",
)
DISCONNECTED = Alert(
    name="SupabaseReplicaDisconnected",
    value=f"max by ({BY}) ({_LAG}_is_connected_to_primary) == 0 and {_REPLICA}",
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # a restart of the primary takes less
    summary="A read replica of Supabase has lost its primary.",
    description="{{ $labels.instance }} is not connected to its primary, and shows old data.",
    runbook="SupabaseReplicationLag",
)
AVAILABILITY = availability("supabase-availability", "supabase_pg_up")

_OF_PROJECT = (
    *(HIGH_CONNECTIONS, AUTH_ERRORS, STORAGE_ERRORS, API_ERRORS, DISK_SPACE_LOW, READ_ONLY, DISK_IO, LAG, DISCONNECTED),
    *(CONNECTION_DROP, SLOW),
)
_RULES = (
    Group("supabase", (REALTIME, DOWN, PART_DOWN, METRICS_GONE, *_OF_PROJECT[:-1])),
    Group("supabase-statements", (STATEMENT, SLOW), Duration.parse("2m")),  # a mean of half an hour
)
INHIBITIONS = (
    # One outage, one page.
    mutes(DOWN, *_OF_PROJECT, of=BY),
    mutes(PART_DOWN, *_OF_PROJECT, of=BY),
    mutes(READ_ONLY, DISK_SPACE_LOW, of=BY),
    *mutes_outside(DOWN, AVAILABILITY, HOSTED),
    *mutes_outside(METRICS_GONE, AVAILABILITY, HOSTED),
    Inhibition(
        source={"alertname": PART_DOWN.name},
        target={"alertname": "TargetDown", "job": PART},
        equal=("cluster", "environment", "instance", "job"),
    ),
)


def groups(metrics: Iterable[str]) -> Iterator[Group]:
    """The rule groups, of the rules that read only these ``metrics``: others are of parts that nobody has."""
    known = {"up", *metrics}
    connections = [metric for metric in _CONNECTIONS if metric in known]
    for group in _RULES:
        rules: list[Alert | Recording] = []
        for each in group.rules:
            rule = replace(REALTIME, expr=_connections(connections)) if each is REALTIME and connections else each
            expr = rule.expr if isinstance(rule, Recording) else rule.expr(rule.severities[0])
            if names(expr) <= known:
                rules.append(rule)
                known |= {rule.name}
        if rules:
            yield replace(group, rules=tuple(rules))
