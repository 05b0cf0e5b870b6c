"""Jaeger runs on what was rendered for it: takes spans, keeps what it promised, counts them all, and survives."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import threading
import time
import urllib.error
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

import grpc  # type: ignore[import-untyped]  # publishes no types
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from components.images import JAEGER
from tests.servers.search import Search
from tests.servers.traces import (
    AGENT,
    SAMPLING,
    SCRAPE,
    SEARCH_ADDRESS,
    STORAGES,
    one,
    scraped_here,
    stack,
    traces,
)
from tests.stack_settings import RECORDED
from tools.local.asked import get, query
from tools.local.harness import Process, eventually, free_port, http_json, http_text
from tools.local.rendered import Rendered
from tools.local.server import LocalServer
from tools.local.traces import Jaeger, Trace, request
from tools.servers.build import SERVERS
from tools.servers.find import binary

PASSWORD = "correct-horse-battery"  # noqa: S105  planted, to see where it goes
SECRET = {"storage-password": PASSWORD}
FLUSHED_AND_SCRAPED = 40.0
"""Seconds: metrics of spans are flushed and scraped every second, and seen as a rate after two flushes."""


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


# --- metrics of spans, in Prometheus ---


@dataclass
class Metrics:
    """A Prometheus that scrapes a Jaeger, both on their rendered configuration."""

    jaeger: Jaeger
    prometheus: LocalServer

    def query(self, expression: str) -> list[dict[str, Any]]:
        return query(self.prometheus, expression)

    def value(self, expression: str) -> float | None:
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else None


@contextmanager
def scraped(files: Rendered, home: Path) -> Iterator[Metrics]:
    """Jaeger, and Prometheus with the jobs for it and no rules; what the API server would tell it is told here."""
    prometheus = LocalServer(files, "prometheus", home / "prometheus")
    jaeger = Jaeger(files, home / "jaeger", addresses={files.address("prometheus", 9090): prometheus.address})
    prometheus.put(SCRAPE, scraped_here(prometheus, jaeger))
    prometheus.put("/etc/prometheus/rules", {})
    with jaeger.running(), prometheus.running():
        yield Metrics(jaeger, prometheus)


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metrics]:
    """As in production: badger, and one trace in ten; Prometheus beside it."""
    home = tmp_path_factory.mktemp("sampled")
    with scraped(stack(home, storage=STORAGES["badger"], sampling=SAMPLING), home) as metrics:
        yield metrics


CALLS = "traces_span_metrics_calls_total"
DURATION = "traces_span_metrics_duration_milliseconds"


@pytest.fixture(scope="module")
def agent(sampled: Metrics) -> tuple[Metrics, list[Trace]]:
    """Two pods of one service send five traces each, and a bit later five more."""
    first, second, later = (
        traces(5, 10, attributes=AGENT),
        traces(5, 11, attributes=AGENT),
        traces(5, 12, attributes=AGENT),
    )
    sampled.jaeger.send(*first, service="agent", pod="pod-1")
    sampled.jaeger.send(*second, service="agent", pod="pod-2")
    eventually(lambda: sampled.value(f'sum({CALLS}{{service_name="agent"}})') == 30, FLUSHED_AND_SCRAPED, "ten traces")
    sampled.jaeger.send(*later, service="agent", pod="pod-2")
    eventually(lambda: sampled.value(f'sum({CALLS}{{service_name="agent"}})') == 45, FLUSHED_AND_SCRAPED, "all traces")
    return sampled, first + second + later


def test_spans_become_metrics_with_few_labels(agent: tuple[Metrics, list[Trace]]) -> None:
    (root,) = agent[0].query(f'{CALLS}{{service_name="agent",span_kind="SPAN_KIND_SERVER"}}')
    assert root["metric"] == {
        "__name__": CALLS,
        "job": "jaeger-span-metrics",
        "instance": "jaeger-0",
        "cluster": "test-1",
        "environment": "test",
        "service_name": "agent",
        "span_name": "invoke_agent planner",
        "span_kind": "SPAN_KIND_SERVER",
        "status_code": "STATUS_CODE_UNSET",
        "gen_ai_operation_name": "invoke_agent",
        "gen_ai_request_model": "model-x",
        "gen_ai_agent_name": "planner",
        "gen_ai_tool_name": "search",
        "a2a_method_name": "message/send",
    }, "no id of a pod, a conversation or a task"
    assert root["value"][1] == "15", "both pods' spans, whichever of the traces were kept"


def test_durations_have_buckets_from_a_tool_call_to_an_agents_run(agent: tuple[Metrics, list[Trace]]) -> None:
    found = agent[0].query(f'sum by (le) ({DURATION}_bucket{{service_name="agent"}})')
    buckets = {series["metric"]["le"]: float(series["value"][1]) for series in found}
    assert {"10.0", "5000.0", "300000.0", "+Inf"} <= buckets.keys()
    assert (buckets["10.0"], buckets["50.0"], buckets["+Inf"]) == (0, 45, 45), "each span took 20 ms"


def test_an_exemplar_leads_from_a_metric_to_a_trace(agent: tuple[Metrics, list[Trace]]) -> None:
    metrics, sent = agent
    ids = {trace.id.hex() for trace in sent}
    for metric in (CALLS, f"{DURATION}_bucket"):
        within = {"start": f"{time.time() - 300}", "end": f"{time.time() + 5}"}
        answer = get(metrics.prometheus, "query_exemplars", query=metric, **within)
        of_agent = [found for found in answer if found["seriesLabels"]["service_name"] == "agent"]
        named = {exemplar["labels"]["trace_id"] for found in of_agent for exemplar in found["exemplars"]}
        assert named, f"{metric} has exemplars"
        assert named <= ids


def test_the_monitor_tab_is_answered_from_prometheus(agent: tuple[Metrics, list[Trace]]) -> None:
    asked = "service=agent&spanKind=server&groupByOperation=true&lookback=120000&step=1000&ratePer=60000&quantile=0.95"

    def points(what: str) -> list[float]:
        answer = http_json(agent[0].jaeger.url_of(16686, f"/api/metrics/{what}?{asked}"))
        values = [
            point["gaugeValue"]["doubleValue"] for metric in answer["metrics"] for point in metric["metricPoints"]
        ]
        return [float(value) for value in values if value != "NaN"]

    rates = eventually(lambda: [value for value in points("calls") if value > 0], 30, "the rate of calls")
    assert max(rates) < 5, "a handful within a minute"
    latencies = points("latencies")
    assert latencies
    assert all(10 <= value <= 50 for value in latencies), "milliseconds: 20, between the buckets around it"
    assert set(points("errors")) == {0.0}, "no span of it failed"


def test_a_service_that_puts_ids_into_span_names_is_counted_together_past_a_limit(sampled: Metrics) -> None:
    made = [one(1000 + number, spans=1, name=f"GET /orders/{number}") for number in range(700)]
    sampled.jaeger.send(*made, service="runaway")
    sampled.jaeger.send(*made, service="runaway-too")
    for service in ("runaway", "runaway-too"):
        of = f'{CALLS}{{service_name="{service}"}}'
        whole = partial(sampled.value, f"sum({of}) == 700")
        eventually(whole, FLUSHED_AND_SCRAPED, f"{service} is whole")
        assert sampled.value(f"count({of})") == 501, "500 series, and one for the rest"
        assert sampled.value(f'{CALLS}{{service_name="{service}",otel_metric_overflow="true"}}') == 200


def test_its_own_metrics_are_scraped_with_its_place(sampled: Metrics) -> None:
    def own() -> list[dict[str, Any]]:
        return sampled.query('otelcol_receiver_accepted_spans_total{job="jaeger",transport="http"}')

    labels = eventually(own, 20, "what Jaeger says of itself")[0]["metric"]
    assert {labels[name] for name in ("pod", "namespace", "node")} == {"jaeger-0", "monitoring", "node-a"}
    assert sampled.value('count(up{job=~"jaeger.*"})') == 2, "one target for each kind, however many ports"


# --- sampling ---


def test_sampling_keeps_errors_slow_traces_and_a_share_of_the_rest_and_counts_all(sampled: Metrics) -> None:
    jaeger = sampled.jaeger
    failed = traces(40, 21, failed=True)
    slow = traces(40, 22, milliseconds=1200)
    rest = traces(1000, 23)
    for start in range(0, 1000, 100):
        jaeger.send(*rest[start : start + 100], service="shop")
    jaeger.send(*failed, service="shop")
    jaeger.send(*slow, service="shop")

    important = {trace.id.hex() for trace in failed + slow}
    eventually(lambda: important <= jaeger.stored("shop").keys(), 30, "every error and every slow trace")
    stored = jaeger.stored("shop")
    kept = [trace for trace in rest if trace.id.hex() in stored]
    # 100 expected, with a standard deviation of 9.5; the ids are fixed, so it is the same count every time.
    assert 60 <= len(kept) <= 140
    assert all(len(spans) == 3 for spans in stored.values()), "a trace is kept whole"
    assert len(stored) == len(kept) + 80, "nothing else"
    total = f'sum({CALLS}{{service_name="shop"}})'
    eventually(lambda: sampled.value(total) == 3 * 1080, FLUSHED_AND_SCRAPED, "all spans are counted")
    errors = f'sum({CALLS}{{service_name="shop",status_code="STATUS_CODE_ERROR"}})'
    assert sampled.value(errors) == 40, "the error rate is that of all traces, not of those that were kept"


def test_late_spans_follow_the_decision_of_their_trace(sampled: Metrics) -> None:
    trace = one(31, failed=True)
    sampled.jaeger.send(trace)
    eventually(lambda: sampled.jaeger.found(trace), 15, "the trace is decided on")
    sampled.jaeger.send(Trace(trace.id, spans=5))
    eventually(lambda: len(set(sampled.jaeger.found(trace) or [])) == 5, 10, "its late spans joined it")


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
