"""The types of the table of flows, from which every NetworkPolicy is made.

Traffic that is not in the table is denied in both directions. Kubernetes always allows traffic from a node to its own
pods (probes, port-forward), so the table leaves it out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from model.quantities import Cidr

DNS_PORT = 53


@dataclass(frozen=True)
class Server:
    """Pods of this stack in its own namespace, by ``app.kubernetes.io/name``, and their Services."""

    name: str

    def address(self, namespace: str, port: int) -> str:
        """The address of any of its pods."""
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
    """Pods of this stack on every node, with their own addresses, in the node agents' namespace."""

    name: str


@dataclass(frozen=True)
class AnyPod:
    """Pods of any namespace, on the ports that their annotations name."""


@dataclass(frozen=True)
class ApiServer:
    """The Kubernetes API."""


@dataclass(frozen=True)
class Nodes:
    """Kubelets, and exporters on the host network. NetworkPolicies do not apply to pods on the host network."""


@dataclass(frozen=True)
class Internet:
    """An address outside the stack: a receiver, a remote-write endpoint, an extra target."""

    host: str


@dataclass(frozen=True)
class Addresses:
    """Fixed ranges of addresses."""

    ranges: tuple[Cidr, ...]


@dataclass(frozen=True)
class IngressController:
    """Sources of people's requests: pods of one namespace or of any, and addresses of load balancers."""

    namespace: str | None = None
    """None allows any namespace, and the nodes, since controllers may be on the host's network."""
    labels: tuple[tuple[str, str], ...] = ()
    addresses: tuple[Cidr, ...] = ()


Peer = Server | Agent | Namespace | AnyPod | ApiServer | Nodes | Internet | Addresses | IngressController


@dataclass(frozen=True)
class Flow:
    """One direction of traffic: ``source`` opens connections to ``target``."""

    source: Server | Agent | Namespace | Internet | IngressController
    target: Peer
    ports: tuple[int, ...]
    """Ports of the target. Empty opens every port, for targets that define their ports themselves."""
    reason: str = field(compare=False)
    protocols: tuple[str, ...] = ("TCP",)
