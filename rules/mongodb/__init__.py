"""MongoDB: whether servers answer, have connections left, and replicate."""

from __future__ import annotations

from rules.headline import Headline
from rules.mongodb import alerts
from rules.mongodb.scrape import WATCH, MongoSettings, exporters
from rules.mongodb.uids import MONGODB
from rules.system import Surroundings, System, Watched


def build(settings: MongoSettings, surroundings: Surroundings) -> Watched:
    groups, namespace = alerts.groups(settings.replicas), surroundings.cluster.namespaces.stack
    return WATCH.watched(settings, exporters(settings), namespace, groups, alerts.AVAILABILITY, alerts.INHIBITIONS)


SYSTEM = System(
    key="mongodb",
    title="MongoDB",
    owner="database",
    settings=MongoSettings,
    example=MongoSettings.model_validate(
        {
            "servers": {
                "catalog-a": {
                    "address": "catalog.example.com:27018",
                    "passwordSecret": {"name": "catalog-monitor", "key": "password"},
                    "user": "monitor",
                    "tls": True,
                    "caSecret": {"name": "catalog-monitor", "key": "ca"},
                    "service": "catalog",
                },
                "catalog-b": {"exporter": "catalog-b.example.com:9216", "service": "catalog"},
            },
            "replicas": {"catalog": 1},
            "resources": {
                "requests": {"cpu": "20m", "memory": "64Mi"},
                "limits": {"cpu": "200m", "memory": "128Mi"},
            },
        }
    ),
    dashboard=MONGODB,
    headline=Headline(up="max(mongodb_up)"),
    build=build,
)
