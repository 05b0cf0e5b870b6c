"""Endpoints from which pods without keys get their cloud's credentials. A flavour's addresses are the same in every
cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from model.cluster import Flavour
from model.flows import Addresses, Flow, Server
from model.quantities import Cidr


@dataclass(frozen=True)
class Giver:
    """The endpoint that issues credentials."""

    name: str
    addresses: tuple[Cidr, ...]
    ports: tuple[int, ...] = (80,)


METADATA = Giver("the machine's metadata", (Cidr("169.254.169.254/32"), Cidr("fd00:ec2::254/128")))
"""The metadata endpoint of every cloud, so clusters on a cloud's machines have it as well. The second address is AWS's.
"""
OF_FLAVOUR: Mapping[Flavour, tuple[Giver, ...]] = {
    "eks": (Giver("EKS Pod Identity", (Cidr("169.254.170.23/32"), Cidr("fd00:ec2::23/128"))),),
    # NetworkPolicies see a request to the metadata address after it was forwarded to the server on the node.
    "gke": (Giver("GKE's metadata server", (Cidr("169.254.169.252/32"),), (987, 988)),),
}


def credentials(source: Server, flavour: Flavour) -> tuple[Flow, ...]:
    """The flows of a server to its cloud's credentials endpoints."""
    return tuple(
        Flow(source, Addresses(giver.addresses), giver.ports, f"asks {giver.name} for credentials")
        for giver in (METADATA, *OF_FLAVOUR.get(flavour, ()))
    )
