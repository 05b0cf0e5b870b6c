"""The collector brings what it acknowledged to every store, once, whatever fails."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import grpc  # type: ignore[import-untyped]  # publishes no types
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from components.images import OTEL_COLLECTOR
from tests.stack_settings import RECORDED
from tools.local import otlp
from tools.local.account import Account
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually
from tools.local.log_receiver import LogReceiver
from tools.local.otlp import Counter, Log, Span
from tools.local.rendered import Rendered, render_text
from tools.local.stack_text import stack_text
from tools.local.telemetry import Collector, Platform
from tools.servers.build import SERVERS
from tools.servers.find import binary

STACK: dict[str, Any] = {
    "cluster": {
        "name": "test-1",
        "environment": "test",
        "context": "none",
        "flavour": "kind",
        "namespaces": {"stack": "telemetry", "nodeAgents": "telemetry-nodes"},
    },
    "prometheus": {"replicas": 2, "storage": None},
    "loki": {"storage": {"filesystem": {"size": "1Gi"}}},
    "jaeger": {"storage": {"badger": {"size": "1Gi"}}},
    "collector": {"healthPaths": ["/healthz"]},
}
SHARED: dict[str, Any] = {
    "jaeger": {"replicas": 2, "storage": {"elasticsearch": {"urls": ["http://search.example:9200"]}}},
    "loki": {"multiTenant": True},
    "collector": {"storage": None, "redact": False},
}
"""What stands in the configuration only when a stack file asks for it."""
DELIVERED = 30.0
"""Seconds until what was sent is in a store that is there: batches wait 200 ms; the machine is slow."""
CHANCE = random.Random(7)  # noqa: S311  not a secret


def stack_with(folder: Path, **changes: Any) -> Rendered:
    return render_text("test", folder, stack_text(STACK | changes))


def spans(count: int) -> list[Span]:
    return [Span(CHANCE.randbytes(16), CHANCE.randbytes(8)) for _ in range(count)]


def lines(count: int, text: str) -> list[Log]:
    now = time.time_ns()
    return [Log(f"{text} {number}", now + number) for number in range(count)]


@pytest.fixture(scope="module")
def platform(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Everything, started and ready."""
    home = tmp_path_factory.mktemp("telemetry")
    platform = Platform(stack_with(home), home, control_plane, LogReceiver(home / "logs"))
    with platform.started():
        yield platform


# --- the configuration is one that the collector takes ---


def test_the_image_is_of_the_version_that_is_tried_here() -> None:
    assert OTEL_COLLECTOR.tested == SERVERS["otel-collector"].release


@pytest.mark.parametrize("name", [*RECORDED, "shared"])
def test_it_accepts_what_was_rendered(
    name: str, rendered: Callable[[str], Rendered], control_plane: ControlPlane, tmp_path: Path
) -> None:
    stack = stack_with(tmp_path, **SHARED) if name == "shared" else rendered(name)
    collector = Collector(stack, tmp_path / "home", Account.admin(control_plane))
    argv = [str(binary("otel-collector")), "validate", *collector.args]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("changes", [{}, SHARED], ids=["stored", "shared"])
def test_every_port_of_its_pods_can_be_reached_from_outside_and_no_other(
    changes: dict[str, Any], control_plane: ControlPlane, tmp_path: Path
) -> None:
    stack = stack_with(tmp_path, **changes)
    collector = Collector(stack, tmp_path / "home", Account.admin(control_plane), everywhere=True)
    with collector.running() as process:
        reached = {port for address, port in process.listens() if not ip_address(address).is_loopback}
    assert reached == set(collector.ports.values())
    assert set(collector.ports) == {4317, 4318, 8888, 13133}


# --- what is sent is found ---

ELSEWHERE = {"service.name": "worker", "service.instance.id": "worker-1"}
"""A sender that the cluster does not know."""


@dataclass(frozen=True)
class Sent:
    spans: list[Span]
    logs: list[Log]
    resource: dict[str, Any]


@pytest.fixture(scope="module")
def pod(control_plane: ControlPlane) -> dict[str, Any]:
    """A pod of an agent, on the simulated cluster."""
    control_plane.namespace("agents")
    about = {"name": "planner-7f", "namespace": "agents", "labels": {"app.kubernetes.io/name": "planner"}}
    spec = {"nodeName": "node-a", "containers": [{"name": "main", "image": "registry.example/planner:1"}]}
    control_plane.apply({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec})
    return dict(control_plane.get("pod", "planner-7f", "--namespace=agents"))


@pytest.fixture(scope="module")
def sent(platform: Platform, pod: dict[str, Any]) -> Sent:
    """A hundred requests of an agent in a pod, eight at a time."""
    resource = {
        "service.name": "planner",
        "k8s.pod.uid": pod["metadata"]["uid"],
        "k8s.container.name": "main",
        "process.command": "planner --serve",
    }
    traced = spans(500)
    said = [replace(log, trace=traced[0].trace, span=traced[0].id) for log in lines(1000, "step")]
    made = Sent(traced, said, resource)
    requests = [
        otlp.metrics(resource, Counter("agent.runs", 42, {"gen_ai.request.model": "model-x"})),
        *(otlp.traces(resource, *made.spans[start : start + 10]) for start in range(0, 500, 10)),
        *(otlp.logs(resource, *made.logs[start : start + 20]) for start in range(0, 1000, 20)),
    ]
    with ThreadPoolExecutor(8) as senders:
        list(senders.map(partial(otlp.send, platform.collector.url), requests))
    return made


def test_every_span_is_found_once(platform: Platform, sent: Sent) -> None:
    expected = sorted(span.id.hex() for span in sent.spans)
    eventually(lambda: sorted(platform.spans("planner")) == expected, DELIVERED, "500 spans")


def test_every_line_is_found_once(platform: Platform, sent: Sent) -> None:
    expected = [log.body for log in sent.logs]

    def found() -> list[str]:
        return [entry.line for entry in platform.loki.entries('{app="planner"} |= "step"')]

    eventually(lambda: found() == expected, DELIVERED, "1000 lines, in their order")


@pytest.mark.usefixtures("sent")
def test_both_replicas_of_prometheus_have_every_metric(platform: Platform, pod: dict[str, Any]) -> None:
    for server in platform.prometheus:
        (series,) = eventually(partial(query, server, "agent_runs_total"), DELIVERED, "the counter")
        assert series["value"][1] == "42"
        assert {name: value for name, value in series["metric"].items() if name != "__name__"} == {
            "job": "planner",
            "instance": pod["metadata"]["uid"],
            "service_name": "planner",
            "gen_ai_request_model": "model-x",
            "cluster": "test-1",
            "environment": "test",
            "k8s_namespace_name": "agents",
            "k8s_pod_name": "planner-7f",
            "k8s_container_name": "main",
            "k8s_node_name": "node-a",
        }


def test_a_span_knows_its_pod(platform: Platform, sent: Sent) -> None:
    trace = eventually(partial(platform.trace, sent.spans[0].trace), DELIVERED, "the trace")
    (process,) = trace["processes"].values()
    tags = {tag["key"]: tag["value"] for tag in process["tags"]}
    assert tags.items() >= {"cluster": "test-1", "app": "planner", "k8s.pod.name": "planner-7f"}.items()


def test_a_span_sent_over_grpc_is_found_however_long_it_is(platform: Platform) -> None:
    long = Span(CHANCE.randbytes(16), CHANCE.randbytes(8), attributes={"http.request.body": "x" * 6_000_000})
    with grpc.insecure_channel(f"127.0.0.1:{platform.collector.ports[4317]}") as channel:
        stub = TraceServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types
        stub.Export(otlp.traces(ELSEWHERE, long), timeout=30)
    trace = eventually(partial(platform.trace, long.trace), DELIVERED, "past 4 MiB, and past what badger keeps")
    (body,) = [tag["value"] for tag in trace["spans"][0]["tags"] if tag["key"] == "http.request.body"]
    assert body == "x" * 60_000, "cut, rather than refused with its trace"


def test_a_health_check_that_passed_is_dropped_and_no_other_span(platform: Platform) -> None:
    def asked(kind: int = 2, status: str = "", **attributes: str) -> Span:
        named = {name.replace("_", "."): value for name, value in attributes.items()}
        return Span(CHANCE.randbytes(16), CHANCE.randbytes(8), attributes=named, kind=kind, status=status)

    dropped = [
        asked(url_path="/healthz"),
        asked(http_target="/healthz?verbose=1"),
        asked(http_route="/healthz/"),
        asked(rpc_service="grpc.health.v1.Health"),
    ]
    kept = [
        asked(url_path="/healthz", status="no database"),
        asked(url_path="/healthz", kind=3),
        asked(url_path="/healthz-report"),
        asked(url_path="/api/healthz"),
        asked(),
    ]
    otlp.send(platform.collector.url, otlp.traces(ELSEWHERE, *dropped, *kept))
    for span in kept:
        eventually(partial(platform.trace, span.trace), DELIVERED, f"{span.attributes} is found")
    for span in dropped:
        with pytest.raises(HTTPError, match="404"):
            platform.trace(span.trace)


# --- whatever fails ---

RECOVERED = 60.0
"""Seconds until everything that waited has arrived: a store is tried again every ten."""


@dataclass(frozen=True)
class Acknowledged:
    spans: list[str]
    lines: list[str]


@pytest.fixture(scope="module")
def outage(platform: Platform) -> Iterator[Acknowledged]:
    """Loki, Jaeger and one Prometheus are killed; while they are away, the collector is, too, and comes back."""
    name, url = {"service.name": "outage", "service.instance.id": "outage-1"}, platform.collector.url
    made, text = spans(200), lines(400, "outage")
    away = ("loki", "jaeger", "prometheus-1")
    for server in away:
        platform.running[server].kill()

    def send(part: slice) -> None:
        otlp.send(url, otlp.traces(name, *made[part]))
        otlp.send(url, otlp.logs(name, *text[part], *text[part.start + 200 : part.stop + 200]))

    for start in range(0, 100, 10):
        send(slice(start, start + 10))
    otlp.send(url, otlp.metrics(name, Counter("outage.calls", 7)))
    platform.running["otel-collector"].kill()
    with ExitStack() as again:
        again.enter_context(platform.collector.running())
        for start in range(100, 200, 10):
            send(slice(start, start + 10))
        assert platform.collector.metric("otelcol_exporter_queue_size", exporter="otlp_http/loki") > 0
        loki = again.enter_context(platform.loki.process())
        again.enter_context(platform.jaeger.running())
        again.enter_context(platform.prometheus[1].process())
        loki.ready(platform.loki.is_ready, within=120)
        yield Acknowledged([span.id.hex() for span in made], [log.body for log in text])


def test_no_span_is_lost_or_doubled_by_an_outage(platform: Platform, outage: Acknowledged) -> None:
    eventually(lambda: sorted(platform.spans("outage")) == sorted(outage.spans), RECOVERED, "every span, once")


def test_no_line_is_lost_or_doubled_by_an_outage(platform: Platform, outage: Acknowledged) -> None:
    def found() -> list[str]:
        return sorted(entry.line for entry in platform.loki.entries('{app="outage"}'))

    eventually(lambda: found() == sorted(outage.lines), RECOVERED, "every line, once")


@pytest.mark.usefixtures("outage")
def test_the_replica_of_prometheus_that_was_away_gets_what_the_other_has(platform: Platform) -> None:
    for server in platform.prometheus:
        (series,) = eventually(partial(query, server, "outage_calls_total"), RECOVERED, f"{server.pod} has it")
        assert series["value"][1] == "7"


@pytest.mark.usefixtures("outage")
def test_queues_are_empty_again(platform: Platform) -> None:
    eventually(lambda: platform.collector.metric("otelcol_exporter_queue_size") == 0, RECOVERED, "nothing waits")


def test_killed_in_the_middle_of_its_work_it_loses_nothing_acknowledged(platform: Platform, tmp_path: Path) -> None:
    collector, acknowledged = platform.another(tmp_path / "killed"), set[str]()

    def keep_sending(sender: int) -> None:
        for number in range(10_000):
            text = lines(10, f"sender {sender} request {number} line")
            try:
                otlp.send(collector.url, otlp.logs(ELSEWHERE | {"service.name": "killed"}, *text))
            except OSError:
                return
            acknowledged.update(log.body for log in text)

    with collector.running() as process, ThreadPoolExecutor(4) as senders:
        sending = [senders.submit(keep_sending, sender) for sender in range(4)]
        eventually(lambda: len(acknowledged) > 1000, DELIVERED, "it is at work")
        process.kill()
        for sender in sending:
            sender.result()
    with collector.running():

        def found() -> list[str]:
            return [entry.line for entry in platform.loki.entries('{app="killed"}')]

        eventually(lambda: acknowledged <= set(found()), DELIVERED, f"all {len(acknowledged)} lines")
        stored = found()
    assert len(stored) == len(set(stored)), "what was sent to Loki and not yet crossed off is the same line again"
