"""Redis and Valkey: whether servers answer, have room, replicate, and save their data."""

from __future__ import annotations

from dataclasses import replace

from rules.headline import Headline
from rules.redis import alerts, sentinels
from rules.redis.scrape import SENTINELS, WATCH, RedisSettings, exporters
from rules.redis.uids import REDIS
from rules.system import Surroundings, System, Watched


def build(settings: RedisSettings, surroundings: Surroundings) -> Watched:
    groups, namespace = alerts.groups(settings.replicas), surroundings.cluster.namespaces.stack
    servers = WATCH.watched(settings, exporters(settings), namespace, groups, alerts.AVAILABILITY, alerts.INHIBITIONS)
    return _with_sentinels(servers, settings, namespace) if settings.sentinels else servers


def _with_sentinels(servers: Watched, settings: RedisSettings, namespace: str) -> Watched:
    given = settings.of_sentinels
    found = SENTINELS.watched(
        given, exporters(given), namespace, sentinels.groups(settings), None, sentinels.INHIBITIONS
    )
    return replace(
        servers,
        scrape_jobs=servers.scrape_jobs + found.scrape_jobs,
        groups=servers.groups + found.groups,
        exporters=servers.exporters + found.exporters,
        metrics=servers.metrics + found.metrics,
        inhibitions=servers.inhibitions + found.inhibitions,
    )


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
            "sentinels": {
                "sentinel-a": {
                    "address": "sentinel-a.example.com:26380",
                    "passwordSecret": {"name": "sessions-monitor", "key": "sentinel-password"},
                    "user": "monitor",
                    "tls": True,
                    "caSecret": {"name": "sessions-monitor", "key": "ca"},
                    "service": "sessions",
                },
                "sentinel-b": {"address": "sentinel-b.shop.svc:26379", "service": "sessions"},
                "sentinel-c": {"exporter": "sentinel-c.example.com:9121", "service": "sessions"},
            },
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
