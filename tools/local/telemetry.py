"""The collector of a rendered stack on this machine, with its stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from model import ports
from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, http_json
from tools.local.log_receiver import LogReceiver
from tools.local.logs import Loki
from tools.local.pods import Pod
from tools.local.rendered import Rendered
from tools.local.server import LocalServer
from tools.local.traces import Jaeger

NAME = "otel-collector"
Running = dict[str, Process]
"""Processes by pod or server."""


class Collector(LocalServer):
    """A rendered collector, with its own account for the API."""

    def __init__(self, stack: Rendered, home: Path, account: Account, **options: Any) -> None:
        super().__init__(stack, NAME, home, account, **options)

    @property
    def url(self) -> str:
        """Its URL for OTLP by HTTP."""
        return self.url_of(ports.OTLP_HTTP)


class Platform:
    """The collector and all of its stores, not started."""

    def __init__(self, stack: Rendered, home: Path, cluster: ControlPlane, loki: Loki | LogReceiver) -> None:
        """``loki`` receives the logs."""
        admin = Account.admin(cluster)
        self.running: Running = {}
        self.loki = loki
        self.jaeger = Jaeger(stack, home / "jaeger", admin)
        self.prometheus = [
            LocalServer(stack, "prometheus", home / f"prometheus-{ordinal}", admin, pod=f"prometheus-{ordinal}")
            for ordinal in range(Pod(stack, "prometheus").workload["spec"]["replicas"])
        ]
        stores = {
            "loki": (ports.LOKI, self.loki.url.removeprefix("http://")),
            "jaeger": (ports.OTLP_GRPC, self.jaeger.address_of(ports.OTLP_GRPC)),
            **{f"{each.pod}.prometheus-headless": (ports.PROMETHEUS, each.address) for each in self.prometheus},
        }
        self._make = partial(
            Collector,
            stack,
            account=Account.granted(cluster, stack, NAME),
            addresses={stack.address(name, port): here for name, (port, here) in stores.items()},
        )
        self.collector = self.another(home / "collector")

    def another(self, home: Path) -> Collector:
        """Another collector, with its own volume and the same stores."""
        return self._make(home=home)

    @contextmanager
    def started(self) -> Iterator[None]:
        """All servers, ready; ended on exit."""
        with ExitStack() as exits:
            servers: dict[str, LocalServer | LogReceiver] = {server.pod: server for server in self.prometheus}
            servers |= {"loki": self.loki, "jaeger": self.jaeger, NAME: self.collector}
            self.running = {name: exits.enter_context(server.process()) for name, server in servers.items()}
            for name, server in servers.items():
                self.running[name].ready(server.is_ready, within=120)
            yield

    def trace(self, trace: bytes) -> dict[str, Any] | None:
        """A trace from Jaeger's API; None if it has no such trace."""
        answer = http_json(self.jaeger.url_of(ports.JAEGER_QUERY, f"/api/traces/{trace.hex()}"), timeout=30)
        return dict(answer["data"][0]) if answer["data"] else None

    def spans(self, service: str) -> list[str]:
        """The ids of all spans of a service, repeated if they are stored repeatedly."""
        return [span for spans in self.jaeger.stored(service).values() for span in spans]
