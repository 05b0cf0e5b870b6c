"""Prometheus on its rendered configuration: what is pushed to it by OTLP arrives whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Exemplar,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from tests.servers.pushed import receiving as pushed_to
from tools.local.account import Account
from tools.local.asked import EVERYWHERE, get, query, wait_until
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_text
from tools.local.rendered import Rendered
from tools.local.server import LocalServer

RESOURCE = {
    "service.namespace": "billing",
    "service.name": "billing-agent",
    "service.instance.id": "9d2f0c1e",
    "cluster": "dev-1",
    "environment": "dev",
    "service.version": "1.4.0",
    "k8s.namespace.name": "agents",
    "k8s.pod.name": "billing-agent-7",
    "k8s.container.name": "agent",
    "k8s.node.name": "node-a",
    "k8s.deployment.name": "billing-agent",
    "process.pid": "4711",
}
PUSHED = {
    "job": "billing/billing-agent",
    "service_name": "billing-agent",
    "instance": "9d2f0c1e",
    "service_version": "1.4.0",
    "k8s_namespace_name": "agents",
    "k8s_pod_name": "billing-agent-7",
    "k8s_container_name": "agent",
    "k8s_node_name": "node-a",
    "k8s_deployment_name": "billing-agent",
    "otel_scope_name": "agents",
    **EVERYWHERE,
}
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def attribute(name: str, value: str) -> KeyValue:
    return KeyValue(key=name, value=AnyValue(string_value=value))


def counter(name: str, unit: str, temporality: int, point: NumberDataPoint) -> Metric:
    summed = Sum(aggregation_temporality=temporality, is_monotonic=True, data_points=[point])  # type: ignore[arg-type]  # an enum without types
    return Metric(name=name, unit=unit, sum=summed)


def batch(*metrics: Metric) -> bytes:
    """One request, protobuf, as an SDK sends it."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.extend([attribute(*pair) for pair in RESOURCE.items()])
    scope = resource.scope_metrics.add()
    scope.scope.name = "agents"
    scope.metrics.extend(metrics)
    return bytes(request.SerializeToString())


@pytest.fixture(scope="module")
def receiving(
    control_plane: ControlPlane, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalServer]:
    with pushed_to(rendered("dev"), tmp_path_factory.mktemp("receiving"), Account.admin(control_plane)) as local:
        yield local


@pytest.fixture(scope="module")
def pushed(receiving: LocalServer) -> LocalServer:
    """Prometheus after two batches with everything in them: what is pushed as a difference was 10, then 5."""
    delta, total = (
        AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA,
        AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE,
    )
    now = time.time_ns()
    start, between = now - 20 * 10**9, now - 10 * 10**9
    for begin, end, runs in ((start, between, 10), (between, now, 5)):
        exemplar = Exemplar(
            time_unix_nano=end, as_double=0.7, trace_id=bytes.fromhex(TRACE), span_id=bytes.fromhex(SPAN)
        )
        seconds = HistogramDataPoint(
            start_time_unix_nano=start,
            time_unix_nano=end,
            count=3,
            sum=1.5,
            explicit_bounds=[0.1, 1.0],
            bucket_counts=[1, 2, 0],
            attributes=[attribute("gen_ai.operation.name", "chat")],
            exemplars=[exemplar],
        )
        ran = NumberDataPoint(start_time_unix_nano=begin, time_unix_nano=end, as_int=runs)
        called = NumberDataPoint(start_time_unix_nano=start, time_unix_nano=end, as_int=42)
        duration = Histogram(aggregation_temporality=total, data_points=[seconds])
        push(
            receiving,
            batch(
                counter("agent.runs", "{run}", delta, ran),
                counter("agent.tool.calls", "{call}", total, called),
                Metric(name="gen_ai.client.operation.duration", unit="s", histogram=duration),
            ),
        )
    return receiving


def push(local: LocalServer, body: bytes) -> None:
    headers = {"Content-Type": "application/x-protobuf"}
    http_text(f"{local.url}/api/v1/otlp/v1/metrics", method="POST", body=body, headers=headers)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("agent_runs_total", 15),
        ("agent_tool_calls_total", 42),
        ("gen_ai_client_operation_duration_seconds_count", 3),
        ("gen_ai_client_operation_duration_seconds_sum", 1.5),
        ('gen_ai_client_operation_duration_seconds_bucket{le="0.1"}', 1),
        ('gen_ai_client_operation_duration_seconds_bucket{le="1"}', 3),  # a scraped one would say 1.0
        ('gen_ai_client_operation_duration_seconds_bucket{le="+Inf"}', 3),
    ],
)
def test_what_is_pushed_arrives_with_its_name_and_value(pushed: LocalServer, metric: str, value: float) -> None:
    wait_until(pushed, metric, value)


def test_what_is_pushed_says_where_it_comes_from(pushed: LocalServer) -> None:
    (series,) = eventually(lambda: query(pushed, "agent_runs_total"), 10, "the counter is there")

    assert {name: value for name, value in series["metric"].items() if name != "__name__"} == PUSHED


def test_an_attribute_of_a_pushed_point_is_a_label(pushed: LocalServer) -> None:
    wait_until(pushed, 'gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name="chat"}', 3)


def test_an_attribute_that_is_not_promoted_stays_beside_the_series(pushed: LocalServer) -> None:
    wait_until(pushed, 'count(target_info{job="billing/billing-agent", process_pid="4711"})', 1)


def test_a_pushed_exemplar_leads_to_its_trace(pushed: LocalServer) -> None:
    now = time.time()
    span = {"start": str(now - 600), "end": str(now + 60)}
    series = "gen_ai_client_operation_duration_seconds_bucket"

    found = eventually(lambda: get(pushed, "query_exemplars", query=series, **span), 10, "an exemplar is there")

    assert {(e["labels"]["trace_id"], e["labels"]["span_id"]) for s in found for e in s["exemplars"]} == {(TRACE, SPAN)}


def test_no_pushed_series_lacks_its_cluster_or_environment(pushed: LocalServer) -> None:
    wait_until(
        pushed,
        'count({service_name="billing-agent", cluster="dev-1", environment="dev"})'
        ' == bool count({service_name="billing-agent"})',
        1,
    )
