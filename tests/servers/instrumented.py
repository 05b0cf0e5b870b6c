"""Services with public instrumentation, as processes: ``python -m tests.servers.instrumented KIND PORT ADDRESS``."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Response
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import Counter, Histogram, generate_latest
from starlette_exporter import PrometheusMiddleware, handle_metrics

ROUTE = "/orders/{order}"


def service() -> FastAPI:
    app = FastAPI()

    @app.get(ROUTE)
    async def answer(order: int, seconds: float = 0, status: int = 200) -> Response:  # noqa: ARG001  the route has it
        await asyncio.sleep(seconds)
        return Response(status_code=status)

    return app


def traced(name: str, collector: str) -> TracerProvider:
    """Sends the spans of a service to a collector every second."""
    provider = TracerProvider(resource=_named(name))
    exporter = OTLPSpanExporter(f"{collector}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    return provider


def by_opentelemetry(collector: str) -> FastAPI:
    """It sends what it measures to a collector every second, of its calls as well, and a span of each."""
    exporter = OTLPMetricExporter(f"{collector}/v1/metrics")
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, 1000)], _named("orders"))
    return _relaying(meter_provider=provider, tracer_provider=traced("orders", collector))


def by_spans(collector: str) -> FastAPI:
    """It sends spans, and measures nothing."""
    return _relaying(meter_provider=NoOpMeterProvider(), tracer_provider=traced("billing", collector))


def _named(name: str) -> Resource:
    return Resource.create({"service.name": name, "k8s.namespace.name": "shop"})


def _relaying(**providers: Any) -> FastAPI:
    """A service that calls another one, both instrumented."""
    app = service()

    @app.get("/relay")
    async def relay(to: str, status: int) -> Response:
        async with httpx.AsyncClient() as client:
            await client.get(f"http://{to}/orders/1", params={"status": status})
        return Response()

    FastAPIInstrumentor.instrument_app(app, **providers)
    HTTPXClientInstrumentor().instrument(**providers)
    return app


def by_prometheus(_: str) -> FastAPI:
    """Prometheus' own library, by the names of its guide."""
    app = service()
    requests = Counter("http_requests", "Requests.", ["method", "route", "code"])
    durations = Histogram("http_request_duration_seconds", "Their durations.", ["method", "route"])

    @app.middleware("http")
    async def measured(request: Any, call_next: Any) -> Any:
        if request.url.path == "/metrics":
            return await call_next(request)
        began = time.perf_counter()
        response = await call_next(request)
        durations.labels(request.method, ROUTE).observe(time.perf_counter() - began)
        requests.labels(request.method, ROUTE, response.status_code).inc()
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(), media_type="text/plain; version=0.0.4")

    return app


def by_middleware(_: str) -> FastAPI:
    """A public middleware with names of its own."""
    app = service()
    app.add_middleware(PrometheusMiddleware, app_name="cart", skip_paths=["/metrics"], group_paths=True)
    app.add_route("/metrics", handle_metrics)
    return app


KINDS = {
    "opentelemetry": by_opentelemetry,
    "spans": by_spans,
    "prometheus": by_prometheus,
    "middleware": by_middleware,
}

if __name__ == "__main__":
    kind, port, address = sys.argv[1:]
    uvicorn.run(KINDS[kind](address), host="127.0.0.1", port=int(port), log_level="warning")
