"""NetworkPolicies, made from the table of flows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict, TypeVar

from pulumi_kubernetes.meta.v1 import LabelSelectorArgsDict
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyEgressRuleArgsDict,
    NetworkPolicyIngressRuleArgsDict,
    NetworkPolicyPeerArgsDict,
    NetworkPolicyPortArgsDict,
    NetworkPolicySpecArgsDict,
)

from model.cluster import EVERYWHERE, ClusterSettings, Network
from model.flows import (
    DNS_PORT,
    Addresses,
    Agent,
    AnyPod,
    ApiServer,
    Flow,
    IngressController,
    Internet,
    Namespace,
    Nodes,
    Peer,
    Server,
)
from model.quantities import Cidr

Rule = TypeVar("Rule", NetworkPolicyEgressRuleArgsDict, NetworkPolicyIngressRuleArgsDict)

DENY_ALL: NetworkPolicySpecArgsDict = {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]}


def policy(name: str, flows: Iterable[Flow], cluster: ClusterSettings) -> NetworkPolicySpecArgsDict:
    """The NetworkPolicy of the server or agent ``name``: its ingress and egress from the table."""
    own = (Server(name), Agent(name))
    table = tuple(flows)
    egress: list[NetworkPolicyEgressRuleArgsDict] = [
        {"to": _peers(flow.target, flow.source, cluster), **_on(flow)} for flow in table if flow.source in own
    ]
    ingress: list[NetworkPolicyIngressRuleArgsDict] = [
        {"from_": _peers(flow.source, flow.target, cluster), **_on(flow)} for flow in table if flow.target in own
    ]
    spec: NetworkPolicySpecArgsDict = {
        "pod_selector": {"match_labels": {"app.kubernetes.io/name": name}},
        "policy_types": ["Ingress", "Egress"],
    }
    # Empty lists are left out: the API server does not store them, and every apply would show a change.
    if ingress:
        spec["ingress"] = _unique(ingress)
    if egress:
        spec["egress"] = _unique([*egress, _dns(cluster.network)])
    return spec


class _Ports(TypedDict, total=False):
    ports: list[NetworkPolicyPortArgsDict]


def _on(flow: Flow) -> _Ports:
    """The ports of a flow; without a list, every port."""
    if not flow.ports:
        return {}
    return {"ports": [{"port": port, "protocol": protocol} for port in flow.ports for protocol in flow.protocols]}


def _peers(  # noqa: PLR0911  one return per kind of peer
    peer: Peer, other_end: Peer, cluster: ClusterSettings
) -> list[NetworkPolicyPeerArgsDict]:
    match peer:
        case Server(name):
            # Without a namespace the selector applies to the policy's own, which is right between servers.
            place = cluster.namespaces.stack if isinstance(other_end, Agent) else None
            return [_pods(name, place)]
        case Agent(name):
            return [_pods(name, cluster.namespaces.node_agents)]
        case Namespace(name):
            return [{"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": name}}}]
        case AnyPod():
            # The empty selector matches pods of every namespace. Annotated pods on the host network count as nodes.
            return [{"namespace_selector": {}}, *_blocks(cluster.network.nodes)]
        case ApiServer() | Nodes():
            return _blocks(cluster.network.api_server if isinstance(peer, ApiServer) else cluster.network.nodes)
        case Internet():
            # A NetworkPolicy has no host names, and their addresses change. So it opens the port to every address.
            return [{"namespace_selector": {}}, *_blocks(EVERYWHERE)]
        case Addresses(ranges):
            return _blocks(ranges)
        case IngressController():
            return _controller(peer, cluster)


def _controller(peer: IngressController, cluster: ClusterSettings) -> list[NetworkPolicyPeerArgsDict]:
    namespace: LabelSelectorArgsDict = (
        {"match_labels": {"kubernetes.io/metadata.name": peer.namespace}} if peer.namespace else {}
    )
    pods: NetworkPolicyPeerArgsDict = {
        "namespace_selector": namespace,
        **({"pod_selector": {"match_labels": dict(peer.labels)}} if peer.labels else {}),
    }
    return [pods, *_blocks(peer.addresses if peer.namespace else (*peer.addresses, *cluster.network.nodes))]


def _pods(name: str, namespace: str | None) -> NetworkPolicyPeerArgsDict:
    pods: NetworkPolicyPeerArgsDict = {"pod_selector": {"match_labels": {"app.kubernetes.io/name": name}}}
    if namespace is not None:
        pods["namespace_selector"] = {"match_labels": {"kubernetes.io/metadata.name": namespace}}
    return pods


def _blocks(ranges: tuple[Cidr, ...]) -> list[NetworkPolicyPeerArgsDict]:
    return [{"ip_block": {"cidr": str(cidr)}} for cidr in ranges]


def _dns(network: Network) -> NetworkPolicyEgressRuleArgsDict:
    # The cluster's DNS pods, and caches on the nodes.
    return {
        "to": [{"namespace_selector": {}}, *_blocks(network.dns)],
        "ports": [
            {"port": port, "protocol": protocol}
            for port in dict.fromkeys((DNS_PORT, *network.dns_ports))
            for protocol in ("UDP", "TCP")
        ],
    }


def _unique(rules: list[Rule]) -> list[Rule]:
    return [rule for position, rule in enumerate(rules) if rule not in rules[:position]]
