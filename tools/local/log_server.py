"""The process of a :class:`LogReceiver`. It imports little, because tests start it again and again."""

from __future__ import annotations

import gzip
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from components.logs import LABELS
from tools.local.otlp import plain

PATH = "/otlp/v1/logs"
"""Loki's path for logs by OTLP."""


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
