"""Each kind of receiver gets its messages from a real Alertmanager on the rendered configuration."""

from __future__ import annotations

import html
import json
import re
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import pytest

from components.alertmanager.templates import Links, messages
from model.quantities import Url
from tests.servers.delivery import (
    EVERYBODY,
    GRAFANA,
    PASSWORD,
    PLANTED_PATH,
    SECRETS,
    Delivering,
    deliver,
    heartbeats,
    texts,
)
from tools.local.harness import eventually, http_text
from tools.servers.find import binary

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
ALERTMANAGER = "https://alerts.example.com"
NASTY = 'a&b=c+d e/"f"\\g|h>i)j#k%l{}ü'
"""A value that is something else to each place where a link stands, unless it is escaped."""
SILENCE = (
    f"{GRAFANA}/alerting/silence/new?alertmanager=Alertmanager&matcher=alertname%3DKubernetesPodCrashLooping&matcher="
)


@pytest.fixture(scope="module")
def delivering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivering]:
    with deliver(tmp_path_factory.mktemp("delivery")) as running:
        yield running


@dataclass(frozen=True)
class Told:
    """What every receiver got of one alert: by receiver, all of the text, firing and resolved."""

    firing: dict[str, str]
    resolved: dict[str, str]


def about(delivering: Delivering, receiver: str, name: str, state: str) -> str:
    """The one message to a receiver that an alert is firing or resolved, waited for."""

    def found() -> list[str]:
        return [text for text in texts(delivering, receiver) if name in text and state in text.lower()]

    (only,) = eventually(found, 20, f"{receiver} is notified that {name} is {state}")
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
def test_the_message_of_a_resolved_alert_says_how_long_it_lasted(told: Told, receiver: str) -> None:
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
    assert [link["text"] for link in events[0]["links"]] == ["Incident", "Runbook", "Dashboard", "Silence"]


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


def test_mail_comes_from_the_senders_domain_or_a_name_of_its_own(delivering: Delivering, told: Told) -> None:  # noqa: ARG001  the messages are sent
    assert set(delivering.mail.greetings) == {"example.com"}, "relays refuse localhost, as this one does"
    eventually(lambda: delivering.relay.greetings, 20, "the other mail server is greeted")
    assert set(delivering.relay.greetings) == {"alerts.cluster.example.com"}


def test_tls_comes_first_on_any_port(delivering: Delivering, told: Told) -> None:  # noqa: ARG001  the messages are sent
    subjects = eventually(
        lambda: [str(message["Subject"]) for message in delivering.relay.messages], 20, "mail by smtps"
    )
    assert LABELS["alertname"] in subjects[0]


@pytest.mark.parametrize("receiver", WRITTEN)
def test_the_silence_is_of_the_very_labels(delivering: Delivering, receiver: str) -> None:
    labels = {"alertname": "Nasty", "severity": "warning", "model": NASTY}
    delivering.send(labels, {"runbook_url": "https://wiki.example.com/Nasty_(alert)?of=a|b"})
    text = about(delivering, receiver, "Nasty", "firing")
    links = set(re.findall(rf"{GRAFANA}/alerting/silence/new[^\s|<>\"')]+", text))
    assert {query(link) for link in links} == {
        (("alertmanager", "Alertmanager"), *(("matcher", f"{name}={labels[name]}") for name in sorted(labels)))
    }


@pytest.mark.parametrize("receiver", WRITTEN)
def test_the_incident_is_of_the_very_labels_and_begins_an_hour_before(delivering: Delivering, receiver: str) -> None:
    labels = {"alertname": "Nastier", "severity": "warning", "owner": "agents", "agent": NASTY, "namespace": "shop"}
    runbook = f"{GRAFANA}/d/runbooks-agents?viewPanel=panel-1234&var-cluster=c-1"
    began = datetime(2020, 1, 3, tzinfo=UTC)
    delivering.send(labels, {"runbook_url": runbook}, startsAt=began)
    text = about(delivering, receiver, "Nastier", "firing")
    links = set(re.findall(rf"{GRAFANA}/d/incident[^\s|<>\"')]+", text))
    assert {query(link) for link in links} == {
        (
            ("var-alert", "Nastier"),
            ("var-agent", NASTY),
            ("var-namespace", "shop"),
            ("var-runbook", "viewPanel=panel-1234"),
            ("from", str(int((began - timedelta(hours=1)).timestamp() * 1000))),
            ("to", "now"),
        )
    }


@pytest.mark.parametrize("receiver", [name for name in WRITTEN if name != "genie"])
def test_the_incident_of_a_resolved_alert_ends_soon_after_it(told: Told, receiver: str) -> None:
    text = told.resolved[receiver]
    (link,) = set(re.findall(rf"{GRAFANA}/d/incident[^\s|<>\"')]+", text))
    asked = dict(query(link))
    assert int(asked["to"]) - int(asked["from"]) == pytest.approx((12 + 60 + 15) * 60_000, abs=5000)


@pytest.mark.parametrize(("receiver", "link"), [("chat", "<{}|Runbook>"), ("discord", "[Runbook]({})")])
def test_a_link_ends_where_its_address_does(delivering: Delivering, receiver: str, link: str) -> None:
    labels = {"alertname": "Parentheses", "severity": "warning"}
    delivering.send(labels, {"runbook_url": "https://wiki.example.com/Nasty_(alert)?of=a|b"})
    text = about(delivering, receiver, "Parentheses", "firing")
    assert link.format("https://wiki.example.com/Nasty_%28alert%29?of=a%7Cb") in text


@pytest.mark.parametrize("kind", ["text", "html"])
def test_alertmanagers_own_page_silences_the_very_labels(delivering: Delivering, tmp_path: Path, kind: str) -> None:
    labels = {"alertname": "Quoted", "severity": kind, "model": NASTY}
    delivering.send(labels, {})
    link = shown(tmp_path, kind, labels)
    # As that page reads it, to which + is no space.
    matchers = unquote(link.removeprefix(f"{ALERTMANAGER}/#/silences/new?filter="))
    filters = [("filter", each) for each in matchers.removeprefix("{").removesuffix("}").split(",")]
    found = http_text(f"{delivering.local.url}/api/v2/alerts?{urlencode(filters)}")
    assert [alert["labels"] for alert in json.loads(found)] == [labels]


def shown(home: Path, kind: str, labels: dict[str, str]) -> str:
    """The silence's link where people reach Alertmanager itself, as a text or in a page's ``href``."""
    templates, data = home / "messages.tmpl", home / "data.json"
    templates.write_text(messages(Links(Url(GRAFANA), Url(ALERTMANAGER))))
    data.write_text(json.dumps({"alerts": [], "commonLabels": labels}))
    use = {"text": '{{ template "notify.silence" . }}', "html": '<a href="{{ template "notify.silence.html" . }}">'}
    asked = [
        f"--template.{name}" for name in (f"glob={templates}", f"data={data}", f"type={kind}", f"text={use[kind]}")
    ]
    said = subprocess.run([binary("amtool"), "template", "render", *asked], capture_output=True, text=True, check=True)
    return html.unescape(said.stdout.strip()).removeprefix('<a href="').removesuffix('">')


def query(link: str) -> tuple[tuple[str, str], ...]:
    """What a link asks for, in order."""
    return tuple(parse_qsl(urlsplit(link).query, strict_parsing=True))


def test_a_receiver_without_send_resolved_is_not_notified_of_the_end(delivering: Delivering, told: Told) -> None:  # noqa: ARG001  the others have been told of it
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

    text = eventually(whole, 20, f"{receiver} is notified of all of them at once")
    assert "Silence" in text
    if receiver != "discord":  # which cuts at 4096 characters, the end of the list with it
        assert "These are 5 of 9." in text
    else:
        assert max(len(each.body["embeds"][0]["description"]) for each in delivering.services.of("discord")) <= 4096


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
