"""Jaeger counts all spans for Prometheus, whichever traces it keeps, and keeps what sampling promises."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.servers.traces import AGENT, SAMPLING, SCRAPE, STORAGES, one, scraped_here, stack, traces
from tools.local.asked import get, query
from tools.local.harness import eventually, http_json
from tools.local.rendered import Rendered
from tools.local.server import LocalServer
from tools.local.traces import Jaeger, Trace

FLUSHED_AND_SCRAPED = 40.0
"""Seconds: metrics of spans are flushed and scraped every second, and seen as a rate after two flushes."""


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
