"""A2A over HTTP, limited to one message and its task, with a client and a server span."""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind, StatusCode

from tools.demo.agents.telemetry import tracer

SEND = "message/send"


class TaskFailed(Exception):
    """The other agent failed the task."""


def ask(url: str, text: str) -> str:
    """Send a task to an agent, and wait for its answer. Raises TaskFailed, or OSError without an answer."""
    with tracer.start_as_current_span(
        f"a2a {SEND}", kind=SpanKind.CLIENT, attributes={"a2a.method.name": SEND}
    ) as span:
        message = {"role": "user", "messageId": uuid.uuid4().hex, "parts": [{"kind": "text", "text": text}]}
        asked = {"jsonrpc": "2.0", "id": message["messageId"], "method": SEND, "params": {"message": message}}
        headers = {"Content-Type": "application/json"}
        inject(headers)  # the trace continues there
        request = urllib.request.Request(url, json.dumps(asked).encode(), headers)  # noqa: S310  the platform's own URL
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  as above
            task = json.load(answer)["result"]
        state, said = task["status"]["state"], str(task["status"]["message"]["parts"][0]["text"])
        span.set_attributes({"a2a.task.id": task["id"], "a2a.task.state": state})
        if state != "completed":
            raise TaskFailed(said)
        return said


def serve(port: int, answer: Callable[[str], str]) -> None:
    """Serve tasks without end. A task fails if ``answer`` raises."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            method, task = asked["method"], uuid.uuid4().hex
            caller = extract({name.lower(): value for name, value in self.headers.items()})
            about = {"a2a.method.name": method, "a2a.task.id": task}
            with tracer.start_as_current_span(f"a2a {method}", caller, SpanKind.SERVER, about) as span:
                try:
                    text = answer(asked["params"]["message"]["parts"][0]["text"])
                except Exception as problem:  # noqa: BLE001  the caller gets the error
                    state, text = "failed", str(problem)
                    span.set_status(StatusCode.ERROR, text)
                else:
                    state = "completed"
                span.set_attribute("a2a.task.state", state)
            said = {"parts": [{"kind": "text", "text": text}]}
            result = {"kind": "task", "id": task, "status": {"state": state, "message": said}}
            body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.serve_forever()
