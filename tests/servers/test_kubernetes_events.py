"""The events of a real API server reach Loki once each, whatever happens to the collector, and its replicas."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from model.logs import EVENTS_APP
from tests.planted import PLANTED
from tests.servers.test_collector import DELIVERED, stack_with
from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually
from tools.local.logs import Entry, Loki
from tools.local.rendered import Rendered
from tools.local.telemetry import Collector

NAMESPACE = "eventful"
RECEIVED = "otelcol_receiver_accepted_log_records_total"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return stack_with(tmp_path_factory.mktemp("stack"), collector={"replicas": 2})


class Cluster:
    """A cluster whose events go to Loki."""

    def __init__(self, plane: ControlPlane, stack: Rendered, loki: Loki) -> None:
        self.plane, self._stack, self._loki = plane, stack, loki
        plane.namespace(NAMESPACE)
        self._account = Account.granted(plane, stack, "otel-collector")

    def collector(self, home: Path, replica: int = 0) -> Collector:
        addresses = {self._stack.address("loki", 3100): self._loki.address}
        return Collector(self._stack, home, self._account, pod=f"otel-collector-{replica}", addresses=addresses)

    def happens(self, name: str, **fields: Any) -> None:
        """An event of the pod ``name``, as a kubelet sends it."""
        self.plane.apply(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{name}.1", "namespace": NAMESPACE},
                "involvedObject": {"kind": "Pod", "name": name, "namespace": NAMESPACE},
                "reason": "FailedMount",
                "message": "no such volume",
                "type": "Warning",
                "source": {"component": "kubelet", "host": "node-a"},
                "firstTimestamp": stamp(NOW),
                "lastTimestamp": stamp(NOW),
                "count": 1,
                **fields,
            }
        )

    def lines(self, name: str) -> list[Entry]:
        return self._loki.entries(f'{{app="{EVENTS_APP}", namespace="{NAMESPACE}"}} | object=~"{name}.*"')

    def counted(self, name: str) -> int:
        """As an alert or a panel counts them."""
        return self._loki.count(f'{{app="{EVENTS_APP}", namespace="{NAMESPACE}"}} | object=~"{name}.*"')

    def arrived(self, *names: str) -> dict[str, int]:
        """How often each event is there, once all of them are."""
        found = eventually(
            lambda: (lines := {name: len(self.lines(name)) for name in names}) and all(lines.values()) and lines,
            DELIVERED,
            f"the events of {', '.join(names)}",
        )
        return dict(found)


def stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane, stack: Rendered, loki: Loki) -> Cluster:
    return Cluster(control_plane, stack, loki)


@pytest.fixture(scope="module")
def running(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One whose first replica runs."""
    with cluster.collector(tmp_path_factory.mktemp("collector")).running():
        yield cluster


# --- a line ---


def test_an_event_is_a_readable_line_in_a_stream_of_its_own(running: Cluster) -> None:
    running.happens("web-1")

    running.arrived("web-1")

    (entry,) = running.lines("web-1")
    assert entry.line == "FailedMount: Pod web-1: no such volume"
    assert dict(entry.labels) == {"cluster": "test-1", "namespace": NAMESPACE, "app": EVENTS_APP, "level": "warn"}
    assert entry.metadata == {
        "reason": "FailedMount",
        "kind": "Pod",
        "object": "web-1",
        "node": "node-a",
        "environment": "test",
    }
    assert entry.time == int(NOW.timestamp()) * 10**9, "the time when it happened, not when it was read"


def test_an_event_that_happens_again_is_another_line_that_says_how_often(running: Cluster) -> None:
    running.happens("worker-1", type="Normal", reason="Pulled", message="is there")
    running.arrived("worker-1")
    running.happens(
        "worker-1",
        type="Normal",
        reason="Pulled",
        message="is there",
        count=7,
        lastTimestamp=stamp(NOW + timedelta(seconds=5)),
    )

    found = eventually(lambda: len(lines := running.lines("worker-1")) == 2 and lines, DELIVERED, "both lines")

    assert [entry.line for entry in found] == [
        "Pulled: Pod worker-1: is there",
        "Pulled: Pod worker-1: is there (7 times)",
    ]
    assert {dict(entry.labels)["level"] for entry in found} == {"info"}


def test_an_event_of_a_real_scheduler_has_its_time_and_reason(running: Cluster) -> None:
    before = datetime.now(UTC)
    about = {"name": "homeless", "namespace": NAMESPACE}
    spec = {"nodeSelector": {"disk": "none"}, "containers": [{"name": "main", "image": "registry.example/none:1"}]}
    running.plane.apply({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec})

    running.arrived("homeless")

    entry = running.lines("homeless")[0]
    assert entry.line.startswith("FailedScheduling: Pod homeless: 0/3 nodes are available")
    happened = datetime.fromtimestamp(entry.time / 10**9, UTC)
    assert before - timedelta(seconds=2) < happened < datetime.now(UTC)


def test_a_secret_in_an_event_is_masked(running: Cluster) -> None:
    running.happens("leaky-1", message=f"cannot log in as {PLANTED['email']}")

    running.arrived("leaky-1")

    (entry,) = running.lines("leaky-1")
    assert entry.line == "FailedMount: Pod leaky-1: cannot log in as ****"


# --- once each ---


def test_only_the_first_replica_reads_events(cluster: Cluster, tmp_path: Path) -> None:
    first, second = (cluster.collector(tmp_path / str(replica), replica) for replica in (0, 1))
    with first.running(), second.running():
        cluster.happens("alone-1")
        cluster.arrived("alone-1")

        assert first.metric(RECEIVED) > 0
        assert second.metric(RECEIVED) == 0


@pytest.mark.parametrize("volume", ["kept", "lost"])
def test_a_killed_collector_neither_loses_nor_repeats_events(cluster: Cluster, tmp_path: Path, volume: str) -> None:
    before = [f"{volume}-before-{number}" for number in range(5)]
    away = [f"{volume}-away-{number}" for number in range(5)]
    after = [f"{volume}-after-{number}" for number in range(5)]
    with cluster.collector(tmp_path / "collector").process() as process:
        for name in before:
            cluster.happens(name)
        cluster.arrived(*before)
        process.kill()

    for name in away:
        cluster.happens(name)
    again = cluster.collector(tmp_path / ("collector" if volume == "kept" else "another"))
    with again.running():
        for name in after:
            cluster.happens(name)

        found = cluster.arrived(*before, *away, *after)

    assert found == dict.fromkeys((*before, *away, *after), 1)
    assert cluster.counted(f"{volume}-") == 15
