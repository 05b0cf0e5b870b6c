"""An application's last ten minutes, pushed to a running Prometheus at once: so its rules have something to read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.local import otlp
from tools.local.account import Account
from tools.local.asked import get
from tools.local.harness import http_text
from tools.local.rendered import Rendered
from tools.local.server import LocalServer

Points = Callable[[int], Sequence[otlp.Counter | otlp.Histogram]]
"""What a library says after so many minutes."""
MINUTES = 10
_MINUTE = 60 * 10**9


@contextmanager
def receiving(stack: Rendered, home: Path, account: Account) -> Iterator[LocalServer]:
    """A stack's Prometheus, ready to be pushed to."""
    local = LocalServer(stack, "prometheus", home / "pod", account)
    with local.process() as running:
        running.ready(lambda: http_text(f"{local.url}/-/ready"))
        yield local


def process(service: str, instance: str, **more: str) -> dict[str, str]:
    """The resource of a process of the stack `dev`."""
    place = {"cluster": "dev-1", "environment": "dev", "k8s.namespace.name": "agents"}
    return {**place, "service.name": service, "service.instance.id": instance, **more}


def push(
    local: LocalServer,
    resource: dict[str, str],
    libraries: dict[str, Points],
    minutes: range | None = None,
    now: int | None = None,
) -> None:
    """What each of a process's libraries said in each of the ten minutes before ``now``, or in ``minutes`` of them."""
    now = now or time.time_ns()
    for minute in minutes or range(MINUTES + 1):
        at = now - (MINUTES - minute) * _MINUTE
        for scope, points in libraries.items():
            otlp.send(f"{local.url}/api/v1/otlp", otlp.metrics(resource, *points(minute), scope=scope, at=at))


def rule(local: LocalServer, name: str) -> str:
    """What the server records under a name, as it has it."""
    groups: list[dict[str, Any]] = get(local, "rules", type="record")["groups"]
    (expr,) = {each["query"] for group in groups for each in group["rules"] if each["name"] == name}
    return str(expr)
