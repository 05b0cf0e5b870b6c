"""A script in place of a model's provider: OpenAI's chat completions, sometimes slow or refused."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECONDS = 0.04
SLOW_SECONDS, SLOW_EVERY = 0.9, 29
FAILURES = {211: (500, "the model has crashed"), 307: (429, "too many requests")}
"""Every n-th request that fails, with status and message. A run of the planner has three requests, so one run in forty
fails. Alerts fire above one in twenty. Like a gateway, the message contains the caller's key, which so gets into
exceptions."""
SYSTEM_TOKENS = 1200
"""Tokens of instructions and descriptions of tools."""

_lock = threading.Lock()
_requests = 0
_answered: Counter[int] = Counter()


def _reply(asked: dict[str, Any], number: int) -> dict[str, Any]:
    """The next step of the script: each tool once, then an answer."""
    done = sum(message["role"] == "tool" for message in asked["messages"])
    tools = [tool["function"]["name"] for tool in asked.get("tools", [])]
    message: dict[str, Any] = {"role": "assistant", "content": f"Answer {number}."}
    if done < len(tools):
        arguments = json.dumps({"query": asked["messages"][-1]["content"]})
        function = {"name": tools[done], "arguments": arguments}
        message = {
            "role": "assistant",
            "tool_calls": [{"id": f"call-{number}", "type": "function", "function": function}],
        }
    prompt = SYSTEM_TOKENS + sum(len(str(said.get("content"))) for said in asked["messages"]) // 4
    completion = 40 + number * 7 % 160
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked["model"],
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
        ],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
    }


def _chunks(reply: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same reply word by word; its usage comes last."""
    about = {name: reply[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    for word in reply["choices"][0]["message"]["content"].split(" "):
        yield about | {"choices": [{"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}]}
    yield about | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    yield about | {"choices": [], "usage": reply["usage"]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        global _requests  # noqa: PLW0603  one counter, protected by its lock
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with _lock:
            _requests += 1
            number = _requests
        time.sleep(SLOW_SECONDS if number % SLOW_EVERY == 0 else SECONDS)
        for every, (status, why) in FAILURES.items():
            if number % every == 0:
                self._send(
                    status,
                    "application/json",
                    json.dumps({"error": {"message": f"{why}: {self.headers['Authorization']}"}}),
                )
                return
        reply = _reply(asked, number)
        if asked.get("stream"):
            self._send(200, "text/event-stream", "".join(f"data: {json.dumps(part)}\n\n" for part in _chunks(reply)))
        else:
            self._send(200, "application/json", json.dumps(reply))

    def do_GET(self) -> None:
        """Metrics, as servers of models have them."""
        with _lock:
            counts = sorted(_answered.items())
        lines = [f'model_requests_total{{status="{status}"}} {count}\n' for status, count in counts]
        self._send(200, "text/plain; version=0.0.4", "# TYPE model_requests_total counter\n" + "".join(lines))

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        if self.command == "POST":
            with _lock:
                _answered[status] += 1
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
