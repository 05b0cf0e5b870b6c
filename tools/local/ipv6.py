"""An IPv6-only node: pods with their own addresses and names, in namespaces that need no rights (Linux)."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools.local import ipv6_services
from tools.local.harness import Process
from tools.local.rendered import Manifest

ADDRESS = "fd00::1"
"""The node's own address, for DNS and for posts."""
_ASK = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"


@dataclass(frozen=True)
class Place:
    """The network namespace of a pod."""

    address: str
    entered: Sequence[str]
    """Command that runs another command there."""


class Node:
    """The node, as a context manager; ``names`` are DNS names with the pods that they resolve to."""

    def __init__(self, home: Path, pods: Sequence[str], names: Mapping[str, Sequence[str]]) -> None:
        self._home, self._exits = home, ExitStack()
        self._addresses = {pod: f"fd00::{number:x}" for number, pod in enumerate(pods, start=0x10)}
        self._names = {name: [self._addresses[pod] for pod in led] for name, led in names.items()}

    def __enter__(self) -> Self:
        self._home.mkdir(parents=True)
        (self._home / "resolv.conf").write_text(f"nameserver {ADDRESS}\noptions timeout:1\n")
        (self._home / "names.json").write_text(json.dumps(self._names))
        files = [str(self._home / file) for file in ("names.json", "posted")]
        services = shlex.join([sys.executable, "-I", ipv6_services.__file__, ADDRESS, *files])
        script = "\n".join(
            [
                "set -e",
                "mount -t tmpfs none /run && mkdir /run/netns",
                f"mount --bind {shlex.quote(str(self._home / 'resolv.conf'))} /etc/resolv.conf",
                "ip link set lo up",
                f"ip link add node type bridge && ip link set node up && ip address add {ADDRESS}/64 dev node nodad",
                *(_pod(number, name, address) for number, (name, address) in enumerate(self._addresses.items())),
                f"exec {services}",
            ]
        )
        process = Process(
            ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c", script], log=self._home / "node.log"
        )
        self._node = self._exits.enter_context(process)
        self._node.ready(lambda: "ready" in self._node.log())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def place(self, pod: str) -> Place:
        node = f"--target={self._node.child.pid}"
        entered = ["nsenter", node, "--user", "--mount", "--net", "--preserve-credentials"]
        return Place(self._addresses[pod], [*entered, "nsenter", f"--net=/run/netns/{pod}"])

    def ask(self, pod: str, url: str) -> str:
        """The body of an answer to a request from ``pod``; raises CalledProcessError without an answer."""
        argv = [*self.place(pod).entered, sys.executable, "-I", "-c", _ASK, url]
        return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout

    def ask_json(self, pod: str, url: str) -> Any:
        return json.loads(self.ask(pod, url))

    @property
    def posted(self) -> list[Manifest]:
        """The bodies of posts to the node, in order."""
        file = self._home / "posted"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _pod(number: int, name: str, address: str) -> str:
    """Commands that create a pod's network: loopback, and one address."""
    return "\n".join(
        [
            f"ip netns add {name}",
            f"ip link add pod{number} type veth peer name eth0 netns {name}",
            f"ip link set pod{number} master node up",
            f"ip -n {name} link set lo up",
            f"ip -n {name} link set eth0 up",
            f"ip -n {name} address add {address}/64 dev eth0 nodad",
        ]
    )
