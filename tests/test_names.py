"""Names in a stack file: each kind of name is what Kubernetes takes for that kind, no less and no more."""

from __future__ import annotations

from typing import Any

import pytest

from components.settings.stack import Refused, read
from tests.conftest import NOTHING, Stacks
from tools.local.stack_text import merged

STACK: dict[str, Any] = {
    "cluster": {"name": "a", "environment": "dev", "context": "a", "flavour": "kind"},
    "grafana": {"url": "http://grafana.example.com", "ingress": {"host": "grafana.example.com"}},
}
LABEL = "a name of at most 63 lower-case letters, digits and dashes"
DNS_NAME = "a name of at most 253 lower-case letters, digits, dashes and dots, like fast.example.com"
QUALIFIED = "a Kubernetes name like example.com/team"
LONGEST = f"{'a' * 100}.{'b' * 100}.{'c' * 51}"
"""253 characters, in parts that are longer than DNS has them: Kubernetes counts only the whole."""
AFTER_PREFIX = "a" * 63


def at(path: str, value: object) -> dict[str, Any]:
    """The stack with one setting; ``[]`` after a key stands for a list of one."""
    made = value
    for key in reversed(path.split("/")):
        name = key.removesuffix("[]")
        made = {name: [made] if name != key else made}
    changed: dict[str, Any] = merged(STACK, made)
    return changed


def problems(path: str, value: object) -> list[str]:
    try:
        read(at(path, value))
    except Refused as refused:
        return refused.problems
    return []


NAMES_OF_OBJECTS = {
    "a Secret with a certificate": "grafana/ingress/tls",
    "a StorageClass": "cluster/storageClass",
    "an image pull Secret": "cluster/images/pullSecrets[]",
    "a PriorityClass": "loki/priorityClass",
    "an IngressClass": "grafana/ingress/className",
    "a Secret of somebody else": "grafana/secretKeySecret",
}


def named(path: str, name: str) -> object:
    """What stands at ``path`` when the name is within something else."""
    parts: dict[str, object] = {"tls": {"secretName": name}, "secretKeySecret": {"name": name, "key": "k"}}
    return parts.get(path.rpartition("/")[2], name)


@pytest.mark.parametrize("path", NAMES_OF_OBJECTS.values(), ids=NAMES_OF_OBJECTS)
def test_an_object_may_have_a_name_with_dots_as_long_as_kubernetes_has_them(path: str) -> None:
    for name in ("fast.example.com", LONGEST, "1.2"):
        # With TLS, the URL of the stack should be another one.
        assert [each for each in problems(path, named(path, name)) if not each.startswith("grafana.url")] == [], name


@pytest.mark.parametrize("path", NAMES_OF_OBJECTS.values(), ids=NAMES_OF_OBJECTS)
@pytest.mark.parametrize("name", [f"{LONGEST}d", "a..b", ".a", "a.", "-a", "a-.b", "A", "a_b", "a/b", "a b", "a\n"])
def test_a_name_that_no_object_has_is_refused(path: str, name: str) -> None:
    assert any(DNS_NAME in each or "the name of a StorageClass" in each for each in problems(path, named(path, name)))


@pytest.mark.parametrize(
    "path",
    ["cluster/namespaces/stack", "collector/ingest[]", "grafana/ingress/controller/namespace", "logs/drop[]/namespace"],
)
def test_a_namespace_is_one_label_of_dns(path: str) -> None:
    assert problems(path, "a" * 63) == []
    where = path.replace("/", ".").replace("[]", "[0]")
    assert problems(path, "team.agents") == [f'{where}: "team.agents": {LABEL}']
    (said,) = problems(path, "a" * 64)
    assert said.endswith(LABEL)


@pytest.mark.parametrize(
    "path", ["cluster/labels", "cluster/nodeSelector", "loki/labels", "loki/annotations", "grafana/ingress/annotations"]
)
def test_a_label_or_an_annotation_has_a_prefix_of_dns_and_a_name(path: str) -> None:
    for name in ("team", f"{LONGEST}/{AFTER_PREFIX}", "example.com/Team_1.x"):
        assert problems(path, {name: "x"}) == [], name
    for name in ("a..b/team", "-a/team", "a./team", "a/b/c", "/team", "a/", f"{LONGEST}d/team"):
        (said,) = problems(path, {name: "x"})
        assert said.endswith(QUALIFIED), name


def test_only_an_annotation_may_have_capitals_in_its_prefix() -> None:
    assert problems("loki/annotations", {"Example.com/team": "x"}) == []
    assert problems("loki/labels", {"Example.com/team": "x"}) == [
        f'loki.labels.Example.com/team: "Example.com/team": {QUALIFIED}'
    ]


def test_annotations_of_a_service_account_have_the_same_names() -> None:
    assert problems("loki/serviceAccountAnnotations", {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}) == []
    (said,) = problems("loki/serviceAccountAnnotations", {"role arn": "x"})
    assert said == f'loki.serviceAccountAnnotations.role arn: "role arn": {QUALIFIED}'


def test_annotations_are_refused_where_the_api_server_refuses_their_size() -> None:
    halves = {"example.com/a": "x" * 40_000, "example.com/b": "ü" * 40_000}
    assert problems("loki/annotations", halves) == []
    more = {f"example.com/{number}": "x" * 40_000 for number in range(7)}
    assert problems("loki/annotations", more) == [
        "loki.annotations: {...}: annotations of at most 262144 bytes together"
    ]


@pytest.mark.parametrize(("key", "taken"), [(".dockerconfigjson", True), ("a..b", True), (".", False), ("..a", False)])
def test_a_key_of_a_secret_can_be_the_name_of_a_file(key: str, taken: bool) -> None:
    assert (problems("grafana/secretKeySecret", {"name": "a", "key": key}) == []) is taken


@pytest.mark.parametrize("app", ["Shop_API.v1", "shop.example", LONGEST, "a" * 63])
def test_an_app_is_what_a_label_or_a_workload_is_called(app: str) -> None:
    assert problems("logs/drop[]/app", app) == []
    assert problems("systems/logs/audit[]", {"namespace": "a", "app": app}) == []


@pytest.mark.parametrize("host", ["10.0.0.1", "a.1", f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 63}", "*.example.com"])
def test_a_host_of_an_ingress_is_a_name_and_no_address(host: str) -> None:
    found = problems("grafana/ingress/host", host)
    assert any(each.startswith("grafana.ingress.host: ") for each in found), found


def test_a_storage_class_that_is_empty_asks_every_claim_for_a_volume_made_by_hand(stack: Stacks) -> None:
    made = stack("dev", systems=NOTHING, cluster={"storageClass": ""})
    claims = [
        claim["spec"] for each in made.workloads.values() for claim in each["spec"].get("volumeClaimTemplates", [])
    ]
    claims += [claim["spec"] for claim in made.kind("PersistentVolumeClaim").values()]
    assert len(claims) >= 6, "or the absence below proves nothing"
    assert {claim.get("storageClassName") for claim in claims} == {""}, "left out, the cluster's default would be taken"
