"""Targets on this machine that refuse whoever lacks a credential, and certificates of a private authority for them."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tools.local.harness import free_port

HOST = "pump.example.com"
"""The name in the targets' certificate; they are scraped by their address."""
SAMPLES = "shop_orders_total 1\nshop_debug_total 1\nother_total 1\n"


@dataclass
class Target:
    """A server on this machine that answers whoever sends ``asks``, or anybody."""

    asks: dict[str, str] = field(default_factory=dict)
    body: str = SAMPLES
    kind: str = "text/plain; version=0.0.4"
    status: int = 200
    certificate: Path | None = None
    authority: Path | None = None
    """Whose client certificates it takes; none are asked for without."""
    slow: threading.Event | None = None
    """What its answers wait for."""
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    paths: list[str] = field(default_factory=list)
    """Paths that were asked for, with their parameters."""
    logins: set[str | None] = field(default_factory=set)
    """Values of the header Authorization that were sent."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                target.paths.append(self.path)
                target.logins.add(self.headers["Authorization"])
                if target.slow:
                    target.slow.wait(30)
                allowed = all(self.headers[name] == value for name, value in target.asks.items())
                body = target.body.encode() if allowed else b""
                self.send_response(target.status if allowed else 401)
                self.send_header("Content-Type", target.kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A refused handshake, and a client that gave up, are what the tests are about."""

        with Quiet((self.host, self.port), Handler) as server:
            if self.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate, self.certificate.with_suffix(".key"))
                if self.authority:
                    context.verify_mode = ssl.CERT_REQUIRED
                    context.load_verify_locations(self.authority)
                # The handshake is the handler's, so that one that fails ends no other.
                server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield
            finally:
                if self.slow:
                    self.slow.set()
                server.shutdown()


def authority(folder: Path) -> tuple[Path, Path, Path]:
    """A private authority, the certificate of a target, and that of a client; each with its key beside it."""

    def signed(name: str, *more: str) -> Path:
        file = folder / f"{name}.pem"
        made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", *more)
        whole = (*made, "-out", str(file), "-keyout", str(file.with_suffix(".key")))
        subprocess.run(whole, check=True, capture_output=True)
        return file

    root = signed("authority")
    by = ("-CA", str(root), "-CAkey", str(root.with_suffix(".key")), "-addext", "basicConstraints=critical,CA:FALSE")
    return root, signed("target", *by, "-addext", f"subjectAltName=DNS:{HOST}"), signed("client", *by)
