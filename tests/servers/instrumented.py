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
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
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


def by_opentelemetry(collector: str) -> FastAPI:
    """It sends what it measures to a collector every second, of its calls as well."""
    app = service()

    @app.get("/relay")
    async def relay(to: str, status: int) -> Response:
        async with httpx.AsyncClient() as client:
            await client.get(f"http://{to}/orders/1", params={"status": status})
        return Response()

    resource = Resource.create({"service.name": "orders", "k8s.namespace.name": "shop"})
    exporter = OTLPMetricExporter(f"{collector}/v1/metrics")
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, 1000)], resource)
    FastAPIInstrumentor.instrument_app(app, meter_provider=provider)
    HTTPXClientInstrumentor().instrument(meter_provider=provider)
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


KINDS = {"opentelemetry": by_opentelemetry, "prometheus": by_prometheus, "middleware": by_middleware}

if __name__ == "__main__":
    kind, port, address = sys.argv[1:]
    uvicorn.run(KINDS[kind](address), host="127.0.0.1", port=int(port), log_level="warning")
