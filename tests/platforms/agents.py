"""An agent with the signals of docs/agents.md: ``python -m tests.platforms.agents NAME PORT COLLECTOR``.

It has one long run, and short ones beside it. ``POST /behave`` changes how it behaves.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, cycle
from threading import Thread
from typing import Any

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_span_in_context

TICK = 0.5
"""Seconds between two steps of the long run, in which the short ones are begun as well."""
STATES = ("submitted", "working", "input-required", "working")
MODEL = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
WELL: dict[str, Any] = {
    "proceeds": True,  # whether the long run makes steps
    "approved": True,  # whether somebody answers its questions
    "delegated": True,  # whether another agent goes on with its tasks
    "runs": {"payments": 1, "support": 1},  # short ones in a tick, by the team that they are for
    "requests": 2,  # of each short run that succeed
    "failing": 0,  # and that fail
    "tokens": 1000,  # of each request
    "filled": 0.6,  # share of the context window
    "long": 0,  # of how many requests one nearly fills the window; 0 for none
    "compactions": 0,  # of the context of each short run
    "stopped": 50,  # of how many messages a guardrail stops one
    "injection": "allow",  # what another one decides
    "left": 0.8,  # share of the rate limit
    "arguments": "new",  # of its calls of a tool: new ones, or the same
    "tools": "of today",  # description of an MCP server's tools
    "prompt": "v1",
    "score": 4.5,  # of an evaluation
}


def hashed(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


class Telemetry:
    """The instruments, and what exports them."""

    def __init__(self, name: str, collector: str) -> None:
        about = {"service.name": name, "service.instance.id": uuid.uuid4().hex, "k8s.namespace.name": "working"}
        resource = Resource.create(about)
        exporter = OTLPMetricExporter(f"{collector}/v1/metrics")
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=1000)
        self.meter = meter = MeterProvider([reader], resource).get_meter("agents")
        logging = LoggerProvider(resource)
        records = OTLPLogExporter(f"{collector}/v1/logs")
        logging.add_log_record_processor(BatchLogRecordProcessor(records, schedule_delay_millis=500))
        self.logger = logging.get_logger("agents")
        self.tracer = TracerProvider(resource=resource).get_tracer("agents")

        def histogram(name: str, unit: str, *bounds: float) -> Any:
            return meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=bounds)

        self.requests = histogram("gen_ai.client.inference.duration", "s", 0.01, 0.08, 0.64, 5.12, 40.96)
        self.runs = histogram("gen_ai.invoke_agent.duration", "s", 0.01, 0.08, 0.64, 5.12, 40.96)
        self.filled = histogram("gen_ai.client.context.utilization", "1", 0.25, 0.5, 0.75, 0.9, 1)
        self.compactions = meter.create_counter("gen_ai.agent.context.compactions", "{compaction}")
        self.guardrails = meter.create_counter("guardrail.evaluations", "{evaluation}")
        self.input = meter.create_counter("gen_ai.client.inference.usage.input_tokens", "{token}")
        self.output = meter.create_counter("gen_ai.client.inference.usage.output_tokens", "{token}")


class Agent:
    """What it does, as it is told to behave."""

    def __init__(self, name: str, told: Telemetry) -> None:
        self.told, self.behaves = told, dict(WELL)
        self._agent = {"gen_ai.agent.name": name}
        self._asks = MODEL | self._agent | {"gen_ai.operation.name": "chat"}
        self._numbers, self._messages, self._states = count(1), count(1), cycle(STATES)
        # The long run is one trace, which its lines have.
        self._run = set_span_in_context(told.tracer.start_span(f"invoke_agent {name}"))
        now = time.monotonic()
        self._last_step, self._asked = now, 0.0
        self._state, self._since = next(self._states), now
        told.meter.create_observable_gauge("gen_ai.agent.oldest_open", [self._oldest_open], "s")
        told.meter.create_observable_gauge("gen_ai.client.rate_limit.left", [self._left], "1")

    def work(self) -> None:
        while True:
            if self.behaves["proceeds"]:
                self._last_step = time.monotonic()
                self._step()
            self._ask_a_person()
            if self.behaves["delegated"]:
                self._state, self._since = next(self._states), time.monotonic()
            for team, runs in self.behaves["runs"].items():
                for _ in range(runs):
                    self._short_run(team)
            time.sleep(TICK)

    def _oldest_open(self, _: CallbackOptions) -> Iterator[Observation]:
        now = time.monotonic()
        yield self._open("run", now - self._last_step)
        yield self._open("approval", now - self._asked if self._asked else 0)
        for state in sorted(set(STATES)):
            yield self._open("a2a_task", now - self._since if state == self._state else 0, {"a2a.task.state": state})

    def _left(self, _: CallbackOptions) -> Iterator[Observation]:
        yield Observation(self.behaves["left"], MODEL | {"gen_ai.rate_limit.type": "requests"})

    def _open(self, kind: str, seconds: float, more: dict[str, str] | None = None) -> Observation:
        return Observation(seconds, self._agent | {"gen_ai.open.kind": kind} | (more or {}))

    def _ask_a_person(self) -> None:
        if self._asked and self.behaves["approved"]:
            self._asked = 0.0
        elif not self._asked:
            self._asked = time.monotonic()

    def _step(self) -> None:
        """A call of a tool of an MCP server, and an evaluation of what came of it."""
        tools = {"search": self.behaves["tools"], "read": "a file"}
        self._log("tools/list", {"mcp.server.name": "files", "mcp.tools.hash": hashed(tools)})
        self._log("tools/list", {"mcp.server.name": "mail", "mcp.tools.hash": hashed("send")})
        page = next(self._numbers) if self.behaves["arguments"] == "new" else 1
        arguments = hashed({"query": "shoes", "page": page})
        self._log("search", {"gen_ai.tool.name": "search", "gen_ai.tool.call.arguments_hash": arguments})
        score: dict[str, Any] = {"gen_ai.evaluation.name": "relevance"}
        score |= {
            "gen_ai.evaluation.score.value": self.behaves["score"],
            "gen_ai.prompt.version": self.behaves["prompt"],
        }
        self._log("evaluated", score, "gen_ai.evaluation.result")

    def _log(self, text: str, attributes: dict[str, Any], event: str | None = None) -> None:
        now = time.time_ns()
        self.told.logger.emit(
            timestamp=now, context=self._run, body=text, attributes=attributes | self._agent, event_name=event
        )

    def _short_run(self, team: str) -> None:
        behaves, told = self.behaves, self.told
        pii = "allow" if next(self._messages) % behaves["stopped"] else "deny"
        for guardrail, decision in (("pii", pii), ("injection", behaves["injection"])):
            told.guardrails.add(1, {"guardrail": guardrail, "decision": decision})
        for _ in range(behaves["failing"]):
            told.requests.record(0.05, self._asks | {"error.type": "timeout"})
        for _ in range(behaves["requests"]):
            told.requests.record(0.05, self._asks)
            long = behaves["long"] and next(self._numbers) % behaves["long"] == 0
            told.filled.record(0.95 if long else behaves["filled"], self._asks)
            told.input.add(behaves["tokens"] * 0.9, self._asks | {"app.team": team})
            told.output.add(behaves["tokens"] * 0.1, self._asks | {"app.team": team})
        told.compactions.add(behaves["compactions"], self._agent)
        told.runs.record(0.3, self._agent)


class Handler(BaseHTTPRequestHandler):
    agent: Agent

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.agent.behaves = WELL | json.loads(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing for each request."""


if __name__ == "__main__":
    name, port, collector = sys.argv[1:]
    Handler.agent = Agent(name, Telemetry(name, collector))
    Thread(target=Handler.agent.work, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
