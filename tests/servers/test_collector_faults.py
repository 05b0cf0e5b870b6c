"""Stores that are away for a minute, a disk that is full, a burst: nothing acknowledged is lost, and it recovers."""

from __future__ import annotations

import itertools
import random
import re
import threading
import time
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from tests.servers.test_collector import STACK
from tools.local import otlp
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually
from tools.local.otlp import Log, Span
from tools.local.pods import render_text
from tools.local.rendered import Rendered
from tools.local.telemetry import Collector, Platform
from tools.recorder import PROJECT

MINUTE = 60.0
"""How long a store is away, in seconds."""
RECOVERED = 60.0
"""Seconds until everything that waited has arrived: a store is tried again every ten."""
MEBIBYTE = 2**20


def rendered(folder: Path, **changes: Any) -> Rendered:
    import json

    config = {f"{PROJECT}:{key}": value for key, value in (STACK | changes).items()}
    return render_text("test", folder, json.dumps({"config": config}))


@pytest.fixture(scope="module")
def platform(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Everything, started and ready; the collector has the least memory that a stack file may give it."""
    home = tmp_path_factory.mktemp("faults")
    resources = {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}}
    platform = Platform(rendered(home, collector={"resources": resources}), home, control_plane)
    with platform.started():
        yield platform


@dataclass
class Load:
    """A sender of spans and lines at a steady pace that, like an SDK, tries again what was refused."""

    url: str
    service: str
    pause: float = 0.1
    spans: set[str] = field(default_factory=set)
    """Ids of all that were acknowledged."""
    lines: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    """What was said each time."""

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        chance = random.Random(self.service)  # noqa: S311  not a secret
        resource = {"service.name": self.service, "service.instance.id": f"{self.service}-1"}
        for number in itertools.count():
            spans = [Span(chance.randbytes(16), chance.randbytes(8)) for _ in range(10)]
            now = time.time_ns()
            lines = [Log(f"request {number} line {each}", now + each) for each in range(10)]
            if not (self._sent(otlp.traces(resource, *spans)) and self._sent(otlp.logs(resource, *lines))):
                return
            self.spans |= {span.id.hex() for span in spans}
            self.lines |= {log.body for log in lines}
            if self._over.wait(self.pause):
                return

    def _sent(self, request: Any) -> bool:
        while not self._over.is_set():
            try:
                otlp.send(self.url, request)
            except OSError as problem:
                self.refused.append(str(problem))
                self._over.wait(self.pause)
            else:
                return True
        return False


def lines_of(platform: Platform, app: str) -> list[str]:
    return [entry.line for entry in platform.loki.entries(f'{{app="{app}"}}')]


# --- a store is away for a minute ---


@dataclass(frozen=True)
class Outage:
    load: Load
    lines_while_jaeger_was_away: int
    spans_while_loki_was_away: int


@pytest.fixture(scope="module")
def outage(platform: Platform) -> Iterator[Outage]:
    """Under steady load Loki is away for a minute; half of it later, Jaeger is for as long."""
    with ExitStack() as again, Load(platform.collector.url, "outage") as load:
        eventually(lambda: len(load.lines) > 200, 30, "it is at work")
        platform.running["loki"].kill()
        before = len(platform.spans("outage"))
        time.sleep(MINUTE / 2)
        during = len(platform.spans("outage")) - before
        platform.running["jaeger"].kill()
        time.sleep(MINUTE / 2)
        loki = again.enter_context(platform.loki.process())
        loki.ready(platform.loki.is_ready, within=120)
        lines = len(lines_of(platform, "outage"))
        eventually(lambda: len(lines_of(platform, "outage")) > lines, RECOVERED, "lines arrive again")
        time.sleep(MINUTE / 4)
        jaeger = again.enter_context(platform.jaeger.running())
        load.__exit__()
        platform.running |= {"loki": loki, "jaeger": jaeger}
        yield Outage(load, len(lines_of(platform, "outage")) - lines, during)
