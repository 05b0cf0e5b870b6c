"""Wrong words about who is told, each with the message that it gives."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from components.settings.stack import Refused, read

DEV = {"name": "dev-1", "environment": "dev", "context": "kind-dev", "flavour": "kind"}
PROD = {"name": "prod-1", "environment": "prod", "context": "prod", "flavour": "eks"}
HOOK = "webhook: {urlSecret: hookUrl}"
KEY = "{{name: {}, valueSecret: apiKey}}"
TWO = f"receivers: [{{name: a, {HOOK}}}, {{name: b, {HOOK}}}]"
BEAT = "{name: beat, deadMan: {urlSecret: beatUrl}}"
TOLD = f"receivers: [{{name: a, {HOOK}}}, {BEAT}]"
"""What production asks for, but for the routes."""
KINDS = "exactly one kind of slack, pagerduty, email, webhook, discord, teams, opsgenie, deadMan"
MAIL = "to: [a@example.com], from: b@example.com, host: 'smtp.example.com:587'"
EVERY = "in production every alert must reach somebody"
NEVER = "which takes all of its alerts and does not continue"


def problems(cluster: dict[str, str], notifications: str, **sections: Any) -> list[str]:
    try:
        read({"cluster": cluster, "notifications": yaml.safe_load(f"{{{notifications}}}"), **sections})
    except Refused as refused:
        return refused.problems
    return []


ANYWHERE: list[tuple[str, list[str]]] = [
    # Receivers.
    ("receivers: [{name: a}]", [f"notifications.receivers[0]: {{...}}: {KINDS}"]),
    (
        f"receivers: [{{name: a, {HOOK}, discord: {{urlSecret: hookUrl}}}}]",
        [f"notifications.receivers[0]: {{...}}: {KINDS}"],
    ),
    (
        f"receivers: [{{name: a, {HOOK}}}, {{name: a, {HOOK}}}]",
        ['notifications.receivers[1].name: "a": a name that no other entry of the list has'],
    ),
    (
        f"receivers: [{{name: a, webhook: {{urlSecret: a, headers: [{KEY.format('key')}, {KEY.format('Key')}]}}}}]",
        ["notifications.receivers[0].webhook: {...}: headers: each name once"],
    ),
    (
        "receivers: [{name: a, slack: {}}]",
        ["notifications.receivers[0].slack: {}: urlSecret or tokenSecret: exactly one of them"],
    ),
    (
        "receivers: [{name: a, slack: {tokenSecret: slackToken}}]",
        ["notifications.receivers[0].slack: {...}: tokenSecret and channel belong together: give both or none"],
    ),
    (
        f"receivers: [{{name: a, email: {{{MAIL}, user: me}}}}]",
        ["notifications.receivers[0].email: {...}: user and passwordSecret belong together: give both or none"],
    ),
    (
        f"receivers: [{{name: a, email: {{{MAIL}, hello: 'my cluster', implicitTls: 465}}}}]",
        [
            'notifications.receivers[0].email.hello: "my cluster": a host name like alerts.example.com',
            "notifications.receivers[0].email.implicitTls: 465: true or false",
        ],
    ),
    (
        "receivers: [{name: a, email: {to: [], from: b@example.com, host: 'smtp.example.com:587'}}]",
        ["notifications.receivers[0].email.to: []: at least 1 of them"],
    ),
    (
        "receivers: [{name: a, pagerduty: {routingKey: hunter2}}]",
        [
            "notifications.receivers[0].pagerduty.routingKeySecret: is required",
            (
                "notifications.receivers[0].pagerduty.routingKey: (hidden): a secret is never given in plain: use "
                "routingKeySecret, the name of a top-level secret of this stack, or {name, key} of an existing "
                "Kubernetes Secret"
            ),
        ],
    ),
    (
        "receivers: [{name: a, deadMan: {urlSecret: beatUrl, interval: 5s}}]",
        ['notifications.receivers[0].deadMan.interval: "5s": a duration of at least 10s'],
    ),
    # Times.
    (
        "times: [{name: night, timeZone: Berlin, from: '22:00'}]",
        ['notifications.times[0].timeZone: "Berlin": a time zone like UTC or Europe/Berlin'],
    ),
    ("times: [{name: t}]", ["notifications.times[0]: {...}: at least one of weekdays, from and to"]),
    (
        "times: [{name: t, from: '24:30'}]",
        ['notifications.times[0].from: "24:30": a time of day like "22:00"'],
    ),
    (
        "times: [{name: t, from: '22:00'}, {name: t, to: '06:00'}]",
        ['notifications.times[1].name: "t": a name that no other entry of the list has'],
    ),
    # Routes: names.
    (
        f"{TWO}, routes: [{{receiver: c}}]",
        ['notifications.routes[0].receiver: "c": the name of a receiver: one of a, b'],
    ),
    (
        f"{TWO}, routes: [{{receiver: a, routes: [{{receiver: c, muteTimes: [night]}}]}}]",
        [
            'notifications.routes[0].routes[0].receiver: "c": the name of a receiver: one of a, b',
            'notifications.routes[0].routes[0].muteTimes[0]: "night": the name of a time: there is none',
        ],
    ),
    (
        "routes: [{severity: [critical]}]",
        ["notifications.routes[0].receiver: null: a receiver: neither this route nor a parent route has one"],
    ),
    (
        f"receivers: [{BEAT}], routes: [{{receiver: beat}}]",
        [
            (
                'notifications.routes[0].receiver: "beat": a receiver that is no dead man: dead men get Watchdog '
                "without a route"
            )
        ],
    ),
    (
        f"{TWO}, routes: [{{receiver: a, severity: [urgent]}}]",
        ['notifications.routes[0].severity[0]: "urgent": one of critical, warning or info'],
    ),
    # Routes: what can never match.
    (
        f"{TWO}, routes: [{{receiver: a}}, {{receiver: b, severity: [critical]}}]",
        [f"notifications.routes[1]: never matches: move it before notifications.routes[0], {NEVER}"],
    ),
    (
        f"{TWO}, routes: [{{receiver: a, namespace: ['shop*']}}, {{receiver: b, namespace: [shop-1, 'shop-*']}}]",
        [f"notifications.routes[1]: never matches: move it before notifications.routes[0], {NEVER}"],
    ),
    (
        f"{TWO}, routes: [{{receiver: a, severity: [critical], routes: [{{receiver: b, severity: [warning]}}]}}]",
        ['notifications.routes[0].routes[0].severity: "warning": a value that its parent route matches: critical'],
    ),
    ("groupInterval: 0s", ['notifications.groupInterval: "0s": a duration longer than 0s']),
    ("groupBy: []", ["notifications.groupBy: []: at least 1 of them"]),
]


@pytest.mark.parametrize(("given", "said"), ANYWHERE, ids=[given for given, _ in ANYWHERE])
def test_what_is_wrong_anywhere(given: str, said: list[str]) -> None:
    assert problems(DEV, given) == said


IN_PRODUCTION: list[tuple[str, list[str]]] = [
    (
        "receivers: []",
        ["notifications.receivers: []: at least one receiver: in production an alert must reach somebody"],
    ),
    (
        f"receivers: [{{name: a, {HOOK}}}], routes: [{{receiver: a}}]",
        [
            (
                "notifications.receivers: [...]: a deadMan among them: in production somebody must notice when "
                "alerting itself fails"
            )
        ],
    ),
    (
        f"{TOLD}, routes: [{{receiver: a, severity: [warning, info]}}]",
        [f'notifications.routes: no route for severity "critical": {EVERY}'],
    ),
    (
        f"{TOLD}, routes: [{{receiver: a, severity: [critical]}}]",
        [f'notifications.routes: no route for severity "{severity}": {EVERY}' for severity in ("warning", "info")],
    ),
    (
        f"receivers: [{{name: a, {HOOK}}}, {{name: b, {HOOK}}}, {BEAT}], routes: [{{receiver: a}}]",
        ['notifications.receivers[1].name: "b": a receiver that a route names: no alert reaches this one'],
    ),
    (
        f"{TOLD}, routes: [{{receiver: a, owner: [platfrom]}}, {{receiver: a}}]",
        ['notifications.routes[0].owner[0]: "platfrom": a value that an alert of this stack has: agents, platform'],
    ),
    (
        f"{TOLD}, routes: [{{receiver: a, environment: [staging]}}, {{receiver: a, system: [mysql]}}, {{receiver: a}}]",
        [
            'notifications.routes[0].environment[0]: "staging": a value that an alert of this stack has: prod',
            'notifications.routes[1].system[0]: "mysql": a value that an alert of this stack has: logs, monitoring',
        ],
    ),
    (
        f"{TOLD}, times: [{{name: night, from: '22:00', to: '06:00'}}], routes: [{{receiver: a, muteTimes: [night]}}]",
        [
            (
                'notifications.routes[0].muteTimes: "night": none on the only route of a critical alert: in production '
                "it must reach somebody at any time"
            )
        ],
    ),
    (
        (
            f"{TOLD}, times: [{{name: day, from: '08:00'}}], "
            "routes: [{receiver: a, namespace: [shop], activeTimes: [day]}, {receiver: a}]"
        ),
        [
            (
                'notifications.routes[0].activeTimes: "day": none on the only route of a critical alert: in production '
                "it must reach somebody at any time"
            )
        ],
    ),
    (
        (
            f"receivers: [{{name: a, email: {{{MAIL}, user: me, passwordSecret: mail, requireTls: false}}}}, "
            f"{{name: b, email: {{{MAIL}, user: me, passwordSecret: mail, requireTls: false, implicitTls: true}}}}, "
            f"{BEAT}], routes: [{{receiver: a, continue: true}}, {{receiver: b}}]"
        ),
        [
            (
                "notifications.receivers[0].email.requireTls: false: true with a login: in production no password or "
                "token crosses the network in plain"
            )
        ],
    ),
]


@pytest.mark.parametrize(("given", "said"), IN_PRODUCTION, ids=[given for given, _ in IN_PRODUCTION])
def test_what_production_refuses_and_others_may_do(given: str, said: list[str]) -> None:
    assert problems(PROD, given) == said
    assert problems(DEV, given) == []


def test_production_keeps_the_alert_that_its_dead_man_waits_for() -> None:
    said = problems(PROD, f"{TOLD}, routes: [{{receiver: a}}]", alerts={"Watchdog": "off"})
    assert said == ["alerts.Watchdog: off: in production the dead man needs it"]


def test_an_owner_whose_alerts_go_nowhere_is_named_with_them() -> None:
    objective = {"name": "checkout", "objective": 99.9, "total": "a", "errors": "b", "owner": "shop"}
    said = problems(PROD, f"{TOLD}, routes: [{{receiver: a, owner: [platform]}}]", slos=[objective])
    assert any(
        line.startswith('notifications.routes: no route for severity "warning" of owner "shop" (Checkout')
        and line.endswith(EVERY)
        for line in said
    )


@pytest.mark.parametrize(
    "given",
    [
        f"{TOLD}, routes: [{{receiver: a}}]",
        # A second way that is open at any time.
        (
            f"{TOLD}, times: [{{name: night, from: '22:00'}}], "
            "routes: [{receiver: a, muteTimes: [night], continue: true}, {receiver: a}]"
        ),
        # No alert is of this severity today: an override may make it one.
        f"{TOLD}, routes: [{{receiver: a, severity: [info]}}, {{receiver: a}}]",
        f"{TOLD}, routes: [{{receiver: a, routes: [{{namespace: [shop], groupWait: 0s}}]}}]",
    ],
)
def test_what_production_allows(given: str) -> None:
    assert problems(PROD, given) == []


@pytest.mark.parametrize(
    ("alert", "collector"),
    [
        ("GrafanaNotificationsFailing", "promtail"),
        ("PromtailLinesDropped", "promtail"),
        ("OtelAgentBehind", "otel"),
        ("SlowA2aRequests", "promtail"),
    ],
)
def test_an_alert_of_what_only_some_stacks_have_must_reach_somebody_as_well(alert: str, collector: str) -> None:
    owner = "agents" if "A2a" in alert else "platform"
    other = {"agents": "shop", "platform": "agents"}[owner]
    routes = f"routes: [{{receiver: a, severity: [critical, warning]}}, {{receiver: a, owner: [{other}]}}]"
    # An alert of the other owner's that is worth knowing: so that a lost one is said by name.
    slo = {"name": "checkout", "owner": other, "objective": 99.9, "total": "a", "errors": "b"}
    found = problems(
        PROD,
        f"{TOLD}, {routes}",
        alerts={alert: {"severity": "info"}},
        logs={"collector": collector},
        systems={"kubernetes": {}, "agents": {}},
        slos=[slo],
    )
    (said,) = (each for each in found if f'owner "{owner}"' in each)
    assert alert in said
