"""Mail that the real Grafana sends by the rendered section of its configuration."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from components.grafana.config import SMTP_PASSWORD
from tools.local.grafana import Grafana, running
from tools.local.harness import eventually
from tools.local.receiving import Mail, mail_server
from tools.servers.find import NotHad

PASSWORD = "planted-password-Gm31"  # noqa: S105  planted, to be logged in with
TLS_FIRST = 465
"""The one port where Grafana does not wait for STARTTLS."""


def _settings(mail: Mail, **more: str) -> dict[str, Any]:
    smtp: dict[str, Any] = {
        "host": mail.address,
        "user": "grafana",
        "passwordSecret": {"name": "mail", "key": "password"},
        "fromAddress": "grafana@example.com",
        "fromName": "Dashboards",
    }
    return {"grafana": {"smtp": smtp | more}}


def _told(grafana: Grafana, mail: Mail) -> EmailMessage:
    """What comes of the contact point's own test, as somebody presses it."""
    point = {"name": "mail", "type": "email", "settings": {"addresses": "platform@example.com", "singleEmail": True}}
    tested = {"receivers": [{"name": "mail", "grafana_managed_receiver_configs": [point]}]}
    grafana.post("/api/alertmanager/grafana/config/api/v1/receivers/test", tested, timeout=30)
    eventually(lambda: mail.messages, 30, "mail from Grafana")
    (message,) = mail.messages
    return message


def _sent(folder: Path, mail: Mail, **more: str) -> EmailMessage:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(mail.ca))
        with running(folder / "grafana", _settings(mail, **more), {SMTP_PASSWORD: PASSWORD}) as grafana:
            if not grafana.real:
                raise NotHad("grafana", "only the real one sends mail")
            return _told(grafana, mail)


def test_mail_is_sent_after_starttls_and_a_login_by_the_senders_domain(tmp_path: Path) -> None:
    with mail_server(tmp_path / "mail", "grafana", PASSWORD) as mail:
        message = _sent(tmp_path, mail)

    assert message["From"] == "Dashboards <grafana@example.com>"
    assert (set(mail.greetings), mail.logins) == ({"example.com"}, ["grafana"])
    assert mail.recipients == [["platform@example.com"]]


def test_where_tls_comes_first_it_logs_in_as_well_and_by_a_name_of_its_own(tmp_path: Path) -> None:
    try:
        with mail_server(tmp_path / "mail", "grafana", PASSWORD, tls_first=True, port=TLS_FIRST) as mail:
            message = _sent(tmp_path, mail, hello="grafana.cluster.example.com")
    except PermissionError as refused:
        raise NotHad("port-465", "only root may listen there") from refused

    assert "grafana@example.com" in message["From"]
    assert (set(mail.greetings), mail.logins) == ({"grafana.cluster.example.com"}, ["grafana"])
