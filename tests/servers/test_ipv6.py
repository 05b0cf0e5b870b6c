"""The servers on a node with IPv6 alone: they find, reach and tell each other, as they were rendered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tools import stack_file
from tools.local.account import Account
from tools.local.harness import Process, eventually
from tools.local.ipv6 import ADDRESS, Node
from tools.local.rendered import Rendered, render_text
from tools.local.server import LocalServer
from tools.local.stack_text import merged, stack_text
from tools.recorder import ROOT

ALERTMANAGERS = ("alertmanager-0", "alertmanager-1")
PROMETHEUS = "prometheus-0"
OTHERS = ("blackbox-exporter", "jaeger", "node-exporter")
"""Servers that need nobody else to start."""
HEADLESS = "alertmanager-headless.monitoring.svc"

CHANGES = {
    "cluster": {"network": {"ipFamily": "IPv6"}},
    "prometheus": {"evaluationInterval": "1s"},
    "alertmanager": {"replicas": len(ALERTMANAGERS)},
    "notifications": {
        "receivers": [{"name": "beat", "deadMan": {"urlSecret": {"name": "receivers", "key": "beat"}}}],
        "routes": [],
    },
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    config = merged(stack_file.read(ROOT / "Pulumi.dev.yaml").config, CHANGES)
    return render_text("dev", tmp_path_factory.mktemp("stack"), stack_text(config))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    names = {HEADLESS: ALERTMANAGERS, **{f"{pod}.{HEADLESS}": (pod,) for pod in ALERTMANAGERS}}
    with Node(tmp_path_factory.mktemp("ipv6") / "node", (*ALERTMANAGERS, PROMETHEUS, *OTHERS), names) as running:
        yield running


@pytest.fixture(scope="module")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Account:
    """An account at an API server that does not answer: nothing here needs one."""
    ca = tmp_path_factory.mktemp("account") / "ca.crt"
    ca.write_text("")
    return Account("https://[::1]:1", ca, "none")


def ready(node: Node, local: LocalServer, process: Process) -> None:
    """Once all that the kubelet asks answers on the pod's only address."""
    for url in local.probes:
        process.ready(partial(node.ask, local.pod, url), within=60)


@pytest.fixture(scope="module")
def alerting(
    stack: Rendered, node: Node, nobody: Account, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[LocalServer]]:
    home = tmp_path_factory.mktemp("alerting")
    place = partial(LocalServer, stack, account=nobody, planted={"beat-url": f"http://[{ADDRESS}]/beat"})
    pods = [
        place(server=pod.rpartition("-")[0], home=home / pod, pod=pod, place=node.place(pod))
        for pod in (*ALERTMANAGERS, PROMETHEUS)
    ]
    with ExitStack() as exits:
        # All at once, as a StatefulSet starts them: each waits for the others.
        running = [exits.enter_context(local.process()) for local in pods]
        for local, process in zip(pods, running, strict=True):
            ready(node, local, process)
        yield pods


def test_alertmanagers_meet(node: Node, alerting: list[LocalServer]) -> None:
    for local in alerting[: len(ALERTMANAGERS)]:
        peers = node.ask_json(local.pod, f"{local.url}/api/v2/status")["cluster"]["peers"]
        assert {peer["address"] for peer in peers} == {f"[{node.place(pod).address}]:9094" for pod in ALERTMANAGERS}


def test_prometheus_finds_every_alertmanager_once(node: Node, alerting: list[LocalServer]) -> None:
    prometheus = alerting[-1]
    expected = sorted(f"http://[{node.place(pod).address}]:9093/api/v2/alerts" for pod in ALERTMANAGERS)

    def found() -> bool:
        active = node.ask_json(PROMETHEUS, f"{prometheus.url}/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
        return sorted(each["url"] for each in active) == expected

    eventually(found, 30, "by their AAAA records")


@pytest.mark.usefixtures("alerting")
def test_an_alert_arrives(node: Node) -> None:
    first = eventually(lambda: node.posted[:1], 60, "the heartbeat is posted")

    assert [alert["labels"]["alertname"] for alert in first[0]["alerts"]] == ["Watchdog"]


@pytest.mark.parametrize("server", OTHERS)
def test_a_server_answers_its_probes_on_its_only_address(
    stack: Rendered, node: Node, nobody: Account, tmp_path: Path, server: str
) -> None:
    local = LocalServer(stack, server, tmp_path / "pod", nobody, pod=server, place=node.place(server))
    with local.process() as process:
        ready(node, local, process)
