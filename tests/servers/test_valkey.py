"""Valkey watched for real: it answers as Redis does, also when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rules.redis import SYSTEM
from rules.redis.scrape import REDIS_EXPORTER, metrics
from tests.servers.exposition import difference, exposition
from tests.servers.stores import Watching, stack, watching
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_text
from tools.local.redis_server import Redis
from tools.local.server import LocalServer
from tools.servers.find import binary

PASSWORD = "planted-word-Vk14"  # noqa: S105  no secret
NAMES = ("orders-a", "orders-b")
SETTINGS = {
    "servers": {
        name: {
            "address": f"{name}.shop.svc:6379",
            "service": "orders",
            "passwordSecret": {"name": "theirs", "key": "password"},
        }
        for name in NAMES
    },
    "replicas": {"orders": 1},
}
OF_CLUSTERS = {"redis_cluster_state"}


@dataclass(frozen=True)
class Orders:
    primary: Redis
    watch: Watching


@pytest.fixture(scope="module")
def orders(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orders]:
    binary(REDIS_EXPORTER)
    home = tmp_path_factory.mktemp("valkey")
    made = stack(home, SYSTEM, SETTINGS, {})
    primary = Redis(home, NAMES[0], PASSWORD, program="valkey-server")
    of_primary = ("--replicaof", "127.0.0.1", str(primary.port))
    replica = Redis(home, NAMES[1], PASSWORD, of_primary, program="valkey-server")
    servers = (primary, replica)
    try:
        for server in servers:
            server.start()
        exporters = {
            server.name: LocalServer(
                made,
                f"{REDIS_EXPORTER}-{server.name}",
                home / f"exporter-{server.name}",
                addresses={f"{server.name}.shop.svc:6379": server.address},
                planted={"REDIS_PASSWORD": PASSWORD},
            )
            for server in servers
        }
        with watching(made, home, control_plane, REDIS_EXPORTER, exporters) as watch:
            yield Orders(primary, watch)
    finally:
        for server in servers:
            if server.process:
                server.kill()


def test_a_healthy_valkey_and_its_replica_notify_nobody(orders: Orders) -> None:
    streaming = "service:redis_replicas:streaming"
    eventually(lambda: orders.watch.value(streaming) == 1, 60, "the replica streams")
    orders.watch.fires()
    orders.watch.notifies()


def test_it_has_every_metric_that_rules_and_panels_ask_for(orders: Orders) -> None:
    orders.primary.ask("SET", "key", "value")
    texts = [http_text(f"{exporter.url}/metrics") for exporter in orders.watch.exporters.values()]
    together = {
        name: family for text in texts for name, family in exposition(text).items() if family.labels is not None
    }
    asked = [metric for metric in metrics(REDIS_EXPORTER) if metric.name not in OF_CLUSTERS]
    assert [wrong for metric in asked if (wrong := difference(metric, together))] == []


def test_a_valkey_that_is_killed_pages_once(orders: Orders) -> None:
    orders.primary.kill()
    try:
        orders.watch.fires(
            ("RedisDown", "critical", "orders-a"),
            ("RedisNoPrimary", "critical", "orders"),
            ("RedisReplicationBroken", "warning", "orders-b"),
        )
        orders.watch.notifies(("RedisDown", "critical", "orders-a"))
    finally:
        orders.primary.start()
    orders.watch.fires()
    orders.watch.notifies()
