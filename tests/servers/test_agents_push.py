"""An agent's instruments, pushed to the rendered Prometheus: the names and labels that its rules are written in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from rules.agents.metrics import METRICS
from rules.agents.signals import OWN_METRICS
from tests.servers.test_prometheus_push import PUSHED, attribute, batch, push
from tools.local.account import Account
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_text
from tools.local.rendered import Rendered
from tools.local.server import LocalServer

# Unit by name, as the conventions have them.
HISTOGRAMS = {
    "gen_ai.client.context.utilization": "1",
    "gen_ai.client.embeddings.duration": "s",
    "gen_ai.client.embeddings.operation.input_tokens": "{token}",
    "gen_ai.client.inference.duration": "s",
    "gen_ai.client.inference.time_per_output_chunk": "s",
    "gen_ai.client.inference.time_to_first_chunk": "s",
    "gen_ai.client.operation.time_per_output_chunk": "s",
    "gen_ai.client.response.time_per_output_token": "s",
    "gen_ai.client.response.time_to_first_token": "s",
    "gen_ai.client.token.cost": "USD",
    "llm.openai.chat_completions.streaming_time_to_first_token": "s",
    "gen_ai.client.operation.duration": "s",
    "gen_ai.client.operation.time_to_first_chunk": "s",
    "gen_ai.client.token.usage": "{token}",
    "gen_ai.execute_tool.duration": "s",
    "gen_ai.invoke_agent.duration": "s",
    "gen_ai.invoke_agent.inference_calls": "{inference_call}",
    "gen_ai.server.time_per_output_token": "s",
    "gen_ai.server.time_to_first_token": "s",
    "gen_ai.usage.cost": "USD",
    "mcp.client.operation.duration": "s",
    "mcp.server.operation.duration": "s",
}
COUNTERS = {
    "gen_ai.agent.context.compactions": "{compaction}",
    "gen_ai.client.inference.usage.cache_read.input_tokens": "{token}",
    "gen_ai.client.inference.usage.input_tokens": "{token}",
    "gen_ai.client.inference.usage.output_tokens": "{token}",
    "gen_ai.client.inference.usage.reasoning.output_tokens": "{token}",
    "gen_ai.total.requests": "1",
    "gen_ai.usage.completion_tokens": "1",
    "gen_ai.usage.prompt_tokens": "1",
    "guardrail.evaluations": "{evaluation}",
}
GAUGES = {"gen_ai.agent.oldest_open": "s", "gen_ai.client.rate_limit.left": "1"}
ATTRIBUTES = (
    "a2a.task.state",
    "decision",
    "error.type",
    "gen_ai.agent.name",
    "gen_ai.open.kind",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.rate_limit.type",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.system",
    "gen_ai.token.modality",
    "gen_ai.token.type",
    "gen_ai.tool.name",
    "gen_ai.type",
    "guardrail",
    "mcp.method.name",
)


def instruments() -> list[Metric]:
    """One point of each, with all attributes; of histograms one in each kind."""
    now = time.time_ns()
    point = {
        "start_time_unix_nano": now - 10**10,
        "time_unix_nano": now,
        "attributes": [attribute(name, "x") for name in ATTRIBUTES],
    }
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    buckets = ExponentialHistogramDataPoint.Buckets(offset=-9, bucket_counts=[1])
    native = ExponentialHistogram(
        aggregation_temporality=cumulative,
        data_points=[ExponentialHistogramDataPoint(count=1, sum=0.5, scale=3, positive=buckets, **point)],  # type: ignore[arg-type]  # protobuf's types know no mapping
    )
    seen = HistogramDataPoint(count=1, sum=0.5, explicit_bounds=[1], bucket_counts=[1, 0], **point)  # type: ignore[arg-type]  # protobuf's types know no mapping
    histogram = Histogram(aggregation_temporality=cumulative, data_points=[seen])
    counted = NumberDataPoint(as_int=1, **point)  # type: ignore[arg-type]  # as above
    summed = Sum(aggregation_temporality=cumulative, is_monotonic=True, data_points=[counted])
    return [
        *(Metric(name=name, unit=unit, histogram=histogram) for name, unit in HISTOGRAMS.items()),
        *(Metric(name=name, unit=unit, exponential_histogram=native) for name, unit in HISTOGRAMS.items()),
        *(Metric(name=name, unit=unit, sum=summed) for name, unit in COUNTERS.items()),
        *(Metric(name=name, unit=unit, gauge=Gauge(data_points=[counted])) for name, unit in GAUGES.items()),
    ]


@pytest.fixture(scope="module")
def arrived(
    control_plane: ControlPlane, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, set[str]]]:
    """Series that came of it: name to labels, without those that every series has."""
    local = LocalServer(
        rendered("dev"), "prometheus", tmp_path_factory.mktemp("agents") / "pod", Account.admin(control_plane)
    )
    with local.process() as process:
        process.ready(lambda: http_text(f"{local.url}/-/ready"))
        push(local, batch(*instruments()))
        everything = f'{{job="{PUSHED["job"]}", __name__=~"(gen_ai|guardrail|llm|mcp)_.+"}}'
        series = eventually(lambda: query(local, everything), 30, "what was pushed is there")
        yield {each["metric"]["__name__"]: each["metric"].keys() - PUSHED.keys() - {"__name__"} for each in series}


def test_every_series_of_the_contract_comes_of_the_conventions_names(arrived: dict[str, set[str]]) -> None:
    assert arrived.keys() == {name for metric in (*METRICS, *OWN_METRICS) for name in metric.series}


def test_every_label_of_the_contract_comes_of_an_attribute(arrived: dict[str, set[str]]) -> None:
    for metric in (*METRICS, *OWN_METRICS):
        for name, labels in metric.series.items():
            assert set(labels) <= arrived[name], name
