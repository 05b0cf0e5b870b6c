"""MongoDB: whether servers answer and have room, what they do, and whether they replicate."""

from __future__ import annotations

from dataclasses import replace

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Row, Scale, alert_stat, found
from dashboards.stores import CHOSEN, lines, of_alert, rate, variables
from model.metrics import Unit
from model.uids import ALERTS, HOME
from rules.mongodb import alerts
from rules.mongodb.uids import MONGODB
from rules.stores import BY

_CACHE = "mongodb_ss_wt_cache"
_OF_CACHE = f"/ max by ({BY}) ({_CACHE}_maximum_bytes_configured)"

DASHBOARD = Dashboard(
    uid=MONGODB,
    title="MongoDB",
    description="Which MongoDB server is down, full, or behind.",
    tags=("mongodb",),
    variables=variables("mongodb_up"),
    related=(HOME, ALERTS),
    annotations=(alerts_of("mongodb"),),
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
                    alerts.NO_PRIMARY,
                    "No primary",
                    "Services that take no writes. Check that most members run and reach each other.",
                    found(alerts.NO_PRIMARY, CHOSEN),
                ),
                of_alert(
                    alerts.HIGH_CONNECTIONS,
                    "Connections in use",
                    "Share of all that the server takes. At 1 new ones fail: find the client that leaks them.",
                ),
                lines(
                    "Queued operations",
                    "Operations that wait for a lock.",
                    f'max by ({BY}) (mongodb_ss_globalLock_currentQueue{{count_type="total"}})',
                ),
            ),
        ),
        Row(
            "Have they room?",
            (
                lines(
                    "Cache in use",
                    "Above 80 % pages are evicted, above 95 % the clients' threads have to help.",
                    f"max by ({BY}) ({_CACHE}_bytes_currently_in_the_cache) {_OF_CACHE}",
                    unit=Unit.RATIO,
                ),
                replace(
                    lines(
                        "Dirty cache",
                        "Above 20 % the clients' threads have to write pages: the disk is too slow.",
                        f"max by ({BY}) ({_CACHE}_tracked_dirty_bytes_in_the_cache) {_OF_CACHE}",
                        unit=Unit.RATIO,
                    ),
                    scale=Scale.SMALL,
                ),
                lines(
                    "Size",
                    "Data and indexes of each database, on disk.",
                    f"max by ({BY}, database) (mongodb_dbstats_totalSize)",
                    legend="{{instance}}, {{database}}",
                    unit=Unit.BYTES,
                ),
            ),
        ),
        Row(
            "What do they do?",
            (
                lines(
                    "Operations per second",
                    "By kind. A jump of one kind is a new query, or a lost cache.",
                    rate("mongodb_ss_opcounters", f"{BY}, legacy_op_type"),
                    legend="{{instance}}, {{legacy_op_type}}",
                    unit=Unit.PER_SECOND,
                ),
                lines(
                    "Latency",
                    "Mean of reads, writes and commands.",
                    f"{rate('mongodb_ss_opLatencies_latency', f'{BY}, op_type')} / 1e6"
                    f" / {rate('mongodb_ss_opLatencies_ops', f'{BY}, op_type')}",
                    legend="{{instance}}, {{op_type}}",
                    unit=Unit.SECONDS,
                ),
                of_alert(
                    alerts.CURSORS_OPEN,
                    "Cursors without a timeout",
                    "Open ones, which only clients can end. Above the line, find the client that leaks them.",
                ),
            ),
        ),
        Row(
            "Is it safe?",
            (
                of_alert(
                    alerts.LAG,
                    "Replication lag",
                    "Of the slowest secondary, seen by the primary. Above the line, check its disk and network.",
                    "{{service}}",
                ),
                of_alert(
                    alerts.OPLOG_SHORT, "Oplog", "The time that it covers. A member that is away longer copies all."
                ),
            ),
        ),
    ),
)
