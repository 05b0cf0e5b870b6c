"""An Alertmanager with a receiver of every kind, and the services that these are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.local.account import Account
from tools.local.harness import Process, http_text
from tools.local.receiving import Endpoints, Mail, endpoints, mail_server
from tools.local.rendered import render_text
from tools.local.server import LocalServer
from tools.local.stack_text import stack_text

GRAFANA = "https://grafana.example.com"
PASSWORD = "planted-password-Ub29"  # noqa: S105  planted, to be looked for
SECRETS = {
    "hook-token": "planted-token-Mx17",
    "login-password": PASSWORD,
    "app-token": "planted-token-Za60",
    "pager-routing-key": "planted-key-Rf38",
    "mail-password": PASSWORD,
    "genie-api-key": "planted-key-Ot84",
}
URLS = ("hook", "login", "chat", "discord", "teams", "beat", "late")
"""Receivers whose URL is a secret."""
PLANTED_PATH = "planted-path-Kw55"
"""Part of each of those URLs."""


def stack_file(services: Endpoints, mail: Mail, relay: Mail) -> str:
    """A stack with a receiver of every kind, which all get everything, and soon."""
    existing = {"name": "alert-receivers", "key": "any"}
    receivers: list[dict[str, Any]] = [
        {"name": "hook", "webhook": {"urlSecret": existing, "tokenSecret": existing}},
        {
            "name": "login",
            "webhook": {"urlSecret": existing, "basicAuth": {"username": "stack", "passwordSecret": existing}},
        },
        {"name": "chat", "slack": {"urlSecret": existing}},
        {
            "name": "app",
            "slack": {"tokenSecret": existing, "channel": "#alerts", "apiUrl": f"{services.url}/app/chat.postMessage"},
        },
        {"name": "pager", "pagerduty": {"routingKeySecret": existing, "apiUrl": f"{services.url}/pager/v2/enqueue"}},
        {
            "name": "mail",
            "email": {
                "to": ["platform@example.com", "shop@example.com"],
                "from": "alerts@example.com",
                "host": mail.address,
                "user": "alerts",
                "passwordSecret": existing,
                "caSecret": existing,
            },
        },
        {
            "name": "relay",
            "email": {
                "to": ["platform@example.com"],
                "from": "alerts@example.com",
                "host": relay.address,
                "hello": "alerts.cluster.example.com",
                "implicitTls": True,
                "caSecret": existing,
            },
        },
        {"name": "discord", "discord": {"urlSecret": existing}},
        {"name": "teams", "teams": {"urlSecret": existing}},
        {"name": "genie", "opsgenie": {"apiKeySecret": existing, "apiUrl": f"{services.url}/genie"}},
        {"name": "late", "webhook": {"urlSecret": existing, "sendResolved": False}},
        {"name": "beat", "deadMan": {"urlSecret": existing, "interval": "10s"}},
    ]
    return stack_text(
        {
            "cluster": {"name": "test-1", "environment": "test", "context": "test", "flavour": "kubeadm"},
            "alertmanager": {"logLevel": "debug"},
            "grafana": {"url": GRAFANA},
            "notifications": {
                "receivers": receivers,
                "routes": [{"receiver": each["name"], "continue": True} for each in receivers if "deadMan" not in each],
                "groupWait": "0s",
                "criticalGroupWait": "0s",
                "groupInterval": "1s",
            },
        }
    )


EVERYBODY = ("hook", "login", "chat", "app", "pager", "mail", "discord", "teams", "genie", "late")


@dataclass(frozen=True)
class Delivering:
    """A running Alertmanager and the services that its receivers are."""

    local: LocalServer
    process: Process
    services: Endpoints
    mail: Mail
    relay: Mail
    """A mail server with TLS from the start."""
    stack_file: Path

    def send(self, labels: dict[str, str], annotations: dict[str, str], **times: datetime) -> None:
        """Tell Alertmanager of an alert, as Prometheus does."""
        alert = {"labels": labels, "annotations": annotations, **{name: at.isoformat() for name, at in times.items()}}
        headers = {"Content-Type": "application/json"}
        http_text(f"{self.local.url}/api/v2/alerts", body=json.dumps([alert]).encode(), headers=headers)


@contextmanager
def deliver(home: Path) -> Iterator[Delivering]:
    """It runs, and takes alerts, until the block ends."""
    with (
        endpoints() as services,
        mail_server(home / "mail", "alerts", PASSWORD) as mail,
        mail_server(home / "relay", "alerts", PASSWORD, tls_first=True) as relay,
    ):
        stack = render_text("test", home, stack_file(services, mail, relay))
        urls = {f"{name}-url": f"{services.url}/{name}/{PLANTED_PATH}" for name in URLS}
        nobody = Account("https://127.0.0.1:1", mail.ca, "")  # Alertmanager asks no Kubernetes API
        planted = {**SECRETS, **urls, "mail-ca": mail.ca.read_text(), "relay-ca": relay.ca.read_text()}
        local = LocalServer(stack, "alertmanager", home / "pod", nobody, planted=planted)
        with local.process() as process:
            process.ready(lambda: http_text(f"{local.url}/-/ready"))
            yield Delivering(local, process, services, mail, relay, home / "Pulumi.test.yaml")


def texts(delivering: Delivering, receiver: str) -> list[str]:
    """Every message to a receiver, as one text with the characters that a person would read."""
    if receiver != "mail":
        posted = delivering.services.of(receiver)
        return [json.dumps(each.body, ensure_ascii=False).replace("\\n", "\n").replace('\\"', '"') for each in posted]
    return [
        "\n".join([str(message["Subject"]), *(str(part.get_content()) for part in message.iter_parts())])
        for message in delivering.mail.messages
    ]


def heartbeats(delivering: Delivering) -> list[str]:
    """What the dead man was called about."""
    return [alert["labels"]["alertname"] for call in delivering.services.of("beat") for alert in call.body["alerts"]]
