"""A small server that receives OTLP logs in place of Loki, for tests of log collectors.

It stores acknowledged lines in a file, across restarts, and stores duplicates once, as Loki does. Tests of stream
labels, limits and queries need a real Loki.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from components.logs import LABELS
from tools.local.harness import Process, free_port, http_text
from tools.local.logs import Entry
from tools.local.otlp import plain
from tools.recorder import ROOT

PATH = "/otlp/v1/logs"
"""Loki's path for logs by OTLP."""
_MATCHER = re.compile(r'\s*(\w+)="([^"]*)"\s*')
_QUERY = re.compile(r'\{(.*?)\}(?: \|= "([^"]*)")?')


class LogReceiver:
    """A receiver with its data below ``home``. It has the methods of a Loki."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home, self._port, self._runs = home, free_port(), 0
        self.url = f"http://127.0.0.1:{self._port}"
        self._file = home / "lines"
        self._file.touch()
        self._read = 0
        self._entries: dict[tuple[Any, ...], Entry] = {}
        """Entries by the fields that make duplicates."""

    def process(self) -> Process:
        self._runs += 1
        argv = [sys.executable, "-m", "tools.local.log_receiver", str(self._port), str(self._file)]
        return Process(argv, log=self._home / f"log-{self._runs}", cwd=ROOT)

    @contextmanager
    def running(self) -> Iterator[Process]:
        """Started and ready; ended on exit."""
        with self.process() as process:
            process.ready(self.is_ready)
            yield process

    def is_ready(self) -> bool:
        return http_text(f"{self.url}/ready") == "ready"

    def entries(self, query: str) -> list[Entry]:
        """The lines of a query, oldest first. A query has matchers with ``=`` and at most one ``|=``."""
        asked = _QUERY.fullmatch(query)
        assert asked, f"{query}: more than is understood here"
        wanted = {match[1]: match[2] for match in map(_MATCHER.fullmatch, asked[1].split(",")) if match}
        assert len(wanted) == len(asked[1].split(",")), f"{query}: more than is understood here"
        found = (
            entry
            for entry in self._stored()
            if wanted.items() <= dict(entry.labels).items() and (asked[2] or "") in entry.line
        )
        return sorted(found, key=lambda entry: entry.time)

    def count(self, query: str) -> int:
        """Number of lines of a query."""
        return len(self.entries(query))

    def _stored(self) -> list[Entry]:
        """All acknowledged entries. It reads the whole lines that were added since the last call."""
        with self._file.open("rb") as file:
            file.seek(self._read)
            new = file.read().rpartition(b"\n")[0]
        self._read += len(new) + bool(new)
        for line in new.splitlines():
            labels, metadata, at, text = json.loads(line)
            entry = Entry(tuple(sorted(labels.items())), metadata, at, text)
            self._entries.setdefault((entry.labels, at, text), entry)
        return list(self._entries.values())


def _records(request: ExportLogsServiceRequest) -> Iterator[str]:
    """A line of JSON for each record: labels, all other attributes, nanoseconds, text."""
    for group in request.resource_logs:
        resource = {each.key: plain(each.value) for each in group.resource.attributes}
        for scope in group.scope_logs:
            for record in scope.log_records:
                said = resource | {each.key: plain(each.value) for each in record.attributes}
                said |= {"logger": scope.scope.name, "event": record.event_name, "severity": record.severity_text}
                said |= {"trace_id": record.trace_id.hex(), "span_id": record.span_id.hex()}
                labels = {name: said.pop(name) for name in LABELS if name in said}
                body = plain(record.body)
                text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, separators=(",", ":"))
                metadata = {name: str(value) for name, value in said.items()}
                yield json.dumps([labels, metadata, record.time_unix_nano, text])


def main() -> None:
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # a collector keeps its connections open

        def do_GET(self) -> None:
            self._answer(b"ready")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            if self.path != PATH:
                self._answer(b"", 404)
                return
            lines = "".join(f"{line}\n" for line in _records(ExportLogsServiceRequest.FromString(body)))
            with one_at_a_time, path.open("a", encoding="utf-8") as file:
                file.write(lines)
            self._answer(ExportLogsServiceResponse().SerializeToString())

        def _answer(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
