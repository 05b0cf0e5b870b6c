"""Alerts, recordings and the objective of MongoDB; comments give the reason for each number."""

from __future__ import annotations

from collections.abc import Mapping

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Severity
from rules.mongodb.scrape import WATCH
from rules.stores import BY, MOST_REPLICAS, SERVICE, availability, expected, high_connections, mutes, mutes_outside

EXPECTED = "service:mongodb_replicas:expected"
"""Secondaries that a service must have, from the settings."""
# Every member reports all of them; the primary knows best.
_BY_PRIMARY = f"and on ({BY}) mongodb_rs_myState == 1"
_CURRENT, _AVAILABLE = (
    f'max by ({BY}) (mongodb_ss_connections{{conn_type="{of}"}})' for of in ("current", "available")
)
_HEAD, _TAIL = (f"mongodb_mongod_replset_oplog_{end}_timestamp" for end in ("head", "tail"))

DOWN = Alert(
    name="MongoDBDown",
    value=WATCH.down("mongodb_up"),
    severity=Severity.CRITICAL,
    for_=Duration.parse("1m"),  # a restart takes seconds
    summary="A MongoDB server does not answer.",
    description="{{ $labels.instance }} of {{ $labels.service }} does not answer its exporter.",
)
HIGH_CONNECTIONS = high_connections(
    "MongoDBHighConnections",
    "MongoDB server",
    f"{_CURRENT} / ({_CURRENT} + {_AVAILABLE})",
)
REJECTS = Alert(
    name="MongoDBRejectsConnections",
    value=f'max by ({BY}) (delta(mongodb_ss_connections{{conn_type="rejected"}}[5m])) > 0',
    severity=Severity.CRITICAL,
    summary="A MongoDB server has rejected connections.",
    description="{{ $labels.instance }} rejected connections in the last five minutes: it had none left.",
    runbook="MongoDBHighConnections",
)
NO_PRIMARY = Alert(
    name="MongoDBNoPrimary",
    # By what its members report, so that the primary itself need not be watched.
    value=f"max by ({SERVICE}) (sum by ({BY}) (mongodb_rs_members_state == bool 1)) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # an election takes less
    summary="A replica set has no primary.",
    description="No member of {{ $labels.service }} that answers sees a primary: nobody can write.",
)
REPLICAS_MISSING = Alert(
    name="MongoDBReplicasMissing",
    value=f"(max by ({SERVICE}) (sum by ({BY}) (mongodb_rs_members_state == bool 2) {_BY_PRIMARY})"
    f" or 0 * max by ({SERVICE}) ({EXPECTED})) / max by ({SERVICE}) ({EXPECTED})",
    # Less than one of the most that can be expected is none, and the next failure loses data.
    below={Severity.WARNING: 1, Severity.CRITICAL: 1 / MOST_REPLICAS},
    and_=f"on ({SERVICE}) mongodb_rs_myState == 1",  # without a primary, that is the news
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # a member that restarts is back in less
    summary="A replica set has too few secondaries.",
    description="{{ $labels.service }} has {{ $value | humanizePercentage }} of its secondaries.",
    runbook="MongoDBNoPrimary",
)
MEMBER_UNHEALTHY = Alert(
    name="MongoDBMemberUnhealthy",
    # Neither primary, secondary nor arbiter: it does not answer, recovers, or copies everything.
    value=f"max by ({SERVICE}) (count by ({BY}) (mongodb_rs_members_state != 1 != 2 != 7) {_BY_PRIMARY})",
    severity=Severity.WARNING,
    for_=Duration.parse("10m"),  # longer than an upgrade of a member
    summary="A member of a replica set does not take part.",
    description="{{ $value }} members of {{ $labels.service }} are neither primary, secondary nor arbiter.",
    runbook="MongoDBNoPrimary",
)
LAG = Alert(
    name="MongoDBReplicationLag",
    # A member that has stopped is not late, but gone.
    value=f'max by ({SERVICE}) (mongodb_mongod_replset_member_replication_lag{{state="SECONDARY"}} {_BY_PRIMARY})',
    above={Severity.WARNING: 30},  # an idle primary writes each 10 seconds, and three of these are no hiccup
    unit=Unit.SECONDS,
    for_=Duration.parse("5m"),  # longer than a bulk load
    summary="A MongoDB secondary is behind.",
    description="A secondary of {{ $labels.service }} shows the data of {{ $value | humanizeDuration }} ago.",
)
OPLOG_SHORT = Alert(
    name="MongoDBOplogShort",
    value=f"max by ({BY}) ({_HEAD}) - max by ({BY}) ({_TAIL})",
    below={Severity.WARNING: 24 * 3600},  # a member that is down for a night and a day has to copy everything
    and_=f"on ({BY}) changes({_TAIL}[6h]) > 0",  # an oplog that drops nothing is young, and not full
    unit=Unit.SECONDS,
    for_=Duration.parse("15m"),
    summary="The oplog of a MongoDB server is short.",
    description="The oplog of {{ $labels.instance }} covers {{ $value | humanizeDuration }}.",
    runbook="MongoDBReplicationLag",
)
CURSORS_OPEN = Alert(
    name="MongoDBCursorsOpen",
    value=f'max by ({BY}) (mongodb_ss_metrics_cursor_open{{csr_type="noTimeout"}})',
    above={Severity.WARNING: 10},  # a few exports at a time; the server never ends one that a client forgot
    for_=Duration.parse("30m"),  # longer than an export of a small database
    summary="Many cursors without a timeout are open.",
    description="{{ $labels.instance }} has {{ $value }} open cursors without a timeout.",
)
CURSORS_TIMED_OUT = Alert(
    name="MongoDBCursorsTimedOut",
    value=f"max by ({BY}) (increase(mongodb_ss_metrics_cursor_timedOut[1h]))",
    above={Severity.WARNING: 100},  # clients that crash leave a few; each held memory for ten minutes
    for_=Duration.parse("5m"),  # of a sum over an hour, so that it has not just begun
    summary="Clients leave cursors open.",
    description='{{ $labels.instance }} has ended {{ $value | printf "%.0f" }} forgotten cursors within an hour.',
    runbook="MongoDBCursorsOpen",
)
AVAILABILITY = availability("mongodb-availability", "mongodb_up")

_OF_SERVER = (DOWN, HIGH_CONNECTIONS, REJECTS, OPLOG_SHORT, CURSORS_OPEN, CURSORS_TIMED_OUT)
_OF_MEMBERS = (NO_PRIMARY, REPLICAS_MISSING, MEMBER_UNHEALTHY)


def groups(replicas: Mapping[str, int]) -> tuple[Group, ...]:
    """The rule groups. Without expected ``replicas``, by service, only members that are configured can be missed."""
    of_replicas = Group("mongodb-replicas", (*expected(EXPECTED, replicas), REPLICAS_MISSING))
    always = Group("mongodb", (*_OF_SERVER, NO_PRIMARY, MEMBER_UNHEALTHY, LAG))
    return (always, *((of_replicas,) if replicas else ()))


INHIBITIONS = (
    # One outage, one page.
    mutes(DOWN, *_OF_SERVER, of=BY),
    mutes(DOWN, *_OF_MEMBERS, of=SERVICE),
    mutes(REPLICAS_MISSING, MEMBER_UNHEALTHY, of=SERVICE),
    mutes(HIGH_CONNECTIONS, REJECTS, of=BY, severity="critical"),
    *mutes_outside(DOWN, AVAILABILITY, WATCH.jobs),
)
