"""Alerts, recordings and the objective of Redis; comments give the reason for each number."""

from __future__ import annotations

from collections.abc import Mapping

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Recording, Severity
from rules.redis.scrape import WATCH
from rules.stores import BY, MOST_REPLICAS, SERVICE, availability, expected, high_connections, mutes, mutes_outside

EXPECTED = "service:redis_replicas:expected"
"""Replicas that a service must have, from the settings."""
_ONLINE = 'redis_connected_slave_lag_seconds{slave_state="online"}'
_MASTER = 'redis_instance_info{role="master"}'

REPLICAS = Recording(
    name="service:redis_replicas:streaming",
    expr=f"count by ({SERVICE}) ({_ONLINE}) or 0 * max by ({SERVICE}) ({EXPECTED})",
)

DOWN = Alert(
    name="RedisDown",
    value=WATCH.down("redis_up"),
    severity=Severity.CRITICAL,
    for_=Duration.parse("1m"),  # a restart takes seconds, and longer only with much to load
    summary="A Redis server does not answer.",
    description="{{ $labels.instance }} of {{ $labels.service }} does not answer its exporter.",
)
HIGH_CONNECTIONS = high_connections(
    "RedisHighConnections",
    "Redis server",
    f"max by ({BY}) (redis_connected_clients) / max by ({BY}) (redis_max_clients)",
)
REJECTS = Alert(
    name="RedisRejectsConnections",
    value=f"max by ({BY}) (increase(redis_rejected_connections_total[5m])) > 0",
    severity=Severity.CRITICAL,
    summary="A Redis server has rejected connections.",
    description="{{ $labels.instance }} rejected connections in the last five minutes: it had maxclients.",
    runbook="RedisHighConnections",
)
CLUSTER_FAILS = Alert(
    name="RedisClusterFailing",
    value=f"min by ({BY}) (redis_cluster_state) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # a failover takes less
    summary="A Redis cluster does not serve all keys.",
    description="By {{ $labels.instance }}, its cluster has failed: a part of the slots has no server.",
)
NO_PRIMARY = Alert(
    name="RedisNoPrimary",
    value=f"(count by ({SERVICE}) ({_MASTER}) or 0 * count by ({SERVICE}) (redis_instance_info)) != 1"
    f" and on ({SERVICE}) {EXPECTED}",
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # longer than a failover by Sentinel
    summary="A Redis service does not have exactly one primary.",
    description="{{ $labels.service }} has {{ $value }} primaries: none takes writes, or several diverge.",
    runbook="RedisReplicationBroken",
)
REPLICAS_MISSING = Alert(
    name="RedisReplicasMissing",
    value=f"max by ({SERVICE}) ({REPLICAS.name}) / max by ({SERVICE}) ({EXPECTED})",
    # Less than one of the most that can be expected is none, and the next failure loses data.
    below={Severity.WARNING: 1, Severity.CRITICAL: 1 / MOST_REPLICAS},
    and_=f"on ({SERVICE}) {_MASTER}",
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # a replica that restarts is back in less
    summary="A Redis service has too few replicas.",
    description="The primary of {{ $labels.service }} streams to {{ $value | humanizePercentage }} of its replicas.",
    runbook="RedisReplicationBroken",
)
REPLICATION_BROKEN = Alert(
    name="RedisReplicationBroken",
    value=f"min by ({BY}) (redis_master_link_up) == 0",
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # longer than a full copy of a small database
    summary="A Redis replica has lost its primary.",
    description="{{ $labels.instance }} has no link to its primary, and shows old data.",
)
LAG = Alert(
    name="RedisReplicationLag",
    value=f"max by ({BY}) ({_ONLINE})",
    above={Severity.WARNING: 30},  # replicas acknowledge each second; after 60 the primary drops them (repl-timeout)
    unit=Unit.SECONDS,
    for_=Duration.parse("2m"),
    summary="A Redis replica is behind.",
    description="A replica of {{ $labels.instance }} last acknowledged data {{ $value | humanizeDuration }} ago.",
    runbook="RedisReplicationBroken",
)
MEMORY_HIGH = Alert(
    name="RedisMemoryHigh",
    # Of maxmemory; without one, the alerts on the container's limit apply. A full cache that may evict any key is well.
    value=f"max by ({BY}) (redis_memory_used_bytes) / (max by ({BY}) (redis_memory_max_bytes) > 0)",
    above={Severity.WARNING: 0.85},  # a fork for a snapshot copies some; at 100 % writes fail
    unless=f'on ({BY}) redis_instance_info{{maxmemory_policy=~"allkeys-.+"}}',
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # longer than a bulk load that expires
    summary="A Redis server is almost full.",
    description="{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its maxmemory.",
)
EVICTIONS = Alert(
    name="RedisEvictions",
    value=f"max by ({BY}) (increase(redis_evicted_keys_total[15m])) / (sum by ({BY}) (redis_db_keys) > 0)",
    above={Severity.WARNING: 0.1},  # a cache that throws away a tenth of its keys in a quarter of an hour is too small
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # a job that fills it once is over
    summary="A Redis server evicts many keys.",
    description="{{ $labels.instance }} evicts {{ $value | humanizePercentage }} of its keys in 15 minutes.",
    runbook="RedisMemoryHigh",
)
PERSISTENCE_FAILS = Alert(
    name="RedisPersistenceFailing",
    value=" or ".join(
        f"min by ({BY}) (redis_{what}_status) == 0"
        for what in ("rdb_last_bgsave", "aof_last_write", "aof_last_bgrewrite")
    ),
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # the next save is tried within a minute, if there are writes
    summary="A Redis server cannot save its data.",
    description="{{ $labels.instance }} cannot write its snapshot or log: a restart loses data, writes may fail.",
)
BACKUP_OLD = Alert(
    name="RedisBackupOld",
    # Of servers that save snapshots, and have something to save.
    value=f"time() - max by ({BY}) (redis_rdb_last_save_timestamp_seconds)",
    above={Severity.WARNING: 24 * 3600},  # the longest interval of the default configuration is an hour
    and_=f"on ({BY}) redis_rdb_saves_total > 0 and on ({BY}) redis_rdb_changes_since_last_save > 0",
    unit=Unit.SECONDS,
    for_=Duration.parse("10m"),
    summary="A Redis server's last snapshot is old.",
    description="{{ $labels.instance }} last saved its data {{ $value | humanizeDuration }} ago.",
    runbook="RedisPersistenceFailing",
)
AVAILABILITY = availability("redis-availability", "redis_up")

_OF_REPLICAS = (NO_PRIMARY, REPLICAS_MISSING)
_ALERTS = (
    *(DOWN, HIGH_CONNECTIONS, REJECTS, CLUSTER_FAILS, REPLICATION_BROKEN, LAG, MEMORY_HIGH, EVICTIONS),
    *(PERSISTENCE_FAILS, BACKUP_OLD),
)


def groups(replicas: Mapping[str, int]) -> tuple[Group, ...]:
    """The rule groups. Without expected ``replicas``, by service, nothing is known about primaries and replicas."""
    of_replicas = Group("redis-replicas", (*expected(EXPECTED, replicas), REPLICAS, *_OF_REPLICAS))
    return (Group("redis", _ALERTS), *((of_replicas,) if replicas else ()))


INHIBITIONS = (
    # One outage, one page.
    mutes(DOWN, *_ALERTS, of=BY),
    mutes(DOWN, *_OF_REPLICAS, REPLICATION_BROKEN, of=SERVICE),
    mutes(HIGH_CONNECTIONS, REJECTS, of=BY, severity="critical"),
    *mutes_outside(DOWN, AVAILABILITY, WATCH.jobs),
)
