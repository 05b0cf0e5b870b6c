"""Spans in Jaeger's stores: search clusters, and what a kill and a retention leave on a disk."""

from __future__ import annotations

import base64
import json
import random
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

from tests.servers.search import Search
from tests.servers.traces import SAMPLING, SEARCH_ADDRESS, STORAGES, one, stack, traces
from tools.local.harness import eventually, free_port
from tools.local.traces import Jaeger, Trace

PASSWORD = "correct-horse-battery"  # noqa: S105  planted, to see where it goes
SECRET = {"storage-password": PASSWORD}


# --- an Elasticsearch, as far as Jaeger asks ---


@pytest.mark.parametrize(
    ("kind", "search", "index"),
    [
        ("elasticsearch", Search("You Know, for Search", "8.17.0"), "jaeger-span-"),
        ("opensearch", Search("The OpenSearch Project: https://opensearch.org/", "2.18.0"), "test-1-jaeger-span-"),
    ],
)
def test_spans_go_to_a_search_cluster_as_the_user_whose_password_is_in_the_file(
    kind: str, search: Search, index: str, tmp_path: Path
) -> None:
    with search.running() as address:
        files = stack(tmp_path, storage=STORAGES[kind])
        jaeger = Jaeger(files, tmp_path / "jaeger", addresses={SEARCH_ADDRESS: address}, planted=SECRET)
        with jaeger.running() as process:
            jaeger.send(one(41))
            written = eventually(lambda: [seen for seen in search.seen if "_bulk" in seen[0]], 15, "spans are written")
            assert PASSWORD not in process.log(), "not even in a line about its configuration"
    assert f'"_index":"{index}' in "".join(body for _, _, body in written).replace(" ", "")
    login = "Basic " + base64.b64encode(f"jaeger:{PASSWORD}".encode()).decode()
    assert {seen[1] for seen in search.seen} == {login}, "every request, the first included"
    assert PASSWORD not in json.dumps(files.objects), "nothing that is rendered holds it"


def test_a_search_cluster_that_is_away_at_the_start_is_said_plainly(tmp_path: Path) -> None:
    files = stack(tmp_path, storage=STORAGES["elasticsearch"])
    away = {SEARCH_ADDRESS: f"http://127.0.0.1:{free_port()}"}
    jaeger = Jaeger(files, tmp_path / "jaeger", addresses=away, planted=SECRET)
    with pytest.raises(AssertionError, match="ended with status 1"), jaeger.running():
        pass
    assert "no Elasticsearch node available" in (jaeger.home / "log").read_text(), "the pod restarts until it is there"


# --- kill -9 ---


class Load:
    """Senders that go on until nothing answers any more, and remember what was acknowledged."""

    def __init__(self, jaeger: Jaeger, senders: int = 3) -> None:
        self.jaeger = jaeger
        self.acknowledged: list[Trace] = []
        self.stopped = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(sender,)) for sender in range(senders)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self._threads:
            thread.join()

    def _send(self, sender: int) -> None:
        chance = random.Random(sender)  # noqa: S311  not a secret
        with suppress(OSError):
            while not self.stopped.is_set():
                batch = [Trace(chance.randbytes(16), spans=10) for _ in range(5)]
                self.jaeger.send(*batch, service="load")
                self.acknowledged += batch


@pytest.mark.parametrize("sync", [False, True], ids=["as it comes", "synced writes"])
def test_what_was_acknowledged_survives_a_kill_and_is_there_once(sync: bool, tmp_path: Path) -> None:
    storage = {"badger": {"size": "1Gi", "ttl": "3d", "syncWrites": sync}}
    jaeger = Jaeger(stack(tmp_path, storage=storage), tmp_path / "jaeger")
    with jaeger.running() as process, Load(jaeger) as load:
        eventually(lambda: len(load.acknowledged) >= 500, 60, "there is something to lose")
        process.kill()
    with jaeger.running():
        expected = [f"{number:016x}" for number in range(1, 11)]
        stored = jaeger.stored("load")
        wrong = [trace for trace in load.acknowledged if stored.get(trace.id.hex()) != expected]
        assert not wrong, "docs/traces.md: acknowledged is written, so nothing is lost and nothing there twice"
        again = one(51)
        jaeger.send(again)
        assert jaeger.found(again), "and it goes on where it was"


def test_with_sampling_a_kill_loses_what_waits_for_its_decision_and_nothing_else(tmp_path: Path) -> None:
    sampling = SAMPLING | {"decisionWait": "4s"}
    jaeger = Jaeger(stack(tmp_path, storage=STORAGES["badger"], sampling=sampling), tmp_path / "jaeger")
    decided, waiting = traces(20, 61, failed=True), traces(20, 62, failed=True)
    with jaeger.running() as process:
        jaeger.send(*decided)
        eventually(lambda: len(jaeger.stored("planner")) == len(decided), 15, "they are decided on")
        jaeger.send(*waiting)
        process.kill()
    with jaeger.running():
        stored = jaeger.stored("planner")
        assert {trace.id.hex() for trace in decided} == stored.keys(), "docs/traces.md says so of those that wait"
        assert all(len(spans) == 3 for spans in stored.values())


def test_spans_older_than_the_ttl_are_gone(tmp_path: Path) -> None:
    jaeger = Jaeger(stack(tmp_path, storage={"badger": {"size": "1Gi", "ttl": "3s"}}), tmp_path / "jaeger")
    trace = one(71)
    with jaeger.running():
        jaeger.send(trace)
        assert jaeger.found(trace)
        eventually(lambda: jaeger.found(trace) is None, 15, "retention")
