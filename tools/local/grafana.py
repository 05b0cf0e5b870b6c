"""A Grafana on this machine, with HTTPS: the real server, or, if missing, one that only answers health checks."""

from __future__ import annotations

import base64
import secrets
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from components.grafana.config import ADMIN_PASSWORD
from model import ports
from tools.local import certificate as certificates
from tools.local.certificate import HOST, Certificate
from tools.local.harness import free_port, http_json
from tools.local.rendered import changed
from tools.local.server import LocalServer
from tools.local.stack_text import merged
from tools.servers.find import had


@dataclass(frozen=True)
class Grafana:
    """URL and credentials."""

    url: str
    password: str
    authorities: Path
    """Certificates to trust: this machine's, and the self-signed one of this server."""
    real: bool = True
    host: str = HOST

    def get(self, path: str) -> Any:
        """Decoded JSON answer of the API to ``admin``."""
        return self.post(path, None)

    def token(self) -> str:
        """A new token of a service account that may do what an administrator may; any text if it is not real."""
        if not self.real:
            return secrets.token_hex(16)
        account = self.post("/api/serviceaccounts", {"name": "pulumi", "role": "Admin"})
        made = self.post(f"/api/serviceaccounts/{account['id']}/tokens", {"name": "pulumi"})
        return str(made["key"])

    def post(self, path: str, body: object, **options: Any) -> Any:
        """The same for a POST of JSON; options as for `http_json`."""
        login = base64.b64encode(f"admin:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
        return http_json(f"{self.url}{path}", send=body, ca=self.authorities, headers=headers, **options)


@contextmanager
def running(
    folder: Path, changes: Mapping[str, Any] | None = None, planted: Mapping[str, str] | None = None
) -> Iterator[Grafana]:
    """The real server if it is found, as the stack dev with ``changes`` configures it, below ``folder``.

    ``planted`` are secrets by file.
    """
    folder.mkdir(parents=True)
    port, certificate = free_port(), certificates.made(folder)
    authorities = _authorities(certificate.public, folder / "authorities.pem")
    given = Grafana(f"https://{HOST}:{port}", secrets.token_hex(16), authorities)
    if not had("grafana"):
        with _well(port, certificate):
            yield replace(given, real=False)
        return
    stack = changed(folder, "dev", merged({"grafana": {"url": given.url}}, changes or {}))
    server = LocalServer(
        stack,
        "grafana",
        folder / "pod",
        ports={ports.GRAFANA: port},
        planted={ADMIN_PASSWORD: given.password, **(planted or {})},
        # What an ingress does for it.
        faster=[
            "cfg:server.protocol=https",
            f"cfg:server.cert_file={certificate.public}",
            f"cfg:server.cert_key={certificate.key}",
        ],
    )
    with server.process() as process:
        # Migrations of an empty database take half a minute on a busy machine.
        process.ready(lambda: http_json(f"{given.url}/api/health", ca=authorities)["database"] == "ok", within=180)
        yield given


def _authorities(own: Path, path: Path) -> Path:
    """A file of all certificates to trust: this machine's and its own."""
    known = ssl.get_default_verify_paths().cafile
    others = Path(known).read_text(encoding="utf-8") if known else ""
    path.write_text(others + own.read_text(encoding="ascii"), encoding="utf-8")
    return path


@contextmanager
def _well(port: int, certificate: Certificate) -> Iterator[None]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"database": "ok"}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            """No log."""

    with ThreadingHTTPServer(("127.0.0.1", port), Answer) as server:
        server.socket = certificate.context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
