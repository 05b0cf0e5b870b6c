"""Redis: whether servers answer and have room, help their clients, and keep their data."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Panel, Query, Row, alert_stat, alert_time_series, found, variable
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert
from model.uids import ALERTS, HOME
from rules.redis import alerts
from rules.redis.uids import REDIS
from rules.stores import BY

_IN = 'cluster=~"$cluster", service=~"$service", instance=~"$instance"'
_SERVER = "{{instance}}"


def _of(alert: Alert, title: str, description: str) -> Panel:
    return alert_time_series(alert, title, description, narrowed(alert.value, _IN), _SERVER)


def _lines(title: str, description: str, expr: str, unit: Unit = Unit.NONE, legend: str = _SERVER) -> Panel:
    return Panel(
        title=title, description=description, queries=(Query(expr=narrowed(expr, _IN), legend=legend),), unit=unit
    )


def _rate(metric: str) -> str:
    return f"sum by ({BY}) (rate({metric}[5m]))"


_HITS, _MISSES = (_rate(f"redis_keyspace_{what}_total") for what in ("hits", "misses"))

DASHBOARD = Dashboard(
    uid=REDIS,
    title="Redis",
    description="Which Redis or Valkey server is down, full, or without a replica.",
    tags=("redis",),
    variables=(
        variable("cluster", "redis_up", "Cluster"),
        variable("service", 'redis_up{cluster=~"$cluster"}', "Service"),
        variable("instance", 'redis_up{cluster=~"$cluster", service=~"$service"}', "Server"),
    ),
    related=(HOME, ALERTS),
    annotations=(alerts_of("redis"),),
    rows=(
        Row(
            "Do they answer?",
            (
                alert_stat(alerts.DOWN, "Down", "Servers that do not answer.", found(alerts.DOWN, _IN)),
                alert_stat(
                    alerts.PERSISTENCE_FAILS,
                    "Cannot save",
                    "Servers whose last snapshot or log could not be written.",
                    found(alerts.PERSISTENCE_FAILS, _IN),
                ),
                _of(alerts.HIGH_CONNECTIONS, "Connections in use", "Share of maxclients."),
                _lines(
                    "Blocked clients",
                    "Clients that wait for a list or stream.",
                    f"max by ({BY}) (redis_blocked_clients)",
                ),
            ),
        ),
        Row(
            "Have they room?",
            (
                _of(alerts.MEMORY_HIGH, "Memory", "Share of maxmemory, of servers that have one."),
                _of(alerts.EVICTIONS, "Evictions", "Share of the keys that is evicted in 15 minutes."),
                _lines(
                    "Memory fragmentation",
                    "Far above 1, memory is lost to gaps.",
                    f"max by ({BY}) (redis_mem_fragmentation_ratio)",
                ),
                _lines(
                    "Keys",
                    "Of each database.",
                    f"sum by ({BY}, db) (redis_db_keys) > 0",
                    legend="{{instance}}, {{db}}",
                ),
                _lines(
                    "Keys without expiry",
                    "If they grow without end, so does the memory.",
                    f"sum by ({BY}) (redis_db_keys - redis_db_keys_expiring)",
                ),
                _lines(
                    "Hit ratio",
                    "Share of reads that find their key. If it falls, what is behind the cache gets the rest.",
                    f"{_HITS} / ({_HITS} + {_MISSES})",
                    Unit.RATIO,
                ),
            ),
        ),
        Row(
            "What do they do, and is it safe?",
            (
                _lines(
                    "Commands per second", "All commands.", _rate("redis_commands_processed_total"), Unit.PER_SECOND
                ),
                _lines(
                    "Slow commands",
                    "New entries in the slow log, in five minutes.",
                    f"max by ({BY}) (delta(redis_slowlog_last_id[5m]))",
                ),
                _of(alerts.LAG, "Replication lag", "Time since the slowest replica acknowledged data."),
                _of(alerts.BACKUP_OLD, "Last snapshot", "Its age. It is the start, if none was saved since."),
            ),
        ),
    ),
)
