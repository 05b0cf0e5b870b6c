"""Whom Grafana tells: the model that Alertmanager's receivers and routes come from, as what is in Grafana."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from components.alertmanager.config import interval
from components.grafana.notifications import Notifications, notifications, printed
from components.settings.notifications import TimeInterval
from components.settings.stack import Refused, read
from model.quantities import Duration
from tests.conftest import Recorded, Stacks
from tests.test_secrets import PLANTED, betrays, leaves
from tests.test_secrets import settings as every_secret
from tools import render
from tools.recorder import Resource, Secret

SMTP = {"host": "smtp.example.com:587", "fromAddress": "grafana@example.com"}
ELSEWHERE = {"name": "vault", "key": "url"}
"""A Kubernetes Secret that something else keeps."""
TIMES = [
    {"name": "night", "timeZone": "Europe/Berlin", "from": "22:00", "to": "06:00"},
    {"name": "weekend", "weekdays": ["sunday", "saturday"]},
]


def told(*receivers: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Notifications with a webhook, and what else is given."""
    hook = {"name": "hook", "webhook": {"urlSecret": "hookUrl"}}
    return {"receivers": [hook, *receivers], "routes": [{"receiver": "hook"}], **changes}


def told_by_grafana(notifications_of: dict[str, Any], grafana: dict[str, Any] | None = None) -> Notifications | None:
    """What these sections of a stack file mean for Grafana."""
    cluster = {"name": "dev-1", "environment": "dev", "context": "kind-dev", "flavour": "kind"}
    stack = read({"cluster": cluster, "notifications": notifications_of, "grafana": grafana or {}})
    return notifications(stack.notifications, stack.grafana, stack.alertmanager, stack.cluster)


def made(notifications_of: dict[str, Any], grafana: dict[str, Any] | None = None) -> Notifications:
    """The same, where it is something."""
    something = told_by_grafana(notifications_of, grafana)
    assert something
    return something


def of_kind(stack: Recorded, kind: str) -> dict[str, dict[str, Any]]:
    """What Grafana is given of a kind, by its name."""
    return {
        made.inputs.get("name", ""): made.inputs
        for made in stack.recorder.resources_seen
        if made.type == f"grafana:alerting/{kind[0].lower()}{kind[1:]}:{kind}"
    }


def policy(stack: Recorded) -> dict[str, Any]:
    (only,) = of_kind(stack, "NotificationPolicy").values()
    return only


def resources(stack: Recorded) -> dict[str, Resource]:
    """All that decides whom Grafana tells, by name; what it finds is not."""
    return {
        made.name: made
        for made in stack.recorder.resources_seen
        if made.type.startswith("grafana:alerting/") and not made.type.endswith(":RuleGroup")
    }


@pytest.fixture(scope="module")
def own(stack: Stacks) -> Recorded:
    """Every kind of receiver, as a contact point of Grafana's."""
    return stack("prod", secrets=PLANTED, grafana={"smtp": SMTP}, **every_secret(lambda key: key))


# --- which way ---


@pytest.mark.parametrize(
    ("notifications", "grafana", "way"),
    [
        ({}, {}, "forward"),
        (told(), {}, "contactPoints"),
        (told(grafana="forward"), {}, "forward"),
        (told({"name": "vaulted", "slack": {"urlSecret": ELSEWHERE}}), {}, "forward"),
        (told({"name": "beat", "deadMan": {"urlSecret": ELSEWHERE}}), {}, "contactPoints"),
        (told({"name": "mail", "email": {"to": ["a@b.c"], "from": "d@e.f", "host": "m.x:25"}}), {}, "forward"),
        (
            told({"name": "mail", "email": {"to": ["a@b.c"], "from": "d@e.f", "host": "m.x:25"}}),
            {"smtp": SMTP},
            "contactPoints",
        ),
    ],
    ids=["nobody is told", "all can be", "as said", "a secret out of reach", "a dead man's", "mail", "mail, by SMTP"],
)
def test_grafana_sends_by_itself_where_it_can_reach_everybody(
    notifications: dict[str, Any], grafana: dict[str, Any], way: str
) -> None:
    names = {each.name for each in made(notifications, grafana).contact_points}
    assert ("Alertmanager" in names) == (way == "forward")
    assert ("hook" in names) == (way == "contactPoints")


DEEP: dict[str, Any] = {"receiver": "hook"}
for _ in range(5):
    DEEP = {"receiver": "hook", "routes": [DEEP]}


@pytest.mark.parametrize(
    ("notifications", "problem"),
    [
        ({}, 'notifications.grafana: "contactPoints": forward, or a receiver besides dead men: Grafana has nobody'),
        (
            told({"name": "vaulted", "webhook": {"urlSecret": "hookUrl", "tokenSecret": ELSEWHERE}}),
            "notifications.receivers[1].webhook.tokenSecret: is in a Kubernetes Secret, which Pulumi cannot read",
        ),
        (
            told(
                {
                    "name": "vaulted",
                    "webhook": {"urlSecret": "hookUrl", "basicAuth": {"username": "u", "passwordSecret": ELSEWHERE}},
                }
            ),
            "notifications.receivers[1].webhook.basicAuth.passwordSecret: is in a Kubernetes Secret",
        ),
        (
            told({"name": "mail", "email": {"to": ["a@b.c"], "from": "d@e.f", "host": "m.x:25"}}),
            "notifications.receivers[1].email: needs grafana.smtp",
        ),
        (
            told(routes=[DEEP]),
            "notifications.routes[0].routes[0].routes[0].routes[0].routes[0].routes[0]: at most 5 levels of routes",
        ),
    ],
    ids=["nobody", "a token", "a password", "mail", "depth"],
)
def test_contact_points_that_cannot_be_made_are_refused(notifications: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        made({**notifications, "grafana": "contactPoints"})
    (said,) = refused.value.problems
    assert said.startswith(problem)
    assert "forward" in said, "there is another way, and the message names it"


def test_an_external_grafana_keeps_its_policy_by_default() -> None:
    """One organisation has one policy: what other teams have in it would be gone."""
    theirs = {"external": {"url": "https://grafana.elsewhere.example.com", "tokenSecret": "grafanaToken"}}
    assert told_by_grafana(told(), theirs) is None
    assert made(told(grafana="contactPoints"), theirs).timings
    assert not made(told(grafana="forward"), theirs).timings


# --- forwarded ---


def test_forwarded_alerts_reach_every_alertmanager_and_are_sent_on_by_its_routes(prod: Recorded) -> None:
    (contact_point,) = of_kind(prod, "ContactPoint").values()
    assert contact_point["alertmanagers"][0]["url"].split(",") == [
        f"http://alertmanager-{ordinal}.alertmanager-headless.monitoring.svc:9093" for ordinal in range(3)
    ], "as Prometheus sends: the one that is asked may be the one that dies"
    assert policy(prod) == {
        "contactPoint": "Alertmanager",
        "groupBies": ["..."],
        "groupWait": "0s",
        "groupInterval": "30s",
        "repeatInterval": "45s",
    }
    assert resources(prod).keys() == {
        "grafana-content-contact-point-alertmanager",
        "grafana-content-notification-policy",
    }


# --- contact points of Grafana's own ---


def test_every_receiver_but_a_dead_man_is_a_contact_point(own: Recorded) -> None:
    kinds = {name: [kind for kind in inputs if kind != "name"] for name, inputs in of_kind(own, "ContactPoint").items()}
    assert kinds == {
        "hook": ["webhooks"],
        "login": ["webhooks"],
        "chat": ["slacks"],
        "app": ["slacks"],
        "pager": ["pagerduties"],
        "mail": ["emails"],
        "discord": ["discords"],
        "teams": ["teams"],
        "genie": ["opsgenies"],
    }, "a dead man that Grafana calls as well would not notice that Prometheus is dead"


def settings(stack: Recorded, name: str) -> dict[str, Any]:
    """Of the one integration that a contact point has."""
    (blocks,) = (value for key, value in of_kind(stack, "ContactPoint")[name].items() if key != "name")
    (block,) = blocks.value if isinstance(blocks, Secret) else blocks
    return dict(block)


def test_what_a_contact_point_needs_is_in_the_words_of_grafana(own: Recorded) -> None:
    assert settings(own, "hook")["authorizationScheme"] == "Bearer"
    assert settings(own, "hook")["authorizationCredentials"] == PLANTED["hookToken"]
    assert settings(own, "hook")["headers"] == {"apiKey": PLANTED["hookHeader"]}
    assert settings(own, "login")["basicAuthUser"] == "stack"
    assert settings(own, "login")["basicAuthPassword"] == PLANTED["loginPassword"]
    assert settings(own, "app")["recipient"] == "#alerts"
    assert settings(own, "app")["endpointUrl"] == "https://slack.com/api/chat.postMessage"
    assert settings(own, "pager")["url"] == "https://events.pagerduty.com/v2/enqueue"
    assert settings(own, "pager")["class"] == '{{ template "notify.name" . }}'
    assert settings(own, "mail")["addresses"] == ["team@example.com"]
    assert settings(own, "genie")["url"] == "https://api.opsgenie.com/v2/alerts", "the whole path, not the host"


def test_the_end_of_an_alert_is_left_out_where_the_stack_file_says_so() -> None:
    quiet = {"name": "quiet", "discord": {"urlSecret": "hookUrl", "sendResolved": False}}
    left_out = {each.name: each.settings["disable_resolve_message"] for each in made(told(quiet)).contact_points}
    assert left_out == {"hook": False, "quiet": True}


def test_every_template_that_a_contact_point_uses_is_made_before_it(own: Recorded) -> None:
    (messages,) = of_kind(own, "MessageTemplate").values()
    used = {
        name
        for contact_point in of_kind(own, "ContactPoint")
        for name in re.findall(r'template "([a-z.]+)"', str(settings(own, contact_point)))
    }
    assert len(used) > 5
    for name in used:
        assert f'{{{{ define "{name}"' in messages["template"], name
    template = resources(own)["grafana-content-messages"]
    for each in resources(own).values():
        if each.type.endswith(":ContactPoint"):
            assert template.urn in each.dependencies


def test_messages_keep_to_what_grafana_understands_and_silence_where_grafana_looks(own: Recorded) -> None:
    (messages,) = of_kind(own, "MessageTemplate").values()
    text = messages["template"]
    for newer in ("humanizeDuration", "since", "toJson", "urlUnescape"):
        assert f"| {newer}" not in text, "Grafana's template functions are those of Alertmanager 0.25"
    assert "alerting/silence/new?alertmanager=grafana{{" in text, "another Alertmanager's silences mean nothing here"
    assert text == text.strip(), "as Grafana gives it back"


# --- times ---


def test_times_are_alertmanagers_and_named_as_in_the_stack_file() -> None:
    routes = [{"receiver": "hook", "muteTimes": ["night"], "activeTimes": ["weekend"]}]
    grafana = made(told(times=TIMES, routes=routes))
    timings = {timing.name: timing.intervals for timing in grafana.timings}
    assert timings.keys() == {"Always", "night", "weekend"}
    for raw in TIMES:
        time = TimeInterval.model_validate(raw)
        assert [
            {**span, "times": [{"start_time": part["start"], "end_time": part["end"]} for part in span["times"]]}
            for span in timings[time.name]
        ] == interval(time)["time_intervals"], time.name
    hook = grafana.policy["policies"][-2]
    assert (hook["mute_timings"], hook["active_timings"]) == (["night"], ["weekend"])


def test_what_no_route_takes_is_muted_since_grafanas_root_cannot_be_without_a_contact_point(own: Recorded) -> None:
    last = policy(own)["policies"][-1]
    assert "matchers" not in last
    assert "contactPoint" not in last
    assert last["muteTimings"] == ["Always"]
    assert of_kind(own, "MuteTiming")["Always"]["intervals"] == [
        {"times": [{"start": "00:00", "end": "24:00"}], "location": "UTC"}
    ]


# --- what would never be the same twice ---


@pytest.mark.parametrize(
    ("said", "shown"),
    [("0s", "0s"), ("60s", "1m"), ("90s", "1m30s"), ("24h", "1d"), ("7d", "1w"), ("10d", "10d"), ("730d", "2y")],
)
def test_durations_are_printed_as_grafana_prints_them(said: str, shown: str) -> None:
    assert printed(Duration.parse(said)) == shown


def test_every_policy_says_how_it_groups(own: Recorded) -> None:
    """The provider demands it of the innermost policies."""

    def walk(node: dict[str, Any]) -> None:
        assert node["groupBies"]
        for child in node.get("policies", []):
            walk(child)

    walk(policy(own))


def test_nothing_empty_is_given_since_grafana_would_leave_it_out_of_its_answer(own: Recorded) -> None:
    def empty(value: Any) -> bool:
        if isinstance(value, dict):
            return any(map(empty, value.values()))
        if isinstance(value, list):
            return not value or any(map(empty, value))
        return value in ("", None)

    for each in resources(own).values():
        assert not empty({name: value for name, value in each.inputs.items() if not isinstance(value, Secret)})


# --- resources ---


def test_each_is_named_after_what_it_is_and_made_through_the_explicit_provider(own: Recorded) -> None:
    told = (f"contact-point-{name}" for name in of_kind(own, "ContactPoint"))
    assert resources(own).keys() == {
        f"grafana-content-{each}" for each in ("messages", "time-always", "notification-policy", *told)
    }
    for each in resources(own).values():
        assert "pulumi:providers:grafana::grafana" in each.provider
        assert "GrafanaContent::grafana-content" in each.parent


def test_the_policy_comes_after_all_that_it_names(own: Recorded) -> None:
    """Grafana refuses to delete a contact point that is in use, so the policy must be changed before."""
    all_of_it = resources(own).values()
    (tree,) = (each for each in all_of_it if each.type.endswith(":NotificationPolicy"))
    others = {each.urn for each in all_of_it if not each.type.endswith(":NotificationPolicy")}
    assert others <= set(tree.dependencies)


def test_the_order_of_receivers_and_times_means_nothing() -> None:
    config: dict[str, Any] = every_secret(lambda key: key)["notifications"] | {"times": TIMES}
    turned = config | {name: config[name][::-1] for name in ("receivers", "times")}
    one, other = made(config, {"smtp": SMTP}), made(turned, {"smtp": SMTP})
    assert {each.name: each for each in one.contact_points} == {each.name: each for each in other.contact_points}
    assert {each.name: each for each in one.timings} == {each.name: each for each in other.timings}
    assert one.policy["contact_point"] == other.policy["contact_point"]


def test_the_engine_receives_every_secret_as_a_secret(own: Recorded) -> None:
    texts = [text for each in resources(own).values() for text in leaves(each.inputs)]
    assert not [text for text, hidden in texts if not hidden and betrays(text)], "a preview would show it"
    needed = {key for key in PLANTED if not key.startswith(("write", "pump", "shop", "keyed", "list", "mail", "beat"))}
    assert {text for text, _ in texts if betrays(text)} == {PLANTED[key] for key in needed}


def test_a_refresh_does_not_write_a_secret_to_the_state_in_plain(own: Recorded) -> None:
    for name, each in resources(own).items():
        if each.type.endswith(":ContactPoint") and "mail" not in name:
            assert each.secret_outputs, f"{name}: the provider takes a webhook's URL for no secret"
            assert each.secret_outputs[0] in each.inputs


def test_nothing_rendered_holds_a_secret(own: Recorded) -> None:
    files = render.grafana_files(own.recorder)
    assert "notificationpolicies/grafana-content-notification-policy.json" in files
    assert "contactpoints/grafana-content-contact-point-hook.json" in files
    assert not [path for path, text in files.items() if any(secret in text for secret in PLANTED.values())]


def test_grafana_is_let_out_to_its_contact_points(own: Recorded, prod: Recorded) -> None:
    def ports(stack: Recorded) -> set[int]:
        rules = stack.kind("NetworkPolicy")["grafana"]["spec"]["egress"]
        return {
            port["port"] for rule in rules if any("ipBlock" in peer for peer in rule["to"]) for port in rule["ports"]
        }

    assert ports(own) - ports(prod) == {443, 587}, "what is forwarded needs no way out of the cluster"
