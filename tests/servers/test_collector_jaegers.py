"""Of several Jaegers one gets all of a trace, and each some of the traces, whatever becomes of one of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import yaml

from tests.servers.search import Search
from tests.servers.test_collector import ELSEWHERE, stack_with
from tools.local import otlp
from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually
from tools.local.otlp import Span
from tools.local.telemetry import Collector
from tools.local.traces import Jaeger

SEARCH = "http://search.example:9200"
ARRIVED = 60.0
"""Seconds; a Jaeger that was away is tried again every ten."""


@dataclass
class Several:
    """A collector before two Jaegers; each of these writes into a cluster of its own, which tells them apart."""

    collector: Collector
    jaegers: list[Jaeger]
    stores: list[Search]
    running: list[Process]

    def stored(self, number: int) -> Counter[tuple[str, str]]:
        """Trace and span of all that one of them wrote, with how often."""
        bulk = "".join(body for path, _, body in self.stores[number].seen if "_bulk" in path)
        documents = (json.loads(line) for line in bulk.splitlines())
        return Counter((made["traceID"], made["spanID"]) for made in documents if "spanID" in made)

    def traces(self, number: int) -> set[str]:
        return {trace for trace, _ in self.stored(number)}


@pytest.fixture(scope="module")
def several(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    home = tmp_path_factory.mktemp("jaegers")
    jaeger = {"replicas": 2, "storage": {"elasticsearch": {"urls": [SEARCH]}}}
    stack = stack_with(home, jaeger=jaeger)
    stores = [Search("You Know, for Search", "8.17.0") for _ in range(2)]
    with ExitStack() as exits:
        addresses = [exits.enter_context(store.running()) for store in stores]
        jaegers = [Jaeger(stack, home / f"jaeger-{n}", addresses={SEARCH: addresses[n]}) for n in range(2)]
        running = [exits.enter_context(each.running()) for each in jaegers]
        collector = Collector(stack, home / "collector", Account.admin(control_plane))
        config = yaml.safe_load(collector.config.read_text())
        # Kubernetes' DNS would say the same.
        hosts = [f"127.0.0.1:{each.ports[4317]}" for each in jaegers]
        config["exporters"]["load_balancing/jaeger"]["resolver"] = {"static": {"hostnames": hosts}}
        collector.config.write_text(yaml.safe_dump(config))
        exits.enter_context(collector.running())
        yield Several(collector, jaegers, stores, running)


def sent(several: Several, seed: int) -> set[tuple[str, str]]:
    """A hundred traces, of three spans each, in requests that hold a span each of ten; trace and span of all."""
    chance = random.Random(seed)  # noqa: S311  not a secret
    ids = [chance.randbytes(16) for _ in range(100)]
    made = set()
    for number in range(3):
        for start in range(0, 100, 10):
            spans = [Span(trace, bytes(7) + bytes([number + 1])) for trace in ids[start : start + 10]]
            otlp.send(several.collector.url, otlp.traces(ELSEWHERE, *spans))
            made |= {(span.trace.hex(), span.id.hex()) for span in spans}
    return made


def test_each_gets_whole_traces_and_some_of_them(several: Several) -> None:
    expected = sent(several, 1)
    eventually(lambda: several.stored(0) + several.stored(1) == Counter(expected), ARRIVED, "300 spans, each once")
    assert not several.traces(0) & several.traces(1), "no trace is divided"
    assert min(len(several.traces(number)) for number in range(2)) > 20


def test_while_one_is_away_nothing_is_lost_and_no_trace_divided(several: Several) -> None:
    several.running[1].kill()
    expected = sent(several, 2)
    with several.jaegers[1].running():
        stored = eventually(
            lambda: (found := several.stored(0) + several.stored(1)).keys() >= expected and found, ARRIVED, "all of it"
        )
    assert not several.traces(0) & several.traces(1)
    again = {trace for (trace, _), times in stored.items() if times > 1}
    assert again <= several.traces(0), "docs/traces.md: what the other had taken of a batch, it gets again"
