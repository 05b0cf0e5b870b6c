"""A rendered stack that is applied to a real API server, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from subprocess import CompletedProcess

from components.kubernetes import NAME_LABEL
from tools.local.control_plane import NODES, ControlPlane
from tools.local.harness import eventually
from tools.local.rendered import Manifest, Rendered

WORKLOADS = ("DaemonSet", "StatefulSet", "Deployment")
NODE_AGENTS = "monitoring-node-agents"
"""Whose pods need the host, and are let: the one namespace that is privileged."""


@dataclass(frozen=True)
class Cluster:
    """A control plane of its own per stack, since both use the same names, and the stack applied to it."""

    plane: ControlPlane
    stack: Rendered
    applied: CompletedProcess[str] = field(repr=False)

    @property
    def namespaces(self) -> set[str]:
        return {made["metadata"]["name"] for made in self.stack.of_kind("Namespace")}

    def rendered_objects(self) -> list[Manifest]:
        """What was rendered, as the API server has it now."""
        found: list[Manifest] = self.plane.get(f"--filename={self.stack.manifests}")["items"]
        return found

    def live(self, *kinds: str) -> list[Manifest]:
        """Every object of some kinds in the stack's namespaces, whoever made it."""
        found = self.plane.get(",".join(kinds), "--all-namespaces")["items"]
        return [made for made in found if made["metadata"]["namespace"] in self.namespaces]

    def crews(self) -> list[tuple[Manifest, list[Manifest]]]:
        """Each workload with the pods that its controller made."""
        found = self.live(*WORKLOADS, "ReplicaSet", "Pod")
        owner = {
            made["metadata"]["uid"]: reference["uid"]
            for made in found
            for reference in made["metadata"].get("ownerReferences", [])
        }
        crews: dict[str, tuple[Manifest, list[Manifest]]] = {
            made["metadata"]["uid"]: (made, []) for made in found if made["kind"] in WORKLOADS
        }
        for pod in (made for made in found if made["kind"] == "Pod"):
            direct = owner[pod["metadata"]["uid"]]
            crews[owner.get(direct, direct)][1].append(pod)  # a Deployment owns its pods through a ReplicaSet
        return list(crews.values())

    def pods_of(self) -> dict[tuple[str, str], list[Manifest]]:
        """The pods of each program, by namespace and ``app.kubernetes.io/name`` of its workload."""
        return {program(workload): pods for workload, pods in self.crews()}


def apply_manifests(plane: ControlPlane, stack: Rendered) -> CompletedProcess[str]:
    # One kubectl for the folder: it takes the files by name, which is the rendered order.
    source = f"--filename={stack.manifests}"
    return plane.kubectl("apply", "--server-side", "--validate=strict", "--warnings-as-errors", source, check=False)


def until_ready(cluster: Cluster) -> None:
    def all_are_ready() -> bool:
        cluster.plane.bind_claims()
        late = [f"{made['kind']} {made['metadata']['name']}" for made in cluster.rendered_objects() if unfinished(made)]
        assert not late, ", ".join(late)
        return True

    eventually(all_are_ready, 60, f"every workload of {cluster.stack.stack} is ready")


def unfinished(made: Manifest) -> bool:
    """Whether a controller has yet to bring an object, and what it says of it, to where it should be."""
    spec, status = made.get("spec", {}), made.get("status", {})
    counts: tuple[str, ...]
    match made["kind"]:
        case "DaemonSet":
            wanted, counts = len(NODES), ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
        case "StatefulSet" | "Deployment":
            wanted, counts = spec["replicas"], ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        case "PodDisruptionBudget":
            wanted, counts = status.get("expectedPods"), ("currentHealthy",)
        case _:
            return False
    observed = status.get("observedGeneration") == made["metadata"]["generation"]
    return not observed or not wanted or any(status.get(count) != wanted for count in counts)


def program(made: Manifest) -> tuple[str, str]:
    return made["metadata"]["namespace"], made["metadata"]["labels"][NAME_LABEL]


def pod_spec(made: Manifest) -> Manifest:
    """What a pod, or a pod of a workload, is made of."""
    spec: Manifest = made["spec"] if made["kind"] == "Pod" else made["spec"]["template"]["spec"]
    return spec


def listed(objects: Iterable[Manifest]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def create(cluster: Cluster, objects: Iterable[Manifest], *, check: bool = True) -> CompletedProcess[str]:
    return cluster.plane.kubectl(
        "create", "--dry-run=server", "--filename=-", "--warnings-as-errors", input=listed(objects), check=check
    )


def apply(cluster: Cluster, objects: Iterable[Manifest], *flags: str, check: bool = True) -> CompletedProcess[str]:
    return cluster.plane.kubectl(
        "apply", "--server-side", "--validate=strict", "--filename=-", *flags, input=listed(objects), check=check
    )


def place(made: Manifest) -> tuple[str, str]:
    return made["metadata"]["namespace"], made["metadata"]["name"]
