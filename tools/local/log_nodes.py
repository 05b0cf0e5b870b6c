"""Nodes whose pods' logs are collected: the pods in the API, and the log files of the kubelet."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from model import ports
from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually
from tools.local.logs import LogFile, LogReader, log_file
from tools.local.rendered import Manifest, Rendered, changed
from tools.local.telemetry import NAME as GATEWAY
from tools.local.telemetry import Collector

READERS = {"promtail": "promtail", "otel": "otel-agent"}
"""The workload on each node, by the collector's name in a stack file."""
COLLECTORS = tuple(READERS)
NODE, OTHER_NODE = "node-a", "node-b"
SPACE, IGNORED = "logging", "logging-ignored"
"""Namespaces of the pods."""
CONTAINERS = [
    {
        "name": "main",
        "image": "registry.example/main:1",
        "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}],
    }
]


def rendered(
    folder: Path,
    collector: str,
    name: str = "dev",
    cluster: str = "by",
    systems: Mapping[str, Any] | None = None,
    **logs: Any,
) -> Rendered:
    """A stack with that log collector, and a cluster named after it, so that one Loki can hold both.

    It collects no events of the cluster, which are lines of no pod.
    """
    changes = {"cluster": {"name": f"{cluster}-{collector}"}, "logs": {"collector": collector, **logs}}
    return changed(folder, name, changes | {"systems": dict(systems or {}), "collector": {"kubernetesEvents": False}})


class Node:
    """A log collector of one node, and the servers between it and Loki. Each uses its own account for the API."""

    def __init__(self, collector: str, stack: Rendered, home: Path, cluster: ControlPlane, loki: str) -> None:
        """``loki`` is its host and port."""
        self.gateway: Collector | None = None
        name = READERS[collector]
        addresses = {stack.address("loki", ports.LOKI): loki}
        if collector == "otel":
            account = Account.granted(cluster, stack, GATEWAY)
            self.gateway = Collector(stack, home / "gateway", account, addresses=addresses)
            addresses = {stack.address(GATEWAY, ports.OTLP_NODES): self.gateway.address_of(ports.OTLP_NODES)}
        account = Account.granted(cluster, stack, name)
        self.reader = LogReader(stack, name, home / "reader", account, NODE, addresses=addresses)

    def log(self, pod: Manifest, container: str = "main") -> LogFile:
        """The log file of a container."""
        return log_file(self.reader.pods, pod, container)

    @contextmanager
    def passing_on(self) -> Iterator[Process | None]:
        """The server between the node and Loki, if there is one."""
        with ExitStack() as exits:
            yield exits.enter_context(self.gateway.running()) if self.gateway else None

    @contextmanager
    def running(self) -> Iterator[Process]:
        """The log collector, ready, with the servers behind it; ended on exit."""
        with self.passing_on(), self.reader.running() as reader:
            yield reader


def pod(
    cluster: ControlPlane,
    name: str,
    *,
    node: str = NODE,
    namespace: str = SPACE,
    more: Sequence[Manifest] = (),
    **about: Any,
) -> Manifest:
    """A pod on a node of the simulated cluster, with ``more`` containers."""
    metadata = {"name": name, "namespace": namespace, **about}
    spec = {"nodeName": node, "containers": [*CONTAINERS, *more]}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    return dict(cluster.get("pod", name, f"--namespace={namespace}"))


def named(app: str) -> dict[str, str]:
    """Labels of a pod that name its app."""
    return {"app.kubernetes.io/name": app}


def made_by(cluster: ControlPlane, kind: str, name: str) -> Manifest:
    """A pod without labels that name its app, created by its owner."""
    labels = {"made-by": kind.lower()}
    pods: Manifest = {"nodeName": NODE, "containers": CONTAINERS}
    spec: Manifest = {"template": {"metadata": {"labels": labels}, "spec": pods}}
    if kind == "Job":
        pods["restartPolicy"] = "Never"
    else:
        spec["selector"] = {"matchLabels": labels}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    if kind == "DaemonSet":
        pods["nodeSelector"] = {"kubernetes.io/hostname": pods.pop("nodeName")}
    about = {"name": name, "namespace": SPACE}
    version = "batch/v1" if kind == "Job" else "apps/v1"
    cluster.apply({"apiVersion": version, "kind": kind, "metadata": about, "spec": spec})
    selected = ("pods", f"--namespace={SPACE}", f"--selector=made-by={kind.lower()}")
    found = eventually(
        lambda: [each for each in cluster.get(*selected)["items"] if each["spec"].get("nodeName")], 20, "its pod"
    )
    return dict(found[0])


def static(cluster: ControlPlane, name: str) -> Manifest:
    """The API's mirror of a static pod."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": NODE, "controller": True}
    owner["uid"] = cluster.get("node", NODE)["metadata"]["uid"]
    annotations = {"kubernetes.io/config.hash": "0b1fc8a5d2e94a0f8a1b4a1e3ad2b1c7"}
    return pod(cluster, f"{name}-{NODE}", annotations=annotations, ownerReferences=[owner])


@contextmanager
def writing(log: LogFile, rate: int = 200) -> Iterator[list[tuple[float, str]]]:
    """Writes numbered lines to a log until the end of the context; yields the lines with their times."""
    written: list[tuple[float, str]] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.05):
            some = [f"line {len(written) + n}" for n in range(rate // 20)]
            log.write(*some)
            written.extend((time.time(), line) for line in some)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield written
    finally:
        stop.set()
        writer.join()
