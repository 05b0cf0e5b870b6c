"""PostgreSQL: whether servers answer, have connections left, replicate, and are as fast as yesterday."""

from __future__ import annotations

from rules.headline import Headline
from rules.postgres import alerts
from rules.postgres.scrape import WATCH, exporters
from rules.postgres.settings import PostgresSettings
from rules.postgres.uids import POSTGRES
from rules.system import Surroundings, System, Watched


def build(settings: PostgresSettings, surroundings: Surroundings) -> Watched:
    groups, namespace = alerts.groups(settings.replicas), surroundings.cluster.namespaces.stack
    return WATCH.watched(settings, exporters(settings), namespace, groups, alerts.AVAILABILITY, alerts.INHIBITIONS)


SYSTEM = System(
    key="postgres",
    title="PostgreSQL",
    owner="database",
    settings=PostgresSettings,
    example=PostgresSettings.model_validate(
        {
            "servers": {
                "orders-a": {
                    "address": "orders-a.shop.svc:5432",
                    "passwordSecret": {"name": "orders-monitor", "key": "password"},
                    "user": "monitor",
                    "database": "orders",
                    "caSecret": {"name": "orders-monitor", "key": "ca"},
                    "tables": True,
                    "service": "orders",
                },
                "orders-b": {
                    "address": "orders.example.eu-central-1.rds.amazonaws.com:5433",
                    "passwordSecret": {"name": "orders-monitor", "key": "password"},
                    "sslMode": "require",
                    "service": "orders",
                },
                "carts": {"exporter": "carts.example.com:9187"},
            },
            "replicas": {"orders": 1},
            "resources": {
                "requests": {"cpu": "20m", "memory": "64Mi"},
                "limits": {"cpu": "200m", "memory": "128Mi"},
            },
        }
    ),
    dashboard=POSTGRES,
    headline=Headline(up="max(pg_up)"),
    build=build,
)
