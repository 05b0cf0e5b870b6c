"""What service accounts may ask the API server, and what their programs do ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import yaml

from model.scrape import SERVICE_ACCOUNT
from tests.servers.applied import WORKLOADS, Cluster, place, pod_spec
from tools.local.rendered import Manifest, Rendered

Permission = tuple[str, str]
"""Verb, and resource or URL."""


@dataclass(frozen=True)
class Account:
    namespace: str
    name: str

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{self.name}"


READING = {"get", "list", "watch"}
DISCOVERED = {
    "endpointslice": {"endpointslices", "services", "pods"},
    "node": {"nodes"},
    "pod": {"pods"},
}
"""What Prometheus and Promtail list and watch for each discovery role."""

NEVER: tuple[Permission, ...] = (
    *((verb, what) for verb in ("get", "list") for what in ("secrets", "configmaps")),
    *((verb, what) for verb in ("create", "delete", "patch") for what in ("pods", "deployments.apps")),
    *((verb, "nodes/proxy") for verb in ("get", "create")),
    ("create", "pods/exec"),
    ("create", "serviceaccounts/token"),
    ("patch", "clusterroles.rbac.authorization.k8s.io"),
)


def accounts(stack: Rendered) -> list[Account]:
    return [Account(*place(made)) for made in stack.of_kind("ServiceAccount")]


def needs(stack: Rendered) -> dict[Account, set[Permission]]:
    """What each program asks the API, read from its arguments and its configuration."""
    asked: dict[Account, set[Permission]] = {account: set() for account in accounts(stack)}
    for workload in stack.of_kind(*WORKLOADS):
        account = Account(workload["metadata"]["namespace"], pod_spec(workload)["serviceAccountName"])
        for container in pod_spec(workload)["containers"]:
            watched = {what for value in values(container["args"], "--resources") for what in value.split(",")}
            if "k8s_attributes" in processors(stack, container["name"]):
                watched.add("pods")
            watched |= collected(stack, container["name"])
            for job in scrape_jobs(stack, container["name"]):
                discoveries = job.get("kubernetes_sd_configs", [])
                watched |= {what for discovery in discoveries for what in DISCOVERED[discovery["role"]]}
                if job.get("authorization", {}).get("credentials_file") == f"{SERVICE_ACCOUNT}/token":
                    # A kubelet asks whether nodes/metrics may be read, whatever the path below /metrics.
                    of_nodes = any(discovery["role"] == "node" for discovery in discoveries)
                    asked[account].add(("get", "nodes/metrics" if of_nodes else job["metrics_path"]))
            asked[account] |= {(verb, what) for what in watched for verb in ("list", "watch")}
    return asked


def values(args: Iterable[str], flag: str) -> list[str]:
    return [arg.removeprefix(f"{flag}=") for arg in args if arg.startswith(f"{flag}=")]


def scrape_jobs(stack: Rendered, name: str) -> list[Manifest]:
    return [job for content in configuration(stack, name) for job in content.get("scrape_configs", [])]


def processors(stack: Rendered, name: str) -> set[str]:
    """Of a collector, what telemetry goes through."""
    return {processor for content in configuration(stack, name) for processor in content.get("processors", {})}


def collected(stack: Rendered, name: str) -> set[str]:
    """Of a collector, the objects of the API that it reads as telemetry."""
    receivers = [content.get("receivers", {}) for content in configuration(stack, name)]
    made = [each.get("k8s_objects", {}) for each in receivers if isinstance(each, dict)]  # Alertmanager's are a list
    return {each["name"] for receiver in made for each in receiver.get("objects", [])}


def configuration(stack: Rendered, name: str) -> list[Manifest]:
    files = sorted(stack.config(name).rglob("*.y*ml"))
    contents = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in files)
    return [content for content in contents if isinstance(content, dict)]  # not the lists that a collector includes


def can_i(
    cluster: Cluster, questions: Iterable[tuple[Account, Permission]], *, everywhere: bool
) -> Mapping[tuple[Account, Permission], bool]:
    """Answers of ``kubectl auth can-i`` to many questions: in every namespace at once, or in the account's own."""

    def ask(question: tuple[Account, Permission]) -> tuple[tuple[Account, Permission], bool]:
        account, (verb, what) = question
        resource, _, sub = what.partition("/")
        scope = "--all-namespaces" if everywhere else f"--namespace={account.namespace}"
        # Written nodes/proxy, it would ask for a node of the name "proxy".
        asked = (resource, f"--subresource={sub}", scope) if resource else (what,)
        answer = cluster.plane.kubectl("auth", "can-i", verb, *asked, f"--as={account.user}", check=False)
        # A resource that does not exist is answered "no" as well.
        assert "doesn't have a resource type" not in answer.stderr, answer.stderr
        assert answer.stdout.split()[0] in {"yes", "no"}, answer
        return question, answer.stdout.startswith("yes")

    with ThreadPoolExecutor(4) as several:
        return dict(several.map(ask, questions))


def permissions(cluster: Cluster, account: Account, namespace: str) -> set[Permission]:
    """All that an account may do in a namespace, by ``kubectl auth can-i --list``; resources without their group."""
    table = cluster.plane.kubectl(
        "auth", "can-i", "--list", "--no-headers", f"--as={account.user}", f"--namespace={namespace}"
    )
    found: set[Permission] = set()
    for line in table.stdout.splitlines():
        row = re.fullmatch(r"(\S*)\s+\[(.*)\]\s+\[(.*)\]\s+\[(.*)\]\s*", line)
        assert row, line
        resource, urls, _, verbs = row.groups()
        whats = [re.sub(r"\.[^/]*", "", resource)] if resource else urls.split()
        found |= {(verb, what) for verb in verbs.split() for what in whats}
    return found
