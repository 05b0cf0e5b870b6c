"""What ``make diff`` says about a change of code that changes objects or dashboards."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Stacks
from tests.diff.told import edited, said
from tools import render
from tools.catalogue import catalogue
from tools.diff import compare
from tools.diff.renders import Key, Render, render_of

Made = dict[str, Any]
PROMETHEUS: Key = ("StatefulSet", "monitoring", "prometheus")
SET = "StatefulSet monitoring/prometheus"
GRAFANA: Key = ("Deployment", "monitoring", "grafana")
EXPORTER: Key = ("DaemonSet", "monitoring-node-agents", "node-exporter")
POLICY: Key = ("NetworkPolicy", "monitoring", "prometheus")
SHORT = "NetworkPolicy monitoring/prometheus"
ROLE: Key = ("ClusterRole", "", "agent-observability-prometheus")
CLAIM: Key = ("PersistentVolumeClaim", "monitoring", "grafana-data")
ANYBODY = {"ipBlock": {"cidr": "0.0.0.0/0"}}


@pytest.fixture(scope="module")
def base(stack: Stacks) -> Render:
    """The development stack, as it is rendered."""
    recorded = stack("dev")
    content = render.grafana_files(recorder) if (recorder := recorded.recorder) else {}
    return render_of(catalogue(recorded.settings, {}), render.manifests(recorder), content, "")


def told(base: Render, key: Key, edit: Callable[[Made], Any]) -> list[str]:
    """What is said once an object is edited; without that it changed at all."""
    made = copy.deepcopy(dict(base.objects[key]))
    edit(made)
    found = said(compare.difference("dev", base, edited(base, objects={**base.objects, key: made})))
    return [each for each in found if not each.endswith(f"{key[2]}: changed")]


def without(base: Render, *keys: Key) -> list[str]:
    objects = {key: made for key, made in base.objects.items() if key not in keys}
    return said(compare.difference("dev", base, edited(base, objects=objects)))


def with_object(base: Render, **made: Any) -> list[str]:
    key = made["kind"], made["metadata"].get("namespace", ""), made["metadata"]["name"]
    return said(compare.difference("dev", base, edited(base, objects={**base.objects, key: made})))


def container(made: Made) -> Made:
    first: Made = made["spec"]["template"]["spec"]["containers"][0]
    return first


def test_a_checkout_without_changes_says_so(base: Render) -> None:
    found = compare.difference("dev", base, edited(base))
    assert compare.summary(found) == ["no change"]
    assert found.notes == (compare.SECRETS,)


def test_a_stack_that_goes_is_a_loss(base: Render) -> None:
    assert said(compare.difference("dev", base, None)) == [
        "!! the stack file is gone: `pulumi destroy` deletes what runs, with its data [data-lost]"
    ]
    assert said(compare.difference("dev", None, base)) == ["the stack is new"]


def test_a_claim_that_goes_stays_unused(base: Render) -> None:
    assert without(base, CLAIM)[0] == (
        "!! PersistentVolumeClaim monitoring/grafana-data: deleted: "
        "the claim and its data stay in the cluster, and nothing uses them [data-lost]"
    )


def test_a_namespace_that_goes_takes_its_volumes_along(base: Render) -> None:
    assert without(base, ("Namespace", "", "monitoring"))[0] == (
        "!! Namespace monitoring: deleted: everything in it is deleted, with its volumes [data-lost]"
    )


def test_a_set_that_goes_leaves_its_volumes(base: Render) -> None:
    assert without(base, PROMETHEUS)[0] == (
        "!! StatefulSet monitoring/prometheus: deleted: "
        "its volumes stay until somebody deletes their claims [data-lost]"
    )


def test_a_policy_that_goes_restricts_nobody(base: Render) -> None:
    (only,) = without(base, POLICY)
    assert only == f"!! {SHORT}: deleted: it no longer restricts who reaches these pods [access-widened]"


def test_a_set_whose_selector_changes_is_replaced(base: Render) -> None:
    found = told(base, PROMETHEUS, lambda made: made["spec"]["selector"]["matchLabels"].update(part="server"))
    assert found == ["! StatefulSet monitoring/prometheus: replaced, because spec.selector cannot change"]


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ("40Gi", "volumes of StatefulSet monitoring/prometheus: 20Gi -> 40Gi: expanded in place, without a restart"),
        ("10Gi", "!! volumes of StatefulSet monitoring/prometheus: 20Gi -> 10Gi: refused: a volume cannot shrink"),
    ],
)
def test_volumes_grow_and_never_shrink(base: Render, size: str, says: str) -> None:
    def edit(made: Made) -> None:
        made["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = size

    assert says in told(base, PROMETHEUS, edit)


def test_a_new_image_restarts_the_pods_of_its_workload_alone(base: Render) -> None:
    found = told(base, PROMETHEUS, lambda made: container(made).update(image="prom/prometheus:v9.9.9"))
    was = container(dict(base.objects[PROMETHEUS]))["image"]
    assert found == [
        f"! image of StatefulSet monitoring/prometheus: {was} -> prom/prometheus:v9.9.9",
        f"! {SET}: its pods restart: another image; there is one pod, so it is away meanwhile",
    ]


def test_containers_of_one_name_in_two_workloads_are_told_apart(base: Render) -> None:
    """Both are changed, each to an image of its own."""
    objects: dict[Key, Any] = {**base.objects}
    for key, image in ((PROMETHEUS, "example/a:1"), (GRAFANA, "example/b:2")):
        objects[key] = copy.deepcopy(dict(objects[key]))
        container(objects[key]).update(name="server", image=image)
    renamed: dict[Key, Any] = {**base.objects}
    for key in (PROMETHEUS, GRAFANA):
        renamed[key] = copy.deepcopy(dict(renamed[key]))
        container(renamed[key]).update(name="server")
    found = said(compare.difference("dev", edited(base, objects=renamed), edited(base, objects=objects)))
    images = [each for each in found if each.startswith("! image of")]
    assert [each.rpartition(" -> ")[2] for each in images] == ["example/b:2", "example/a:1"]


def test_a_workload_without_pods_requests_nothing(base: Render) -> None:
    found = told(base, GRAFANA, lambda made: made["spec"].update(replicas=0))
    assert found == ["requested in total, besides node agents: CPU 920m -> 820m, memory 3296Mi -> 2784Mi"]


def test_what_node_agents_request_is_counted_for_each_node(base: Render) -> None:
    found = told(base, EXPORTER, lambda made: container(made)["resources"]["requests"].update(cpu="1"))
    assert found[-1].startswith("requested on each node: CPU ")


def test_a_role_that_may_more(base: Render) -> None:
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
    assert told(base, ROLE, lambda made: made["rules"].append(rule)) == [
        f"!! ClusterRole {ROLE[2]}: may now get secrets, list secrets [access-widened]"
    ]


def test_a_new_binding_says_what_it_grants(base: Render) -> None:
    found = with_object(
        base,
        apiVersion="rbac.authorization.k8s.io/v1",
        kind="ClusterRoleBinding",
        metadata={"name": "extra"},
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        subjects=[{"kind": "ServiceAccount", "namespace": "monitoring", "name": "grafana"}],
    )
    grants = "ServiceAccount monitoring/grafana may now what ClusterRole cluster-admin grants"
    assert found == [
        f"!! ClusterRoleBinding extra: {grants} [access-widened]",
        "ClusterRoleBinding extra: new",
    ]


def test_a_policy_that_lets_in_anybody(base: Render) -> None:
    found = told(base, POLICY, lambda made: made["spec"]["ingress"].append({"from": [ANYBODY]}))
    assert found == ["!! NetworkPolicy monitoring/prometheus: now lets in 0.0.0.0/0 at any port [access-widened]"]


def test_a_policy_that_lets_in_named_pods_is_no_gate(base: Render) -> None:
    peer = {"podSelector": {"matchLabels": {"app": "shop"}}}
    rule = {"from": [peer], "ports": [{"port": 9090, "protocol": "TCP"}]}
    found = told(base, POLICY, lambda made: made["spec"]["ingress"].append(rule))
    assert found == ["! NetworkPolicy monitoring/prometheus: now lets in pods app=shop at 9090/TCP"]


def test_a_policy_that_no_longer_restricts_a_direction(base: Render) -> None:
    """Its rules are the same, and mean nothing any more."""
    found = told(base, POLICY, lambda made: made["spec"].update(policyTypes=["Ingress"]))
    assert "!! NetworkPolicy monitoring/prometheus: now lets out to everybody at any port [access-widened]" in found


def test_a_new_policy_can_open_pods_that_run_already(base: Render) -> None:
    found = with_object(
        base,
        apiVersion="networking.k8s.io/v1",
        kind="NetworkPolicy",
        metadata={"name": "open", "namespace": "monitoring"},
        spec={"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]},
    )
    assert "!! NetworkPolicy monitoring/open: now lets in everybody at any port [access-widened]" in found


def test_a_namespace_with_a_laxer_standard(base: Render) -> None:
    label = "pod-security.kubernetes.io/enforce"
    found = told(
        base, ("Namespace", "", "monitoring"), lambda made: made["metadata"]["labels"].update({label: "baseline"})
    )
    assert found == ["!! Namespace monitoring: Pod Security Standard restricted -> baseline [access-widened]"]
    gone = told(base, ("Namespace", "", "monitoring"), lambda made: made["metadata"]["labels"].pop(label))
    assert gone == ["!! Namespace monitoring: Pod Security Standard restricted -> none [access-widened]"]


def test_pods_with_more_rights(base: Render) -> None:
    found = told(base, PROMETHEUS, lambda made: container(made)["securityContext"].update(privileged=True))
    assert found[0] == (
        "!! StatefulSet monitoring/prometheus: its pods are less restricted: privileged containers [access-widened]"
    )


def test_a_second_container_with_the_rights_of_the_first(base: Render) -> None:
    """What one container may is no licence for another."""
    lax = copy.deepcopy(dict(base.objects[PROMETHEUS]))
    container(lax)["securityContext"] = {"readOnlyRootFilesystem": True}
    before = edited(base, objects={**base.objects, PROMETHEUS: lax})

    def edit(made: Made) -> None:
        made["spec"]["template"]["spec"]["containers"].append({**container(made), "name": "debug"})

    assert "default capabilities, privilege escalation" in told(before, PROMETHEUS, edit)[0]


def test_a_service_that_is_reachable_from_outside(base: Render) -> None:
    key = ("Service", "monitoring", "prometheus")
    (only,) = told(base, key, lambda made: made["spec"].update(type="LoadBalancer"))
    way = "ClusterIP -> LoadBalancer: reachable from outside the cluster"
    assert only == f"!! Service monitoring/prometheus: {way} [access-widened]"


def test_an_ingress_without_tls_and_with_another_name() -> None:
    key = ("Ingress", "monitoring", "grafana")
    was = {"kind": "Ingress", "spec": {"rules": [{"host": "a.example.com"}], "tls": [{"secretName": "grafana-tls"}]}}
    found = told(Render(objects={key: was}), key, lambda made: made.update(spec={"rules": [{"host": "b.example.com"}]}))
    assert found == [
        "!! Ingress monitoring/grafana: reachable as b.example.com [access-widened]",
        "!! Ingress monitoring/grafana: without TLS [access-widened]",
    ]


def seen(base: Render, edit: Callable[[Made], Any]) -> list[str]:
    content = {path: copy.deepcopy(dict(made)) for path, made in base.content.items()}
    edit(content)
    return said(compare.difference("dev", base, edited(base, content=content)))


def test_a_dashboard_that_goes_breaks_links(base: Render) -> None:
    uid = "nodes"
    title = base.dashboards[uid]["title"]
    found = seen(base, lambda content: content.pop(f"dashboards/{uid}"))
    assert found[0] == f"! dashboard {title}: deleted: links to it break"
    linking = [
        made["title"] for each, made in base.dashboards.items() if each != uid and f"/d/{uid}" in json.dumps(made)
    ]
    assert {f"! dashboard {name}: links to {uid}, which is gone" for name in linking} <= set(found)


def test_a_panel_with_another_query_and_unit(base: Render) -> None:
    panels = base.dashboards["nodes"]["panels"]
    place = next(n for n, each in enumerate(panels) if each.get("targets"))
    title = panels[place]["title"]

    def edit(content: Made) -> None:
        panel = content["dashboards/nodes"]["panels"][place]
        panel["targets"][0]["expr"] = "vector(1)"
        panel["fieldConfig"]["defaults"]["unit"] = "bytes"

    name = base.dashboards["nodes"]["title"]
    assert seen(base, edit) == [f"dashboard {name}: panel {title} with other queries, unit"]


def test_a_panel_that_goes(base: Render) -> None:
    panels = base.dashboards["nodes"]["panels"]
    place = next(n for n, each in enumerate(panels) if each.get("targets"))
    found = seen(base, lambda content: content["dashboards/nodes"]["panels"].pop(place))
    assert found == [f"dashboard {base.dashboards['nodes']['title']}: panel {panels[place]['title']} removed"]
