"""From a fault to a person: an exporter goes bad, and the shipped stacks notify everybody, once, and of its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from model.uids import runbook_path
from rules.kubernetes.uids import KUBERNETES_NAMESPACE
from tools.local.account import Account
from tools.local.alerting_path import (
    KEY,
    OFTEN,
    QUICK,
    QUOTA,
    SECRETS,
    VOLUME,
    AlertingPath,
    Server,
    alerting_path,
    firing,
    settled,
)
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_json
from tools.local.server import LocalServer
from tools.local.stack_text import merged


@pytest.fixture(scope="module")
def production(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertingPath]:
    """Two Prometheus, three Alertmanagers, and the receivers of production."""
    # A peer waits for those before it, and all until the cluster is still: seconds, not half a minute.
    faster = {"alertmanager": ["--cluster.peer-timeout=1s", "--cluster.gossip-interval=50ms"]}
    # Longer than the last of three waits: who looks while another tells of the next news would take that back.
    settings = merged(QUICK, {"notifications": {"groupInterval": "4s"}})
    home = tmp_path_factory.mktemp("production")
    with alerting_path("prod", home, Account.admin(control_plane), faster, settings) as path:
        yield path


@pytest.fixture(scope="module")
def development(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertingPath]:
    """One of each, and a receiver of each kind that production has not."""
    # What it remembers is saved every second, not every minute.
    faster = {"alertmanager": ["--data.maintenance-interval=1s"], "prometheus": OFTEN}
    with alerting_path("dev", tmp_path_factory.mktemp("development"), Account.admin(control_plane), faster) as path:
        yield path


@dataclass(frozen=True)
class Told:
    """What the receivers got of one fault, and of its end: by receiver, all of the text."""

    firing: dict[str, str]
    resolved: dict[str, str]


PROD = {"on-call": VOLUME, "team-chat": VOLUME, "team-mail": QUOTA}
"""Production's receivers, and the alert that its routes bring to each."""
DEV = dict.fromkeys(("hook", "discord", "teams", "genie"), VOLUME)
WORDS = {"hook": ('"status": "firing"', '"status": "resolved"')}
"""A webhook gets Alertmanager's own JSON, the others get words."""
SPOKEN = ("FIRING since 20", "RESOLVED at 20")
FACTS = {
    VOLUME: ("has 98% of its bytes in use", "98%", "above 97 %", "orders"),
    QUOTA: ("uses 95% of pods in its quota team", "95%", "above 90 %", "team"),
}
"""What a message says: description, value, threshold, subject."""


def mend(path: AlertingPath) -> None:
    """All is well, and every Prometheus knows: one that learns it only after the next fault would deny that."""
    path.exporter.volume = path.exporter.quota = 0.5
    for server in path.prometheus:
        eventually(lambda server=server: not firing(server) & {VOLUME, QUOTA}, 20, f"{server.local.pod} is calm")  # type: ignore[misc]  # mypy types no lambda with a default


def happened(path: AlertingPath, receivers: dict[str, str]) -> Told:
    """A fault, until everybody has been notified of it, and its end likewise."""

    def messages(receiver: str, ended: int) -> str:
        words = WORDS.get(receiver, SPOKEN)[ended]
        found = eventually(
            lambda: [text for text in path.told(receiver, receivers[receiver]) if words in text],
            20,
            f"{receiver} gets {words}",
        )
        return found[0]

    path.exporter.volume, path.exporter.quota = 0.98, 0.95
    begun = {name: messages(name, 0) for name in receivers}
    mend(path)
    # Opsgenie closes without a word.
    return Told(begun, {name: messages(name, 1) for name in receivers if name != "genie"})


@pytest.fixture(scope="module")
def told_in_production(production: AlertingPath) -> Told:
    return happened(production, PROD)


@pytest.fixture(scope="module")
def told_in_development(development: AlertingPath) -> Told:
    return happened(development, DEV)


def says_all(text: str, receiver: str, alert: str, grafana: str, cluster: str) -> None:
    description, value, threshold, subject = FACTS[alert]
    measured = (
        (f'"value": "{value}"', f'"threshold": "{threshold}"')
        if receiver == "hook"
        else (f"{value} (threshold {threshold})",)
    )
    links = (f"{grafana}{runbook_path('kubernetes', alert)}", f"{grafana}/d/{KUBERNETES_NAMESPACE}?")
    for part in (description, subject, *measured, *links, f"var-cluster={cluster}", "var-namespace=shop"):
        assert part in text
    for broken in ("error expanding", "no value", "error calling", "{{", "%!"):
        assert broken not in text, "no template failed"


@pytest.mark.parametrize("receiver", PROD)
def test_each_receiver_of_production_gets_what_to_act_on(told_in_production: Told, receiver: str) -> None:
    text = told_in_production.firing[receiver]
    says_all(text, receiver, PROD[receiver], "https://grafana.example.com", "prod-1")
    severity = "info" if receiver == "team-mail" else "critical"
    assert f"FIRING {severity}: {PROD[receiver]} in shop on prod-1" in text


@pytest.mark.parametrize("receiver", DEV)
def test_each_other_kind_of_receiver_gets_what_to_act_on(told_in_development: Told, receiver: str) -> None:
    text = told_in_development.firing[receiver]
    says_all(text, receiver, VOLUME, "http://localhost:30300", "dev-1")


@pytest.mark.parametrize("receiver", PROD)
def test_production_is_notified_of_the_end(told_in_production: Told, receiver: str) -> None:
    text = told_in_production.resolved[receiver]
    assert f": {PROD[receiver]} in shop on prod-1" in text
    assert "FIRING" not in text


def test_production_is_notified_only_by_its_routes(production: AlertingPath, told_in_production: Told) -> None:  # noqa: ARG001  the messages are sent
    for receiver in ("on-call", "team-chat", "heartbeat"):
        assert production.told(receiver, QUOTA) == [], f"{receiver} has no use for mere information"
    for receiver in ("team-mail", "heartbeat"):
        assert production.told(receiver, VOLUME) == []
    assert production.told("heartbeat", "Watchdog"), "the dead man is called all the while"


def test_opsgenie_closes_what_it_opened(development: AlertingPath, told_in_development: Told) -> None:  # noqa: ARG001  the messages are sent
    opened = next(each for each in development.services.of("genie") if VOLUME in str(each.body))
    closes = f"/genie/v2/alerts/{opened.body['alias']}/close?identifierType=alias"
    eventually(lambda: closes in [each.path for each in development.services.of("genie")], 20, "it is closed")
    assert opened.headers["Authorization"] == f"GenieKey {KEY}"


@pytest.mark.parametrize("stack", ["production", "development"])
def test_no_log_says_a_secret_or_that_a_template_failed(
    stack: str, request: pytest.FixtureRequest, told_in_production: Told, told_in_development: Told
) -> None:
    del told_in_production, told_in_development  # the messages are sent
    path: AlertingPath = request.getfixturevalue(stack)
    for server in path.servers:
        log = server.process.log()
        assert '"level":"DEBUG"' in log, "it says all"
        for secret in SECRETS:
            assert secret not in log
        assert "emplate" not in log, f"{server.local.pod} has nothing to say of templates"


# --- what is killed on the way ---


def tells(server: Server) -> float:
    """How many pages an Alertmanager has sent itself."""
    return server.local.metric("alertmanager_notifications_total", integration="pagerduty")


def looked(local: LocalServer, asked: str, count: float) -> bool:
    return local.metric(asked) >= count


def after_some_turns(servers: list[Server], receivers: int) -> None:
    """Wait until each Alertmanager has looked at the volume's group, which so many receivers are told of, once more."""
    # It looks up what each receiver was told; what it counts first may be of a look that had begun.
    asked, looks = "alertmanager_nflog_queries_total", 2 * receivers
    enough = [server.local.metric(asked) + looks for server in servers]
    for server, count in zip(servers, enough, strict=True):
        local = server.local
        eventually(partial(looked, local, asked, count), 30, f"{local.pod} looks")


def test_the_alertmanager_that_notified_is_killed_and_no_other_notifies_again(
    production: AlertingPath,
    told_in_production: Told,  # noqa: ARG001  the first fault is over
) -> None:
    before = production.pages()
    sent = {server.local.pod: tells(server) for server in production.alertmanagers}
    production.exporter.volume = 0.98
    eventually(lambda: production.pages() != before, 20, "on-call is paged")
    for server in production.prometheus:
        eventually(lambda server=server: VOLUME in firing(server), 20, "both Prometheus say so")  # type: ignore[misc]  # mypy types no lambda with a default
    after_some_turns(production.alertmanagers, 2)

    (teller,) = [server for server in production.alertmanagers if tells(server) > sent[server.local.pod]]
    teller.process.kill()
    others = [server for server in production.alertmanagers if server is not teller]
    after_some_turns(others, 2)
    assert production.pages() == [*before, "trigger"], "two Prometheus and three Alertmanagers page once"

    # The next news, an end and a beginning.
    mend(production)
    eventually(
        lambda: production.pages() == [*before, "trigger", "resolve"], 20, "the receivers are notified of the end"
    )
    production.exporter.volume = 0.98
    eventually(lambda: production.pages()[-1] == "trigger", 20, "on-call is paged again")
    after_some_turns(others, 2)
    assert production.pages() == [*before, "trigger", "resolve", "trigger"], "each is notified once"

    mend(production)
    eventually(lambda: production.pages()[-1] == "resolve", 20, "all is well")
    teller.start()
    teller.process.ready(lambda: settled(teller, 3))


def test_silences_and_sent_notifications_outlive_a_kill(
    development: AlertingPath,
    told_in_development: Told,  # noqa: ARG001  the first fault is over
) -> None:
    (server,) = development.alertmanagers
    eventually(lambda: development.pages()[-1] == "resolve", 20, "the first fault is over")
    before = development.pages()
    silences = f"{server.local.url}/api/v2/silences"
    silence = {
        "matchers": [{"name": "alertname", "value": QUOTA, "isRegex": False, "isEqual": True}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
        "createdBy": "platform",
        "comment": "known",
    }
    made = http_json(silences, send=silence)["silenceID"]
    quiet = len(development.told("discord", QUOTA))
    development.exporter.volume = development.exporter.quota = 0.98
    eventually(lambda: development.pages() == [*before, "trigger"], 20, "on-call is paged")
    saved = "alertmanager_nflog_maintenance_total", "alertmanager_silences_maintenance_total"
    seen = {name: server.local.metric(name) for name in saved}
    # The save under way may have begun before: it is the second that has all.
    eventually(lambda: all(server.local.metric(name) >= seen[name] + 2 for name in saved), 20, "both are saved")

    server.process.kill()
    server.start()
    server.process.ready(lambda: settled(server, 1))

    (kept,) = http_json(silences)
    assert (kept["id"], kept["status"]["state"]) == (made, "active")
    after_some_turns([server], 5)
    asked = f"{server.local.url}/api/v2/alerts?filter=alertname={QUOTA}"
    held = eventually(lambda: http_json(asked), 20, "Prometheus has sent it again")
    assert [alert["status"]["silencedBy"] for alert in held] == [[made]]
    assert len(development.told("discord", QUOTA)) == quiet, "what is silenced notifies nobody"
    assert development.pages() == [*before, "trigger"], "what was sent is not sent again"

    mend(development)
    eventually(
        lambda: development.pages() == [*before, "trigger", "resolve"], 20, "the receivers are notified of the end"
    )
