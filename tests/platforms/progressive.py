"""Progressive in small: ``python -m tests.platforms.progressive core|mca|npa|wpa HOST:PORT``.

A POST of its changes lets it behave otherwise.
"""

from __future__ import annotations

import json
import random
import sys
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

PERIOD = 0.2
"""Seconds between two requests of a user, and between two runs of an agent."""
ROUTES = {"/plans/7": "/plans/:id", "/login": "/login", "/nowhere": "unmatched"}
HEALTHY = {
    "busy": True,
    "failing": 0.0,
    "seconds": 0.02,
    "database": True,
    "users": 100,
    "lag": 0.01,
    "plans": True,
    "uncoordinated": False,
    "memory": 2**28,
}
behaviour = dict(HEALTHY)
registry = CollectorRegistry()


def counter(name: str, *labels: str) -> Counter:
    return Counter(f"progressive_{name}", name, labels, registry=registry)


def gauge(name: str, *labels: str) -> Gauge:
    return Gauge(name, name, labels, registry=registry)


def histogram(name: str, labels: tuple[str, ...], *buckets: float) -> Histogram:
    return Histogram(f"progressive_{name}_seconds", name, labels, buckets=buckets, registry=registry)


def fails() -> bool:
    return random.random() < float(behaviour["failing"])  # noqa: S311  no secret


def log(**fields: object) -> None:
    print(json.dumps({"level": "info", "service": sys.argv[1], **fields}), flush=True)


class Core:
    """Answers users, each request by a query."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.requests = counter("http_requests", "method", "route", "status_code")
        self.times = histogram("http_request_duration", ("method", "route"), 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
        self.queries = histogram("database_query_duration", ("database_type",), 0.01, 0.05, 0.1, 0.5, 1)
        self.users = gauge("progressive_active_users_total")
        self.connections = gauge("progressive_database_connections_active", "database_type", "database_name")
        self.lag, self.heap = gauge("nodejs_eventloop_lag_p99_seconds"), gauge("nodejs_heap_size_used_bytes")

    def beat(self) -> None:
        self.users.set(float(behaviour["users"]))
        self.connections.labels("postgresql", "shop").set(5 if behaviour["database"] else 0)
        self.lag.set(float(behaviour["lag"]))
        self.heap.set(2**26)
        if behaviour["busy"]:
            Thread(target=self.visit, daemon=True).start()

    def visit(self) -> None:
        """A user's request, over the network."""
        connection = HTTPConnection(self.address)
        connection.request("GET", random.choice(list(ROUTES)))  # noqa: S311  no secret
        connection.getresponse().read()
        connection.close()

    def answer(self, path: str) -> int:
        route = ROUTES.get(path, "unmatched")
        with self.times.labels("GET", route).time():
            with self.queries.labels("postgresql").time():
                time.sleep(float(behaviour["seconds"]))
            broken = fails() or not behaviour["database"]
            status = 503 if broken else 404 if route == "unmatched" else 200
        self.requests.labels("GET", route, str(status)).inc()
        log(message="request", route=route, status_code=status, user_action="view")
        return status


class Agent:
    """Runs of one type of agents."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.runs = counter("agent_requests", "agent_type", "method", "status")
        self.times = histogram("agent_response_time", ("agent_type", "method"), 0.1, 0.5, 1, 2, 5, 10, 30, 60)
        self.errors = counter("agent_errors", "agent_type", "error_type")
        self.memory = gauge("progressive_agent_memory_usage_bytes", "agent_type", "agent_id")
        # What another type does is no metric of this one.
        if kind == "mca":
            self.hand_over = histogram(
                "agent_coordination_time", ("source_agent", "target_agent"), 0.1, 0.5, 1, 2, 5, 10
            )
            self.syncs = counter("agent_sync_events", "event_type", "agents_involved")
        elif kind == "npa":
            self.plans = counter("nutrition_plans_generated", "plan_type", "success")
        else:
            self.plans = counter("workout_plans_generated", "workout_type", "difficulty", "success")

    def beat(self) -> None:
        self.memory.labels(self.kind, f"{self.kind}-1").set(float(behaviour["memory"]))
        Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        with self.times.labels(self.kind, "handle").time():
            time.sleep(float(behaviour["seconds"]))
        failed = fails()
        if failed:
            self.errors.labels(self.kind, "model_refused").inc()
        self.runs.labels(self.kind, "handle", "failed" if failed else "success").inc()
        if self.kind == "mca":
            self.coordinate()
        elif behaviour["plans"]:
            kinds = ("keto",) if self.kind == "npa" else ("run", "beginner")
            self.plans.labels(*kinds, "false" if failed else "true").inc()
        log(message="run", agent_type=self.kind, performance_metric=20)

    def coordinate(self) -> None:
        if behaviour["uncoordinated"]:
            self.errors.labels(self.kind, "coordination_failure").inc()
            return
        with self.hand_over.labels("mca", "npa").time():
            time.sleep(0.01)
        self.syncs.labels("state_sync", "mca,npa").inc()
        log(message="synchronised", agent_type=self.kind, coordination_event="state_sync")

    def answer(self, _path: str) -> int:
        return 200


def handler(program: Core | Agent) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self.reply(200, generate_latest(registry), CONTENT_TYPE_LATEST)
            else:
                self.reply(program.answer(self.path), b"{}", "application/json")

        def do_POST(self) -> None:
            behaviour.update(HEALTHY | json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.reply(200, b"", "text/plain")

        def reply(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing for each request."""

    return Handler


def main(kind: str, address: str) -> None:
    program = Core(address) if kind == "core" else Agent(kind)
    host, _, port = address.partition(":")

    def live() -> None:
        while True:
            program.beat()
            time.sleep(PERIOD)

    server = ThreadingHTTPServer((host, int(port)), handler(program))
    Thread(target=live, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
