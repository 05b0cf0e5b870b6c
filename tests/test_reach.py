"""What policies open beyond the pods of the cluster: the API server, DNS, credentials of a cloud, private endpoints."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.conftest import Recorded, Stacks

OUTSIDE, NODE_CACHE = "192.0.2.1", "169.254.20.10"


def reaches(stack: Recorded, source: str, address: str, port: int, protocol: str = "TCP") -> bool:
    """Whether the policy of ``source`` lets it out to an address that no pod of the cluster has."""
    either = {"port": port, "protocol": protocol}
    return any(
        any((each["port"], each["protocol"]) == (port, protocol) for each in rule.get("ports", [either]))
        and any(
            ip_address(address) in ip_network(block["cidr"])
            and not any(ip_address(address) in ip_network(out) for out in block.get("except", []))
            for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer)
        )
        for rule in stack.kind("NetworkPolicy")[source]["spec"].get("egress", [])
    )


ASK_THE_API = {"prometheus", "kube-state-metrics", "otel-collector", "promtail"}


@pytest.mark.parametrize(
    ("flavour", "port"),
    [("kind", 6443), ("minikube", 8443), ("k3s", 6443), ("k3s", 6444), ("microk8s", 16443), ("kubeadm", 6443)],
)
def test_whoever_asks_the_api_reaches_it_where_the_flavour_has_it(stack: Stacks, flavour: str, port: int) -> None:
    made = stack("prod", cluster={"flavour": flavour})
    for name in made.workloads.keys() - {"node-exporter"}:
        assert reaches(made, name, OUTSIDE, port) == (name in ASK_THE_API), name
    # Some networks look at a connection before it is sent on from the Service.
    assert all(reaches(made, name, OUTSIDE, 443) for name in ASK_THE_API)


def test_a_cloud_answers_on_one_port(prod: Recorded) -> None:
    assert reaches(prod, "kube-state-metrics", OUTSIDE, 443)
    assert not reaches(prod, "kube-state-metrics", OUTSIDE, 6443)


def test_ports_of_the_cluster_can_be_set(stack: Stacks) -> None:
    told = {"apiServerPorts": [7443], "kubeletPort": 10260, "dnsPorts": [5353], "dns": [f"{NODE_CACHE}/32"]}
    made = stack("prod", cluster={"network": told})
    for name in ASK_THE_API:
        assert reaches(made, name, OUTSIDE, 7443)
    assert reaches(made, "prometheus", OUTSIDE, 10260)
    for protocol in ("UDP", "TCP"):
        assert reaches(made, "loki", NODE_CACHE, 5353, protocol), "policies see the pod's own port"
        assert reaches(made, "loki", NODE_CACHE, 53, protocol)
        assert not reaches(made, "loki", OUTSIDE, 53, protocol), "narrowed"


BUCKET = {"bucket": "logs", "region": "eu-central-1"}
KEYS = {f"{part}Secret": {"name": "bucket", "key": part} for part in ("accessKey", "secretKey")}
METADATA = {("169.254.169.254", 80), ("fd00:ec2::254", 80)}
POD_IDENTITY = {("169.254.170.23", 80), ("fd00:ec2::23", 80)}
OF_GKE = {("169.254.169.252", 987), ("169.254.169.252", 988)}


def loki(**s3: Any) -> dict[str, Any]:
    return {"replicas": 3, "storage": {"filesystem": None, "s3": {**BUCKET, **s3}}}


@pytest.mark.parametrize(
    ("flavour", "givers"),
    [
        ("eks", METADATA | POD_IDENTITY),
        ("gke", METADATA | OF_GKE),
        ("aks", METADATA),
        ("kubeadm", METADATA),  # on machines of a cloud
    ],
)
def test_whoever_has_no_keys_reaches_what_gives_it_credentials(
    stack: Stacks, flavour: str, givers: set[tuple[str, int]]
) -> None:
    # Otherwise any address may be a node's, and pods that are annotated may be on it.
    made = stack("prod", cluster={"flavour": flavour, "network": {"nodes": ["10.0.0.0/8"]}}, loki=loki())
    asked = METADATA | POD_IDENTITY | OF_GKE
    assert {giver for giver in asked if reaches(made, "loki", *giver)} == givers
    others = made.workloads.keys() - {"loki", "node-exporter"}
    assert not {name for name in others for giver in asked if reaches(made, name, *giver)}, "they ask no cloud"


def test_whoever_has_keys_reaches_no_other_credentials(stack: Stacks) -> None:
    made = stack("prod", loki=loki(**KEYS))
    assert not {giver for giver in METADATA | POD_IDENTITY if reaches(made, "loki", *giver)}


@pytest.mark.parametrize("host", ["10.20.0.5", "172.16.3.4", "192.168.7.8", "100.64.1.2", "[fd12:3456::5]"])
def test_private_endpoints_are_reached(stack: Stacks, host: str) -> None:
    write = [{"name": "long-term", "url": f"https://{host}:8481/api/v1/write"}]
    receivers = [
        {"name": "hook", "webhook": {"urlSecret": {"name": "urls", "key": "hook"}, "port": 8443}},
        {"name": "beat", "deadMan": {"urlSecret": {"name": "urls", "key": "beat"}, "port": 8444}},
    ]
    made = stack(
        "prod",
        loki=loki(endpoint=f"https://{host}:9000", **KEYS),
        prometheus={"remoteWrite": write},
        notifications={"receivers": receivers, "routes": [{"receiver": "hook"}]},
    )
    address = host.strip("[]")
    assert reaches(made, "loki", address, 9000), "a bucket of one's own"
    assert reaches(made, "prometheus", address, 8481), "a store of one's own"
    assert reaches(made, "alertmanager", address, 8443), "a receiver of one's own"
