"""Redis watched for real: a primary and its replica, a cluster, each fault made, and who is notified of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rules.redis import SYSTEM
from rules.redis.scrape import REDIS_EXPORTER, metrics
from tests.servers.exposition import difference, exposition
from tests.servers.stores import Watching, stack, watching
from tools.local.certificate import made as certificate
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, free_port, http_text
from tools.local.redis_server import Redis, say, with_tls
from tools.local.server import LocalServer
from tools.servers.find import binary

PASSWORD = "planted-word-Rt62"  # noqa: S105  no secret
LOGIN = {"passwordSecret": {"name": "theirs", "key": "password"}}
SETTINGS = {
    "servers": {
        "sessions-a": {
            "address": "sessions-a.shop.svc:6380",
            "tls": True,
            "caSecret": {"name": "theirs", "key": "ca"},
            "service": "sessions",
            **LOGIN,
        },
        "sessions-b": {"address": "sessions-b.shop.svc:6379", "service": "sessions", **LOGIN},
        "shards": {"address": "shards.shop.svc:6379", **LOGIN},
    },
    "replicas": {"sessions": 1},
}
MISSING = (("RedisReplicasMissing", "critical", "sessions"), ("RedisReplicasMissing", "warning", "sessions"))
MAXIMUM = 40
MEBIBYTES = 8


@dataclass(frozen=True)
class Caches:
    primary: Redis
    replica: Redis
    shards: Redis
    watch: Watching

    def settled(self) -> None:
        """Back to normal."""
        self.watch.fires()
        self.watch.notifies()

    def fill(self, keys: int, size: int = 10_000) -> str:
        """The answer to the last write."""
        with self.primary.connection() as connected:
            answers = [say(connected, "SET", f"key-{number}", "x" * size) for number in range(keys)]
        return answers[-1]


@pytest.fixture(scope="module")
def caches(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caches]:
    binary(REDIS_EXPORTER)
    home = tmp_path_factory.mktemp("redis")
    made = stack(home, SYSTEM, SETTINGS, {})
    trusted, secure = certificate(home), free_port()
    primary = Redis(home, "sessions-a", PASSWORD, with_tls(trusted, secure))
    replica = Redis(home, "sessions-b", PASSWORD, ("--replicaof", "127.0.0.1", str(primary.port)))
    shards = Redis(home, "shards", PASSWORD, ("--cluster-enabled", "yes"))
    servers = (primary, replica, shards)
    try:
        for server in servers:
            server.start()
        shards.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        addresses = {
            "sessions-a.shop.svc:6380": f"127.0.0.1:{secure}",
            "sessions-b.shop.svc:6379": replica.address,
            "shards.shop.svc:6379": shards.address,
        }
        exporters = {
            server.name: LocalServer(
                made,
                f"{REDIS_EXPORTER}-{server.name}",
                home / f"exporter-{server.name}",
                addresses=addresses,
                planted={"REDIS_PASSWORD": PASSWORD, "ca": trusted.public.read_text()},
            )
            for server in servers
        }
        with watching(made, home, control_plane, REDIS_EXPORTER, exporters) as watch:
            yield Caches(primary, replica, shards, watch)
    finally:
        for server in servers:
            if server.process:
                server.kill()


def test_healthy_servers_that_are_used_notify_nobody(caches: Caches) -> None:
    caches.settled()
    with caches.watch.quiet():
        caches.fill(200)
        eventually(
            lambda: (caches.watch.value('sum(redis_db_keys{instance="sessions-b"})') or 0) >= 200, 30, "they are copied"
        )
        assert caches.watch.value("count(redis_up == 1)") == 3
        assert caches.watch.value("service:redis_replicas:streaming") == 1


def test_the_exporters_expose_every_metric_that_rules_and_panels_ask_for(caches: Caches) -> None:
    texts = [http_text(f"{exporter.url}/metrics") for exporter in caches.watch.exporters.values()]
    together = {
        name: family for text in texts for name, family in exposition(text).items() if family.labels is not None
    }
    assert [wrong for metric in metrics(REDIS_EXPORTER) if (wrong := difference(metric, together))] == []


def test_of_one_server_few_series_are_stored(caches: Caches) -> None:
    kept = caches.watch.value('scrape_samples_post_metric_relabeling{instance="sessions-a"}')
    offered = caches.watch.value('scrape_samples_scraped{instance="sessions-a"}')
    print(f"keeps {kept} of {offered} series")
    assert kept
    assert kept <= 80


def test_a_server_that_is_filled_is_a_ticket_before_writes_fail(caches: Caches) -> None:
    caches.primary.ask("CONFIG", "SET", "maxmemory", f"{MEBIBYTES}mb")
    assert caches.fill(2000).startswith("-OOM")
    caches.watch.fires(("RedisMemoryHigh", "warning", "sessions-a"))


def test_a_cache_that_is_too_small_evicts_and_is_not_full(caches: Caches) -> None:
    caches.primary.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")

    def evicted() -> bool:
        caches.fill(2000)
        return caches.watch.firing() == {("RedisEvictions", "warning", "sessions-a")}

    eventually(evicted, 45, "it evicts")
    caches.primary.ask("CONFIG", "SET", "maxmemory", "0")
    caches.primary.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    caches.primary.ask("FLUSHALL")
    caches.settled()


def test_a_replica_that_is_killed_pages_once(caches: Caches) -> None:
    caches.replica.kill()
    try:
        caches.watch.fires(("RedisDown", "critical", "sessions-b"), *MISSING)
        caches.watch.notifies(("RedisDown", "critical", "sessions-b"))
    finally:
        caches.replica.start()
    caches.settled()


def test_a_replica_that_is_cut_off_pages(caches: Caches) -> None:
    caches.replica.ask("REPLICAOF", "127.0.0.1", "1")
    caches.watch.fires(("RedisReplicationBroken", "warning", "sessions-b"), *MISSING)
    caches.replica.ask("REPLICAOF", "127.0.0.1", str(caches.primary.port))
    caches.settled()


def test_two_primaries_page(caches: Caches) -> None:
    caches.replica.ask("REPLICAOF", "NO", "ONE")
    caches.watch.fires(("RedisNoPrimary", "critical", "sessions"), *MISSING)
    caches.replica.ask("REPLICAOF", "127.0.0.1", str(caches.primary.port))
    caches.settled()


def test_a_primary_that_is_killed_pages_once(caches: Caches) -> None:
    caches.primary.kill()
    try:
        caches.watch.fires(
            ("RedisDown", "critical", "sessions-a"),
            ("RedisNoPrimary", "critical", "sessions"),
            ("RedisReplicationBroken", "warning", "sessions-b"),
        )
        caches.watch.notifies(("RedisDown", "critical", "sessions-a"))
    finally:
        caches.primary.start()
    caches.settled()


def test_a_snapshot_that_cannot_be_written_is_a_ticket(caches: Caches) -> None:
    shutil.rmtree(caches.primary.data)
    caches.primary.ask("BGSAVE")
    caches.watch.fires(("RedisPersistenceFailing", "warning", "sessions-a"))
    caches.primary.data.mkdir()
    caches.primary.ask("CONFIG", "SET", "dir", str(caches.primary.data))
    caches.primary.ask("BGSAVE")
    caches.settled()


def test_a_cluster_that_lacks_a_slot_pages(caches: Caches) -> None:
    caches.shards.ask("CLUSTER", "DELSLOTS", "7")
    caches.watch.fires(("RedisClusterFailing", "critical", "shards"))
    caches.shards.ask("CLUSTER", "ADDSLOTS", "7")
    caches.settled()


def test_connections_page_before_they_are_used_up_and_when_they_are(caches: Caches) -> None:
    caches.primary.ask("CONFIG", "SET", "maxclients", str(MAXIMUM))
    used = (("RedisHighConnections", "critical", "sessions-a"), ("RedisHighConnections", "warning", "sessions-a"))
    # The exporter and the replica have one each.
    with caches.primary.clients(MAXIMUM - 2):
        caches.watch.fires(*used)
        with caches.primary.clients(1):
            caches.watch.fires(("RedisDown", "critical", "sessions-a"), ("RedisNoPrimary", "critical", "sessions"))
    caches.watch.fires(("RedisRejectsConnections", "critical", "sessions-a"))
