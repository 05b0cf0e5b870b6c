"""Alertmanagers on their rendered arguments: a cluster in production, alone in development, one notification each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.grafana.notifications import FORWARD_INTERVAL
from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, http_json, http_text
from tools.local.receiving import Posted, endpoints
from tools.local.rendered import Rendered, render_text
from tools.local.server import LocalServer
from tools.recorder import ROOT


def status(local: LocalServer) -> Any:
    return http_json(f"{local.url}/api/v2/status")["cluster"]


def metric(local: LocalServer, name: str) -> float:
    """The sum over all series of a metric that a server says of itself."""
    lines = http_text(f"{local.url}/metrics").splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


@dataclass(frozen=True)
class Alerting:
    """Production's two Prometheus and three Alertmanagers, and the dead man that its Watchdog calls."""

    prometheus: list[LocalServer]
    alertmanagers: list[LocalServer]
    heartbeats: Callable[[], list[Posted]]
    """What the dead man has received so far."""


@pytest.fixture(scope="module")
def alerting(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alerting]:
    home = tmp_path_factory.mktemp("alerting")
    stack = render_text("prod", home, quick())
    account = Account.admin(control_plane)
    place = partial(LocalServer, stack, account=account)
    gossip = [free_port() for _ in range(3)]
    peers = {
        f"alertmanager-{number}.alertmanager-headless.monitoring.svc:9094": f"127.0.0.1:{port}"
        for number, port in enumerate(gossip)
    }
    with ExitStack() as exits:
        services = exits.enter_context(endpoints())
        alertmanagers = [
            place(
                server="alertmanager",
                home=home / f"alertmanager-{number}",
                pod=f"alertmanager-{number}",
                ports={9094: port},
                addresses=peers,
                planted={"heartbeat-url": f"{services.url}/dead-man"},
                # A peer waits for those before it, and all until the cluster is still: seconds, not half a minute.
                faster=["--cluster.peer-timeout=2s", "--cluster.gossip-interval=50ms"],
            )
            for number, port in enumerate(gossip)
        ]
        prometheus = [
            place(
                server="prometheus",
                home=home / f"prometheus-{number}",
                pod=f"prometheus-{number}",
                alertmanagers=[local.address for local in alertmanagers],
            )
            for number in range(2)
        ]
        running: list[Process] = [exits.enter_context(local.process()) for local in alertmanagers]
        for process, local in zip(running, alertmanagers, strict=True):
            # Alerts that come before the peers know each other would be sent by each of them.
            process.ready(lambda local=local: status(local)["status"] == "ready" and len(status(local)["peers"]) == 3)  # type: ignore[misc]  # mypy types no lambda with a default
        for local in prometheus:
            exits.enter_context(local.process())
        yield Alerting(prometheus, alertmanagers, partial(services.of, "dead-man"))


def quick() -> str:
    """The production stack file with its own rules alone, evaluated every second: all of them take two cores."""
    file = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())
    sections = file["config"]
    sections["agent-observability:prometheus"]["evaluationInterval"] = "1s"
    del sections["agent-observability:systems"]
    return json.dumps(file)


def test_the_alertmanagers_of_production_are_one_cluster(alerting: Alerting) -> None:
    for local in alerting.alertmanagers:
        assert status(local)["status"] == "ready"
        addresses = {peer["address"] for peer in status(local)["peers"]}
        assert addresses == {f"127.0.0.1:{other.ports[9094]}" for other in alerting.alertmanagers}


def test_an_alert_of_two_replicas_reaches_the_receiver_once(alerting: Alerting) -> None:
    for local in alerting.prometheus:
        sent = partial(metric, local, "prometheus_notifications_sent_total")
        eventually(lambda sent=sent: sent() >= 3, 120, f"{local.pod} has sent to every Alertmanager")  # type: ignore[misc]  # mypy types no lambda with a default
    for local in alerting.alertmanagers:
        # Asked each time a peer's turn comes, whether it has been sent already; at the second time the first is over.
        asked = partial(metric, local, "alertmanager_nflog_queries_total")
        # A heartbeat's group is looked at every half minute, and sent again after a whole one.
        eventually(lambda asked=asked: asked() >= 2, 120, f"{local.pod} has dealt with the alert")  # type: ignore[misc]  # mypy types no lambda with a default

    beats = alerting.heartbeats()
    assert {tuple(alert["labels"]["alertname"] for alert in beat.body["alerts"]) for beat in beats} == {("Watchdog",)}
    # The next beat is sent after at least the group's half minute; a peer that repeats one waits for its turn only.
    assert [late.at - early.at for early, late in pairwise(beats) if late.at - early.at < 15] == []


def test_an_alert_says_its_cluster_and_not_which_replica_found_it(alerting: Alerting) -> None:
    beat, *_ = eventually(alerting.heartbeats, 30, "the alert arrives")

    assert beat.body["alerts"][0]["labels"] == {
        "alertname": "Watchdog",
        "cluster": "prod-1",
        "environment": "prod",
        "owner": "platform",
        "severity": "info",
        "system": "monitoring",
    }
    assert beat.body["status"] == "firing"


def test_what_replicas_send_names_the_replica_except_in_alerts(alerting: Alerting) -> None:
    configs = [http_json(f"{local.url}/api/v1/status/config")["data"]["yaml"] for local in alerting.prometheus]

    names = [yaml.safe_load(config)["global"]["external_labels"]["prometheus_replica"] for config in configs]
    assert names == ["prometheus-0", "prometheus-1"]


def test_a_single_alertmanager_starts_without_gossip(
    control_plane: ControlPlane, rendered: Callable[[str], Rendered], tmp_path: Path
) -> None:
    local = LocalServer(rendered("dev"), "alertmanager", tmp_path / "pod", Account.admin(control_plane))
    with local.process() as process:
        process.ready(lambda: http_text(f"{local.url}/-/ready"))

        assert status(local)["status"] == "disabled"
        assert {port for _, port in process.listens()} == set(local.ports.values())


def test_an_alert_that_grafana_forwards_lasts_until_grafana_forwards_it_again(
    control_plane: ControlPlane, rendered: Callable[[str], Rendered], tmp_path: Path
) -> None:
    """Grafana says of what it forwards when it began, and never when it ends; the body is as Grafana 12 spells it."""
    labels = {"alertname": "PodPanics", "severity": "critical", "grafana_folder": "Alerts", "__alert_rule_uid__": "u"}
    began = datetime.now(UTC)
    forwarded = {
        "labels": labels,
        "annotations": {"summary": "A panic.", "__orgId__": "1", "__values__": '{"A":1}'},
        "startsAt": began.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://grafana.example.com/alerting/grafana/u/view",
        "UpdatedAt": began.isoformat(),
        "Timeout": False,
    }
    local = LocalServer(rendered("dev"), "alertmanager", tmp_path / "pod", Account.admin(control_plane))
    with local.process() as process:
        process.ready(lambda: http_text(f"{local.url}/-/ready"))
        as_json = {"Content-Type": "application/json"}
        http_text(f"{local.url}/api/v2/alerts", body=json.dumps([forwarded]).encode(), headers=as_json)
        (alert,) = eventually(lambda: http_json(f"{local.url}/api/v2/alerts"), 10, "the alert is there")

    lasts = datetime.fromisoformat(alert["endsAt"]) - began
    # One look at the group passes, at the second it is sent again.
    assert lasts.total_seconds() > 2 * 2 * FORWARD_INTERVAL.seconds, "one lost message must not end it"
    assert alert["labels"] == labels
