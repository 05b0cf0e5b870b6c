"""A backend of agents with AG-UI event streams: ``python -m tests.platforms.interaction_backend PORT METRICS SPANS``.

It follows docs/platforms/interaction_backend.md. ``POST /behave`` changes how it behaves.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import uuid
from collections.abc import AsyncIterator
from importlib import import_module
from itertools import count
from time import perf_counter
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

_JSON: Any = import_module("google.protobuf.json_format")
WELL: dict[str, Any] = (
    {"first_event": 0.02, "stream": "completed", "model": 0.05, "pii": "allow", "injection": "allow"}
    | {"identity": "accepted", "answers": "hit", "sessions": 0.001, "credentials": "loaded"}
    | {"planner": "", "researcher": 0.01, "tokens": {"acme": 100, "globex": 100}, "tenants": 0}
)
"""Seconds, outcomes, and tokens per request; ``tenants`` are further ones."""


class Telemetry:
    """The instruments, and what exports them."""

    def __init__(self, collector: str, spans: str) -> None:
        place = {"k8s.namespace.name": "interaction", "cluster": "interaction-1", "environment": "prod"}
        resource = Resource.create({"service.name": "backend", "service.instance.id": uuid.uuid4().hex, **place})
        self.seen = InMemoryMetricReader()
        exporter = OTLPMetricExporter(f"{collector}/v1/metrics")
        meter = MeterProvider([self.seen, PeriodicExportingMetricReader(exporter, 1000)], resource).get_meter("backend")
        tracing = TracerProvider(resource=resource)
        tracing.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(f"{spans}/v1/traces"), schedule_delay_millis=500)
        )
        self.tracer = tracing.get_tracer("backend")

        def histogram(name: str, *bounds: float) -> Any:
            return meter.create_histogram(name, "s", explicit_bucket_boundaries_advisory=bounds)

        self.streams = meter.create_counter("ag_ui.streams")
        self.open = meter.create_up_down_counter("ag_ui.open_streams")
        self.first_event = histogram("ag_ui.time_to_first_event", 0.1, 0.25, 0.5, 1, 2, 5, 10)
        self.guardrails = meter.create_counter("guardrail.evaluations")
        self.authentications = meter.create_counter("authentication.attempts")
        self.cache = histogram("cache.lookup.duration", 0.005, 0.05, 0.1, 0.5)
        self.credentials = meter.create_counter("credential.loads")
        self.delegations = histogram("a2a.delegation.duration", 1, 10, 30, 60, 120)
        self.tokens = meter.create_counter("interaction.tokens")
        self.requests = histogram("gen_ai.client.operation.duration", 0.01, 0.08, 0.64, 1.28, 2.56, 5.12, 10.24)
        self.usage = meter.create_histogram("gen_ai.client.token.usage", "{token}")
        for outcome in ("completed", "error", "cancelled", "refused"):
            self.streams.add(0, {"outcome": outcome})
        for outcome in ("loaded", "missing", "refused"):
            self.credentials.add(0, {"gen_ai.tool.name": "search", "outcome": outcome})


class Backend:
    """What it does for one message, as it is told to behave."""

    def __init__(self, told: Telemetry) -> None:
        self.told, self.behaves, self._numbers = told, dict(WELL), count()
        self._log = logging.getLogger("backend")

    def accepts(self) -> bool:
        """Whether the identity is accepted; every other one is refused when told so."""
        outcome = self.behaves["identity"] if next(self._numbers) % 2 else "accepted"
        self.told.authentications.add(1, {"outcome": outcome})
        return outcome == "accepted"

    async def answer(self, conversation: str) -> AsyncIterator[str]:
        told, began, outcome = self.told, perf_counter(), "cancelled"
        told.open.add(1)
        with told.tracer.start_as_current_span("ag-ui run", attributes={"gen_ai.conversation.id": conversation}):
            try:
                await self._lookup("sessions", "hit", self.behaves["sessions"])
                await asyncio.sleep(self.behaves["first_event"])
                told.first_event.record(perf_counter() - began)
                yield 'data: {"type": "RUN_STARTED"}\n\n'
                for guardrail in ("pii", "injection"):
                    told.guardrails.add(1, {"guardrail": guardrail, "decision": self.behaves[guardrail]})
                await self._lookup("answers", self.behaves["answers"], 0.001)
                tool = {"gen_ai.tool.name": "search"}
                told.credentials.add(1, tool | {"outcome": self.behaves["credentials"]})
                told.requests.record(0.01, tool | {"gen_ai.operation.name": "execute_tool"})
                await self._delegate("planner", 0.01, self.behaves["planner"])
                await self._delegate("researcher", self.behaves["researcher"], "")
                await self._ask(conversation)
                # Of "half", every other one.
                outcome = (
                    self.behaves["stream"] if next(self._numbers) % 2 or self.behaves["stream"] != "half" else "error"
                )
                outcome = "completed" if outcome == "half" else outcome
                operation = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "backend"}
                told.requests.record(perf_counter() - began, operation)
                kind = "RUN_ERROR" if outcome == "error" else "RUN_FINISHED"
                yield f'data: {{"type": "{kind}"}}\n\n'
            finally:
                told.open.add(-1)
                told.streams.add(1, {"outcome": outcome})

    async def _lookup(self, cache: str, result: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.told.cache.record(seconds, {"cache": cache, "result": result})

    async def _delegate(self, target: str, seconds: float, error: str) -> None:
        await asyncio.sleep(seconds)
        self.told.delegations.record(seconds, {"target": target, **({"error.type": error} if error else {})})

    async def _ask(self, conversation: str) -> None:
        model = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
        asked = model | {"gen_ai.conversation.id": conversation}
        with self.told.tracer.start_as_current_span("chat gpt-4o", attributes=asked) as span:
            await asyncio.sleep(self.behaves["model"])
        self.told.requests.record(self.behaves["model"], model)
        number = next(self._numbers)
        more = {f"tenant-{number % self.behaves['tenants']}": 10} if self.behaves["tenants"] else {}
        for tenant, tokens in {**self.behaves["tokens"], **more}.items():
            parts = {"input": tokens * 0.9, "output": tokens * 0.1}
            for direction, used in parts.items():
                self.told.usage.record(used, model | {"gen_ai.token.type": direction})
            for dimension, value in {"tenant": tenant, "team": "support", "user_group": "trial"}.items():
                self.told.tokens.add(tokens, {"dimension": dimension, "value": value})
            line = {"level": "info", "message": "answered", "conversation_id": conversation, "user_id": "u-7"}
            line |= {"tenant": tenant, "model": "gpt-4o", "total_tokens": tokens, "cost_usd": tokens / 1_000_000}
            line |= {f"{direction}_tokens": used for direction, used in parts.items()}
            self._log.info(json.dumps({**line, "trace_id": f"{span.get_span_context().trace_id:032x}"}))


def service(told: Telemetry) -> FastAPI:
    app, backend = FastAPI(), Backend(told)

    @app.post("/ag-ui/events")
    async def events(asked: dict[str, Any]) -> Response:
        if not backend.accepts():
            told.streams.add(1, {"outcome": "refused"})
            return Response(status_code=401)
        return StreamingResponse(backend.answer(asked["threadId"]), media_type="text/event-stream")

    @app.post("/behave")
    async def behave(changes: dict[str, Any]) -> dict[str, Any]:
        backend.behaves = {**WELL, **changes}
        return backend.behaves

    @app.get("/exported")
    async def exported() -> Response:
        data = told.seen.get_metrics_data()
        return Response(_JSON.MessageToJson(encode_metrics(data)) if data else "{}")

    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    port, collector, spans = sys.argv[1:]
    uvicorn.run(service(Telemetry(collector, spans)), host="127.0.0.1", port=int(port), log_level="warning")
