"""Requests of the OpenTelemetry protocol from plain values, as an SDK sends them."""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from tools.local.harness import http_text

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
ENDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Bounds of explicit buckets, from the GenAI conventions."""
SCALE = 3
"""Scale of exponential buckets: each ends 9 % above the one before."""
MS = 1_000_000
"""Nanoseconds in a millisecond."""

Values = Mapping[str, Any]
"""Attributes: text, numbers, lists and mappings."""


@dataclass(frozen=True)
class Span:
    trace: bytes
    id: bytes
    name: str = "chat model-x"
    attributes: Values = field(default_factory=dict)
    events: Sequence[tuple[str, Values]] = ()
    """Names and attributes of events."""
    status: str = ""
    """Message of a failed span."""
    kind: int = 3
    """By OpenTelemetry's numbers: 2 is a server's, 3 a client's."""


@dataclass(frozen=True)
class Log:
    body: Any
    at: int
    """Nanoseconds."""
    severity: int = 9
    severity_text: str = ""
    attributes: Values = field(default_factory=dict)
    event: str = ""
    trace: bytes = b""
    span: bytes = b""


@dataclass(frozen=True)
class Counter:
    name: str
    value: int
    attributes: Values = field(default_factory=dict)
    unit: str = ""
    exemplar: Values = field(default_factory=dict)
    """Attributes of its exemplar."""


@dataclass(frozen=True)
class Histogram:
    name: str
    count: int
    each: float
    """Value of every event: more than 0."""
    attributes: Values = field(default_factory=dict)
    unit: str = "s"
    exponential: bool = False
    """``base2_exponential_bucket_histogram`` instead of explicit buckets."""


def value(plain: Any) -> AnyValue:
    match plain:
        case bool():
            return AnyValue(bool_value=plain)
        case int():
            return AnyValue(int_value=plain)
        case float():
            return AnyValue(double_value=plain)
        case str():
            return AnyValue(string_value=plain)
        case Mapping():
            return AnyValue(kvlist_value=KeyValueList(values=attributes(plain)))
        case _:
            return AnyValue(array_value=ArrayValue(values=[value(item) for item in plain]))


def plain(value: AnyValue) -> Any:
    """The plain value behind a :func:`value`; bytes as hexadecimal digits, an empty one as ""."""
    match value.WhichOneof("value"):
        case None:
            return ""
        case "kvlist_value":
            return {each.key: plain(each.value) for each in value.kvlist_value.values}
        case "array_value":
            return [plain(each) for each in value.array_value.values]
        case "bytes_value":
            return value.bytes_value.hex()
        case kind:
            return getattr(value, kind)


def attributes(values: Values) -> list[KeyValue]:
    return [KeyValue(key=key, value=value(plain)) for key, plain in values.items()]


def traces(resource: Values, *spans: Span) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(attributes(resource))
    scope = group.scope_spans.add()
    now = time.time_ns()
    for span in spans:
        made = scope.spans.add(trace_id=span.trace, span_id=span.id, name=span.name, kind=span.kind)
        made.start_time_unix_nano, made.end_time_unix_nano = now - 20 * MS, now
        made.attributes.extend(attributes(span.attributes))
        for name, values in span.events:
            made.events.add(name=name, time_unix_nano=now, attributes=attributes(values))
        if span.status:
            made.status.code, made.status.message = 2, span.status
    return request


def logs(resource: Values, *records: Log, scope: str = "agent.planner") -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(attributes(resource))
    named = group.scope_logs.add()
    named.scope.name = scope
    for record in records:
        named.log_records.add(
            time_unix_nano=record.at,
            observed_time_unix_nano=record.at,
            severity_number=record.severity,
            severity_text=record.severity_text,
            body=value(record.body),
            attributes=attributes(record.attributes),
            event_name=record.event,
            trace_id=record.trace,
            span_id=record.span,
        )
    return request


def metrics(
    resource: Values, *points: Counter | Histogram, scope: str = "", at: int = 0
) -> ExportMetricsServiceRequest:
    """Metrics of one library (``scope``), with the time ``at`` in nanoseconds, or now."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(attributes(resource))
    named = group.scope_metrics.add()
    named.scope.name = scope
    now = at or time.time_ns()
    times = {"start_time_unix_nano": now - 1000 * MS, "time_unix_nano": now}
    for each in points:
        made = named.metrics.add(name=each.name, unit=each.unit)
        point = _added(made, each, times) if isinstance(each, Histogram) else made.sum.data_points.add(**times)
        point.attributes.extend(attributes(each.attributes))
        if isinstance(each, Counter):
            made.sum.aggregation_temporality, made.sum.is_monotonic = CUMULATIVE, True
            point.as_int = each.value
            if each.exemplar:
                filtered = attributes(each.exemplar)
                point.exemplars.add(time_unix_nano=now, as_int=1, filtered_attributes=filtered, trace_id=b"\1" * 16)
    return request


def _added(made: Metric, seen: Histogram, times: Mapping[str, int]) -> Any:
    whole = {"count": seen.count, "sum": seen.count * seen.each, **times}
    if seen.exponential:
        made.exponential_histogram.aggregation_temporality = CUMULATIVE
        point = made.exponential_histogram.data_points.add(scale=SCALE, **whole)
        point.positive.offset = math.ceil(math.log2(seen.each) * 2**SCALE) - 1
        point.positive.bucket_counts.append(seen.count)
        return point
    made.histogram.aggregation_temporality = CUMULATIVE
    counts = [0] * (len(ENDS) + 1)
    counts[bisect_left(ENDS, seen.each)] = seen.count
    return made.histogram.data_points.add(explicit_bounds=ENDS, bucket_counts=counts, **whole)


Request = ExportTraceServiceRequest | ExportLogsServiceRequest | ExportMetricsServiceRequest
_CONTENT = {"Content-Type": "application/x-protobuf"}


def path(request: Request) -> str:
    """The HTTP path of the request's signal."""
    signal = {"trace": "traces", "log": "logs", "metric": "metrics"}[
        type(request).__name__.removeprefix("Export").removesuffix("ServiceRequest").rstrip("s").lower()
    ]
    return f"/v1/{signal}"


def send(url: str, request: Request) -> None:
    """Send by HTTP; returns after the acknowledgement, raises without one."""
    http_text(url + path(request), body=bytes(request.SerializeToString()), headers=_CONTENT, timeout=30)


class Connection:
    """A persistent connection, as an SDK has it: hundreds of requests a second."""

    def __init__(self, url: str, timeout: float = 30) -> None:
        self._connection = HTTPConnection(url.removeprefix("http://"), timeout=timeout)

    def send(self, path: str, body: bytes) -> int:
        """The status of the answer to a serialized request; 0 without an answer."""
        try:
            self._connection.request("POST", path, body, _CONTENT)
            with self._connection.getresponse() as answer:
                answer.read()
                return answer.status
        except (OSError, HTTPException):
            self._connection.close()
            return 0

    def close(self) -> None:
        self._connection.close()
