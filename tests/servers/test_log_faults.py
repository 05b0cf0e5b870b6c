"""Whatever collects logs loses nothing, and doubles nothing, when something on the way fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.logs import ENTRY_WAIT
from components.otel_agent.config import BATCH_BYTES, QUEUE_BYTES
from components.promtail.config import BATCH_WAIT
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_text
from tools.local.log_nodes import COLLECTORS, NODE, SPACE, Node, named, pod, rendered, writing
from tools.local.log_receiver import LogReceiver
from tools.local.logs import LogFile, LogReader, Loki
from tools.local.rendered import Rendered

KILLED_AFTER = {"promtail": (14, 6), "otel": (4, 3)}
"""Seconds of two runs: after a position was saved, which Promtail does every ten, and in between."""
IN_HAND = {"promtail": ENTRY_WAIT.seconds + BATCH_WAIT.seconds, "otel": ENTRY_WAIT.seconds + 0.1}
"""Seconds of lines that a reader which is killed may hold in memory; the node collector's batches wait on disk."""


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    control_plane.namespace(SPACE)
    return control_plane


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    return {each: rendered(tmp_path_factory.mktemp("stack"), each) for each in COLLECTORS}


@pytest.fixture(params=COLLECTORS)
def collector(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(collector: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loki | LogReceiver]:
    """What takes the lines: Promtail speaks to nothing but Loki."""
    if collector == "promtail":
        yield request.getfixturevalue("loki")
        return
    receiver = LogReceiver(tmp_path / "logs")
    with receiver.running():
        yield receiver


def test_a_reader_that_is_killed_loses_at_most_the_last_seconds_and_doubles_nothing(
    collector: str,
    stacks: dict[str, Rendered],
    cluster: ControlPlane,
    store: Loki | LogReceiver,
    tmp_path: Path,
) -> None:
    node = Node(collector, stacks[collector], tmp_path, cluster, store.url.removeprefix("http://"))
    log = node.log(pod(cluster, "killed-1", labels=named("killed")))
    query = f'{{cluster="by-{collector}", app="killed"}}'
    kills: list[float] = []
    with node.passing_on():
        with writing(log) as written:
            for seconds in KILLED_AFTER[collector]:
                with node.reader.running() as process:
                    time.sleep(seconds)
                    kills.append(time.time())
                    process.kill()
            with node.reader.running():
                time.sleep(3)
        with node.reader.running():
            eventually(lambda: not lost(store, query, written, kills, IN_HAND[collector] + 1), 30, "all others arrive")
            found = [entry.line for entry in store.entries(query)]
    assert written[-1][1] in found
    assert len(found) == len(set(found)), "what is read again has the same time and text, and Loki keeps it once"


def lost(
    store: Loki | LogReceiver,
    query: str,
    written: list[tuple[float, str]],
    kills: list[float] | None = None,
    window: float = 0,
) -> set[str]:
    """Lines that are not there, but for those that were written so many seconds before a kill."""
    found = {entry.line for entry in store.entries(query)}
    before = [(kill - window, kill) for kill in kills or ()]
    return {line for at, line in written if line not in found and not any(a <= at <= b for a, b in before)}


def test_a_reader_that_is_restarted_goes_on_where_it_was(
    collector: str,
    stacks: dict[str, Rendered],
    cluster: ControlPlane,
    store: Loki | LogReceiver,
    tmp_path: Path,
) -> None:
    node = Node(collector, stacks[collector], tmp_path, cluster, store.url.removeprefix("http://"))
    log = node.log(pod(cluster, "restarted-1", labels=named("restarted")))
    query = f'{{cluster="by-{collector}", app="restarted"}}'
    with node.passing_on():
        with writing(log) as written:
            for _ in range(3):
                seen = len(written)
                with node.reader.running():
                    eventually(lambda seen=seen: store.count(query) > seen + 100, 30, "lines arrive")  # type: ignore[misc]  # mypy types no lambda with a default
        with node.reader.running():
            eventually(lambda: not lost(store, query, written), 30, "all lines arrive")
            found = [entry.line for entry in store.entries(query)]
    assert found == [line for _, line in written], "each line once, in its order"


# --- whoever takes the lines is away for a minute ---

MINUTE = 60.0
"""How long, in seconds."""
AWAY = (("promtail", "loki"), ("otel", "loki"), ("otel", "gateway"))
"""A log collector, and who is away."""


@dataclass
class Outage:
    """A node whose lines nobody takes for a while: in namespaces and folders of its own, so several go on at once."""

    node: Node
    server: Loki | LogReceiver
    exits: ExitStack
    written: list[tuple[float, str]] = field(default_factory=list)
    query = '{app="patient"}'

    def start(self, log: LogFile, away: str) -> None:
        """Everything runs, and lines are written; one of them is there."""
        log.write("the first line")
        loki = self.exits.enter_context(self.server.running())
        gateway = self.exits.enter_context(self.node.passing_on())
        self.reader = self.exits.enter_context(self.node.reader.running())
        self.gone = gateway if away == "gateway" and gateway else loki
        self.back = self.node.passing_on if self.gone is gateway else self.server.running
        self.writing = ExitStack()
        self.written = self.exits.enter_context(self.writing).enter_context(writing(log, rate=500))

    def kept(self) -> list[str]:
        """All lines of the store, once none that was written is missing."""
        eventually(lambda: self.server.count(self.query) > len(self.written), 120, "as many lines")
        eventually(lambda: not lost(self.server, self.query, self.written), 60, "nothing is lost")
        return [entry.line for entry in self.server.entries(self.query)]


@pytest.fixture(scope="module")
def outages(
    stacks: dict[str, Rendered], cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Outage]]:
    """Each is over, and its lines are on their way. They wait for the same minute."""
    found: dict[tuple[str, str], Outage] = {}
    patient = pod(cluster, "patient-1", labels=named("patient"))
    with ExitStack() as exits:
        for collector, away in AWAY:
            home = tmp_path_factory.mktemp(f"{collector}-{away}")
            server = LogReceiver(home / "logs") if collector == "otel" else Loki(stacks[collector], home / "loki")
            node = Node(collector, stacks[collector], home, cluster, server.url.removeprefix("http://"))
            found[collector, away] = Outage(node, server, exits)
            found[collector, away].start(node.log(patient), away)
        everywhere = found.values()
        eventually(lambda: all(each.server.count(each.query) > 1_000 for each in everywhere), 30, "lines arrive")
        for each in everywhere:
            each.gone.kill()
        time.sleep(MINUTE)  # the fault itself, as long as it lasts
        for each in everywhere:
            each.reader.check()
            exits.enter_context(each.back())
            each.writing.close()
        yield found


@pytest.mark.parametrize(("collector", "away"), AWAY)
def test_a_minute_without_whoever_takes_the_lines_costs_nothing(
    collector: str, away: str, outages: dict[tuple[str, str], Outage]
) -> None:
    outage = outages[collector, away]
    found = outage.kept()
    reader = outage.node.reader
    if collector == "promtail":
        assert reader.metric("promtail_dropped_entries_total") == 0
    else:
        assert reader.metric("otelcol_exporter_send_failed_log_records_total") == 0
    assert len(found) == len(set(found)), "nothing is doubled"


# --- a full queue ---


def is_full(reader: LogReader) -> bool:
    """Whether hardly a batch has room, and a file waits to be read on."""
    held, room = (reader.metric(f"otelcol_exporter_queue_{what}") for what in ("size", "capacity"))
    return held > 0.9 * room and reader.metric("otelcol_fileconsumer_reading_files") > 0


@pytest.mark.parametrize(("restarted", "in_hand"), [(False, 0), (True, 300)])
def test_a_full_queue_stops_reading_instead_of_dropping(
    restarted: bool, in_hand: int, stacks: dict[str, Rendered], cluster: ControlPlane, tmp_path: Path
) -> None:
    store = LogReceiver(tmp_path / "logs")
    node = Node("otel", stacks["otel"], tmp_path, cluster, store.url.removeprefix("http://"))
    agent = node.reader
    small = f"queue_size: {2 * BATCH_BYTES}"
    agent.config.write_text(agent.config.read_text().replace(f"queue_size: {QUEUE_BYTES}", small))
    app = f"waiting-{restarted}".lower()
    log, query = node.log(pod(cluster, app, labels=named(app))), f'{{cluster="by-otel", app="{app}"}}'
    with ExitStack() as exits:
        exits.enter_context(store.running())
        gateway = exits.enter_context(node.passing_on())
        reader = exits.enter_context(agent.running())
        with writing(log, rate=4000) as written:
            eventually(lambda: store.count(query) > 1_000, 30, "lines arrive")
            assert gateway is not None
            gateway.kill()
            eventually(lambda: is_full(agent), 60, "the queue is full")
            if restarted:
                assert reader.terminate(within=20) == 0
                exits.enter_context(agent.running())
        exits.enter_context(node.passing_on())
        eventually(lambda: len(lost(store, query, written)) <= in_hand, 120, "all others arrive")
        eventually(
            lambda: written[-1][1] in {entry.line for entry in store.entries(query)}, 60, "the last line arrives"
        )


def test_its_probes_answer_and_it_hears_only_of_its_node(
    collector: str,
    stacks: dict[str, Rendered],
    cluster: ControlPlane,
    store: Loki | LogReceiver,
    tmp_path: Path,
) -> None:
    node = Node(collector, stacks[collector], tmp_path, cluster, store.url.removeprefix("http://"))
    node.log(pod(cluster, "probed-1", labels=named("probed"))).write("a line")

    with node.running() as reader:
        assert {address for address, _ in reader.listens()} == {"127.0.0.1"}
        if collector == "promtail":
            assert f"spec.nodeName={NODE}" in http_text(f"{node.reader.url}/config"), "the API filters"
