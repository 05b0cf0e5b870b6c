"""A bucket that speaks S3, on this machine: moto's server, in this process."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tools.local.certificate import Certificate
from tools.local.harness import http_text


@dataclass(frozen=True)
class Bucket:
    """A bucket by its name, at a server that has STS as well."""

    name: str
    url: str
    ca: Path | None
    """Its certificate, if it has one."""
    authorizations: list[str] = field(default_factory=list, repr=False)
    """Of all requests of others to S3, in order."""

    def objects(self) -> list[str]:
        """Names of its objects, in order; the first thousand."""
        return re.findall("<Key>(.*?)</Key>", http_text(f"{self.url}/{self.name}?list-type=2", ca=self.ca))


@contextmanager
def running(name: str, certificate: Certificate | None = None, answers_after: float = 0) -> Iterator[Bucket]:
    """An empty bucket, by HTTPS with a certificate; each request waits for ``answers_after`` seconds."""
    backends = DomainDispatcherApplication(create_backend_app)

    def answer(environment: dict[str, Any], begin: Callable[..., Any]) -> Iterable[bytes]:
        time.sleep(answers_after)
        if environment["REQUEST_METHOD"] != "POST" and "urllib" not in environment.get("HTTP_USER_AGENT", ""):
            bucket.authorizations.append(environment.get("HTTP_AUTHORIZATION", ""))
        return backends(environment, begin)  # type: ignore[no-any-return]  # moto's application has no types

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line per request, and there are some thousand
    context, scheme = (certificate.context, "https") if certificate else (None, "http")
    server = make_server("127.0.0.1", 0, answer, threaded=True, ssl_context=context)
    bucket = Bucket(name, f"{scheme}://127.0.0.1:{server.server_port}", certificate.public if certificate else None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        # All servers of a process share their buckets.
        http_text(f"{bucket.url}/moto-api/reset", method="POST", ca=bucket.ca)
        http_text(f"{bucket.url}/{name}", method="PUT", ca=bucket.ca)
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
