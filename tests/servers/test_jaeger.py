"""Jaeger runs on what was rendered for it, with every storage, and takes spans."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.parse
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # publishes no types
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from components.images import JAEGER
from tests.servers.traces import SAMPLING, STORAGES, one, stack
from tests.stack_settings import RECORDED
from tools.local.harness import Process, http_json, http_text
from tools.local.rendered import Rendered
from tools.local.traces import Jaeger, request
from tools.servers.build import SERVERS
from tools.servers.find import binary

# --- every storage: the configuration is one that Jaeger takes ---


def test_the_image_is_of_the_version_that_is_tried_here_or_says_why_not() -> None:
    assert JAEGER.tested == SERVERS["jaeger"].release
    assert JAEGER.why, "the image is newer than what can be built"


@pytest.mark.parametrize("name", RECORDED)
def test_the_recorded_stacks_are_valid(name: str, rendered: Callable[[str], Rendered], tmp_path: Path) -> None:
    validated(Jaeger(rendered(name), tmp_path))


@pytest.mark.parametrize("sampling", [{}, SAMPLING], ids=["everything", "sampled"])
@pytest.mark.parametrize("storage", STORAGES)
def test_every_storage_is_valid(storage: str, sampling: dict[str, Any], tmp_path: Path) -> None:
    validated(Jaeger(stack(tmp_path, storage=STORAGES[storage], sampling=sampling), tmp_path / "jaeger"))


def validated(jaeger: Jaeger) -> None:
    done = subprocess.run(
        [binary("jaeger"), "validate", *jaeger.args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# --- memory and badger, started ---


@pytest.fixture(scope="module", params=["memory", "badger"])
def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Jaeger, Process]]:
    home = tmp_path_factory.mktemp(request.param)
    files = stack(home, storage=STORAGES[request.param], basePath="/jaeger")
    jaeger = Jaeger(files, home / "jaeger", everywhere=True)
    with jaeger.running() as process:
        yield jaeger, process


def test_every_port_of_its_service_and_probes_can_be_reached_from_outside(started: tuple[Jaeger, Process]) -> None:
    jaeger, process = started
    promised = {port["port"] for made in jaeger.rendered.services for port in made["spec"]["ports"]}
    assert promised == jaeger.ports.keys() == {4317, 4318, 8888, 8889, 13133, 16686}
    reached = {port for address, port in process.listens() if not ip_address(address).is_loopback}
    assert reached == {jaeger.ports[port] for port in promised}, "these, and nothing that no policy knows of"


def test_a_trace_sent_over_http_is_found(started: tuple[Jaeger, Process]) -> None:
    jaeger, trace = started[0], one(1, attributes={"gen_ai.operation.name": "chat"})
    jaeger.send(trace)
    assert jaeger.found(trace) == [f"{number:016x}" for number in (1, 2, 3)], "acknowledged is stored, at once"
    newer = http_json(jaeger.url_of(16686, f"/jaeger/api/v3/traces/{trace.id.hex()}"))
    spans = newer["result"]["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert {span["traceId"] for span in spans} == {trace.id.hex()}
    assert "planner" in http_json(jaeger.url_of(16686, "/jaeger/api/services"))["data"]


def test_a_trace_sent_over_grpc_is_found_however_many_prompts_it_has(started: tuple[Jaeger, Process]) -> None:
    jaeger = started[0]
    trace = one(2, spans=100, attributes={"gen_ai.input.messages": "x" * 60_000})  # past the 4 MiB that gRPC allows
    with grpc.insecure_channel(f"127.0.0.1:{jaeger.ports[4317]}") as channel:
        stub = TraceServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types
        stub.Export(request((trace,), "writer", "pod-1"), timeout=30)
    assert len(jaeger.found(trace) or []) == 100


def test_badger_refuses_a_longer_value_and_keeps_the_rest(started: tuple[Jaeger, Process]) -> None:
    jaeger, long, rest = started[0], one(4, attributes={"gen_ai.input.messages": "x" * 66_000}), one(5)
    if "badger:" not in jaeger.config.read_text():
        jaeger.send(long, rest)
        assert len(jaeger.found(long) or []) == 3, "memory takes any"
        return
    with pytest.raises(urllib.error.HTTPError, match="503"):
        jaeger.send(long, rest)
    assert jaeger.found(long) is None, "docs/traces.md says so, and what senders do about it"
    assert len(jaeger.found(rest) or []) == 3


@pytest.mark.parametrize("started", ["memory"], indirect=True)  # whatever the storage
def test_its_own_queries_are_not_traced_into_itself(started: tuple[Jaeger, Process]) -> None:
    jaeger = started[0]
    jaeger.send(one(6))
    jaeger.found(one(6))
    # What it had to say of itself would have been sent after five seconds.
    ended = time.monotonic() + 7
    while time.monotonic() < ended:
        assert "jaeger" not in http_json(jaeger.url_of(16686, "/jaeger/api/services"))["data"]
        time.sleep(0.5)


def test_a_span_that_is_sent_twice_is_kept_once(started: tuple[Jaeger, Process]) -> None:
    jaeger, trace = started[0], one(3)
    body = request((trace,), "planner", "pod-1").SerializeToString()
    for _ in range(2):  # a sender that did not hear the acknowledgement
        http_text(jaeger.url_of(4318, "/v1/traces"), body=body, headers={"Content-Type": "application/x-protobuf"})
    assert jaeger.found(trace) == [f"{number:016x}" for number in (1, 2, 3)]
