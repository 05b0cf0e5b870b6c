"""An Elasticsearch or OpenSearch, as far as Jaeger asks."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Search:
    """Answers as Elasticsearch or OpenSearch would, and remembers who asked what."""

    tagline: str
    version: str
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    """Path, Authorization and body of every request."""

    @contextmanager
    def running(self) -> Iterator[str]:
        search = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self._body()
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                search.seen.append((self.path, self.headers.get("Authorization", ""), body.decode()))
                answer: dict[str, Any] = {"acknowledged": True, "errors": False, "items": []}
                if self.path == "/":
                    answer = {"version": {"number": search.version}, "tagline": search.tagline}
                text = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815  the base class names them

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
