"""A stand-in for Loki that has an answer for every query: some lines, or a value for each label that is asked for."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from model.logs import LEVELS

SECOND = 10**9
_STEPS = 60
"""Points of a line in a graph."""


def answer(path: str, asked: dict[str, str]) -> object:
    """What Loki's API would say: values of labels, series or lines."""
    if not path.endswith(("/query", "/query_range")):
        # The newest version that Grafana asks for, or values of a label.
        return {"version": "3.7.0", "status": "success", "data": list(LEVELS) if "/level/" in path else ["agents"]}
    query, end = asked["query"], int(asked.get("end") or asked.get("time") or time.time_ns())
    start = int(asked.get("start") or end - 900 * SECOND)
    if not re.search(r"_over_time\(|rate\(", query):
        return _data(
            "streams", [{"stream": {"level": level}, "values": [[str(end), f"{level}: a line"]]} for level in LEVELS]
        )
    by = re.search(r"\bby \(([^)]*)\)", query)
    labels = [label.strip() for label in by[1].split(",")] if by else []
    found = [dict.fromkeys(labels, "agents") | ({"level": each} if "level" in labels else {}) for each in LEVELS]
    if path.endswith("/query"):
        return _data("vector", [{"metric": found[0], "value": [end / SECOND, "3"]}])
    times = [(start + (end - start) * n // _STEPS) / SECOND for n in range(_STEPS + 1)]
    series = found if "level" in labels else found[:1]
    return _data("matrix", [{"metric": each, "values": [[at, "0.2"] for at in times]} for each in series])


def _data(kind: str, result: list[Any]) -> object:
    return {"status": "success", "data": {"resultType": kind, "result": result, "stats": {}}}


@contextmanager
def answering() -> Iterator[str]:
    """The stand-in's URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            body = json.dumps(answer(url.path, {name: value for name, (value, *_) in parse_qs(url.query).items()}))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            """Nothing to report."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
