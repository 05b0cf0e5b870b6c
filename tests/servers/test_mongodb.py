"""MongoDB watched for real: a replica set of two, and who is notified when one of them is killed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from rules.mongodb import SYSTEM
from rules.mongodb.scrape import MONGODB_EXPORTER, metrics
from tests.servers.exposition import difference, exposition
from tests.servers.stores import Watching, stack, watching
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, free_port, http_text
from tools.local.server import LocalServer
from tools.servers.find import need

NAMES = ("catalog-a", "catalog-b")
SETTINGS = {
    "servers": {name: {"address": f"{name}.shop.svc:27017", "service": "catalog"} for name in NAMES},
    "replicas": {"catalog": 1},
}


@dataclass(frozen=True)
class ReplicaSet:
    watch: Watching
    members: dict[str, Process]


def server(mongod: Path, home: Path, name: str, port: int) -> Process:
    data = home / name
    data.mkdir()
    given = ("--replSet=catalog", "--bind_ip=127.0.0.1", f"--port={port}", f"--dbpath={data}")
    return Process([mongod, *given], log=home / f"{name}.log")


def listening(member: Process, port: int) -> bool:
    return ("127.0.0.1", port) in member.listens()


@pytest.fixture(scope="module")
def catalog(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    mongod, mongosh, _ = need("mongodb", "mongod", "mongosh", MONGODB_EXPORTER)
    home = tmp_path_factory.mktemp("mongodb")
    made = stack(home, SYSTEM, SETTINGS, {})
    ports = {name: free_port() for name in NAMES}
    hosts = [{"_id": number, "host": f"127.0.0.1:{port}"} for number, port in enumerate(ports.values())]
    exporters = {
        name: LocalServer(
            made,
            f"{MONGODB_EXPORTER}-{name}",
            home / f"exporter-{name}",
            addresses={f"{name}.shop.svc:27017": f"127.0.0.1:{port}"},
        )
        for name, port in ports.items()
    }
    with ExitStack() as running:
        members = {name: running.enter_context(server(mongod, home, name, port)) for name, port in ports.items()}
        for name, member in members.items():
            member.ready(partial(listening, member, ports[name]))
        initiate = f"rs.initiate({json.dumps({'_id': 'catalog', 'members': hosts})})"
        at_first: list[str | Path] = [mongosh, "--quiet", f"--port={ports['catalog-a']}", f"--eval={initiate}"]
        subprocess.run(at_first, timeout=60, check=True)
        watch = running.enter_context(watching(made, home, control_plane, MONGODB_EXPORTER, exporters))
        yield ReplicaSet(watch, members)


def test_a_replica_set_that_is_well_notifies_nobody(catalog: ReplicaSet) -> None:
    catalog.watch.fires()
    assert catalog.watch.value("count(mongodb_up == 1)") == 2


def test_the_exporters_expose_every_metric_that_rules_and_panels_ask_for(catalog: ReplicaSet) -> None:
    texts = [http_text(f"{exporter.url}/metrics") for exporter in catalog.watch.exporters.values()]
    together = {
        name: family for text in texts for name, family in exposition(text).items() if family.labels is not None
    }
    wrong = [wrong for metric in metrics(MONGODB_EXPORTER) if (wrong := difference(metric, together))]
    assert wrong == []


def test_of_one_server_few_series_are_stored(catalog: ReplicaSet) -> None:
    kept = catalog.watch.value('scrape_samples_post_metric_relabeling{instance="catalog-a"}')
    assert kept
    assert kept <= 80


def test_a_member_that_is_killed_pages_once_though_no_primary_is_left(catalog: ReplicaSet) -> None:
    catalog.members["catalog-b"].kill()
    catalog.watch.fires(("MongoDBDown", "critical", "catalog-b"), ("MongoDBNoPrimary", "critical", "catalog"))
    catalog.watch.notifies(("MongoDBDown", "critical", "catalog-b"))
