"""Sentinels of Redis watched for real: what they say is passed on, also when they or the primary are killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rules.redis import SYSTEM
from rules.redis.scrape import OF_SENTINELS, REDIS_EXPORTER, of_sentinels
from tests.servers.exposition import difference, exposition
from tests.servers.stores import Watching, stack, watching
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_text
from tools.local.redis_server import Redis, Sentinel
from tools.local.server import LocalServer
from tools.servers.find import binary

PASSWORD = "planted-word-Se35"  # noqa: S105  no secret
LOGIN = {"passwordSecret": {"name": "theirs", "key": "password"}}
NAMES = ("sentinel-a", "sentinel-b", "sentinel-c")
SETTINGS = {
    "servers": {"sessions-a": {"address": "sessions-a.shop.svc:6379", "service": "sessions", **LOGIN}},
    "sentinels": {name: {"address": f"{name}.shop.svc:26379", "service": "sessions", **LOGIN} for name in NAMES},
}
MISSING = ("RedisSentinelsMissing", "warning", "sessions")
QUORUM_LOST = ("RedisSentinelQuorumLost", "warning", "sessions")


@dataclass(frozen=True)
class Sessions:
    primary: Redis
    replica: Redis
    sentinels: tuple[Sentinel, ...]
    watch: Watching

    def settled(self) -> None:
        """Back to normal."""
        self.watch.fires()
        self.watch.notifies()


@pytest.fixture(scope="module")
def sessions(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    binary(REDIS_EXPORTER)
    home = tmp_path_factory.mktemp("sentinels")
    made = stack(home, SYSTEM, SETTINGS, {})
    primary = Redis(home, "sessions-a", PASSWORD)
    replica = Redis(home, "sessions-b", PASSWORD, ("--replicaof", "127.0.0.1", str(primary.port)))
    sentinels = tuple(Sentinel(home, name, PASSWORD, watches=primary) for name in NAMES)
    servers = (primary, replica, *sentinels)
    try:
        for server in servers:
            server.start()
        exporters = {
            sentinel.name: LocalServer(
                made,
                f"{REDIS_EXPORTER}-{sentinel.name}",
                home / f"exporter-{sentinel.name}",
                addresses={f"{sentinel.name}.shop.svc:26379": sentinel.address},
                planted={"REDIS_PASSWORD": PASSWORD},
            )
            for sentinel in sentinels
        }
        with watching(made, home, control_plane, OF_SENTINELS, exporters) as watch:
            yield Sessions(primary, replica, sentinels, watch)
    finally:
        for server in servers:
            if server.process:
                server.kill()


def test_sentinels_that_agree_notify_nobody(sessions: Sessions) -> None:
    reached = "min(redis_sentinel_master_ok_sentinels)"
    eventually(lambda: sessions.watch.value(reached) == len(NAMES), 30, "they have found each other")
    sessions.settled()
    assert sessions.watch.value("count(redis_sentinel_master_ckquorum_status == 1)") == len(NAMES)
    assert sessions.watch.value("service:redis_sentinels:expected") == len(NAMES)


def test_the_exporter_exposes_every_metric_that_rules_and_panels_ask_of_a_sentinel(sessions: Sessions) -> None:
    exposed = exposition(http_text(f"{sessions.watch.exporters[NAMES[0]].url}/metrics"))
    assert [wrong for metric in of_sentinels(OF_SENTINELS) if (wrong := difference(metric, exposed))] == []


def test_of_one_sentinel_few_series_are_stored(sessions: Sessions) -> None:
    kept = sessions.watch.value(f'scrape_samples_post_metric_relabeling{{instance="{NAMES[0]}"}}')
    offered = sessions.watch.value(f'scrape_samples_scraped{{instance="{NAMES[0]}"}}')
    print(f"keeps {kept} of {offered} series")
    assert kept
    assert kept <= 10


def test_a_sentinel_that_is_killed_is_a_ticket(sessions: Sessions) -> None:
    sessions.sentinels[0].kill()
    try:
        sessions.watch.fires(MISSING)
    finally:
        sessions.sentinels[0].start()
    sessions.settled()


def test_sentinels_without_a_majority_are_a_ticket(sessions: Sessions) -> None:
    killed = sessions.sentinels[:2]
    for sentinel in killed:
        sentinel.kill()
    try:
        sessions.watch.fires(MISSING, QUORUM_LOST)
        sessions.watch.notifies(QUORUM_LOST)
    finally:
        for sentinel in killed:
            sentinel.start()
    sessions.settled()


def test_a_primary_that_no_sentinel_reaches_and_none_can_replace_pages(sessions: Sessions) -> None:
    sessions.replica.kill()
    sessions.primary.kill()
    try:
        sessions.watch.fires(("RedisSentinelMasterDown", "critical", "sessions"))
    finally:
        sessions.primary.start()
        sessions.replica.start()
    sessions.settled()
