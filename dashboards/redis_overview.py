"""Redis: whether servers answer and have room, help their clients, and keep their data."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Row, alert_stat, found
from dashboards.stores import CHOSEN, lines, of_alert, rate, variables
from model.metrics import Unit
from model.uids import ALERTS, HOME
from rules.redis import alerts
from rules.redis.uids import REDIS
from rules.stores import BY, SERVICE

_HITS, _MISSES = (rate(f"redis_keyspace_{what}_total") for what in ("hits", "misses"))

DASHBOARD = Dashboard(
    uid=REDIS,
    title="Redis",
    description="Which Redis or Valkey server is down, full, or without a replica.",
    tags=("redis",),
    variables=variables("redis_up"),
    related=(HOME, ALERTS),
    annotations=(alerts_of("redis"),),
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
                    alerts.PERSISTENCE_FAILS,
                    "Failed persistence",
                    "Servers whose last snapshot or log could not be written. Check the disk.",
                    found(alerts.PERSISTENCE_FAILS, CHOSEN),
                ),
                of_alert(
                    alerts.HIGH_CONNECTIONS,
                    "Connections in use",
                    "Share of maxclients. At 1 new clients are refused: find the one that leaks them.",
                ),
                lines(
                    "Blocked clients",
                    "Clients that wait for a list or stream.",
                    f"max by ({BY}) (redis_blocked_clients)",
                ),
            ),
        ),
        Row(
            "Have they room?",
            (
                of_alert(
                    alerts.MEMORY_HIGH,
                    "Memory",
                    "Share of maxmemory, of servers that have one. At 1 keys are evicted or writes refused.",
                ),
                of_alert(
                    alerts.EVICTIONS,
                    "Evictions",
                    "Share of the keys that is evicted in 15 minutes. Above the line, raise maxmemory.",
                ),
                lines(
                    "Memory fragmentation",
                    "Far above 1, memory is lost to gaps.",
                    f"max by ({BY}) (redis_mem_fragmentation_ratio)",
                ),
                lines(
                    "Keys",
                    "Of each database.",
                    f"sum by ({BY}, db) (redis_db_keys) > 0",
                    legend="{{instance}}, {{db}}",
                ),
                lines(
                    "Keys without expiry",
                    "If they grow without end, so does the memory.",
                    f"sum by ({BY}) (redis_db_keys - redis_db_keys_expiring)",
                ),
                lines(
                    "Hit ratio",
                    "Share of reads that find their key. If it falls, what is behind the cache gets the rest.",
                    f"{_HITS} / ({_HITS} + {_MISSES})",
                    unit=Unit.RATIO,
                ),
            ),
        ),
        Row(
            "What do they do, and is it safe?",
            (
                lines(
                    "Commands per second",
                    "All commands. If it falls with slow commands, one command blocks the server.",
                    rate("redis_commands_processed_total"),
                    unit=Unit.PER_SECOND,
                ),
                lines(
                    "Slow commands",
                    "New entries in the slow log, in five minutes.",
                    f"max by ({BY}) (delta(redis_slowlog_last_id[5m]))",
                ),
                of_alert(
                    alerts.LAG,
                    "Replication lag",
                    "Time since the slowest replica acknowledged data. Above the line, a failover loses it.",
                ),
                lines(
                    "Sentinels",
                    "Those that reach each other, of the primary's. Without a majority there is no failover.",
                    f"max by ({SERVICE}, master_name) (redis_sentinel_master_ok_sentinels)",
                    legend="{{service}}, {{master_name}}",
                    chosen='cluster=~"$cluster", service=~"$service"',
                ),
                of_alert(
                    alerts.BACKUP_OLD,
                    "Last snapshot",
                    "Its age; the start, if none was saved since. Above the line, check disk and memory.",
                ),
            ),
        ),
    ),
)
