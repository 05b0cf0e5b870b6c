"""NetworkPolicies, made from the table of flows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from pulumi_kubernetes.networking.v1 import (
    NetworkPolicyEgressRuleArgsDict,
    NetworkPolicyIngressRuleArgsDict,
    NetworkPolicyPeerArgsDict,
    NetworkPolicyPortArgsDict,
    NetworkPolicySpecArgsDict,
)

from components.flows import DNS_PORT, Agent, AnyPod, ApiServer, Flow, Internet, Nodes, Peer, Server
from components.settings.cluster import EVERYWHERE, ClusterSettings
from components.settings.quantities import Cidr

Rule = TypeVar("Rule", NetworkPolicyEgressRuleArgsDict, NetworkPolicyIngressRuleArgsDict)

DENY_ALL: NetworkPolicySpecArgsDict = {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]}


def policy(name: str, flows: Iterable[Flow], cluster: ClusterSettings) -> NetworkPolicySpecArgsDict:
    """What the table allows the server or agent ``name``, in and out."""
    own = (Server(name), Agent(name))
    table = tuple(flows)
    egress: list[NetworkPolicyEgressRuleArgsDict] = [
        {"to": _peers(flow.target, flow.source, cluster), "ports": _ports(flow)} for flow in table if flow.source in own
    ]
    ingress: list[NetworkPolicyIngressRuleArgsDict] = [
        {"from_": _peers(flow.source, flow.target, cluster), "ports": _ports(flow)}
        for flow in table
        if flow.target in own
    ]
    return {
        "pod_selector": {"match_labels": {"app.kubernetes.io/name": name}},
        "policy_types": ["Ingress", "Egress"],
        "ingress": _unique(ingress),
        "egress": _unique([*egress, _dns()] if egress else []),
    }


def _ports(flow: Flow) -> list[NetworkPolicyPortArgsDict]:
    return [{"port": port, "protocol": protocol} for port in flow.ports for protocol in flow.protocols]


def _peers(peer: Peer, other_end: Peer, cluster: ClusterSettings) -> list[NetworkPolicyPeerArgsDict]:
    match peer:
        case Server(name):
            # Without a namespace the policy's own is meant: right for servers among each other.
            place = cluster.namespaces.stack if isinstance(other_end, Agent) else None
            return [_pods(name, place)]
        case Agent(name):
            return [_pods(name, cluster.namespaces.node_agents)]
        case AnyPod():
            # The empty selector matches pods of every namespace; annotated pods on the host network are nodes.
            return [{"namespace_selector": {}}, *_blocks(cluster.network.nodes)]
        case ApiServer():
            return _blocks(cluster.network.api_server)
        case Nodes():
            return _blocks(cluster.network.nodes)
        case Internet():
            # A NetworkPolicy knows no host names, and the addresses behind one change: the port is what can be held.
            return [{"namespace_selector": {}}, *_blocks(EVERYWHERE)]


def _pods(name: str, namespace: str | None) -> NetworkPolicyPeerArgsDict:
    pods: NetworkPolicyPeerArgsDict = {"pod_selector": {"match_labels": {"app.kubernetes.io/name": name}}}
    if namespace is not None:
        pods["namespace_selector"] = {"match_labels": {"kubernetes.io/metadata.name": namespace}}
    return pods


def _blocks(ranges: tuple[Cidr, ...]) -> list[NetworkPolicyPeerArgsDict]:
    return [{"ip_block": {"cidr": str(cidr)}} for cidr in ranges]


def _dns() -> NetworkPolicyEgressRuleArgsDict:
    # The cluster's DNS pods, and node-local caches, which listen on a link-local address of the node.
    return {
        "to": [{"namespace_selector": {}}, {"ip_block": {"cidr": "169.254.0.0/16"}}],
        "ports": [{"port": DNS_PORT, "protocol": protocol} for protocol in ("UDP", "TCP")],
    }


def _unique(rules: list[Rule]) -> list[Rule]:
    return [rule for position, rule in enumerate(rules) if rule not in rules[:position]]
