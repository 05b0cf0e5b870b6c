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

from tools.local import certificate as certificates
from tools.local.certificate import HOST, Certificate
from tools.local.harness import Process, free_port, http_json
from tools.servers.find import NotHad, binary


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
def running(folder: Path, more: Mapping[str, str] | None = None) -> Iterator[Grafana]:
    """The real server if it is found, with ``more`` in its environment. Its data and log are in ``folder``."""
    folder.mkdir(parents=True)
    port = free_port()
    certificate = certificates.made(folder)
    authorities = _authorities(certificate.public, folder / "authorities.pem")
    given = Grafana(f"https://{HOST}:{port}", secrets.token_hex(16), authorities)
    try:
        server = binary("grafana")
    except NotHad:
        with _well(port, certificate):
            yield replace(given, real=False)
        return
    home = server.resolve().parent.parent
    settings = {
        "GF_SERVER_PROTOCOL": "https",
        "GF_SERVER_CERT_FILE": str(certificate.public),
        "GF_SERVER_CERT_KEY": str(certificate.key),
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_SERVER_DOMAIN": HOST,
        "GF_SECURITY_ADMIN_PASSWORD": given.password,
        "GF_PATHS_DATA": str(folder / "data"),
        "GF_PATHS_LOGS": str(folder / "logs"),
        "GF_PATHS_PLUGINS": str(folder / "plugins"),
        # It would download plugins, news and updates, and report usage.
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        **(more or {}),
    }
    with Process([server, "server", f"--homepath={home}"], log=folder / "log", env=settings) as process:
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
