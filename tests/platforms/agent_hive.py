"""Agent Hive in small: ``python -m tests.platforms.agent_hive PROGRAM PORT``. A POST to ``/behave`` changes it."""

from __future__ import annotations

import hmac
import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

from tools.local.signature import signature

PERIOD = 0.2
"""Seconds between two tasks of an agent."""
API = "openai"

coordination = Histogram(
    "agent_hive_coordination_latency_seconds",
    "Time to coordinate agents.",
    buckets=(0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
agents = Gauge("agent_hive_active_agents_total", "Agents by state.", ["agent_type", "status"])
tasks = Counter("agent_hive_tasks_completed_total", "Tasks that ended.", ["agent_type", "status", "priority"])
queue = Gauge("agent_hive_task_queue_length", "Tasks that wait.")
confidence = Histogram(
    "agent_hive_decision_confidence_score",
    "Confidence of decisions.",
    buckets=(0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1),
)
accuracy = Gauge("agent_hive_learning_accuracy_percent", "Accuracy of a model.", ["model_type"])
api_requests = Counter(
    "agent_hive_external_api_requests_total", "Requests to external APIs.", ["service", "method", "status_code"]
)
api_duration = Histogram(
    "agent_hive_external_api_duration_seconds",
    "Time of a request to an external API.",
    ["service", "method"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
utilisation = Gauge("agent_hive_resource_utilization_percent", "Use of a resource.", ["resource_type"])
memory = Gauge("agent_hive_memory_usage_bytes", "Memory in use.", ["component"])
cpu = Gauge("agent_hive_cpu_usage_percent", "Use of the processor.", ["component"])
webhooks = Counter("agent_hive_webhook_events_total", "Webhooks that arrived.", ["result"])

HEALTHY = {
    "agents": 3,
    "coordination": 0.02,
    "failing": 0.0,
    "api_seconds": 0.05,
    "api_failing": 0.0,
    "confidence": 0.9,
    "accuracy": 95,
    "queue": 0,
    "working": True,
}
behaviour = dict(HEALTHY)


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Observes what takes long, also what fails."""
    began = time.perf_counter()
    try:
        yield
    finally:
        histogram.observe(time.perf_counter() - began)


def ask_api() -> None:
    with timed(api_duration.labels(API, "POST")):
        time.sleep(float(behaviour["api_seconds"]))
    status = "503" if random.random() < behaviour["api_failing"] else "200"  # noqa: S311  no secret
    api_requests.labels(API, "POST", status).inc()


def work() -> None:
    """One task: coordinate, ask the API, decide."""
    with timed(coordination):
        time.sleep(float(behaviour["coordination"]))
    ask_api()
    confidence.observe(float(behaviour["confidence"]))
    status = "error" if random.random() < behaviour["failing"] else "completed"  # noqa: S311  no secret
    print(json.dumps({"level": "info", "event": "task", "agent_type": "backend", "status": status}), flush=True)
    tasks.labels("backend", status, "medium").inc()


def orchestrate() -> None:
    """Begins a task every PERIOD, and says how it is."""
    while True:
        for state, count in (("active", behaviour["agents"]), ("idle", 0), ("failed", 3 - behaviour["agents"])):
            agents.labels("backend", state).set(float(count))
        queue.set(float(behaviour["queue"]))
        accuracy.labels("planner").set(float(behaviour["accuracy"]))
        for resource in ("cpu", "disk", "memory"):
            utilisation.labels(resource).set(20)
        memory.labels("system").set(2**30)
        cpu.labels("system").set(20)
        if behaviour["working"]:
            Thread(target=work, daemon=True).start()
        time.sleep(PERIOD)


def received(body: bytes, signed: str) -> str:
    """What becomes of a webhook."""
    return "accepted" if hmac.compare_digest(signature(body), signed) else "bad_signature"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(generate_latest(), CONTENT_TYPE_LATEST)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/behave":
            behaviour.update(HEALTHY | json.loads(body))
        else:
            webhooks.labels(received(body, self.headers.get("X-Signature", ""))).inc()
        self._answer(b"", "text/plain")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing for each request."""


if __name__ == "__main__":
    program, port = sys.argv[1:]
    if program == "orchestrator":
        Thread(target=orchestrate, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
