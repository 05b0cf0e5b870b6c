"""Receivers of notifications for tests: HTTP endpoints and a mail server, on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tools.local import certificate as certificates
from tools.local.harness import free_port


@dataclass(frozen=True)
class Posted:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: Any
    """Decoded JSON."""
    at: float = field(default_factory=time.monotonic)
    """Time of arrival, in seconds of the monotonic clock."""
    status: int = 200
    """Status of the answer."""


@dataclass
class Endpoints:
    """HTTP services under one address; a service is the first part of a path."""

    url: str
    posted: list[Posted] = field(default_factory=list)
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Status and text of a service's answers from now on, by service."""

    def of(self, service: str) -> list[Posted]:
        """The requests to a service, in order."""
        return [each for each in self.posted if each.path.split("/")[1] == service]


@contextmanager
def endpoints() -> Iterator[Endpoints]:
    """Services that accept everything, with the answer of Slack's webhooks; other clients ignore the answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, text = made.refusals.get(self.path.split("/")[1], (200, "ok"))
            made.posted.append(Posted(self.path, dict(self.headers), body, status=status))
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Endpoints(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            server.shutdown()


@dataclass
class Mail:
    """A mail server that requires TLS and a greeting other than `localhost`, with the messages that it received."""

    address: str
    ca: Path
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    greetings: list[str] = field(default_factory=list)
    """Names in the clients' greetings."""
    logins: list[str] = field(default_factory=list)
    """Users who logged in."""

    async def handle_EHLO(  # noqa: N802  aiosmtpd names it
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        if hostname == "localhost":
            return ["504 5.5.2 localhost: a full name is needed"]
        session.host_name = hostname
        self.greetings.append(hostname)
        return responses

    async def handle_HELO(self, _server: SMTP, _session: Session, _envelope: Envelope, _hostname: str) -> str:  # noqa: N802  aiosmtpd names it
        return "504 5.5.2 only EHLO, by a full name"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd names it
        content = envelope.content
        assert isinstance(content, bytes)
        self.recipients.append(envelope.rcpt_tos)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"


@contextmanager
def mail_server(
    folder: Path, user: str, password: str, *, tls_first: bool = False, port: int | None = None
) -> Iterator[Mail]:
    """A mail server on loopback, with a certificate of its own authority for that address.

    It uses STARTTLS, and then a login; or TLS from the start, and then the login is optional. The default is a free
    port.
    """
    folder.mkdir(parents=True, exist_ok=True)
    certificate = certificates.made(folder)
    context = certificate.context

    def login(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object) -> AuthResult:
        whole = isinstance(given, LoginPassword) and (given.login, given.password) == (user.encode(), password.encode())
        if whole:
            made.logins.append(user)
        return AuthResult(success=whole)

    port = port or free_port()
    made = Mail(f"127.0.0.1:{port}", certificate.public)
    controller = Controller(
        made,
        hostname="127.0.0.1",
        port=port,
        **({"ssl_context": context} if tls_first else {"tls_context": context, "require_starttls": True}),
        # aiosmtpd knows STARTTLS only: it cannot require a login with TLS from the start, and would not offer one.
        auth_required=not tls_first,
        auth_require_tls=not tls_first,
        auth_exclude_mechanism=["LOGIN"],  # its prompts differ from every other server's
        authenticator=login,
    )
    controller.start()
    try:
        yield made
    finally:
        controller.stop()
