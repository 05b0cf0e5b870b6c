"""A whole alerting path on this machine: a failing exporter, Prometheus, Alertmanagers, and receivers."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from components.prometheus.component import DATA
from tools import stack_file
from tools.local.account import Account
from tools.local.asked import get
from tools.local.harness import Process, free_port, http_json
from tools.local.history import remember
from tools.local.receiving import Endpoints, Mail, endpoints, mail_server
from tools.local.rendered import Rendered, render_text
from tools.local.server import LocalServer
from tools.local.stack_text import merged, stack_text
from tools.recorder import ROOT

OFTEN = ["--rules.alert.resend-delay=5s"]
"""Prometheus resends firing alerts every 5 s instead of every minute.

An alert that is not sent again ends after four times that. That is longer than a busy machine holds Prometheus up.
"""
PASSWORD = "planted-password-Ub29"  # noqa: S105  planted, so that a test can search for it
KEY = "planted-key-Rf38"
PLANTED_PATH = "planted-path-Kw55"
"""Part of each URL that is a secret."""
SECRETS = (PASSWORD, KEY, PLANTED_PATH)
EXISTING = {"name": "alert-receivers", "key": "any"}
"""The existing Kubernetes Secret of a receiver in a stack file."""
BEAT_SECONDS = 10
"""Seconds between two calls of the dead man: the minimum in settings."""

VOLUME = "KubernetesPersistentVolumeFilling"
"""The critical alert of these tests. It uses a recording rule, and has a value, a threshold and a namespace."""
QUOTA = "KubernetesQuotaAlmostUsed"
"""The alert of these tests with severity info."""


@dataclass
class Exporter:
    """A target with the usage of volumes and a quota, as kubelets and kube-state-metrics expose it."""

    volumes: dict[str, float] = field(default_factory=lambda: {"shop": 0.5})
    """Ratio of used space, by namespace."""
    quota: float = 0.5
    also: tuple[str, ...] = ()
    """Further series with their values."""
    address: str = ""

    @property
    def volume(self) -> float:
        """The ratio of the namespace shop."""
        return self.volumes["shop"]

    @volume.setter
    def volume(self, used: float) -> None:
        self.volumes["shop"] = used

    def exposition(self) -> str:
        claims = {
            f'{{namespace="{namespace}",persistentvolumeclaim="orders"}}': used
            for namespace, used in self.volumes.items()
        }
        quota = 'namespace="shop",resourcequota="team",resource="pods"'
        lines = (
            *(f"kubelet_volume_stats_available_bytes{claim} {1000 - used * 1000}" for claim, used in claims.items()),
            *(f"kubelet_volume_stats_capacity_bytes{claim} 1000" for claim in claims),
            f'kube_resourcequota{{{quota},type="used"}} {self.quota * 100}',
            f'kube_resourcequota{{{quota},type="hard"}} 100',
            *self.also,
        )
        return "".join(f"{line}\n" for line in lines)


@contextmanager
def exporter() -> Iterator[Exporter]:
    """A healthy exporter, which tests can change."""
    made = Exporter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(made.exposition().encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.address = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield made
        finally:
            server.shutdown()


@dataclass
class Server:
    """A pod that tests can kill, and start again on its volume."""

    local: LocalServer
    exits: ExitStack
    process: Process = field(init=False)

    def start(self) -> None:
        """Start a new process, which appends to the log."""
        self.process = self.exits.enter_context(self.local.process())


@dataclass(frozen=True)
class AlertingPath:
    """The exporter, the servers of the alerting path, and the receivers."""

    rendered: Rendered
    """The stack that the servers are of."""
    exporter: Exporter
    services: Endpoints
    mail: Mail
    prometheus: list[Server]
    alertmanagers: list[Server]

    @property
    def servers(self) -> list[Server]:
        return [*self.prometheus, *self.alertmanagers]

    def told(self, receiver: str, alert: str) -> list[str]:
        """All messages to a receiver about an alert, each as one text with unescaped characters."""
        if receiver == "team-mail":
            texts = [
                "\n".join([str(message["Subject"]), *(str(part.get_content()) for part in message.iter_parts())])
                for message in self.mail.messages
            ]
        else:
            posted = self.services.of(receiver)
            bodies = (json.dumps(each.body, ensure_ascii=False) for each in posted)
            texts = [body.replace("\\n", "\n").replace('\\"', '"') for body in bodies]
        return [text for text in texts if alert in text]

    def pages(self) -> list[str]:
        """The event actions that PagerDuty received about the volume, ``trigger`` or ``resolve``, in order."""
        bodies = [each.body for each in self.services.of("on-call")]
        return [body["event_action"] for body in bodies if VOLUME in json.dumps(body)]


def firing(server: Server) -> set[str]:
    """Names of the alerts that fire in a Prometheus."""
    alerts = get(server.local, "alerts")["alerts"]
    return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


@dataclass(frozen=True)
class DeadMan:
    """A heartbeat service, which checks only the time since the last call."""

    services: Endpoints
    patience: float = 3 * BEAT_SECONDS
    """Maximum seconds between two calls, as docs/notifications.md advises."""

    @property
    def calls(self) -> int:
        return len(self.services.of("heartbeat"))

    @property
    def raises_the_alarm(self) -> bool:
        calls = self.services.of("heartbeat")
        return bool(calls) and time.monotonic() - calls[-1].at > self.patience


def receivers(stack: str, services: Endpoints, mail: Mail) -> list[dict[str, Any]]:
    """The stack file's receivers at local endpoints. `dev` has none, so it gets the kinds that `prod` does not use."""
    heartbeat = {"name": "heartbeat", "deadMan": {"urlSecret": EXISTING, "interval": f"{BEAT_SECONDS}s"}}
    if stack == "dev":
        return [
            {"name": "on-call", "pagerduty": {"routingKeySecret": EXISTING, "apiUrl": f"{services.url}/on-call"}},
            {"name": "hook", "webhook": {"urlSecret": EXISTING, "tokenSecret": EXISTING}},
            {"name": "discord", "discord": {"urlSecret": EXISTING}},
            {"name": "teams", "teams": {"urlSecret": EXISTING}},
            {"name": "genie", "opsgenie": {"apiKeySecret": EXISTING, "apiUrl": f"{services.url}/genie"}},
            heartbeat,
        ]
    moved: dict[str, dict[str, Any]] = {
        "on-call": {"pagerduty": {"apiUrl": f"{services.url}/on-call"}},
        "team-mail": {"email": {"host": mail.address, "caSecret": EXISTING}},
        "heartbeat": heartbeat,
    }
    given = stack_file.read(ROOT / f"Pulumi.{stack}.yaml").config["notifications"]["receivers"]
    return [merged(each, moved.get(each["name"], {})) for each in given]


QUICK: Mapping[str, Any] = {
    "prometheus": {"scrapeInterval": "1s", "evaluationInterval": "1s", "logLevel": "debug"},
    "alertmanager": {"logLevel": "debug"},
    "alerts": {name: {"for": "1s"} for name in (VOLUME, QUOTA, "PrometheusAlertsUndelivered")},
    "notifications": {"groupWait": "1s", "criticalGroupWait": "1s", "groupInterval": "1s"},
}
"""Settings with which an alert is notified in seconds, and with verbose logs."""


def stack_text_of(
    stack: str, settings: Mapping[str, Any], scraped: Mapping[str, str], services: Endpoints, mail: Mail
) -> str:
    """The stack file with some settings, additional targets by job, and the receivers at local endpoints."""
    given = merged(stack_file.read(ROOT / f"Pulumi.{stack}.yaml").config, settings)
    told = receivers(stack, services, mail)
    # Production keeps its own routes.
    everybody = [{"receiver": each["name"], "continue": True} for each in told if "deadMan" not in each]
    routes = given.get("notifications", {}).get("routes", everybody)
    here = {
        "prometheus": {"scrapeJobs": [{"name": name, "targets": [address]} for name, address in scraped.items()]},
        "notifications": {"receivers": told, "routes": routes},
    }
    return stack_text(merged(given, here))


def hurry(rendered: Rendered) -> None:
    """Evaluate each second what the alerts of these tests are made of: some groups wait minutes, whatever is set."""
    for made in rendered.of_kind("ConfigMap"):
        if made["metadata"]["name"] == "prometheus-rules":
            for path, text in made["data"].items():
                if path.startswith(("kubernetes", "monitoring")):
                    made["data"][path] = re.sub(r"^(  interval:) .+$", r"\1 1s", text, flags=re.MULTILINE)


@contextmanager
def alerting_path(
    stack: str,
    home: Path,
    account: Account,
    faster: Mapping[str, Sequence[str]],
    settings: Mapping[str, Any] = QUICK,
    *,
    targets: Mapping[str, str] | None = None,
    history: Path | None = None,
) -> Iterator[AlertingPath]:
    """All replicas of the stack's Prometheus and Alertmanager, ready; ``faster`` are additional arguments by server.

    ``targets`` are additional addresses by job, and ``history`` is what each Prometheus remembers.
    """
    with ExitStack() as exits:
        target = exits.enter_context(exporter())
        services = exits.enter_context(endpoints())
        mail = exits.enter_context(mail_server(home / "mail", "alerts", PASSWORD))
        port = free_port()
        scraped = {"shop": target.address, "itself": f"127.0.0.1:{port}", **(targets or {})}
        rendered = render_text(stack, home, stack_text_of(stack, settings, scraped, services, mail))
        hurry(rendered)
        replicas = {
            made["metadata"]["name"]: made["spec"]["replicas"]
            for made in rendered.of_kind("StatefulSet")
            if made["metadata"]["name"] in ("prometheus", "alertmanager")
        }
        gossip = [free_port() for _ in range(replicas["alertmanager"])]
        names = ("hook", "team-chat", "discord", "teams", "heartbeat")
        planted = {
            **{f"{name}-url": f"{services.url}/{name}/{PLANTED_PATH}" for name in names},
            **dict.fromkeys(("on-call-routing-key", "hook-token", "genie-api-key"), KEY),
            "team-mail-password": PASSWORD,
            "team-mail-ca": mail.ca.read_text(),
        }
        alertmanagers = [
            Server(
                LocalServer(
                    rendered,
                    "alertmanager",
                    home / f"alertmanager-{number}",
                    account,
                    pod=f"alertmanager-{number}",
                    ports={9094: own},
                    addresses={
                        f"alertmanager-{other}.alertmanager-headless.monitoring.svc:9094": f"127.0.0.1:{address}"
                        for other, address in enumerate(gossip)
                    },
                    planted=planted,
                    faster=faster.get("alertmanager", ()),
                ),
                exits,
            )
            for number, own in enumerate(gossip)
        ]
        prometheus = [
            Server(
                LocalServer(
                    rendered,
                    "prometheus",
                    home / f"prometheus-{number}",
                    account,
                    pod=f"prometheus-{number}",
                    ports={9090: port} if number == 0 else {},
                    alertmanagers=[server.local.address for server in alertmanagers],
                    faster=faster.get("prometheus", ()),
                ),
                exits,
            )
            for number in range(replicas["prometheus"])
        ]
        path = AlertingPath(rendered, target, services, mail, prometheus, alertmanagers)
        for server in alertmanagers:
            server.start()
        for server in alertmanagers:
            # Before the peers know each other, each of them would notify an alert.
            server.process.ready(lambda server=server: settled(server, len(gossip)))  # type: ignore[misc]  # mypy types no lambda with a default
        for server in prometheus:
            if history:
                remember(history, server.local.path(DATA))
            server.start()
        yield path


def settled(server: Server, members: int) -> bool:
    """Whether an Alertmanager knows all members of its cluster, and is ready to notify."""
    cluster = http_json(f"{server.local.url}/api/v2/status")["cluster"]
    alone = members == 1 and cluster["status"] == "disabled"
    return alone or (cluster["status"] == "ready" and len(cluster["peers"]) == members)
