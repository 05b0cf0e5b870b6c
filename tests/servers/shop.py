"""A real API server with the stack's objects, and with the pods and Services of applications."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually
from tools.local.rendered import Manifest, Rendered

STACK, AGENTS = "monitoring", "monitoring-node-agents"
SHOP = "shop"

Labels = dict[str, str]


@dataclass(frozen=True)
class Cluster:
    plane: ControlPlane
    account: Account
    """Prometheus' own, with the rights that the stack gives it."""

    def pod(self, name: str, namespace: str = SHOP) -> Labels:
        """Address, and the labels that tell where a pod is."""
        (found,) = [
            made
            for made in self.plane.get("pods", f"--namespace={namespace}")["items"]
            if made["metadata"]["name"] == name or made["metadata"]["labels"].get("app.kubernetes.io/name") == name
        ]
        where = {"namespace": namespace, "pod": found["metadata"]["name"], "node": found["spec"]["nodeName"]}
        return {"address": found["status"]["podIP"], **where}


@contextmanager
def running(stack: Rendered, home: Path) -> Iterator[Cluster]:
    """A cluster of its own: the stack takes names that are not a test's to choose."""
    with ControlPlane(home) as plane:
        plane.apply(*stack.objects)
        plane.namespace(SHOP)
        plane.apply(*APPLICATIONS)
        eventually(partial(settled, plane), 60, "every pod has come up, or has ended")
        for number, name in enumerate(SIX, start=1):
            address = f"2001:db8::{number}"
            status = json.dumps({"status": {"podIP": address, "podIPs": [{"ip": address}]}})
            plane.kubectl("patch", "pod", name, f"--namespace={SHOP}", "--subresource=status", f"--patch={status}")
        yield Cluster(plane, Account.of(plane, STACK, "prometheus"))


def settled(plane: ControlPlane) -> bool:
    plane.bind_claims()
    pods = plane.get("pods", "--all-namespaces")["items"]
    phases = Counter(pod["status"]["phase"] for pod in pods)
    servers = {pod["metadata"]["labels"].get("app.kubernetes.io/name") for pod in pods}
    stack = {"prometheus", "alertmanager", "blackbox-exporter", "kube-state-metrics", "node-exporter"}
    return stack <= servers and phases["Pending"] == 1 and phases["Succeeded"] == 1 and len(phases) == 3


def pod(name: str, *containers: Manifest, annotations: Mapping[str, str] | None = None, **spec: Any) -> Manifest:
    described = {key if "/" in key else f"prometheus.io/{key}": value for key, value in (annotations or {}).items()}
    listed = [{"name": f"c{number}", "image": "shop:1", **given} for number, given in enumerate(containers)]
    about = {"name": name, "namespace": SHOP, "labels": {"app": name}, "annotations": described}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {"containers": listed, **spec}}


def ports(*numbers: int) -> Manifest:
    return {"ports": [{"containerPort": number, "name": f"p{number}"} for number in numbers]}


def service(name: str, *numbers: int, annotations: Mapping[str, str] | None = None, **spec: Any) -> Manifest:
    described = {f"prometheus.io/{key}": value for key, value in (annotations or {}).items()}
    listed = [{"name": f"p{number}", "port": number} for number in numbers]
    about = {"name": name, "namespace": SHOP, "annotations": described}
    return {"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": {"ports": listed, **spec}}


def endpoint_slice(service: str, suffix: str, family: str, address: str) -> Manifest:
    about = {"name": f"{service}-{suffix}", "namespace": SHOP, "labels": {"kubernetes.io/service-name": service}}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": about,
        "addressType": family,
        "ports": [{"name": "p8080", "port": 8080}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
    }


ON = {"scrape": "true"}
SIX = {"six": {**ON, "port": "9000"}, "six-bare": ON}
"""Pods that declare no port, and get an address of IPv6."""
APPLICATIONS = (
    # Says everything itself; the second container and the further ports must not make more of it.
    pod(
        "told", ports(8080, 9102), ports(9901), annotations={**ON, "port": "9102", "path": "/stats", "scheme": "https"}
    ),
    pod("asked-in-full", ports(8200), annotations={**ON, "path": "/v1/sys/metrics?format=prometheus&for=a b&level=2"}),
    pod("asked-in-short", ports(8300), annotations={**ON, "path": "stats?usedonly"}),
    pod(
        "every-port",
        ports(8080, 8081),
        annotations={**ON, "portainer.io/stack": "shop", "portainer.io/service": "cart"},
    ),
    pod("undeclared-port", {}, annotations={**ON, "port": "9000"}),
    *(pod(name, {}, annotations=annotations) for name, annotations in SIX.items()),
    pod(
        "prepared",
        ports(8080),
        annotations=ON,
        initContainers=[{"name": "init", "image": "shop:1", **ports(7070)}],
    ),
    pod("waiting", ports(8080), annotations=ON, nodeSelector={"no": "such-node"}),
    pod("silent", ports(8080)),
    pod("refusing", ports(8080), annotations={"scrape": "false"}),
    {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "finished", "namespace": SHOP},
        "spec": {
            "template": {
                "metadata": {"annotations": {"prometheus.io/scrape": "true"}, "labels": {"app": "finished"}},
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{"name": "main", "image": "shop:1", **ports(8080)}],
                },
            }
        },
    },
    # A service brings its own ports, not the sidecar's that the pod has beside them.
    pod("cart", ports(8080), ports(9901)),
    service("cart", 8080, annotations=ON, selector={"app": "cart"}),
    service("cart-unannotated", 8080, selector={"app": "cart"}),
    pod("ledger", ports(8080, 8081)),
    service(
        "ledger",
        8080,
        8081,
        annotations={**ON, "port": "9102", "path": "/stats", "scheme": "https"},
        selector={"app": "ledger"},
    ),
    pod("both", ports(8080), annotations=ON),
    service("both", 8080, annotations=ON, selector={"app": "both"}),
    service("split", 8080, annotations=ON),
    endpoint_slice("split", "a", "IPv4", "203.0.113.1"),
    endpoint_slice("split", "b", "IPv4", "203.0.113.2"),
    endpoint_slice("split", "c", "IPv6", "2001:db8::1"),
)


# What comes last: once it is found, everything before it has been.
LAST = (
    pod("last", ports(8080), annotations=ON),
    service("last-service", 8080, annotations=ON),
    endpoint_slice("last-service", "a", "IPv4", "203.0.113.9"),
)
