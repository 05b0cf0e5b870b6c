"""Pods that a queue holds back: what the real API server, scheduler and kube-state-metrics say of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from tests.servers.reported import CONTAINER
from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_text
from tools.local.rendered import Manifest, Rendered
from tools.local.server import LocalServer

NAMESPACE = "held-pods"
GATED = {"schedulingGates": [{"name": "example.com/queue"}]}
OPEN = [{"op": "remove", "path": "/spec/schedulingGates"}]


def _unplaceable(name: str, **spec: object) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"containers": [CONTAINER], "nodeSelector": {"example.com/no-node": "has-this"}, **spec},
    }


def test_a_pod_counts_as_held_back_until_its_gate_is_opened(
    control_plane: ControlPlane, rendered: Callable[[str], Rendered], tmp_path: Path
) -> None:
    control_plane.namespace(NAMESPACE)
    control_plane.apply(_unplaceable("held", **GATED), _unplaceable("let-through", **GATED), _unplaceable("never-held"))
    local = LocalServer(rendered("dev"), "kube-state-metrics", tmp_path / "server", Account.admin(control_plane))

    def having(metric: str) -> set[str]:
        series = rf'^{metric}\{{namespace="{NAMESPACE}",pod="([^"]+)".*\}} 1$'
        return set(re.findall(series, http_text(f"{local.url}/metrics"), re.MULTILINE))

    def unplaced() -> bool:
        return having("kube_pod_status_unschedulable") == {"held", "let-through", "never-held"}

    def held(*pods: str) -> Callable[[], bool]:
        return lambda: having("kube_pod_status_reason") == set(pods)

    with local.process() as process:
        process.ready(lambda: http_text(f"{local.url}/livez"))
        eventually(unplaced, 20, "all count as unschedulable, whatever the reason")
        eventually(held("held", "let-through"), 20, "two are held back")

        patch = ["patch", "pod", "let-through", f"--namespace={NAMESPACE}", "--type=json"]
        control_plane.kubectl(*patch, f"--patch={json.dumps(OPEN)}")

        eventually(held("held"), 20, "one is held back")
        assert unplaced()
