"""What leads from one answer to the next, asked as Grafana asks it: line to trace, trace to lines, who calls whom."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from components.grafana.datasources import connections
from model.datasources import JAEGER, LOKI
from tests.dashboards import STACK
from tests.servers.traces import STORAGES, stack
from tools.local.harness import eventually, http_json, http_text
from tools.local.logs import Loki
from tools.local.traces import Jaeger, Trace, request

OPTIONS = {each.datasource: each.options for each in connections(STACK.prometheus, STACK.loki, STACK.cluster)}
TRACE = os.urandom(16)
PODS = {"planner": "planner-0", "search": "search-0"}


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    home = tmp_path_factory.mktemp("jaeger")
    server = Jaeger(stack(home, storage=STORAGES["badger"]), home / "jaeger")
    with server.running():
        yield server


@pytest.fixture(scope="module")
def lines(loki: Loki) -> Loki:
    """Lines of the trace in two pods, and another trace's."""
    labels = {"cluster": "correlated", "namespace": "agents", "app": "planner"}
    for pod in PODS.values():
        for trace in (TRACE.hex(), "0" * 31 + "1"):
            loki.push(labels, [(time.time_ns(), f"{pod} in {trace}")], trace_id=trace, pod=pod)
    return loki


def call() -> ExportTraceServiceRequest:
    """A planner that asks a search: the second span of the one is the parent of the other's first."""
    both = ExportTraceServiceRequest()
    for service, pod in PODS.items():
        both.resource_spans.extend(request((Trace(TRACE, spans=2),), service, pod).resource_spans)
    _, search = (each.scope_spans[0].spans for each in both.resource_spans)
    for number, span in enumerate(search):
        span.parent_span_id, span.span_id = (2 + number).to_bytes(8), (3 + number).to_bytes(8)
    return both


@pytest.fixture(scope="module")
def called(jaeger: Jaeger) -> Jaeger:
    body, headers = call().SerializeToString(), {"Content-Type": "application/x-protobuf"}
    http_text(jaeger.url_of(4318, "/v1/traces"), body=body, headers=headers)
    return jaeger


def found(loki: Loki, query: str) -> list[dict[str, Any]]:
    now = time.time()
    asked = urlencode({"query": query, "start": now - 300, "end": now + 60})
    return list(http_json(f"{loki.url}/loki/api/v1/query_range?{asked}")["data"]["result"])


def test_a_span_leads_to_the_lines_that_its_pod_wrote_for_its_trace(lines: Loki) -> None:
    leads = OPTIONS[JAEGER]["tracesToLogsV2"]
    of_span = {"k8s.namespace.name": "agents", "k8s.pod.name": PODS["planner"]}
    tags = ", ".join(f'{tag["value"]}="{of_span[tag["key"]]}"' for tag in leads["tags"])
    query = leads["query"].replace("${__tags}", tags).replace("${__span.traceId}", TRACE.hex())
    for tag, value in of_span.items():
        query = query.replace(f'${{__span.tags["{tag}"]}}', value)
    assert "$" not in query, "Grafana shows no link while a variable is left"
    (stream,) = eventually(lambda: found(lines, query), 10, "the lines of the trace")
    assert [text for _, text in stream["values"]] == [f"planner-0 in {TRACE.hex()}"]


def test_a_line_leads_to_its_trace(lines: Loki, called: Jaeger) -> None:
    (field,) = OPTIONS[LOKI]["derivedFields"]
    (stream,) = eventually(lambda: found(lines, f'{{cluster="correlated"}} |= `search-0 in {TRACE.hex()}`'), 10, "it")
    trace = stream["stream"][field["matcherRegex"]]
    answer = eventually(lambda: http_json(called.url_of(16686, f"/api/traces/{trace}"))["data"], 10, "the trace")
    assert {process["serviceName"] for process in answer[0]["processes"].values()} == PODS.keys()


def test_the_service_graph_knows_who_calls_whom(called: Jaeger) -> None:
    """What Explore asks for as Dependency graph."""
    asked = urlencode({"endTs": int(time.time() * 1000) + 1000, "lookback": 3_600_000})
    calls = eventually(
        lambda: http_json(called.url_of(16686, f"/api/dependencies?{asked}"))["data"], 10, "a dependency"
    )
    assert {(each["parent"], each["child"]) for each in calls} == {("planner", "search")}
