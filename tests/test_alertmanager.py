"""Alertmanager: replicas that find each other, and what an edit of its configuration touches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import NOTHING, Recorded, Stacks
from tools.local.rendered import loaded


def alertmanager_yml(stack: Recorded) -> dict[str, Any]:
    read: dict[str, Any] = loaded(stack.files["alertmanager/config/alertmanager.yml"])
    return read


def flags(stack: Recorded, name: str) -> list[str]:
    args = stack.container("alertmanager")["args"]
    return [arg.partition("=")[2] for arg in args if arg.startswith(f"--{name}=")]


def test_replicas_gossip_so_that_one_alert_is_one_notification(prod: Recorded) -> None:
    assert prod.workloads["alertmanager"]["spec"]["replicas"] == 3
    assert flags(prod, "cluster.peer") == [
        f"alertmanager-{ordinal}.alertmanager-headless.monitoring.svc:9094" for ordinal in range(3)
    ]
    assert flags(prod, "cluster.listen-address") == ["0.0.0.0:9094"]
    assert flags(prod, "cluster.advertise-address") == ["[$(POD_IP)]:9094"], "without brackets no IPv6 address"
    assert prod.workloads["alertmanager"]["spec"]["serviceName"] == "alertmanager-headless", "names every pod"
    headless = prod.kind("Service")["alertmanager-headless"]["spec"]
    assert headless["clusterIP"] == "None"
    assert headless["publishNotReadyAddresses"] is True, "peers must meet before they can be ready"
    assert {(port["port"], port["protocol"]) for port in headless["ports"]} == {
        (9093, "TCP"),
        (9094, "TCP"),
        (9094, "UDP"),
    }, "gossip is UDP, full state is TCP"


def test_all_replicas_start_at_once(prod: Recorded) -> None:
    assert prod.workloads["alertmanager"]["spec"]["podManagementPolicy"] == "Parallel", "none waits for the one before"


def test_a_single_replica_waits_for_nobody(dev: Recorded) -> None:
    assert flags(dev, "cluster.listen-address") == [""], "empty turns gossip off"
    assert flags(dev, "cluster.peer") == []
    assert [port["name"] for port in dev.container("alertmanager")["ports"]] == ["http"]


@pytest.mark.parametrize(
    "changes",
    [
        {"groupWait": "1m"},
        {"routes": [{"receiver": name, "continue": True} for name in ("on-call", "team-chat", "team-mail")]},
    ],
    ids=["timing", "routes"],
)
def test_an_edit_of_its_configuration_rolls_it_and_nothing_else(
    stack: Stacks, prod: Recorded, changes: dict[str, Any]
) -> None:
    made = stack("prod", notifications=changes)
    assert made.changed_from(prod) == {("ConfigMap", "alertmanager-config"), ("StatefulSet", "alertmanager")}
    checksums = [of.template("alertmanager")["metadata"]["annotations"]["checksum/config"] for of in (made, prod)]
    assert checksums[0] != checksums[1], "it reads its configuration when it starts"


def routes(stack: Recorded) -> list[dict[str, Any]]:
    """The top-level routes without those of test pages."""
    listed: list[dict[str, Any]] = alertmanager_yml(stack)["route"]["routes"]
    return [route for route in listed if "test_page" not in str(route.get("matchers"))]


def test_a_page_comes_within_seconds_and_what_is_less_urgent_in_company(prod: Recorded) -> None:
    waits = {route["receiver"]: route.get("group_wait") for route in routes(prod)}
    assert waits == {"heartbeat": "0s", "on-call": "10s", "team-chat": "10s", "team-mail": None}
    assert alertmanager_yml(prod)["route"]["group_wait"] == "30s"


def test_how_long_a_route_waits_is_said_once_for_all_within_it(stack: Stacks) -> None:
    inner = [{"severity": ["critical"]}, {"severity": ["warning"], "groupWait": "2m"}]
    outer = [{"receiver": "on-call", "owner": ["a"], "groupWait": "1m", "routes": inner}, {"receiver": "on-call"}]
    made = stack("dev", systems=NOTHING, notifications={"receivers": [HOOK], "routes": outer})
    watchdog, slow, usual = routes(made)
    assert "receiver" not in watchdog, "nobody, where there is no dead man"
    assert (slow["group_wait"], usual["group_wait"]) == ("1m", "10s")
    assert [route.get("group_wait") for route in slow["routes"]] == [None, "2m"]


HOOK = {"name": "on-call", "webhook": {"urlSecret": {"name": "alert-receivers", "key": "url"}}}


@pytest.mark.parametrize(
    ("given", "spans"),
    [
        ({"from": "08:00", "to": "17:30"}, [("08:00", "17:30", None)]),
        ({"weekdays": ["sunday", "saturday"]}, [("00:00", "24:00", ["sunday", "saturday"])]),
        ({"from": "22:00"}, [("22:00", "24:00", None)]),
        ({"from": "22:00", "to": "00:00"}, [("22:00", "24:00", None)]),
        (
            {"weekdays": ["friday", "saturday"], "from": "22:00", "to": "06:00"},
            [("22:00", "24:00", ["friday", "saturday"]), ("00:00", "06:00", ["sunday", "saturday"])],
        ),
    ],
    ids=["day", "weekend", "evening", "until midnight", "nights"],
)
def test_times_are_of_a_zone_and_may_cross_midnight(
    stack: Stacks, given: dict[str, Any], spans: list[tuple[str, str, list[str] | None]]
) -> None:
    times = [{"name": "quiet", "timeZone": "Europe/Berlin", **given}]
    route = {"receiver": "on-call", "muteTimes": ["quiet"], "severity": ["info"]}
    made = stack("dev", systems=NOTHING, notifications={"receivers": [HOOK], "times": times, "routes": [route]})
    (quiet,) = alertmanager_yml(made)["time_intervals"]
    assert {span["location"] for span in quiet["time_intervals"]} == {"Europe/Berlin"}
    assert [
        (span["times"][0]["start_time"], span["times"][0]["end_time"], span.get("weekdays"))
        for span in quiet["time_intervals"]
    ] == spans
    assert routes(made)[-1]["mute_time_intervals"] == ["quiet"]


def test_the_link_that_silences_leads_where_a_person_can_go(stack: Stacks, prod: Recorded) -> None:
    page = "https://grafana.example.com/alerting/silence/new?alertmanager=Alertmanager"
    assert page in prod.files["alertmanager/config/messages.tmpl"]
    made = stack("dev", systems=NOTHING, alertmanager={"externalUrl": "https://alerts.example.com/am/"})
    assert "https://alerts.example.com/am/#/silences/new?filter=" in made.files["alertmanager/config/messages.tmpl"]
    assert flags(made, "web.external-url") == ["https://alerts.example.com/am/"]
    assert flags(made, "web.route-prefix") == ["/"], "probes and Prometheus come by the same way as ever"


def test_a_kill_loses_at_most_a_minute_of_silences(prod: Recorded) -> None:
    assert flags(prod, "data.maintenance-interval") == ["1m"]


def test_settings_reach_the_server(stack: Stacks) -> None:
    given = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    settings = {"retention": "10d", "logLevel": "debug", "resources": given}
    made = stack(
        "dev", systems=NOTHING, alertmanager=settings, notifications={"repeatInterval": "1h", "groupInterval": "1m"}
    )
    assert flags(made, "data.retention") == ["10d"]
    assert flags(made, "log.level") == ["debug"]
    resources = made.container("alertmanager")["resources"]
    for kind, amounts in given.items():
        assert amounts.items() <= resources[kind].items()
    route = alertmanager_yml(made)["route"]
    assert (route["repeat_interval"], route["group_interval"]) == ("1h", "1m")
