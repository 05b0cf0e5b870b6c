"""Each kind of receiver gets its messages from a real Alertmanager on the rendered configuration."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import stack_text
from tests.servers.harness import Process, eventually, http_text
from tests.servers.local import Account, Local, render_text
from tests.servers.receiving import Endpoints, Mail, endpoints, mail_server
from tools.page import reason_in
from tools.recorder import ROOT

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


def stack_file(services: Endpoints, mail: Mail) -> str:
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


LABELS = {
    "alertname": "KubernetesPodCrashLooping",
    "severity": "critical",
    "owner": "platform",
    "system": "kubernetes",
    "cluster": "test-1",
    "environment": "test",
    "namespace": "shop",
    "pod": "cart-0",
}
ANNOTATIONS = {
    "summary": "A container restarts again and again.",
    "description": 'cart-0 restarted <7> times & "exit 137" is why.',
    "value": "0.93",
    "threshold": "0.9",
    "runbook_url": "https://runbooks.example.com/KubernetesPodCrashLooping",
    "dashboard_url": "https://grafana.example.com/d/workload?var-namespace=shop&var-pod=cart-0",
}
SILENCE = (
    f"{GRAFANA}/alerting/silence/new?alertmanager=Alertmanager&matcher=alertname%3DKubernetesPodCrashLooping&matcher="
)


@dataclass(frozen=True)
class Delivering:
    """A running Alertmanager and the services that its receivers are."""

    local: Local
    process: Process
    services: Endpoints
    mail: Mail
    stack_file: Path

    def send(self, labels: dict[str, str], annotations: dict[str, str], **times: datetime) -> None:
        """Tell Alertmanager of an alert, as Prometheus does."""
        alert = {"labels": labels, "annotations": annotations, **{name: at.isoformat() for name, at in times.items()}}
        headers = {"Content-Type": "application/json"}
        http_text(f"{self.local.url}/api/v2/alerts", body=json.dumps([alert]).encode(), headers=headers)


@pytest.fixture(scope="module")
def delivering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivering]:
    home = tmp_path_factory.mktemp("delivery")
    with endpoints() as services, mail_server(home / "mail", "alerts", PASSWORD) as mail:
        stack = render_text("test", home, stack_file(services, mail))
        urls = {f"{name}-url": f"{services.url}/{name}/{PLANTED_PATH}" for name in URLS}
        nobody = Account("https://127.0.0.1:1", mail.ca, "")  # Alertmanager asks no Kubernetes API
        planted = {**SECRETS, **urls, "mail-ca": mail.ca.read_text()}
        local = Local(stack, "alertmanager", home / "pod", nobody, planted=planted)
        with local.process() as process:
            process.ready(lambda: http_text(f"{local.url}/-/ready"))
            yield Delivering(local, process, services, mail, home / "Pulumi.test.yaml")


@dataclass(frozen=True)
class Told:
    """What every receiver was told of one alert: by receiver, all of the text, firing and resolved."""

    firing: dict[str, str]
    resolved: dict[str, str]


EVERYBODY = ("hook", "login", "chat", "app", "pager", "mail", "discord", "teams", "genie", "late")


def texts(delivering: Delivering, receiver: str) -> list[str]:
    """Every message to a receiver, as one text with the characters that a person would read."""
    if receiver != "mail":
        posted = delivering.services.of(receiver)
        return [json.dumps(each.body, ensure_ascii=False).replace("\\n", "\n").replace('\\"', '"') for each in posted]
    return [
        "\n".join([str(message["Subject"]), *(str(part.get_content()) for part in message.iter_parts())])
        for message in delivering.mail.messages
    ]


def about(delivering: Delivering, receiver: str, name: str, state: str) -> str:
    """The one message to a receiver that an alert is firing or resolved, waited for."""

    def found() -> list[str]:
        return [text for text in texts(delivering, receiver) if name in text and state in text.lower()]

    (only,) = eventually(found, 20, f"{receiver} is told that {name} is {state}")
    return only


@pytest.fixture(scope="module")
def told(delivering: Delivering) -> Told:
    began = datetime.now(UTC) - timedelta(minutes=12)
    delivering.send(LABELS, ANNOTATIONS, startsAt=began)
    firing = {name: about(delivering, name, LABELS["alertname"], "firing") for name in EVERYBODY}
    delivering.send(LABELS, ANNOTATIONS, startsAt=began, endsAt=datetime.now(UTC))
    names = [name for name in EVERYBODY if name not in ("late", "genie")]  # Opsgenie closes without a word
    words = {name: "resolved at" if name in WRITTEN else "resolved" for name in names}
    resolved = {name: about(delivering, name, LABELS["alertname"], words[name]) for name in names}
    return Told(firing, resolved)


WRITTEN = ("chat", "app", "pager", "mail", "discord", "teams", "genie")
"""Receivers whose messages are written here; a webhook gets Alertmanager's own JSON."""


@pytest.mark.parametrize("receiver", WRITTEN)
def test_a_message_says_what_where_since_when_how_much_and_what_to_do(told: Told, receiver: str) -> None:
    text = told.firing[receiver]
    assert "FIRING critical: KubernetesPodCrashLooping in shop on test-1" in text, "the subject"
    assert "FIRING since 20" in text
    assert "pod cart-0" in text
    assert "exit 137" in text
    assert "0.93 (threshold 0.9)" in text
    assert ANNOTATIONS["runbook_url"] in text
    assert "/d/workload?var-namespace=shop&" in text, "the dashboard, with its variables"
    assert SILENCE in text
    assert "no value" not in text


@pytest.mark.parametrize("receiver", [name for name in WRITTEN if name != "genie"])
def test_the_end_is_told_with_how_long_it_lasted(told: Told, receiver: str) -> None:
    text = told.resolved[receiver]
    assert "RESOLVED critical: KubernetesPodCrashLooping in shop on test-1" in text
    assert "after 12m" in text
    assert "FIRING" not in text


def test_opsgenie_closes_the_alert_that_it_opened(delivering: Delivering, told: Told) -> None:
    assert "P1" in told.firing["genie"]
    opened = next(each for each in delivering.services.of("genie") if LABELS["alertname"] in str(each.body))
    closes = f"/genie/v2/alerts/{opened.body['alias']}/close?identifierType=alias"
    eventually(lambda: closes in [each.path for each in delivering.services.of("genie")], 20, "it is closed")
    assert opened.headers["Authorization"] == f"GenieKey {SECRETS['genie-api-key']}"


def test_pagerduty_resolves_the_incident_that_it_triggered(delivering: Delivering, told: Told) -> None:  # noqa: ARG001  the messages are sent
    events = [each.body for each in delivering.services.of("pager") if LABELS["alertname"] in str(each.body)]
    assert [event["event_action"] for event in events] == ["trigger", "resolve"]
    assert events[0]["dedup_key"] == events[1]["dedup_key"]
    assert {event["routing_key"] for event in events} == {SECRETS["pager-routing-key"]}
    payload = events[0]["payload"]
    assert (payload["severity"], payload["component"], payload["group"]) == ("critical", "kubernetes", "shop")
    assert [link["text"] for link in events[0]["links"]] == ["Runbook", "Dashboard", "Silence"]


def test_what_slack_takes_for_markup_is_escaped(told: Told) -> None:
    for receiver in ("chat", "app"):
        assert "restarted &lt;7&gt; times &amp;" in told.firing[receiver]


def test_slacks_app_posts_to_its_channel_with_its_token(delivering: Delivering, told: Told) -> None:  # noqa: ARG001  the messages are sent
    posted = delivering.services.of("app")[0]
    assert (posted.path, posted.body["channel"]) == ("/app/chat.postMessage", "#alerts")
    assert posted.headers["Authorization"] == f"Bearer {SECRETS['app-token']}"


def test_webhooks_log_in(delivering: Delivering, told: Told) -> None:  # noqa: ARG001  the messages are sent
    assert delivering.services.of("hook")[0].headers["Authorization"] == f"Bearer {SECRETS['hook-token']}"
    login = b64encode(f"stack:{PASSWORD}".encode()).decode()
    assert delivering.services.of("login")[0].headers["Authorization"] == f"Basic {login}"


def test_mail_is_one_conversation_in_text_and_html(delivering: Delivering, told: Told) -> None:  # noqa: ARG001  the messages are sent
    first, last = (each for each in delivering.mail.messages if LABELS["alertname"] in str(each["Subject"]))
    assert first["References"] == last["References"]
    assert first["From"] == "alerts@example.com"
    assert delivering.mail.recipients[0] == ["platform@example.com", "shop@example.com"]
    plain, html = first.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert 'restarted <7> times & "exit 137"' in plain.get_content()
    assert "restarted &lt;7&gt; times &amp;" in html.get_content()
    for link in (SILENCE, ANNOTATIONS["runbook_url"], ANNOTATIONS["dashboard_url"]):
        assert f'href="{link}' in html.get_content().replace("&amp;", "&")


def test_who_wants_no_end_is_told_none(delivering: Delivering, told: Told) -> None:  # noqa: ARG001  the others have been told of it
    ours = [each.body for each in delivering.services.of("late") if LABELS["alertname"] in str(each.body)]
    assert [each["status"] for each in ours] == ["firing"]


@pytest.mark.parametrize("receiver", WRITTEN)
def test_an_alert_that_says_nothing_of_itself_still_makes_a_message(delivering: Delivering, receiver: str) -> None:
    delivering.send({"alertname": "Bare", "severity": "warning"}, {})
    text = about(delivering, receiver, "Bare", "firing")
    assert "FIRING warning: Bare" in text
    for missing in ("no value", "Runbook", "Dashboard", "Value"):
        assert missing not in text


@pytest.mark.parametrize("receiver", WRITTEN)
def test_many_alerts_are_counted_and_some_of_them_listed(delivering: Delivering, receiver: str) -> None:
    for number in range(9):
        labels = {"alertname": "Many", "severity": "warning", "pod": f"pod-{number}"}
        delivering.send(labels, {"description": "long " * 2000})

    def whole() -> str | None:
        return next((text for text in texts(delivering, receiver) if "(9 firing)" in text and "Many" in text), None)

    text = eventually(whole, 20, f"{receiver} is told of all of them at once")
    assert "Silence" in text
    if receiver != "discord":  # which cuts at 4096 characters, the end of the list with it
        assert "These are 5 of 9." in text
    else:
        assert max(len(each.body["embeds"][0]["description"]) for each in delivering.services.of("discord")) <= 4096


def heartbeats(delivering: Delivering) -> list[str]:
    """What the dead man was called about."""
    return [alert["labels"]["alertname"] for call in delivering.services.of("beat") for alert in call.body["alerts"]]


def test_a_dead_man_is_called_again_and_again_and_hears_of_nothing_else(delivering: Delivering) -> None:
    before = len(delivering.services.of("beat"))
    delivering.send({"alertname": "Watchdog", "severity": "info"}, {})
    began = time.monotonic()
    eventually(lambda: len(delivering.services.of("beat")) >= before + 2, 30, "its second call")
    assert time.monotonic() - began < 15, "every ten seconds, as its interval says, and not every second time"
    assert set(heartbeats(delivering)) == {"Watchdog"}
    for receiver in EVERYBODY:
        assert not [text for text in texts(delivering, receiver) if "Watchdog" in text], "it is no news to people"


def test_no_secret_is_in_the_log_of_a_server_that_says_all(delivering: Delivering, told: Told) -> None:  # noqa: ARG001  the messages are sent
    delivering.services.refusals["late"] = (404, "no such hook")
    delivering.send({"alertname": "Refused", "severity": "warning"}, {})
    eventually(lambda: "no such hook" in delivering.process.log(), 20, "the refusal is logged")
    del delivering.services.refusals["late"]
    log = delivering.process.log()
    assert '"level":"DEBUG"' in log
    for secret in {*SECRETS.values(), PLANTED_PATH}:
        assert secret not in log


def paged(delivering: Delivering, receiver: str) -> tuple[int, str]:
    """Exit status and output of ``make page`` against the running server."""
    command = [sys.executable, "-m", "tools.page", "test", receiver, f"--url={delivering.local.url}"]
    command.append(f"--stack-file={delivering.stack_file}")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_a_test_page_goes_to_one_receiver_says_so_and_ends(delivering: Delivering) -> None:
    status, said = paged(delivering, "chat")
    assert (status, [line for line in said.splitlines() if not line.startswith("...")]) == (
        0,
        ["chat: the test page was delivered", "chat: its end was delivered"],
    )
    pages = [text for text in texts(delivering, "chat") if "TestPage" in text]
    assert len(pages) == 2
    for text, state in zip(pages, ("FIRING", "RESOLVED"), strict=True):
        assert f"TEST PAGE, nothing is wrong: {state} critical: TestPage on test-1" in text
        assert "This is a test. Nothing is wrong" in text
    for other in set(EVERYBODY) - {"chat"}:
        assert not [text for text in texts(delivering, other) if "TestPage" in text], f"{other} was not asked for"


def test_a_test_page_to_all_tells_who_did_not_get_it(delivering: Delivering) -> None:
    delivering.services.refusals |= {"discord": (404, "Unknown Webhook"), "teams": (500, "try again")}
    status, said = paged(delivering, "all")
    delivering.services.refusals.clear()
    assert status == 1
    for name in {*EVERYBODY, "beat"} - {"discord", "teams"}:
        assert f"{name}: the test page was delivered" in said
    for name in set(EVERYBODY) - {"discord", "teams", "late"}:
        assert f"{name}: its end was delivered" in said
    assert "discord: the test page FAILED: " in said
    assert "teams: the test page FAILED: serverError" in said
    assert "Unknown Webhook" in reason(delivering, "discord"), "which kubectl logs shows where there is a cluster"
    assert "try again" in reason(delivering, "teams")
    assert [name for name in heartbeats(delivering) if name != "Watchdog"] == ["TestPage"], "a dead man is paged, too"


def reason(delivering: Delivering, receiver: str) -> str:
    """What the log of the server says of the last page to a receiver."""
    lines = delivering.process.log().splitlines()
    (*_, page) = re.findall(rf'test_id=\\"(\w+)\\", test_page=\\"{receiver}\\"', "\n".join(lines))
    return reason_in(lines, receiver, page)
