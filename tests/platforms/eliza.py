"""Eliza in small: ``python -m tests.platforms.eliza api|agent PORT``.

The API deploys an agent at a POST to ``/agents``, and deletes it at a POST to ``/agents/ID/delete``; a missing image
cannot be deployed. A POST to ``/model`` of an agent says whether its model answers, which its health check asks.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, generate_latest

START = 0.3
"""Seconds in which an agent starts, or does not."""
STATUSES = ("deploying", "running", "stopped", "failed")
MISSING = "registry.example/missing"


def log(level: str, event: str, **fields: Any) -> None:
    print(json.dumps({"level": level, "event": event, **fields}), flush=True)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/metrics":
            self.answer(200, generate_latest(), CONTENT_TYPE_LATEST)
        else:
            self.answer(*self.reply({}))

    def do_POST(self) -> None:
        self.answer(*self.reply(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

    def reply(self, body: dict[str, Any]) -> tuple[int, bytes]:
        """Status and body of the answer."""
        raise NotImplementedError

    def answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing for each request."""


def api(port: int) -> None:
    requests = Counter("http_requests_total", "Requests that were answered.", ["method", "status"])
    deployment = Gauge(
        "agent_deployment_status", "Status of an agent's deployment.", ["agent_id", "agent_name", "status"]
    )
    names: dict[str, str] = {}

    def has(agent_id: str, status: str) -> None:
        level = "error" if status == "failed" else "info"
        log(level, f"agent_{status}", agent_id=agent_id, agent_name=names[agent_id])
        for each in STATUSES:
            deployment.labels(agent_id, names[agent_id], each).set(each == status)

    def deploy(agent_id: str, image: str) -> None:
        has(agent_id, "deploying")
        time.sleep(START)
        has(agent_id, "failed" if image == MISSING else "running")

    class Api(Handler):
        def reply(self, body: dict[str, Any]) -> tuple[int, bytes]:
            status, text = self._done(body)
            requests.labels(self.command, str(status)).inc()
            return status, text

        def _done(self, body: dict[str, Any]) -> tuple[int, bytes]:
            if self.path == "/agents":
                names[body["id"]] = body["name"]
                Thread(target=deploy, args=(body["id"], body["image"])).start()
                return 202, b""
            agent_id = self.path.split("/")[2]
            if agent_id not in names:
                return 404, b"no such agent"
            if self.path.endswith("/delete"):
                for each in STATUSES:
                    deployment.remove(agent_id, names[agent_id], each)
                del names[agent_id]
                return 204, b""
            return 200, names[agent_id].encode()

    ThreadingHTTPServer(("127.0.0.1", port), Api).serve_forever()


def agent(port: int) -> None:
    health = Gauge("agent_health_status", "1 if the agent is well.")
    model = {"answers": True}
    health.set_function(lambda: float(model["answers"]))

    class Agent(Handler):
        def reply(self, body: dict[str, Any]) -> tuple[int, bytes]:
            model.update(body)
            log("info" if model["answers"] else "error", "model_asked", answers=model["answers"])
            return 200, b""

    ThreadingHTTPServer(("127.0.0.1", port), Agent).serve_forever()


if __name__ == "__main__":
    {"api": api, "agent": agent}[sys.argv[1]](int(sys.argv[2]))
