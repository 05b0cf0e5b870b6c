"""The node collector of a rendered stack on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.local.control_plane import ControlPlane
from tools.local.logs import LogFile, log_file, moved
from tools.local.rendered import Manifest
from tools.local.telemetry import Collector, account


class OtelAgent(Collector):
    """A rendered node collector of one node below ``home``, its node's logs in ``home/pods``."""

    name, config_file = "otel-agent", "agent.yaml"

    def __init__(
        self, objects: list[Manifest], home: Path, cluster: ControlPlane, node: str, collector: Collector
    ) -> None:
        """``collector`` is who gets its lines; it asks the API as its own account."""
        super().__init__(objects, home, account(objects, cluster, self.name))
        self.node, self.pods = node, home / "pods"
        self.pods.mkdir(exist_ok=True)
        here = f"127.0.0.1:{collector.ports[4319]}"
        text = re.sub(rf"\b{collector.name}\.[\w-]+\.svc:4319\b", here, self.config.read_text())
        self.config.write_text(moved(text, "/var/log/pods", self.pods))

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "K8S_NODE_NAME": self.node}

    def file(self, pod: Mapping[str, Any], container: str = "main") -> LogFile:
        """The log of a container of a pod, where the kubelet puts it."""
        return log_file(self.pods, pod, container)
