"""Both stacks on a real API server, controllers and scheduler: accepted as they are, ready, allowed what they need."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from model.quantities import Bytes
from tests.servers.applied import (
    NODE_AGENTS,
    WORKLOADS,
    Cluster,
    apply,
    apply_manifests,
    create,
    place,
    pod_spec,
    program,
    until_ready,
)
from tests.servers.permissions import NEVER, READING, Account, accounts, can_i, needs, permissions
from tests.stack_settings import WHOLE
from tools.local.control_plane import NODES, ControlPlane
from tools.local.harness import eventually
from tools.local.rendered import STACKS, Manifest, Rendered

RESTRICTED = 'PodSecurity "restricted:latest": allowPrivilegeEscalation != false'


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


# --- what service accounts may ask ---


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
