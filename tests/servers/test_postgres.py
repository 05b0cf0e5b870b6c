"""PostgreSQL watched for real: a primary and its replica, each fault made, and who is notified of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from rules.postgres import SYSTEM
from rules.postgres.scrape import POSTGRES_EXPORTER, metrics
from tests.servers.exposition import difference, scraped
from tests.servers.stores import Watching, stack, watching
from tools.local.certificate import made as certificate
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually
from tools.local.postgresql import CONNECTIONS, MONITOR, RESERVED, Postgres, folder
from tools.local.server import LocalServer
from tools.servers.find import binary

PASSWORD = "planted-word-Kd83"  # noqa: S105  no secret
SECRETS = {"passwordSecret": {"name": "theirs", "key": "password"}, "caSecret": {"name": "theirs", "key": "ca"}}
SERVERS = ("orders-a", "orders-b")
SETTINGS = {
    "servers": {
        name: {
            "address": f"{name}.shop.svc:5432",
            "user": MONITOR,
            "database": "orders",
            "service": "orders",
            "tables": True,
            **SECRETS,
        }
        for name in SERVERS
    },
    "replicas": {"orders": 1},
}
# What would take an hour, or more clients than a small server takes.
LOWER = {"PostgreSQLLongTransaction": {"warning": 5}, "PostgreSQLReplicationLag": {"warning": 10}}


@dataclass(frozen=True)
class Databases:
    primary: Postgres
    replica: Postgres
    watch: Watching

    def settled(self) -> None:
        """Back to normal."""
        self.watch.fires()
        self.watch.notifies()


@pytest.fixture(scope="module")
def databases(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    binary(POSTGRES_EXPORTER)
    home = tmp_path_factory.mktemp("postgres")
    made = stack(home, SYSTEM, SETTINGS, LOWER)
    trusted = certificate(home)
    with folder() as data:
        primary, replica = (Postgres(data, name) for name in SERVERS)
        primary.create(trusted)
        primary.start()
        primary.monitored(PASSWORD, "orders")
        replica.copy(primary)
        replica.start()
        exporters = {
            server.name: LocalServer(
                made,
                f"{POSTGRES_EXPORTER}-{server.name}",
                home / server.name,
                addresses={f"{server.name}.shop.svc:5432": f"127.0.0.1:{server.port}"},
                planted={"password": PASSWORD, "ca": trusted.public.read_text()},
            )
            for server in (primary, replica)
        }
        try:
            with watching(made, home, control_plane, POSTGRES_EXPORTER, exporters) as watch:
                yield Databases(primary, replica, watch)
        finally:
            for server in (replica, primary):
                server.stop()


def test_healthy_servers_under_load_notify_nobody(databases: Databases) -> None:
    watch = databases.watch
    with Process(databases.primary.bench("-i", "-q"), log=databases.primary.home / "made.log") as made:
        eventually(lambda: not made.alive, 30, "there are tables")
    databases.settled()
    with (
        watch.quiet(),
        Process(databases.primary.bench("-c", "4", "-T", "30"), log=databases.primary.home / "load.log"),
    ):
        commits = 'sum(rate(pg_stat_database_xact_commit{datname="orders"}[10s]))'
        eventually(lambda: (watch.value(commits) or 0) > 10, 30, "it is busy")
        assert watch.value("count(pg_up == 1)") == 2
        assert watch.value("service:postgres_replicas:streaming") == 1


def test_the_exporter_exposes_every_metric_that_rules_and_panels_ask_for(databases: Databases) -> None:
    wanted = metrics(POSTGRES_EXPORTER)
    exposed = scraped(f"{databases.watch.exporters['orders-a'].url}/metrics", wanted=wanted)
    assert [wrong for metric in wanted if (wrong := difference(metric, exposed))] == []


def test_of_one_server_few_series_are_stored(databases: Databases) -> None:
    kept = databases.watch.value('scrape_samples_post_metric_relabeling{instance="orders-a"}')
    offered = databases.watch.value('scrape_samples_scraped{instance="orders-a"}')
    databases_there = int(databases.primary.sql("select count(*) from pg_database"))
    print(f"keeps {kept} of {offered} series")
    assert kept
    assert offered
    assert kept <= min(250 + 15 * databases_there, offered / 2)


def test_series_say_which_database_they_are_of_and_not_which_pod_asked(databases: Databases) -> None:
    assert databases.watch.value('count(pg_up{service="orders", instance=~"orders-a|orders-b", pod=""})') == 2


def test_used_up_connections_page_although_the_exporter_gets_no_new_one(databases: Databases) -> None:
    free = CONNECTIONS - RESERVED - 1  # the exporter has one
    with databases.primary.sessions(free, "select pg_sleep(60)"):
        databases.watch.fires(
            ("PostgreSQLHighConnections", "critical", "orders-a"),
            ("PostgreSQLHighConnections", "warning", "orders-a"),
            ("PostgreSQLRejectsConnections", "critical", "orders-a"),
        )
        assert databases.watch.value('pg_replication_is_replica{instance="orders-a"}') is None, "it cannot be asked"
        databases.watch.notifies(("PostgreSQLHighConnections", "critical", "orders-a"))
    databases.settled()


def test_a_server_that_hangs_pages_once(databases: Databases) -> None:
    with databases.primary.held():
        databases.watch.fires(("PostgreSQLDown", "critical", "orders-a"), ("PostgreSQLNoPrimary", "critical", "orders"))
        databases.watch.notifies(("PostgreSQLDown", "critical", "orders-a"))
    databases.settled()


def test_sessions_that_wait_for_a_lock_are_a_ticket(databases: Databases) -> None:
    one_row = "update pgbench_accounts set abalance = 1 where aid = 1"
    with databases.primary.sessions(6, "begin", one_row, "select pg_sleep(60)"):
        databases.watch.fires(
            ("PostgreSQLLocksHeld", "warning", "orders-a"), ("PostgreSQLLongTransaction", "warning", "orders-a")
        )
    databases.settled()


def test_a_replica_that_stops_pages_once(databases: Databases) -> None:
    databases.replica.stop()
    try:
        databases.watch.fires(
            ("PostgreSQLDown", "critical", "orders-b"),
            ("PostgreSQLReplicasMissing", "critical", "orders"),
            ("PostgreSQLReplicasMissing", "warning", "orders"),
            ("PostgreSQLSlotInactive", "warning", "orders-a"),
        )
        databases.watch.notifies(
            ("PostgreSQLDown", "critical", "orders-b"), ("PostgreSQLSlotInactive", "warning", "orders-a")
        )
    finally:
        databases.replica.start()
    databases.settled()


def test_a_primary_that_is_killed_pages_once_and_its_replica_is_not_late(databases: Databases) -> None:
    """Whatever lag the replica reports then: 0, or the age of the last write."""
    databases.primary.kill()
    try:
        databases.watch.fires(("PostgreSQLDown", "critical", "orders-a"), ("PostgreSQLNoPrimary", "critical", "orders"))
        databases.watch.notifies(("PostgreSQLDown", "critical", "orders-a"))
    finally:
        databases.primary.start()
    databases.settled()


def test_two_primaries_page(databases: Databases) -> None:
    databases.replica.sql("select pg_promote()")
    databases.watch.fires(
        ("PostgreSQLNoPrimary", "critical", "orders"),
        ("PostgreSQLReplicasMissing", "critical", "orders"),
        ("PostgreSQLReplicasMissing", "warning", "orders"),
        ("PostgreSQLSlotInactive", "warning", "orders-a"),
    )
