"""Who talks to whom: the one table from which every NetworkPolicy is made.

Everything that is not in the table is denied in both directions. Traffic from a node to its own pods (probes,
port-forward) is always allowed by Kubernetes and so is not listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from model.quantities import Cidr

DNS_PORT = 53


@dataclass(frozen=True)
class Server:
    """Pods of this stack in its own namespace, by ``app.kubernetes.io/name``, and the Services that lead to them."""

    name: str

    def address(self, namespace: str, port: int) -> str:
        """Of any of its pods."""
        return f"{self.name}.{namespace}.svc:{port}"

    def url(self, namespace: str, port: int) -> str:
        return f"http://{self.address(namespace, port)}"

    def everyone(self, namespace: str) -> str:
        """The DNS name that resolves to the addresses of all its pods."""
        return f"{self.name}-headless.{namespace}.svc"

    def replica(self, ordinal: int, namespace: str, port: int) -> str:
        """The address of one pod of its StatefulSet."""
        return f"{self.name}-{ordinal}.{self.everyone(namespace)}:{port}"


@dataclass(frozen=True)
class Namespace:
    """All pods of a namespace outside the stack."""

    name: str


@dataclass(frozen=True)
class Agent:
    """Pods of this stack on every node, with addresses of their own, in the node agents' namespace."""

    name: str


@dataclass(frozen=True)
class AnyPod:
    """Pods of any namespace, on the ports that their annotations name."""


@dataclass(frozen=True)
class ApiServer:
    """The Kubernetes API."""


@dataclass(frozen=True)
class Nodes:
    """Kubelets and exporters on the host network; their own policies cannot bind them, since the host has none."""


@dataclass(frozen=True)
class Internet:
    """An address outside the stack: a receiver, a remote-write endpoint, an extra target."""

    host: str


@dataclass(frozen=True)
class Addresses:
    """Addresses that never change."""

    ranges: tuple[Cidr, ...]


@dataclass(frozen=True)
class IngressController:
    """Whoever forwards people's requests: pods of a namespace, or of any, and addresses of load balancers."""

    namespace: str | None = None
    """None: any namespace, and the nodes, since controllers may be on the host's network."""
    labels: tuple[tuple[str, str], ...] = ()
    addresses: tuple[Cidr, ...] = ()


Peer = Server | Agent | Namespace | AnyPod | ApiServer | Nodes | Internet | Addresses | IngressController


@dataclass(frozen=True)
class Flow:
    """One direction of traffic: ``source`` opens connections to ``target``."""

    source: Server | Agent | Namespace | Internet | IngressController
    target: Peer
    ports: tuple[int, ...]
    """Empty means every port, where the target says which."""
    reason: str = field(compare=False)
    protocols: tuple[str, ...] = ("TCP",)
