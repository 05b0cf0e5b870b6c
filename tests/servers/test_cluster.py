"""Both stacks on a real API server, controllers and scheduler: accepted as they are, ready, allowed what they need."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml

from components.kubernetes import NAME_LABEL
from model.quantities import Bytes
from model.scrape import SERVICE_ACCOUNT
from tests.stack_settings import WHOLE
from tools.local.control_plane import NODES, ControlPlane
from tools.local.harness import eventually
from tools.local.rendered import STACKS, Manifest, Rendered

WORKLOADS = ("DaemonSet", "StatefulSet", "Deployment")
NODE_AGENTS = "monitoring-node-agents"
"""Whose pods need the host, and are let: the one namespace that is privileged."""
RESTRICTED = 'PodSecurity "restricted:latest": allowPrivilegeEscalation != false'

Permission = tuple[str, str]
"""Verb, and resource or URL."""


@dataclass(frozen=True)
class Account:
    namespace: str
    name: str

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{self.name}"


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


@pytest.fixture(scope="module", params=STACKS)
def cluster(
    request: pytest.FixtureRequest, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A stack applied to a control plane that holds nothing else."""
    stack = rendered(request.param)
    with ControlPlane(tmp_path_factory.mktemp(f"control-plane-{request.param}")) as plane:
        yield Cluster(plane, stack, apply_manifests(plane, stack))


@pytest.fixture(scope="module")
def running(cluster: Cluster) -> Cluster:
    """The same, once everything runs."""
    until_ready(cluster)
    return cluster


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


def assert_accepted(stack: Rendered, applied: CompletedProcess[str]) -> None:
    assert applied.stderr == ""
    assert applied.returncode == 0
    said = [line.rpartition(" ")[2] for line in applied.stdout.splitlines()]
    assert said == ["serverside-applied"] * len(stack.objects)


def test_every_object_is_accepted_in_the_rendered_order_without_a_warning(cluster: Cluster) -> None:
    assert_accepted(cluster.stack, cluster.applied)


@pytest.mark.parametrize("name", WHOLE)
def test_every_setting_makes_objects_that_are_accepted(
    name: str, rendered: Callable[[str], Rendered], tmp_path: Path
) -> None:
    # Nothing runs: the nodes, classes and address family that these stacks name are not there.
    with ControlPlane(tmp_path) as plane:
        assert_accepted(rendered(name), apply_manifests(plane, rendered(name)))


def test_every_workload_becomes_ready(cluster: Cluster) -> None:
    until_ready(cluster)


def test_applying_again_changes_nothing(running: Cluster) -> None:
    def versions() -> dict[tuple[str, ...], str]:
        live = [(made, made["metadata"]) for made in running.rendered_objects()]
        return {
            (made["kind"], about.get("namespace", ""), about["name"]): about["resourceVersion"] for made, about in live
        }

    before = versions()

    again = apply_manifests(running.plane, running.stack)

    assert again.stderr == ""
    assert again.returncode == 0
    changed = {name: version for name, version in versions().items() if before[name] != version}
    assert changed == {}


# --- pods: what they may do on their node, and where they land ---


def test_every_pod_of_a_server_passes_restricted_and_would_not_with_escalation(running: Cluster) -> None:
    copies = [unscheduled(pod) for pod in running.live("Pod") if pod["metadata"]["namespace"] != NODE_AGENTS]
    assert copies

    create(running, copies)
    refusal = create(running, [escalating(pod) for pod in copies], check=False)

    refused = [line for line in refusal.stderr.splitlines() if RESTRICTED in line and "is forbidden" in line]
    assert len(refused) == len(copies), refusal.stderr


def test_a_workload_that_may_escalate_is_warned_of_when_it_is_applied(running: Cluster) -> None:
    outside = [made for made in running.stack.of_kind(*WORKLOADS) if made["metadata"]["namespace"] != NODE_AGENTS]

    warned = apply(running, map(escalating, outside), "--dry-run=server", "--warnings-as-errors", check=False)

    assert warned.returncode != 0
    assert warned.stderr.count(RESTRICTED) == len(outside), warned.stderr


def test_only_node_exporter_shares_the_hosts_network(running: Cluster) -> None:
    for workload, pods in running.crews():
        of_the_host = [bool(pod["spec"].get("hostNetwork")) for pod in pods]
        assert of_the_host == [program(workload) == (NODE_AGENTS, "node-exporter")] * len(pods), program(workload)


def test_replicas_land_on_different_nodes_and_agents_on_every_node(running: Cluster) -> None:
    for workload, pods in running.crews():
        nodes = [pod["spec"]["nodeName"] for pod in pods]
        wanted = len(NODES) if workload["kind"] == "DaemonSet" else workload["spec"]["replicas"]
        assert len(nodes) == wanted, program(workload)
        assert len(set(nodes)) == min(wanted, len(NODES)), f"{program(workload)} on {nodes}"


def unscheduled(pod: Manifest) -> Manifest:
    """A pod as its controller asked for it, under another name."""
    metadata = {"name": f"{pod['metadata']['name']}-copy", "namespace": pod["metadata"]["namespace"]}
    spec = {name: value for name, value in pod["spec"].items() if name != "nodeName"}
    return copy.deepcopy({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def escalating(made: Manifest) -> Manifest:
    """The same object, its containers allowed to gain privileges."""
    loose = copy.deepcopy(made)
    for container in pod_spec(loose)["containers"]:
        container["securityContext"]["allowPrivilegeEscalation"] = True
    return loose


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


# --- what service accounts may ask ---

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


def test_every_service_account_may_ask_what_its_program_asks(running: Cluster) -> None:
    questions = [(account, asked) for account, wanted in needs(running.stack).items() for asked in sorted(wanted)]
    assert {account.name for account, _ in questions} >= {"prometheus", "kube-state-metrics"}

    answers = can_i(running, questions, everywhere=True)

    assert [question for question, allowed in answers.items() if not allowed] == []


def test_no_service_account_may_read_secrets_write_or_reach_through_a_node(running: Cluster) -> None:
    questions = [(account, forbidden) for account in accounts(running.stack) for forbidden in NEVER]
    assert questions

    answers = can_i(running, questions, everywhere=False)

    assert [question for question, allowed in answers.items() if allowed] == []


def test_no_service_account_may_do_more_than_its_program_asks(running: Cluster) -> None:
    wanted = needs(running.stack)
    for namespace in sorted({*running.namespaces, "kube-system"}):
        everyone = permissions(running, Account("default", "default"), namespace)
        for account in accounts(running.stack):
            granted = permissions(running, account, namespace) - everyone

            assert {verb for verb, _ in granted} <= READING, account
            assert {what for _, what in granted} == {what for _, what in wanted[account]}, f"{account} in {namespace}"


def test_only_pods_that_may_ask_the_api_carry_a_token(running: Cluster) -> None:
    bound = {
        Account(subject["namespace"], subject["name"])
        for binding in running.stack.of_kind("RoleBinding", "ClusterRoleBinding")
        for subject in binding["subjects"]
    }
    assert bound

    for pod in running.live("Pod"):
        metadata, spec = pod["metadata"], pod["spec"]
        account = Account(metadata["namespace"], spec["serviceAccountName"])
        sources = [source for volume in spec["volumes"] for source in volume.get("projected", {}).get("sources", [])]
        tokens = [source for source in sources if "serviceAccountToken" in source]
        assert len(tokens) == (account in bound), f"{metadata['name']} as {account}"
        assert account in accounts(running.stack), f"{metadata['name']} shares {account} with whatever else runs there"


def accounts(stack: Rendered) -> list[Account]:
    return [Account(*place(made)) for made in stack.of_kind("ServiceAccount")]


def place(made: Manifest) -> tuple[str, str]:
    return made["metadata"]["namespace"], made["metadata"]["name"]


def needs(stack: Rendered) -> dict[Account, set[Permission]]:
    """What each program asks the API, read from its arguments and its configuration."""
    asked: dict[Account, set[Permission]] = {account: set() for account in accounts(stack)}
    for workload in stack.of_kind(*WORKLOADS):
        account = Account(workload["metadata"]["namespace"], pod_spec(workload)["serviceAccountName"])
        for container in pod_spec(workload)["containers"]:
            watched = {what for value in values(container["args"], "--resources") for what in value.split(",")}
            if "k8s_attributes" in processors(stack, container["name"]):
                watched.add("pods")
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


def configuration(stack: Rendered, name: str) -> list[Manifest]:
    files = sorted(stack.config(name).rglob("*.y*ml"))
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]


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


# --- volumes ---


def test_every_claim_is_bound_and_is_one_that_the_stack_sizes(running: Cluster) -> None:
    claims = {place(claim): claim for claim in running.live("PersistentVolumeClaim")}

    assert {claim["status"]["phase"] for claim in claims.values()} == {"Bound"}
    assert set(claims) == {place(sized) for sized in running.stack.claims}, "a claim of another name never grows"


def test_the_size_of_a_claim_passes_to_the_stack_only_by_force(running: Cluster) -> None:
    claim = resized(claim_of(running, "data-alertmanager-0"), 2)

    refusal = apply(running, [claim], "--field-manager=stack", "--dry-run=server", check=False)
    apply(running, [claim], "--field-manager=stack", "--dry-run=server", "--force-conflicts")

    assert 'conflict with "kube-controller-manager"' in refusal.stderr
    assert claim["metadata"]["annotations"]["pulumi.com/patchForce"] == "true", "how Pulumi is told to"


def test_a_volume_grows_in_place_and_neither_the_set_nor_a_pod_changes(running: Cluster) -> None:
    def sets_and_pods() -> dict[str, tuple[str, int | None, str]]:
        return {
            metadata["uid"]: (metadata["name"], metadata.get("generation"), metadata["resourceVersion"])
            for metadata in (made["metadata"] for made in running.live("StatefulSet", "Pod"))
        }

    before = sets_and_pods()
    larger = resized(claim_of(running, "data-prometheus-0"), 2)

    apply(running, [larger], "--field-manager=stack", "--force-conflicts")

    eventually(
        lambda: "ExternalExpanding" in reasons(running, larger), 20, "the control plane acts on the larger claim"
    )
    apply(running, running.stack.of_kind("StatefulSet"))  # as later updates do, which send the templates of the first
    assert size(live_claim(running, larger)) == size(larger)
    assert sets_and_pods() == before


@pytest.mark.parametrize("flags", [(), ("--dry-run=server",)], ids=["update", "preview"])
def test_a_volume_never_shrinks(running: Cluster, flags: tuple[str, ...]) -> None:
    smaller = resized(claim_of(running, "data-prometheus-0"), 0.5)

    refusal = apply(running, [smaller], "--field-manager=stack", "--force-conflicts", *flags, check=False)

    assert refusal.returncode != 0
    assert "storage: Forbidden: field can not be less than" in refusal.stderr
    assert size(live_claim(running, smaller)) > size(smaller)


def claim_of(cluster: Cluster, name: str) -> Manifest:
    """What the stack applies to a claim."""
    return next(claim for claim in cluster.stack.claims if claim["metadata"]["name"] == name)


def live_claim(cluster: Cluster, claim: Manifest) -> Manifest:
    return next(found for found in cluster.live("PersistentVolumeClaim") if place(found) == place(claim))


def resized(claim: Manifest, factor: float) -> Manifest:
    storage = str(Bytes(int(size(claim) * factor)))
    return claim | {"spec": {"resources": {"requests": {"storage": storage}}}}


def size(claim: Manifest) -> int:
    return Bytes.parse(claim["spec"]["resources"]["requests"]["storage"]).count


def reasons(cluster: Cluster, claim: Manifest) -> set[str]:
    """Why there were events about a claim."""
    return {event["reason"] for event in cluster.live("Event") if event["involvedObject"]["name"] == place(claim)[1]}


# --- what finds pods by their labels ---


def test_every_service_leads_to_the_ready_pods_of_its_program_and_to_no_other(running: Cluster) -> None:
    def all_lead_there() -> bool:
        pods, slices = running.pods_of(), running.live("EndpointSlice")
        for service in running.live("Service"):
            own = [
                found
                for found in slices
                if found["metadata"]["labels"]["kubernetes.io/service-name"] == place(service)[1]
            ]
            ready = [end for found in own for end in found["endpoints"] if end["conditions"]["ready"]]
            led_to = sorted((end["targetRef"]["uid"], end["addresses"]) for end in ready)
            wanted = sorted((pod["metadata"]["uid"], [pod["status"]["podIP"]]) for pod in pods[program(service)])
            assert led_to == wanted, place(service)
        return True

    eventually(all_lead_there, 20, "every Service leads to its pods")


def test_every_port_of_a_service_is_a_port_of_its_pods_by_name_and_number(running: Cluster) -> None:
    pods = running.pods_of()
    for service in running.live("Service"):
        served = {(port["name"], port["targetPort"], port["protocol"]) for port in service["spec"]["ports"]}
        assert served == {(port["name"], port["port"], port["protocol"]) for port in service["spec"]["ports"]}
        for pod in pods[program(service)]:
            ports = [port for container in pod["spec"]["containers"] for port in container["ports"]]
            open_ = {(port["name"], port["containerPort"], port["protocol"]) for port in ports}
            assert served <= open_, place(service)


def test_every_workload_of_several_replicas_may_lose_one_at_a_time(running: Cluster) -> None:
    several = {program(made): pods for made, pods in running.crews() if made["spec"].get("replicas", 1) > 1}
    budgets = running.live("PodDisruptionBudget")

    assert sorted(program(budget) for budget in budgets) == sorted(several)
    for budget in budgets:
        status = budget["status"]
        assert selected(budget["spec"]["selector"], budget, running) == uids(several[program(budget)])
        assert status["expectedPods"] == len(several[program(budget)])
        assert status["disruptionsAllowed"] == 1


def test_every_pod_is_denied_everything_but_what_one_policy_of_its_own_allows(running: Cluster) -> None:
    policies = running.live("NetworkPolicy")
    deny = [policy for policy in policies if policy["spec"]["podSelector"] == {}]
    assert {place(policy)[0] for policy in deny} == running.namespaces, "one in each namespace"
    for policy in deny:
        assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    own = {program(policy): policy for policy in policies if policy not in deny}
    assert len(own) + len(deny) == len(policies)
    pods = running.pods_of()
    assert set(own) == {name for name, crew in pods.items() if not any(pod["spec"].get("hostNetwork") for pod in crew)}
    for name, policy in own.items():
        assert sorted(policy["spec"]["policyTypes"]) == ["Egress", "Ingress"], name
        assert selected(policy["spec"]["podSelector"], policy, running) == uids(pods[name]), name


def selected(selector: Manifest, made: Manifest, cluster: Cluster) -> set[str]:
    """The pods that the API server finds for a selector in the namespace of its object."""
    assert set(selector) == {"matchLabels"}
    wanted = ",".join(f"{label}={value}" for label, value in selector["matchLabels"].items())
    found = cluster.plane.get("Pod", f"--namespace={place(made)[0]}", f"--selector={wanted}")["items"]
    return uids(found)


def uids(pods: Iterable[Manifest]) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods}
