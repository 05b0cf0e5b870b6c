"""Pods asked whether they are ready, by a real blackbox exporter and a Prometheus that finds them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from rules.services.probes import REASON
from tests.servers.target import Target
from tools.local.account import Account
from tools.local.asked import get, query
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, http_text
from tools.local.rendered import Manifest, render_text
from tools.local.server import LocalServer
from tools.local.stack_text import stack_text
from tools.servers.find import binary

SHOP = "probed-shop"
DOWN = json.dumps({"status": "unavailable", "database": "down"})
TARGETS = {
    "ready": Target(body=json.dumps({"database": "up"})),
    "broken": Target(status=503, body=json.dumps({"database": "up"})),
    "no-database": Target(status=503, body=DOWN),
    "hangs": Target(slow=threading.Event()),
}
REFUSING = free_port()
STACK = {
    "cluster": {"name": "probed-1", "environment": "test", "context": "test", "flavour": "kubeadm"},
    "prometheus": {"evaluationInterval": "1s"},
    "systems": {
        "monitoring": None,
        "services": {"readiness": {"notReadyWhen": {"database": '"database": *"down"'}}},
    },
}


def pod(name: str, port: int, **annotations: str) -> Manifest:
    described = {f"observability/{key}": text for key, text in {"probe-port": str(port), **annotations}.items()}
    container = {"name": "app", "image": "shop:1", "ports": [{"containerPort": number} for number in (80, 81)]}
    about = {"name": name, "namespace": SHOP, "annotations": described}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {"containers": [container]}}


@pytest.fixture(scope="module")
def probing(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    home = tmp_path_factory.mktemp("probing")
    ports = {**{name: target.port for name, target in TARGETS.items()}, "refuses": REFUSING}
    control_plane.namespace(SHOP)
    control_plane.apply(*(pod(name, port, probe="/ready") for name, port in ports.items()), pod("unasked", REFUSING))
    for name in ports:
        eventually(lambda name=name: phase(control_plane, name) == "Running", 60, f"{name} runs")  # type: ignore[misc]  # mypy types no lambda with a default
        patch = json.dumps(
            [
                {"op": "replace", "path": "/status/podIPs", "value": [{"ip": "127.0.0.1"}]},
                {"op": "replace", "path": "/status/podIP", "value": "127.0.0.1"},
            ]
        )
        where = (f"--namespace={SHOP}", "--subresource=status")
        control_plane.kubectl("patch", "pod", name, *where, "--type=json", f"--patch={patch}")
    stack, account = render_text("test", home, stack_text(STACK)), Account.admin(control_plane)
    prober = LocalServer(stack, "blackbox-exporter-pods", home / "prober", account)
    prometheus = LocalServer(
        stack,
        "prometheus",
        home / "prometheus",
        account,
        addresses={"blackbox-exporter-pods.monitoring.svc:9115": f"127.0.0.1:{prober.ports[9115]}"},
    )
    with ExitStack() as exits:
        for target in TARGETS.values():
            exits.enter_context(target.running())
        asking = exits.enter_context(Process([binary("blackbox-exporter"), *prober.args], log=home / "prober.log"))
        asking.ready(lambda: http_text(f"{prober.url}/-/healthy"))
        exits.enter_context(prometheus.process())
        yield prometheus


def phase(plane: ControlPlane, name: str) -> Any:
    return plane.get("pod", name, f"--namespace={SHOP}")["status"].get("phase")


def test_each_pod_that_asks_for_it_is_a_target_at_the_port_that_it_names(probing: LocalServer) -> None:
    def found() -> dict[str, str]:
        active = get(probing, "targets", state="active")["activeTargets"]
        its = [target["labels"] for target in active if target["scrapePool"] == "pod-probes"]
        return {labels["pod"]: labels["instance"] for labels in its if labels["namespace"] == SHOP}

    expected = {name: f"http://127.0.0.1:{target.port}/ready" for name, target in TARGETS.items()}
    expected["refuses"] = f"http://127.0.0.1:{REFUSING}/ready"
    eventually(lambda: found() == expected, 60, "Prometheus finds the pods")


def test_a_pod_that_is_not_ready_has_its_reason(probing: LocalServer) -> None:
    def reasons() -> dict[str, str]:
        series = query(probing, f'{REASON}{{namespace="{SHOP}"}}')
        return {each["metric"]["pod"]: each["metric"]["reason"] for each in series}

    expected = {"broken": "status", "no-database": "database", "hangs": "timeout", "refuses": "refused"}
    eventually(lambda: reasons() == expected, 120, "each has been asked twice")


def test_their_series_are_not_those_of_probes_from_outside(probing: LocalServer) -> None:
    eventually(lambda: query(probing, 'count(pod_probe_success{job=~"pod-probes.*"}) == 10'), 120, "all are asked")
    assert query(probing, "probe_success") == []
