"""The two namespaces: what they let in."""

from __future__ import annotations

import pytest

from tests.conftest import Recorded, Stacks

MODES = ("enforce", "warn", "audit")


@pytest.mark.parametrize(("name", "level"), [("monitoring", "restricted"), ("monitoring-node-agents", "privileged")])
def test_pod_security_is_enforced(prod: Recorded, name: str, level: str) -> None:
    labels = prod.kind("Namespace")[name]["metadata"]["labels"]
    assert {mode: labels[f"pod-security.kubernetes.io/{mode}"] for mode in MODES} == dict.fromkeys(MODES, level)


def test_only_one_namespace_is_privileged(prod: Recorded) -> None:
    levels = [
        made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] for made in prod.kind("Namespace").values()
    ]
    assert sorted(levels) == ["privileged", "restricted"]


@pytest.mark.parametrize("name", ["monitoring", "monitoring-node-agents"])
def test_what_no_policy_allows_is_denied(prod: Recorded, name: str) -> None:
    policy = prod.kind("NetworkPolicy")[f"{name}/deny-all"]
    assert policy["metadata"]["namespace"] == name
    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, "every pod, both directions"


def test_every_object_lies_in_a_namespace_of_the_stack(stack: Stacks) -> None:
    made = stack("prod", cluster={"namespaces": {"stack": "watch", "nodeAgents": "watch-nodes"}})
    assert set(made.kind("Namespace")) == {"watch", "watch-nodes"}
    for (kind, name), found in made.objects.items():
        if kind not in {"Namespace", "ClusterRole", "ClusterRoleBinding"}:
            assert found["metadata"]["namespace"] in {"watch", "watch-nodes"}, f"{kind} {name}"
        for subject in found.get("subjects", []):
            place = "watch-nodes" if subject["name"] == "promtail" else "watch"
            assert subject["namespace"] == place, f"{name}: a right of the account that uses it"
    text = "\n".join(made.files.values()) + str([made.container(name)["args"] for name in made.workloads])
    assert ".monitoring" not in text, "addresses follow the namespace"
    assert "- monitoring" not in text, "discovery too"
