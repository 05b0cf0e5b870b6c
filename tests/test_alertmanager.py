"""Alertmanager: replicas that find each other, and what an edit of its configuration touches."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.conftest import Recorded, Stacks


def alertmanager_yml(stack: Recorded) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(stack.files["alertmanager/config/alertmanager.yml"])
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


def test_settings_reach_the_server(stack: Stacks) -> None:
    given = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    settings = {"retention": "10d", "logLevel": "debug", "resources": given}
    made = stack("prod", alertmanager=settings, notifications={"repeatInterval": "1h", "groupInterval": "1m"})
    assert flags(made, "data.retention") == ["10d"]
    assert flags(made, "log.level") == ["debug"]
    assert made.container("alertmanager")["resources"] == given
    route = alertmanager_yml(made)["route"]
    assert (route["repeat_interval"], route["group_interval"]) == ("1h", "1m")
