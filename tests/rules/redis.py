"""The alerts over Redis, by example."""

from __future__ import annotations

from rules.redis.alerts import (
    AVAILABILITY,
    BACKUP_OLD,
    CLUSTER_FAILS,
    DOWN,
    EVICTIONS,
    EXPECTED,
    HIGH_CONNECTIONS,
    LAG,
    MEMORY_HIGH,
    NO_PRIMARY,
    PERSISTENCE_FAILS,
    REJECTS,
    REPLICAS,
    REPLICAS_MISSING,
    REPLICATION_BROKEN,
)
from rules.redis.sentinels import EXPECTED as SENTINELS_EXPECTED
from rules.redis.sentinels import MASTER_DOWN, MISSING, QUORUM_LOST
from tests.rules.examples import Labels, Series, critical, example, gauges, metric, of, shares, warning
from tests.rules.objectives import SAMPLES, answering

OWNER = "database"
_SERVICE, _CACHES = {"service": "sessions"}, {"service": "caches"}
_PRIMARY, _REPLICA = _SERVICE | {"instance": "sessions-a"}, _SERVICE | {"instance": "sessions-b"}
_ONLINE = "redis_connected_slave_lag_seconds"


def _of(name: str, value: float, server: Labels = _PRIMARY, **labels: str) -> Series:
    return gauges({metric(name, server, labels): value}, SAMPLES)


def _role(server: Labels, role: str, policy: str = "noeviction") -> Series:
    return _of("redis_instance_info", 1, server, role=role, maxmemory_policy=policy)


def _connections(percent: float) -> Series:
    return _of("redis_connected_clients", percent) | _of("redis_max_clients", 100)


def _memory(percent: float, policy: str = "noeviction", limit: int = 100) -> Series:
    used = _of("redis_memory_used_bytes", percent) | _of("redis_memory_max_bytes", limit)
    return used | _role(_PRIMARY, "master", policy)


def _evicted(percent: float) -> Series:
    """Of a thousand keys in two databases, in 15 minutes of which 14 lie between samples."""
    keys = _of("redis_db_keys", 400, db="db0") | _of("redis_db_keys", 600, db="db1")
    return keys | {metric("redis_evicted_keys_total", _PRIMARY): f"0+{percent * 10 / 15:.12g}x60"}


def _replicas(online: int, expected: int, role: str = "master") -> Series:
    """Of a service that expects other numbers than the example's."""
    server = _CACHES | {"instance": "caches-a"}
    streams = {metric(_ONLINE, server, slave_state="online", slave_ip=str(n)): 0 for n in range(online)}
    return gauges({metric(EXPECTED, _CACHES): expected, **streams}) | _role(server, role)


def _saved(hours: int, now: int = 48, changes: int = 1, saves: int = 1) -> Series:
    """The last snapshot, so many hours before a moment ``now`` hours after the first sample."""
    return {
        metric("redis_rdb_last_save_timestamp_seconds", _PRIMARY): f"{(now - hours) * 3600}x3600",
        metric("redis_rdb_changes_since_last_save", _PRIMARY): f"{changes}x3600",
        metric("redis_rdb_saves_total", _PRIMARY): f"{saves}x3600",
    }


def _quorum(*reached: float, message: str = "") -> Series:
    """Whether each of the sentinels reaches enough others."""
    name = "redis_sentinel_master_ckquorum_status"
    said = {**_SERVICE, **_NAMED, "message": message}
    return gauges({metric(name, said, instance=f"sentinel-{n}"): value for n, value in enumerate(reached)})


def _answering(number: int, expected: int) -> Series:
    """Sentinels of a service that the example does not have. Those of the example's own answer."""
    name = "redis_sentinel_masters"
    ours = {metric(name, _SERVICE, instance=f"sentinel-{n}"): 1 for n in range(3)}
    theirs = {metric(name, _CACHES, instance=f"sentinel-{n}"): 1 for n in range(number)}
    return gauges({metric(SENTINELS_EXPECTED, _CACHES): expected, **ours, **theirs})


def _states(*states: str) -> Series:
    """The state of the primary as each sentinel sees it."""
    name = "redis_sentinel_master_status"
    return {
        selector: values
        for n, state in enumerate(states)
        for selector, values in gauges(
            {metric(name, _SERVICE, _NAMED, instance=f"sentinel-{n}", master_status=state): float(state == "ok")}
        ).items()
    }


_NAMED = {"master_name": "mymaster"}
_TWO_ROLES = _role(_PRIMARY, "master") | _role(_REPLICA, "slave")
_NONE = "sessions has 0 primaries: none takes writes, or several diverge."

EXAMPLES = (
    example(
        "it does not answer for a minute",
        DOWN,
        series=_of("redis_up", 0),
        at="1m",
        fires=[critical("sessions-a of sessions does not answer its exporter.", **_PRIMARY)],
    ),
    example("it has not answered once", DOWN, series=_of("redis_up", 0), at="0m"),
    example("it answers", DOWN, series=_of("redis_up", 1), near=False),
    *shares(
        HIGH_CONNECTIONS,
        "{} are in use",
        _connections,
        "Clients of sessions-a use {} of its connections.",
        {79: None, 81: warning, 94: warning, 96: critical},
        at="5m",
        **_PRIMARY,
    ),
    example(
        "one connection was rejected",
        REJECTS,
        series={metric("redis_rejected_connections_total", _PRIMARY): "0x10 1x20"},
        at="12m",
        fires=[critical("sessions-a rejected connections in the last five minutes: it had maxclients.", **_PRIMARY)],
    ),
    example("some were, a day ago", REJECTS, series=_of("redis_rejected_connections_total", 7)),
    example(
        "slots have had no server for two minutes",
        CLUSTER_FAILS,
        series=_of("redis_cluster_state", 0),
        at="2m",
        fires=[critical("By sessions-a, its cluster has failed: a part of the slots has no server.", **_PRIMARY)],
    ),
    example("a failover has lasted for a minute", CLUSTER_FAILS, series=_of("redis_cluster_state", 0), at="1m"),
    example("all slots have one", CLUSTER_FAILS, series=_of("redis_cluster_state", 1), near=False),
    example(
        "the old primary came back as a replica two minutes ago",
        NO_PRIMARY,
        series=_role(_PRIMARY, "slave") | _role(_REPLICA, "slave"),
        at="2m",
        fires=[critical(_NONE, **_SERVICE)],
    ),
    example(
        "both say that they are the primary",
        NO_PRIMARY,
        series=_role(_PRIMARY, "master") | _role(_REPLICA, "master"),
        fires=[critical(_NONE.replace("0", "2"), **_SERVICE)],
    ),
    example("a failover has lasted for a minute", NO_PRIMARY, series=_role(_REPLICA, "slave"), at="1m"),
    example("one is the primary", NO_PRIMARY, series=_TWO_ROLES),
    *(
        example(
            f"{online} of {expected} are online",
            REPLICAS_MISSING,
            series=_replicas(online, expected),
            at="5m",
            fires=[
                fires(f"The primary of caches streams to {share} of its replicas.", share, **_CACHES) for fires in found
            ],
        )
        for online, expected, share, found in (
            (0, 1, "0%", [critical]),
            (1, 22, "4.545%", [critical]),
            (1, 20, "5%", [warning]),
            (9, 10, "90%", [warning]),
            (2, 2, "100%", []),
        )
    ),
    example("there is no primary to ask", REPLICAS_MISSING, series=_replicas(0, 1, "slave"), near=False),
    example(
        "a replica has had no link for five minutes",
        REPLICATION_BROKEN,
        series=_of("redis_master_link_up", 0, _REPLICA, master_host="a"),
        at="5m",
        fires=[warning("sessions-b has no link to its primary, and shows old data.", **_REPLICA)],
    ),
    example("it copies everything", REPLICATION_BROKEN, series=_of("redis_master_link_up", 0, _REPLICA), at="4m"),
    example("it has one", REPLICATION_BROKEN, series=_of("redis_master_link_up", 1, _REPLICA), near=False),
    example(
        "a replica acknowledged data 31 seconds ago",
        LAG,
        series=_of(_ONLINE, 31, slave_state="online"),
        at="2m",
        fires=[warning("A replica of sessions-a last acknowledged data 31s ago.", "31s", **_PRIMARY)],
    ),
    example("a replica acknowledged data 29 seconds ago", LAG, series=_of(_ONLINE, 29, slave_state="online")),
    *shares(
        MEMORY_HIGH,
        "{} are used",
        _memory,
        "sessions-a uses {} of its maxmemory.",
        {84: None, 86: warning},
        at="5m",
        **_PRIMARY,
    ),
    example("a cache is full that evicts any key", MEMORY_HIGH, series=_memory(100, "allkeys-lru"), near=False),
    example("it has no maxmemory", MEMORY_HIGH, series=_memory(100, limit=0), near=False),
    example(
        "11 % are evicted",
        EVICTIONS,
        series=_evicted(11),
        at="29m",
        fires=[warning("sessions-a evicts 11% of its keys in 15 minutes.", "11%", **_PRIMARY)],
    ),
    example("9 % are evicted", EVICTIONS, series=_evicted(9), at="50m"),
    *(
        example(
            f"{what} has failed for five minutes",
            PERSISTENCE_FAILS,
            series=_of(f"redis_{what}_status", 0),
            at="5m",
            fires=[
                warning(
                    "sessions-a cannot write its snapshot or log: a restart loses data, writes may fail.", **_PRIMARY
                )
            ],
        )
        for what in ("rdb_last_bgsave", "aof_last_write", "aof_last_bgrewrite")
    ),
    example("a snapshot failed", PERSISTENCE_FAILS, series=_of("redis_rdb_last_bgsave_status", 0), at="4m"),
    example("a snapshot was written", PERSISTENCE_FAILS, series=_of("redis_rdb_last_bgsave_status", 1), near=False),
    example(
        "the last snapshot is 25 hours old",
        BACKUP_OLD,
        series=_saved(25),
        at="48h",
        fires=[warning("sessions-a last saved its data 1d 1h 0m 0s ago.", "1d 1h 0m 0s", **_PRIMARY)],
    ),
    example(
        "it has been old for ten minutes",
        BACKUP_OLD,
        series=_saved(24),
        at="2891m",
        fires=[warning("sessions-a last saved its data 1d 0h 11m 0s ago.", "1d 0h 11m 0s", **_PRIMARY)],
    ),
    example("the last snapshot is 23 hours old", BACKUP_OLD, series=_saved(23), at="48h"),
    example("nothing has changed since", BACKUP_OLD, series=_saved(48, changes=0), at="48h", near=False),
    example("it saves none", BACKUP_OLD, series=_saved(48, saves=0), at="48h", near=False),
    *answering(AVAILABILITY, "redis_up", _PRIMARY),
    example(
        "one of two replicas is online",
        REPLICAS,
        series=_of(_ONLINE, 0, slave_state="online") | _of(_ONLINE, 0, slave_state="wait_bgsave"),
        gives={of(_SERVICE): 1},
    ),
    example("none is online", REPLICAS, gives={of(_SERVICE): 0}),
    example("the example has one replica", EXPECTED, gives={of(): 1}),
    example(
        "all sentinels have said for two minutes that the primary is down",
        MASTER_DOWN,
        series=_states("odown", "odown", "sdown"),
        at="2m",
        fires=[critical("All sentinels of sessions say that its primary mymaster is down.", **_SERVICE, **_NAMED)],
    ),
    example("a failover has lasted for a minute", MASTER_DOWN, series=_states("odown", "odown"), at="1m"),
    example("one sentinel is cut off from it", MASTER_DOWN, series=_states("sdown", "ok", "ok"), near=False),
    example(
        "no sentinel has reached enough others for five minutes",
        QUORUM_LOST,
        series=_quorum(0, 0, message="NOQUORUM 1 usable Sentinels."),
        at="5m",
        fires=[
            warning(
                "Of the sentinels of sessions, too few reach each other to replace the primary mymaster.",
                **_SERVICE,
                **_NAMED,
            )
        ],
    ),
    example(
        "they are updated",
        QUORUM_LOST,
        series=_quorum(0, 0),
        at="4m",
    ),
    example(
        "one is cut off from the others",
        QUORUM_LOST,
        series=_quorum(0, 1, 1),
        near=False,
    ),
    example("the settings name three", SENTINELS_EXPECTED, gives={of(): 3}),
    *(
        example(
            f"{answering} of {expected} answer",
            MISSING,
            series=_answering(answering, expected),
            at="5m",
            fires=[fires(f"{share} of the sentinels of caches answer.", share, **_CACHES) for fires in found],
        )
        for answering, expected, share, found in ((0, 3, "0%", [warning]), (4, 5, "80%", [warning]), (3, 3, "100%", []))
    ),
    example("one is restarted", MISSING, series=_answering(4, 5), at="4m"),
)
