"""Redis and Valkey: whether servers answer, have room, replicate, and save their data."""

from __future__ import annotations

from rules.headline import Headline
from rules.redis import alerts
from rules.redis.scrape import WATCH, RedisSettings, exporters
from rules.redis.uids import REDIS
from rules.system import Surroundings, System, Watched


def build(settings: RedisSettings, surroundings: Surroundings) -> Watched:
    groups, namespace = alerts.groups(settings.replicas), surroundings.cluster.namespaces.stack
    return WATCH.watched(settings, exporters(settings), namespace, groups, alerts.AVAILABILITY, alerts.INHIBITIONS)


SYSTEM = System(
    key="redis",
    title="Redis",
    owner="database",
    settings=RedisSettings,
    example=RedisSettings.model_validate(
        {
            "servers": {
                "sessions-a": {
                    "address": "sessions.example.com:6380",
                    "passwordSecret": {"name": "sessions-monitor", "key": "password"},
                    "user": "monitor",
                    "tls": True,
                    "caSecret": {"name": "sessions-monitor", "key": "ca"},
                    "service": "sessions",
                },
                "sessions-b": {"address": "sessions-b.shop.svc:6379", "service": "sessions"},
                "cache": {"exporter": "cache.example.com:9121"},
            },
            "replicas": {"sessions": 1},
            "resources": {
                "requests": {"cpu": "20m", "memory": "64Mi"},
                "limits": {"cpu": "200m", "memory": "128Mi"},
            },
        }
    ),
    dashboard=REDIS,
    headline=Headline(up="max(redis_up)"),
    build=build,
)
