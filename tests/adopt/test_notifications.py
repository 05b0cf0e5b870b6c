"""Receivers, routes and times of Alertmanager become those of a stack file, and nobody is notified of more by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from components.routing import receivers_for, tree
from components.settings.stack import read
from tests.adopt.shapes import SECRET, made, result, said
from tests.content import CLUSTER
from tools.adopt.notes import Kind
from tools.adopt.result import Result

CHAT = {"name": "chat", "slackConfigs": [{"apiURL": SECRET}]}
CALL = {"name": "call", "pagerdutyConfigs": [{"routingKey": SECRET}]}
HOOK = {"name": "hook", "webhookConfigs": [{"urlSecret": SECRET}]}
BOTH = {"name": "both", **{kind: part for each in (CHAT, HOOK) for kind, part in each.items() if kind != "name"}}


def config(route: object, *receivers: object, **spec: Any) -> Any:
    return made("AlertmanagerConfig", {"route": route, "receivers": [CHAT, CALL, HOOK, *receivers], **spec})


def own(route: object, *receivers: object, **parts: Any) -> Result:
    """Alertmanager's own configuration, in a values file."""
    url = [{"api_url": "https://hooks.example.com/abc"}]
    known = [{"name": "chat", "slack_configs": url}, {"name": "nobody"}, *receivers]
    return result(values={"alertmanager": {"config": {"route": route, "receivers": known, **parts}}})


def notified(of: Result, **labels: str) -> set[str]:
    """Who is notified of an alert, by a stack with what was adopted."""
    settings = read({"cluster": CLUSTER, "notifications": of.sections["notifications"]})
    return set(receivers_for(tree(settings.notifications), labels))


def routes(of: Result) -> list[dict[str, Any]]:
    made_routes: list[dict[str, Any]] = of.sections["notifications"]["routes"]
    return made_routes


def test_a_config_takes_the_alerts_of_its_namespace_and_lets_them_go_on() -> None:
    after = result(config({"receiver": "chat", "groupBy": ["job"], "repeatInterval": "2h"}))
    assert routes(after) == [
        {
            "receiver": "shop-front-chat",
            "namespace": ["shop"],
            "groupBy": ["job"],
            "repeatInterval": "2h",
            "continue": True,
        }
    ]
    assert notified(after, severity="info", namespace="shop") == {"shop-front-chat"}
    assert notified(after, severity="info", namespace="other") == set()


def test_child_routes_go_where_theirs_went() -> None:
    child = {"receiver": "call", "matchers": [{"name": "severity", "value": "critical|warning", "matchType": "=~"}]}
    after = result(config({"receiver": "chat", "routes": [child]}))
    assert notified(after, severity="critical", namespace="shop") == {"shop-front-call"}
    assert notified(after, severity="info", namespace="shop") == {"shop-front-chat"}


def test_a_receiver_with_two_integrations_stays_one_for_whom_both_are_notified() -> None:
    child = {"receiver": "call", "matchers": [{"name": "severity", "value": "critical"}]}
    after = result(config({"receiver": "both", "routes": [child]}, BOTH))
    assert notified(after, severity="info", namespace="shop") == {"shop-front-both", "shop-front-both-2"}
    assert notified(after, severity="critical", namespace="shop") == {"shop-front-call"}


MATCHERS = {
    "equal": ({"name": "severity", "value": "critical", "matchType": "="}, {"severity": ["critical"]}),
    "an old regex": ({"name": "owner", "value": "a|b", "regex": True}, {"owner": ["a", "b"]}),
    "any text": ({"name": "team", "value": "(shop-.*|cart)", "matchType": "=~"}, {"owner": ["shop-*", "cart"]}),
    "a dot": ({"name": "environment", "value": r"a\.b", "matchType": "=~"}, {"environment": ["a.b"]}),
}


@pytest.mark.parametrize(("given", "ours"), MATCHERS.values(), ids=MATCHERS)
def test_matchers_become_keys(given: dict[str, Any], ours: dict[str, list[str]]) -> None:
    after = result(config({"receiver": "chat", "routes": [{"receiver": "call", "matchers": [given]}]}))
    assert routes(after)[0]["routes"] == [{"receiver": "shop-front-call", **ours}]


@pytest.mark.parametrize(
    ("spelled", "ours"),
    [
        ("severity = critical", ["critical"]),
        ('severity="critical"', ["critical"]),
        ("severity =~ warning|info", ["warning", "info"]),
        ('{severity="info"}', ["info"]),
    ],
)
def test_matchers_in_alertmanager_s_own_spelling(spelled: str, ours: list[str]) -> None:
    after = own({"receiver": "nobody", "routes": [{"receiver": "chat", "matchers": [spelled]}]})
    assert routes(after) == [{"receiver": "chat", "severity": ours}]


def test_matchers_in_alertmanager_s_old_spelling() -> None:
    route = {"receiver": "chat", "match": {"team": "shop"}, "match_re": {"severity": "warning|info"}}
    assert routes(own({"receiver": "nobody", "routes": [route]})) == [
        {"receiver": "chat", "owner": ["shop"], "severity": ["warning", "info"]}
    ]


UNMATCHED: Mapping[str, tuple[dict[str, Any], str]] = {
    "another label": ({"name": "cluster_role", "value": "a"}, "a route matches severity, owner"),
    "not": ({"name": "severity", "value": "info", "matchType": "!="}, "not what it leaves out"),
    "not like": ({"name": "severity", "value": "info", "matchType": "!~"}, "not what it leaves out"),
    "an expression": ({"name": "owner", "value": "a[bc]", "matchType": "=~"}, "no other regular expression"),
    "no label": ({"name": "owner", "value": ""}, "what has no such label"),
    "an alert": ({"name": "alertname", "value": "ShopClosed"}, "other names here"),
    "another severity": ({"name": "severity", "value": "page"}, "one of critical, warning or info"),
}


@pytest.mark.parametrize(("given", "why"), UNMATCHED.values(), ids=UNMATCHED)
def test_a_route_that_would_take_more_than_theirs_is_listed(given: dict[str, Any], why: str) -> None:
    after = result(config({"receiver": "chat", "routes": [{"receiver": "call", "matchers": [given]}]}))
    assert "routes" not in routes(after)[0]
    (line, *_) = said(after, Kind.LOST)
    assert line.startswith("route.routes[0]: ")
    assert why in line


def test_a_route_that_no_alert_can_match_is_listed_in_the_stack_s_words() -> None:
    child = {"receiver": "call", "matchers": [{"name": "namespace", "value": "other"}]}
    after = result(config({"receiver": "chat", "routes": [child]}))
    assert "routes" not in routes(after)[0]
    assert any("a value that its parent route matches" in line for line in said(after, Kind.LOST))


def test_a_route_to_nobody_is_listed() -> None:
    after = own({"receiver": "chat", "routes": [{"receiver": "nobody", "matchers": ["severity = info"]}]})
    assert routes(after) == [{"receiver": "chat"}]
    (line,) = said(after, Kind.LOST)
    assert line.startswith("route.routes[0]: its receiver notifies nobody: turn such alerts off")


def test_the_root_of_alertmanager_s_configuration_takes_the_rest() -> None:
    after = own(
        {
            "receiver": "chat",
            "group_by": ["namespace"],
            "group_wait": "1m",
            "routes": [{"receiver": "hook", "match": {"team": "a"}}],
        },
        {"name": "hook", "webhook_configs": [{"url": "http://hook.shop.svc:8080/secret"}]},
    )
    assert routes(after) == [{"receiver": "hook", "owner": ["a"]}, {"receiver": "chat"}]
    section = after.sections["notifications"]
    assert (section["groupBy"], section["groupWait"]) == (["namespace"], "1m")
    assert section["receivers"][1] == {"name": "hook", "webhook": {"urlSecret": "hookUrl", "port": 8080}}


def test_watchdog_s_receiver_is_a_dead_man() -> None:
    after = own(
        {"receiver": "chat", "routes": [{"receiver": "heart", "matchers": ["alertname = Watchdog"]}]},
        {"name": "heart", "webhook_configs": [{"url": "https://heart.example.com/abc"}]},
    )
    (_, heart) = after.sections["notifications"]["receivers"]
    assert heart["deadMan"].keys() == {"urlSecret"}
    assert routes(after) == [{"receiver": "chat"}]
    assert said(after, Kind.OURS) == ["route.routes[0]: Watchdog goes to dead men without a route"]


def test_a_receiver_of_watchdog_that_others_name_is_both() -> None:
    after = own(
        {"receiver": "hook", "routes": [{"receiver": "hook", "matchers": ["alertname = Watchdog"]}]},
        {"name": "hook", "webhook_configs": [{"url": "https://hook.example.com/abc"}]},
    )
    names = {each["name"]: set(each) - {"name"} for each in after.sections["notifications"]["receivers"]}
    assert names == {"hook": {"webhook"}, "hook-watchdog": {"deadMan"}}


RECEIVERS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "slack": ({"slackConfigs": [{"apiURL": SECRET}]}, {"slack": {"urlSecret": "shopLoginIt", "sendResolved": False}}),
    "pagerduty": (
        {"pagerdutyConfigs": [{"routingKey": SECRET, "url": "https://events.eu.pagerduty.com/v2/enqueue"}]},
        {"pagerduty": {"routingKeySecret": "shopLoginIt", "apiUrl": "https://events.eu.pagerduty.com/v2/enqueue"}},
    ),
    "email": (
        {
            "emailConfigs": [
                {
                    "to": "a@example.com, b@example.com",
                    "from": "c@example.com",
                    "smarthost": "mail.example.com:587",
                    "authUsername": "c",
                    "authPassword": SECRET,
                    "requireTLS": False,
                    "sendResolved": True,
                }
            ]
        },
        {
            "email": {
                "to": ["a@example.com", "b@example.com"],
                "from": "c@example.com",
                "host": "mail.example.com:587",
                "user": "c",
                "passwordSecret": "shopLoginIt",
                "requireTls": False,
            }
        },
    ),
    "webhook": (
        {"webhookConfigs": [{"urlSecret": SECRET, "httpConfig": {"authorization": {"credentials": SECRET}}}]},
        {"webhook": {"urlSecret": "shopLoginIt", "tokenSecret": "shopLoginIt"}},
    ),
    "discord": ({"discordConfigs": [{"apiURL": SECRET}]}, {"discord": {"urlSecret": "shopLoginIt"}}),
    "teams": (
        {"msteamsv2Configs": [{"webhookURL": SECRET, "sendResolved": False}]},
        {"teams": {"urlSecret": "shopLoginIt", "sendResolved": False}},
    ),
    "opsgenie": ({"opsgenieConfigs": [{"apiKey": SECRET}]}, {"opsgenie": {"apiKeySecret": "shopLoginIt"}}),
}


@pytest.mark.parametrize(("theirs", "ours"), RECEIVERS.values(), ids=RECEIVERS)
def test_a_receiver_becomes_one_of_the_stack_s(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    after = result(config({"receiver": "it"}, {"name": "it", **theirs}))
    (receiver,) = after.sections["notifications"]["receivers"]
    assert receiver == {"name": "shop-front-it", **ours}


def test_a_receiver_of_a_kind_that_the_stack_does_not_have_is_listed() -> None:
    after = result(config({"receiver": "it"}, {"name": "it", "snsConfigs": [{"topicARN": "a"}]}))
    assert "notifications" not in after.sections
    lines = said(after, Kind.LOST)
    assert any("receivers[3].snsConfigs: the stack has slack" in line for line in lines)
    assert any(line.startswith("route: no integration of its receiver is carried over") for line in lines)


def test_secrets_in_plain_are_never_written() -> None:
    secret = "abc-very-secret"  # noqa: S105  it is one of the test's own
    after = own(
        {"receiver": "all"},
        {
            "name": "all",
            "slack_configs": [{}],
            "pagerduty_configs": [{"routing_key": secret}],
            "webhook_configs": [
                {
                    "url": f"https://hook.example.com/{secret}",
                    "http_config": {"basic_auth": {"username": "a", "password": secret}},
                }
            ],
            "opsgenie_configs": [{"api_key_file": "/etc/key"}],
            "email_configs": [{"to": "a@example.com"}],
        },
        **{
            "global": {
                "slack_api_url": f"https://hooks.example.com/{secret}",
                "smtp_from": "b@example.com",
                "smtp_smarthost": "mail.example.com:587",
                "smtp_auth_username": "b",
                "smtp_auth_password": secret,
            }
        },
    )
    assert len(after.sections["notifications"]["receivers"]) == 5
    assert secret not in str(after)
    assert len(after.notes.secrets) == 7
    assert "the file /etc/key of the old server" in after.notes.secrets.values()
    assert (
        sum(
            source.startswith("in plain text: values.yaml: alertmanager.config")
            for source in after.notes.secrets.values()
        )
        == 6
    )


def test_times_become_those_of_a_stack_file() -> None:
    interval = {
        "times": [{"startTime": "22:00", "endTime": "24:00"}, {"startTime": "00:00", "endTime": "06:00"}],
        "weekdays": ["monday:wednesday", "Sunday"],
        "location": "Europe/Berlin",
    }
    after = result(
        config(
            {"receiver": "chat", "muteTimeIntervals": ["night"]},
            muteTimeIntervals=[{"name": "night", "timeIntervals": [interval, {"months": ["may"]}]}],
        )
    )
    common = {"timeZone": "Europe/Berlin", "weekdays": ["monday", "tuesday", "wednesday", "sunday"]}
    assert after.sections["notifications"]["times"] == [
        {"name": "shop-front-night", **common, "from": "22:00"},
        {"name": "shop-front-night-2", **common, "to": "06:00"},
    ]
    assert routes(after)[0]["muteTimes"] == ["shop-front-night", "shop-front-night-2"]
    assert said(after, Kind.LOST)[0] == (
        "muteTimeIntervals[0].timeIntervals[1]: months: times of a stack file repeat every week"
    )


def test_nothing_is_written_that_no_route_names() -> None:
    after = result(config({"receiver": "chat"}))
    assert [each["name"] for each in after.sections["notifications"]["receivers"]] == ["shop-front-chat"]
    assert "no route that is carried over names it" in said(after, Kind.LOST)[0]
