"""An agent's telemetry. The SDK reads destination and resource attributes from the environment (docs/telemetry.md)."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.metrics import Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.util.genai.handler import TelemetryHandler

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Bucket bounds of the conventions."""

genai = TelemetryHandler(instrumentation_scope_name="sample.agents")
"""Spans and durations of runs and of tools. The instrumented client makes those of requests to models."""
tracer = trace.get_tracer("sample.agents")
_meter = metrics.get_meter("sample.agents")


def histogram(name: str, unit: str, ends: Sequence[float]) -> Histogram:
    """A histogram for durations that no library measures yet."""
    return _meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=ends)


@contextmanager
def timed(duration: Histogram, attributes: Mapping[str, str]) -> Iterator[MutableMapping[str, str]]:
    """Record the duration of the block, with its error and the attributes that it adds to the mapping."""
    said = dict(attributes)
    began = time.perf_counter()
    try:
        yield said
    except Exception as problem:
        said["error.type"] = type(problem).__name__
        raise
    finally:
        duration.record(time.perf_counter() - began, said)


class Lines(logging.Formatter):
    """One JSON object per line, with its trace."""

    written = 0

    def format(self, record: logging.LogRecord) -> str:
        self.written += 1
        line: dict[str, Any] = {
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        where = trace.get_current_span().get_span_context()
        if where.is_valid:
            line |= {"trace_id": f"{where.trace_id:032x}", "span_id": f"{where.span_id:016x}"}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "fields", {}))


class Spans(OTLPSpanExporter):
    """Stores the ids of exported spans."""

    sent: list[str]

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            contexts = (span.get_span_context() for span in spans)
            self.sent += [f"{context.span_id:016x}" for context in contexts if context]
        return result


class Metrics(OTLPMetricExporter):
    """Stores the last exported value of each series."""

    sent: dict[str, float]

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **kwargs)
        if result is MetricExportResult.SUCCESS:
            self.sent |= {
                json.dumps([metric.name, metric.unit, dict(point.attributes or {})]): _value(point)
                for resource in metrics_data.resource_metrics
                for scope in resource.scope_metrics
                for metric in scope.metrics
                for point in metric.data.data_points
            }
        return result


def _value(point: object) -> float:
    match point:
        case HistogramDataPoint():
            return point.count
        case NumberDataPoint():
            return point.value
    raise TypeError(f"{type(point).__name__}: nothing here makes such points")


@contextmanager
def telemetry() -> Iterator[None]:
    """Send telemetry until the block or SIGTERM ends it; then export the rest, and write counts to ``SENT``."""
    spans, measured, lines = Spans(), Metrics(), Lines()
    spans.sent, measured.sent = [], {}
    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(spans))
    trace.set_tracer_provider(tracing)
    measuring = MeterProvider([PeriodicExportingMetricReader(measured)])
    metrics.set_meter_provider(measuring)
    OpenAIInstrumentor().instrument()
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(lines)
    logging.basicConfig(level=logging.INFO, handlers=[output], force=True)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line per request has no more than its span
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        tracing.shutdown()
        measuring.shutdown()
        if "SENT" in os.environ:
            sent = {"spans": spans.sent, "metrics": measured.sent, "lines": lines.written}
            Path(os.environ["SENT"]).write_text(json.dumps(sent), encoding="utf-8")


def _end(*_: object) -> NoReturn:
    sys.exit(0)


def fields(values: Mapping[str, object]) -> Mapping[str, object]:
    """Fields of a line besides its message: ``log.info("...", extra=fields({"order": 7}))``."""
    return {"fields": values}
