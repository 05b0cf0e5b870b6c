"""Stores that are away for a minute, a disk that is full, a burst: nothing acknowledged is lost, and it recovers."""

from __future__ import annotations

import itertools
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from components.otel_collector.config import QUEUE_SHARE
from tests.servers.test_collector import stack_with
from tools.local import otlp
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually
from tools.local.log_receiver import LogReceiver
from tools.local.otlp import Log, Span
from tools.local.telemetry import Collector, Platform

MINUTE = 60.0
"""How long a store is away, in seconds."""
RECOVERED = 60.0
"""Seconds until everything that waited has arrived: a store is tried again every ten."""
MEBIBYTE = 2**20
OK, REFUSED = 200, 503
MEMORY = 512 * MEBIBYTE
"""The least that a stack file may give the collector."""


@pytest.fixture(scope="module")
def platform(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Everything, started and ready."""
    home = tmp_path_factory.mktemp("faults")
    amount = f"{MEMORY // MEBIBYTE}Mi"
    resources = {"requests": {"cpu": "100m", "memory": amount}, "limits": {"memory": amount}}
    stack = stack_with(home / "stack", collector={"resources": resources})
    platform = Platform(stack, home, control_plane, LogReceiver(home / "logs"))
    with platform.started():
        yield platform


@dataclass
class Load:
    """Sends spans and lines until it is over, and tries again what was refused, as an SDK does."""

    url: str
    service: str
    size: int = 10
    """Lines in a request, and spans in another."""
    padding: int = 0
    """Bytes of each line, besides its name."""
    pause: float = 0.1
    """Seconds between two requests."""
    spans: set[str] = field(default_factory=set)
    """Ids of all that were acknowledged."""
    lines: set[str] = field(default_factory=set)
    """Names of all that were acknowledged."""
    refused: list[int] = field(default_factory=list)
    """The status of each answer that was no acknowledgement, 0 when there was none."""

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._connection = otlp.Connection(self.url, timeout=60)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        self.stop()
        self._thread.join()
        self._connection.close()

    def stop(self) -> None:
        """Begin nothing new."""
        self._over.set()

    def _run(self) -> None:
        chance = random.Random(self.service)  # noqa: S311  not a secret
        resource = {"service.name": self.service.partition("/")[0], "service.instance.id": self.service}
        padding = "x" * self.padding
        for number in itertools.count():
            spans = [Span(chance.randbytes(16), chance.randbytes(8)) for _ in range(self.size)]
            names, now = [f"{self.service}-{number}-{each}" for each in range(self.size)], time.time_ns()
            lines = [Log(f"{name} {padding}", now + each) for each, name in enumerate(names)]
            if self._sent(otlp.traces(resource, *spans)):
                self.spans.update(span.id.hex() for span in spans)
            if self._sent(otlp.logs(resource, *lines)):
                self.lines.update(names)
            if self._over.wait(self.pause):
                return

    def _sent(self, request: otlp.Request) -> bool:
        path, body = otlp.path(request), request.SerializeToString()
        while True:
            status = self._connection.send(path, body)
            if status == OK:
                return True
            self.refused.append(status)
            if self._over.wait(0.2):
                return False


def lines_of(platform: Platform, app: str) -> list[str]:
    """The names of all lines of an app, each as often as it is stored."""
    return [entry.line.partition(" ")[0] for entry in platform.loki.entries(f'{{app="{app}"}}')]


def arrived(platform: Platform, *loads: Load) -> None:
    """Whether all that was acknowledged is found, and nothing twice."""
    app = loads[0].service.partition("/")[0]
    lines, spans = set[str]().union(*(load.lines for load in loads)), set[str]().union(*(load.spans for load in loads))

    def all_of_it() -> bool:
        return lines <= set(lines_of(platform, app)) and spans <= set(platform.spans(app))

    eventually(all_of_it, RECOVERED, f"all {len(lines)} lines and {len(spans)} spans")
    for found in (lines_of(platform, app), platform.spans(app)):
        assert len(found) == len(set(found)), "twice"


# --- a store is away for a minute ---


@dataclass(frozen=True)
class Outage:
    load: Load
    spans_without_loki: int
    """How many arrived while Loki was away and Jaeger was there."""
    lines_without_jaeger: int


@pytest.fixture(scope="module")
def outage(platform: Platform) -> Iterator[Outage]:
    """Under steady load Loki is away for a minute; a quarter of it later Jaeger is, for as long."""
    with ExitStack() as again, Load(platform.collector.url, "outage") as load:
        eventually(lambda: len(lines_of(platform, "outage")) > 100, 30, "it is at work")
        platform.running["loki"].kill()
        before = len(platform.spans("outage"))
        time.sleep(MINUTE / 4)  # the fault itself, as long as it lasts
        spans = len(platform.spans("outage")) - before
        platform.running["jaeger"].kill()
        time.sleep(MINUTE * 3 / 4)
        platform.running["loki"] = again.enter_context(platform.loki.process())
        back = time.monotonic()
        before = eventually(lambda: len(lines_of(platform, "outage")), RECOVERED, "Loki answers again")
        more = eventually(lambda: len(lines_of(platform, "outage")) - before, RECOVERED, "lines arrive again")
        time.sleep(max(0, MINUTE / 4 - (time.monotonic() - back)))
        platform.running["jaeger"] = again.enter_context(platform.jaeger.running())
        load.end()
        yield Outage(load, spans, more)


def test_a_store_that_is_away_for_a_minute_is_not_felt_by_senders(outage: Outage) -> None:
    assert outage.load.refused == []
    assert len(outage.load.lines) > 2000, "they went on sending"


def test_one_store_that_is_away_does_not_hold_up_the_other(outage: Outage) -> None:
    assert outage.spans_without_loki > 500, "ten in a tenth of a second, for a quarter of a minute"
    assert outage.lines_without_jaeger > 0


def test_after_a_minute_without_a_store_nothing_is_lost_or_doubled(platform: Platform, outage: Outage) -> None:
    arrived(platform, outage.load)


# --- a burst ---


def peak(process: Process) -> int:
    """The most memory that a process had so far, in bytes."""
    status = Path(f"/proc/{process.child.pid}/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


@dataclass
class Prompts:
    """A sender of spans that carry 30 kB each, a hundred at a time, always the same: as fast as they are answered."""

    url: str
    number: int
    answers: Counter[int] = field(default_factory=Counter)
    """By status."""

    def __post_init__(self) -> None:
        chance = random.Random(self.number)  # noqa: S311  not a secret
        said = {"gen_ai.input.messages": "what is said " * 2300}
        spans = [Span(chance.randbytes(16), chance.randbytes(8), attributes=said) for _ in range(100)]
        self.spans = {span.id.hex() for span in spans}
        self._body = otlp.traces({"service.name": "burst"}, *spans).SerializeToString()

    def send(self, over: threading.Event) -> None:
        connection = otlp.Connection(self.url, timeout=60)
        while not over.is_set():
            status = connection.send("/v1/traces", self._body)
            self.answers[status] += 1
            if status != OK:
                over.wait(1)
        connection.close()


def test_a_burst_is_taken_or_refused_within_the_memory_limit_and_nothing_taken_is_lost(platform: Platform) -> None:
    process, over = platform.running["otel-collector"], threading.Event()
    burst = [Prompts(platform.collector.url, number) for number in range(64)]

    def answered(status: int) -> int:
        return sum(sender.answers[status] for sender in burst)

    with Load(platform.collector.url, "steady") as steady, ThreadPoolExecutor(len(burst)) as senders:
        for sender in burst:
            senders.submit(sender.send, over)
        try:
            eventually(lambda: answered(OK) > 200, 60, "600 MB are taken")
        finally:
            over.set()
    assert process.alive
    assert peak(process) < MEMORY, "past it, the kernel would have ended it"
    assert {status for sender in burst for status in sender.answers} <= {OK, REFUSED}, "so that senders try again"
    arrived(platform, steady)
    taken = set[str]().union(*(sender.spans for sender in burst if sender.answers[OK]))
    eventually(lambda: taken <= set(platform.spans("burst")), RECOVERED, f"all {len(taken)} spans")


# --- the queue is full, and then its disk ---

VOLUME = "/var/lib/otel-collector"
DISK = 24 * MEBIBYTE
"""Of a volume that is smaller than its claim says."""


@contextmanager
def small_disk(platform: Platform, home: Path) -> Iterator[Collector]:
    """A collector whose volume is a filesystem of its own, in a mount namespace: that needs no rights."""
    collector = platform.another(home)
    mount = f"mount -t tmpfs -o size={DISK} tmpfs '{collector.path(VOLUME)}' && echo mounted && exec sleep infinity"
    argv = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount]
    with Process(argv, log=home / "disk.log") as disk:
        disk.ready(lambda: "mounted" in disk.log())
        holder = f"--target={disk.child.pid}"
        collector.entered = ["nsenter", holder, "--user", "--mount", "--preserve-credentials"]
        yield collector


@contextmanager
def until_refused(platform: Platform, collector: Collector, *loads: Load) -> Iterator[ExitStack]:
    """Loki is away, and what waits for it too much; the collector, killed on top of it, comes up and still refuses.

    Then Loki is back, until the end of this.
    """
    with ExitStack() as ending:
        process = ending.enter_context(collector.process())
        process.ready(collector.is_ready)
        platform.running["loki"].kill()
        for load in loads:
            ending.enter_context(load)
        eventually(lambda: loads[0].refused, 60, "what waits is too much")
        assert process.alive
        process.kill()
        process = ending.enter_context(collector.process())
        process.ready(collector.is_ready, within=30)
        refused = len(loads[0].refused)
        eventually(lambda: len(loads[0].refused) > refused + 3, 30, "it is, still")
        assert process.alive
        platform.running["loki"] = ending.enter_context(platform.loki.process())
        yield ending


def test_a_full_queue_refuses_and_recovers_and_loses_nothing(platform: Platform, tmp_path: Path) -> None:
    with small_disk(platform, tmp_path / "queue") as collector:
        text = collector.config.read_text()
        (size,) = set(re.findall(r"queue_size: (\d+)", text))
        # As large as on a volume of this size, if Loki's were the only one.
        collector.config.write_text(text.replace(f"queue_size: {size}", f"queue_size: {int(DISK * QUEUE_SHARE)}"))
        loads = [Load(collector.url, f"queue/{sender}", size=100, padding=2000, pause=0) for sender in range(2)]
        with until_refused(platform, collector, *loads):
            taken = len(loads[0].lines)
            eventually(lambda: len(loads[0].lines) > taken + 10, RECOVERED, "it takes lines again")
            for load in loads:
                load.end()
            assert {status for load in loads for status in load.refused} <= {REFUSED, 0}, "so that senders try again"
            arrived(platform, *loads)
        assert "no space left" not in (collector.home / "log").read_text()


def test_a_full_disk_refuses_and_recovers_by_itself(platform: Platform, tmp_path: Path) -> None:
    with small_disk(platform, tmp_path / "disk") as collector:
        filling = Load(collector.url, "disk", size=200, padding=2000, pause=0)
        with until_refused(platform, collector, filling):
            assert "no space left on device" in (collector.home / "log").read_text()
            taken = len(filling.lines)
            eventually(lambda: len(filling.lines) > taken, RECOVERED, "it takes lines again")
            filling.end()
            assert set(filling.refused) <= {REFUSED, 0}, "so that senders try again"
            later = Load(collector.url, "later")
            with later:
                eventually(lambda: len(later.lines) > 100, 30, "it is at work")
            arrived(platform, later)
