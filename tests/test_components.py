"""What holds for every workload, whichever component deploys it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components import images
from model.quantities import Bytes
from tests.conftest import Recorded, Stacks
from tools.recorder import ROOT, Resource
from tools.stack_file import read

SERVERS = ("alertmanager", "prometheus")
SINGLE = ("jaeger",)
"""Servers with one replica, on volumes of settings of their own."""
COLLECTOR = "otel-collector"
EXPORTERS = ("blackbox-exporter", "kube-state-metrics", "node-exporter")
LOGS = ("loki", "promtail")
WORKLOADS = (*SERVERS, *SINGLE, COLLECTOR, "grafana", *EXPORTERS, *LOGS)
PART_OF = "app.kubernetes.io/part-of"
NAME = "app.kubernetes.io/name"

every_workload = pytest.mark.parametrize("name", WORKLOADS)

DRESS: dict[str, Any] = {
    "cluster": {
        "labels": {"example.com/team": "platform"},
        "nodeSelector": {"pool": "observability"},
        "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "observability", "effect": "NoSchedule"}],
        "images": {"registry": "mirror.example.com/proxy", "pullSecrets": ["mirror-login"]},
        "storageClass": "fast",
    },
    **{
        server: {
            "labels": {"cost-centre": "42"},
            "annotations": {"example.com/owner": "platform@example.com"},
            "priorityClass": "observability-critical",
        }
        for server in SERVERS + SINGLE
    },
}
"""Everything that a stack file may put on all workloads."""

WITHOUT_VOLUMES: dict[str, Any] = {
    "prometheus": {"storage": None, "retention": {"size": None}},
    "alertmanager": {"storage": None},
    "collector": {"storage": None},
    "grafana": {"database": {"sqlite": {"storage": None}}},
    "jaeger": {"storage": {"badger": None, "memory": {}}},
    "loki": {"storage": {"filesystem": {"size": None}}},
}
"""Everything that a stack file may keep on the nodes."""

DEFAULT_LOGS, AKS_LOGS = 5 * 10 * 2**20, 5 * 50 * 10**6
"""What the kubelet keeps of a container's output: by its defaults, and on the cloud that keeps most."""


@pytest.fixture(scope="module")
def dressed(stack: Stacks) -> Recorded:
    return stack("prod", **DRESS)


def test_these_are_all_workloads(prod: Recorded, dev: Recorded) -> None:
    assert set(prod.workloads) == set(dev.workloads) == set(WORKLOADS), "a new workload joins the lists of this file"


@every_workload
def test_a_workload_says_what_it_needs_and_where_it_stops(prod: Recorded, name: str) -> None:
    resources = prod.container(name)["resources"]
    assert set(resources["requests"]) >= {"cpu", "memory"}, "the scheduler sets aside what is requested"
    assert "memory" in resources["limits"], "a leak must not take the node along"
    assert Bytes.parse(resources["requests"]["memory"]) <= Bytes.parse(resources["limits"]["memory"])


@every_workload
def test_a_workload_says_what_it_writes_to_the_nodes_disk(prod: Recorded, stack: Stacks, name: str) -> None:
    for made in (prod, stack("dev", **WITHOUT_VOLUMES)):
        resources = made.container(name)["resources"]
        asked, most = (Bytes.parse(resources[kind]["ephemeral-storage"]).count for kind in ("requests", "limits"))
        scratch = [volume["emptyDir"] for volume in made.pod(name)["volumes"] if "emptyDir" in volume]
        assert all("sizeLimit" in volume for volume in scratch), "one pod must not fill a node's disk"
        room = most - sum(Bytes.parse(volume["sizeLimit"]).count for volume in scratch)
        assert room >= AKS_LOGS, "besides full scratch volumes all logs that the kubelet keeps must fit"
        assert DEFAULT_LOGS <= asked <= most, "a pod that writes more than it asked for is the first to go"


@pytest.mark.parametrize(
    ("name", "live", "ready"),
    [
        ("alertmanager", ("/-/healthy", 9093), ("/-/ready", 9093)),
        ("prometheus", ("/-/healthy", 9090), ("/-/ready", 9090)),
        ("grafana", ("/healthz", 3000), ("/api/health", 3000)),
        ("jaeger", ("/metrics", 8888), ("/status", 13133)),
        (COLLECTOR, ("/metrics", 8888), ("/", 13133)),
        ("blackbox-exporter", ("/-/healthy", 9115), ("/metrics", 9115)),
        ("kube-state-metrics", ("/livez", 8080), ("/readyz", 8081)),
        ("node-exporter", ("/", 9100), ("/metrics?collect[]=time", 9100)),
        ("loki", ("/loki/api/v1/status/buildinfo", 3100), ("/ready", 3100)),
        ("promtail", ("/config", 9080), ("/ready", 9080)),
    ],
)
def test_probes_ask_the_servers_own_endpoints(
    prod: Recorded, name: str, live: tuple[str, int], ready: tuple[str, int]
) -> None:
    container = prod.container(name)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    def endpoint(probe: str) -> tuple[str, int]:
        get = container[f"{probe}Probe"]["httpGet"]
        return get["path"], ports[get["port"]]

    assert live[0] != ready[0], "what is not ready is not to be restarted"
    assert endpoint("liveness") == live
    assert endpoint("readiness") == endpoint("startup") == ready, "a start is over when it is ready"
    liveness = container["livenessProbe"]
    assert liveness["failureThreshold"] * liveness["periodSeconds"] >= 60, "restarting a busy server is the last resort"


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("prometheus", 900),
        ("alertmanager", 120),
        ("jaeger", 300),
        (COLLECTOR, 300),
        ("grafana", 600),
        ("loki", 900),
        ("promtail", 300),
        *((exporter, 60) for exporter in EXPORTERS),
    ],
)
def test_a_start_has_the_time_it_needs(prod: Recorded, name: str, seconds: int) -> None:
    probe = prod.container(name)["startupProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] == seconds, "killed sooner, a replay would start over"


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("prometheus", 300),
        ("alertmanager", 60),
        ("jaeger", 60),
        (COLLECTOR, 60),
        ("grafana", 30),
        ("loki", 300),
        ("promtail", 30),
        *((exporter, 30) for exporter in EXPORTERS),
    ],
)
def test_a_stop_has_the_time_it_needs(prod: Recorded, name: str, seconds: int) -> None:
    assert prod.pod(name)["terminationGracePeriodSeconds"] == seconds


@every_workload
def test_a_workload_has_no_rights_on_its_node(prod: Recorded, name: str) -> None:
    pod = prod.pod(name)["securityContext"]
    assert pod["runAsUser"] == images.ALL[name].uid, "the image's own user"
    assert pod["runAsNonRoot"] is (pod["runAsUser"] != 0) is (name != "promtail"), "only root reads logs of pods"
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert prod.container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }, "nothing added, nothing privileged"


@every_workload
def test_a_token_is_mounted_only_where_it_is_used(prod: Recorded, name: str) -> None:
    assert prod.pod(name)["serviceAccountName"] == name, "rights are given per workload"
    assert prod.kind("ServiceAccount")[name]["automountServiceAccountToken"] is False, "whoever else uses the account"
    bound = {subject["name"] for binding in prod.kind("ClusterRoleBinding").values() for subject in binding["subjects"]}
    assert bound == {"prometheus", "kube-state-metrics", "promtail", COLLECTOR}, (
        "the only ones who ask the Kubernetes API"
    )
    assert prod.pod(name)["automountServiceAccountToken"] is (name in bound)


def test_nobody_reads_secrets_and_nobody_writes(prod: Recorded) -> None:
    for role in prod.kind("ClusterRole").values():
        for rule in role["rules"]:
            assert set(rule["verbs"]) <= {"get", "list", "watch"}, "observing needs no write"
            granted = {*rule.get("resources", []), *rule.get("apiGroups", []), *rule.get("nonResourceURLs", [])}
            assert not granted & {"*", "secrets", "configmaps"}, "what is not named is not granted"


def test_a_disruption_budget_exists_exactly_for_what_has_replicas(prod: Recorded, dev: Recorded) -> None:
    replicated = {name for name, made in prod.workloads.items() if made["spec"].get("replicas", 1) > 1}
    budgets = prod.kind("PodDisruptionBudget")
    assert set(budgets) == replicated == {*SERVERS, COLLECTOR, "loki"}
    assert dev.kind("PodDisruptionBudget") == {}, "a budget over one replica blocks every drain"
    for name, budget in budgets.items():
        assert budget["spec"] == {
            "maxUnavailable": 1,
            "selector": prod.workloads[name]["spec"]["selector"],
        }, "a drain takes one replica at a time"


@every_workload
def test_a_lost_node_or_zone_takes_no_second_replica_with_it(prod: Recorded, name: str) -> None:
    pod = prod.pod(name)
    if prod.workloads[name]["kind"] == "DaemonSet":
        assert "podAntiAffinity" not in pod.get("affinity", {}), "every node has exactly one"
        return
    (term,) = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    selector = prod.workloads[name]["spec"]["selector"]
    assert term["weight"] == 100
    assert term["podAffinityTerm"] == {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}
    (zones,) = pod["topologySpreadConstraints"]
    assert zones["topologyKey"] == "topology.kubernetes.io/zone"
    assert zones["labelSelector"] == selector
    assert zones["whenUnsatisfiable"] == "ScheduleAnyway", "a cluster of one zone is no reason not to run"


def test_pods_roll_with_their_configuration_exactly_when_they_do_not_watch_it(prod: Recorded) -> None:
    checked = {name for name in WORKLOADS if "checksum/config" in prod.template(name)["metadata"]["annotations"]}
    assert checked == {"alertmanager", "blackbox-exporter", "grafana", "jaeger", COLLECTOR, *LOGS}, (
        "Prometheus reloads; the others have no configuration"
    )


def test_every_object_has_the_standard_labels(dressed: Recorded) -> None:
    for (kind, name), made in dressed.objects.items():
        labels = made["metadata"]["labels"]
        assert labels[PART_OF] == "agent-observability", (kind, name)
        assert labels["app.kubernetes.io/managed-by"] == "pulumi", (kind, name)
        assert labels["example.com/team"] == "platform", f"{kind} {name}: the stack file labels every object"
        if kind != "Namespace" and "deny-all" not in name and name != "secret-checksums":
            assert labels[NAME] in WORKLOADS, (kind, name)


@every_workload
def test_selectors_find_the_pods_and_never_change(prod: Recorded, name: str) -> None:
    found_by = prod.workloads[name]["spec"]["selector"]["matchLabels"]
    assert found_by == {NAME: name, PART_OF: "agent-observability"}, "no version: a selector is immutable"
    assert found_by.items() <= prod.template(name)["metadata"]["labels"].items()


def test_every_service_leads_to_a_port_of_a_container(prod: Recorded) -> None:
    for name, service in prod.kind("Service").items():
        workload = service["spec"]["selector"][NAME]
        assert service["spec"]["selector"] == prod.workloads[workload]["spec"]["selector"]["matchLabels"], name
        assert service["metadata"]["namespace"] == prod.workloads[workload]["metadata"]["namespace"], name
        listening = {(port["containerPort"], port["protocol"]) for port in prod.container(workload)["ports"]}
        assert {(port["targetPort"], port["protocol"]) for port in service["spec"]["ports"]} == listening, name


@every_workload
def test_every_file_that_an_argument_names_is_mounted(prod: Recorded, name: str) -> None:
    present = {f"/etc/{path}" for path in prod.files}
    # The kubelet expands it; each replica of a StatefulSet may name a file of its own.
    pods = [f"{name}-{ordinal}" for ordinal in range(prod.workloads[name]["spec"].get("replicas", 1))]
    args = [arg.replace("$(POD_NAME)", pod) for arg in prod.container(name)["args"] for pod in pods]
    named = [value for arg in args for value in re.findall(r"=(?:file:)?(/etc/\S+)$", arg)]
    assert set(named) <= present, "a server whose configuration is elsewhere does not start"
    configured = {"alertmanager", "blackbox-exporter", "grafana", "jaeger", "prometheus", COLLECTOR, *LOGS}
    assert bool(named) == (name in configured)


@every_workload
def test_a_mirror_takes_the_place_of_every_registry(prod: Recorded, dressed: Recorded, name: str) -> None:
    image = prod.container(name)["image"]
    assert image == str(images.ALL[name].image), "the pinned one"
    assert dressed.container(name)["image"] == f"mirror.example.com/proxy/{image.partition('/')[2]}"
    assert dressed.pod(name)["imagePullSecrets"] == [{"name": "mirror-login"}]
    assert "imagePullSecrets" not in prod.pod(name)


@every_workload
def test_an_image_can_be_pinned_by_its_digest(prod: Recorded, stack: Stacks, name: str) -> None:
    digest = f"sha256:{'0a' * 32}"
    pinned = stack("prod", cluster={"images": {"digests": dict.fromkeys(images.ALL, digest)}})
    assert pinned.container(name)["image"] == f"{prod.container(name)['image']}@{digest}"
    one = stack("prod", cluster={"images": {"digests": {"loki": digest}}})
    assert (one.container(name)["image"] != prod.container(name)["image"]) == (name == "loki"), "no other is touched"


def test_images_are_known_by_the_name_of_their_server() -> None:
    assert {name: image.name for name, image in images.ALL.items()} == {name: name for name in images.ALL}


@every_workload
def test_pods_go_to_the_nodes_that_the_stack_file_names(dressed: Recorded, name: str) -> None:
    pod = dressed.pod(name)
    assert pod["nodeSelector"]["kubernetes.io/os"] == "linux"
    if dressed.workloads[name]["kind"] == "DaemonSet":
        assert "pool" not in pod["nodeSelector"], "every node is watched"
        assert pod["tolerations"] == [{"operator": "Exists"}], "tainted nodes too"
    else:
        assert pod["nodeSelector"]["pool"] == "observability"
        assert pod["tolerations"] == DRESS["cluster"]["tolerations"]


@pytest.mark.parametrize("name", SERVERS)
def test_a_servers_labels_annotations_and_priority_arrive(dressed: Recorded, prod: Recorded, name: str) -> None:
    metadata = dressed.template(name)["metadata"]
    assert metadata["labels"]["cost-centre"] == "42"
    assert metadata["annotations"]["example.com/owner"] == "platform@example.com"
    assert dressed.pod(name)["priorityClassName"] == "observability-critical"
    assert "priorityClassName" not in prod.pod(name), "a class that does not exist keeps pods from being made"


@pytest.mark.parametrize(("name", "size", "replicas"), [("prometheus", "200Gi", 2), ("alertmanager", "2Gi", 3)])
def test_every_replica_has_a_volume_that_outlives_it(
    prod: Recorded, dressed: Recorded, name: str, size: str, replicas: int
) -> None:
    spec = prod.workloads[name]["spec"]
    (template,) = spec["volumeClaimTemplates"]
    assert template["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    assert {"name": "data", "mountPath": f"/{name}"} in prod.container(name)["volumeMounts"]
    assert f"path=/{name}" in " ".join(prod.container(name)["args"]), "the server writes to the volume"
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    claims = _claims(prod, name)
    assert claims == {f"data-{name}-{ordinal}": size for ordinal in range(replicas)}, "each claim's size is applied"
    (template,) = dressed.workloads[name]["spec"]["volumeClaimTemplates"]
    assert template["spec"]["storageClassName"] == "fast"


@pytest.mark.parametrize("name", SERVERS)
def test_a_larger_volume_touches_claims_and_not_pods(stack: Stacks, prod: Recorded, name: str) -> None:
    grown = stack(
        "prod", prometheus={"storage": "300Gi", "retention": {"size": "100GiB"}}, alertmanager={"storage": "5Gi"}
    )
    assert grown.template(name) == prod.template(name), "growing a disk restarts nothing"
    assert set(_claims(grown, name).values()) == {{"prometheus": "300Gi", "alertmanager": "5Gi"}[name]}
    (made,) = [found for found in _custom(grown) if found.name == f"{name}-pods"]
    assert made.ignore_changes == ("spec.volumeClaimTemplates",), "immutable: a diff there would replace the set"
    assert all(
        made.urn in claim.dependencies
        for claim in _custom(grown)
        if claim.type.endswith(":PersistentVolumeClaimPatch") and claim.name.startswith(name)
    ), "the set's controller makes the claims"


@pytest.mark.parametrize("name", SERVERS)
def test_without_storage_data_goes_with_the_pod(stack: Stacks, name: str) -> None:
    made = stack("dev", **WITHOUT_VOLUMES)
    assert made.workloads[name]["spec"]["volumeClaimTemplates"] == []
    (data,) = [volume for volume in made.pod(name)["volumes"] if volume["name"] == "data"]
    assert data == {"name": "data", "emptyDir": {"sizeLimit": "10Gi"}}, "the root file system is read-only"
    assert _claims(made, name) == {}


def test_samples_on_the_node_have_the_room_that_their_retention_needs(stack: Stacks) -> None:
    made = stack("dev", prometheus={"storage": None, "retention": {"size": "16GiB"}})
    (data,) = [volume for volume in made.pod("prometheus")["volumes"] if volume["name"] == "data"]
    assert data["emptyDir"] == {"sizeLimit": "20Gi"}, "the pod would be evicted before the oldest samples go"


def test_every_resource_has_the_explicit_provider_and_a_component_above_it(prod: Recorded) -> None:
    seen = prod.recorder.resources_seen
    providers = {made.name: made.urn for made in seen if made.type.startswith("pulumi:providers:")}
    components = {made.urn for made in seen if not made.custom}
    for made in _custom(prod):
        provider = providers[made.type.partition(":")[0]]
        assert made.provider.startswith(f"{provider}::"), f"{made.name}: a default provider follows the environment"
        assert made.parent in components, f"{made.name}: shown and deleted with its component"


def test_components_have_types_of_our_own(prod: Recorded) -> None:
    made = {found.name: found.type for found in prod.recorder.resources_seen if not found.custom}
    kinds = {name: name.capitalize() for name in (*SERVERS, *SINGLE, *LOGS, "grafana", "namespaces")}
    kinds |= {COLLECTOR: "OtelCollector", "grafana-content": "GrafanaContent"}
    assert made == {
        name: f"observability:index:{kind}" for name, kind in (kinds | dict.fromkeys(EXPORTERS, "Exporter")).items()
    }


def test_the_stack_lands_on_the_cluster_that_its_file_names(prod: Recorded, dev: Recorded) -> None:
    for stack, context in ((prod, "prod"), (dev, "kind-dev")):
        (provider,) = [made for made in stack.recorder.resources_seen if made.type == "pulumi:providers:kubernetes"]
        assert provider.inputs["context"] == context, "whatever kubectl points at"
        assert provider.inputs["enableConfigMapMutable"] in (True, "true"), "an edit must not replace a ConfigMap"
        assert provider.inputs["enableSecretMutable"] in (True, "true"), "nor a Secret"


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_default_providers_are_off(name: str) -> None:
    assert read(ROOT / f"Pulumi.{name}.yaml").config.keys() >= {"cluster"}
    text = (ROOT / f"Pulumi.{name}.yaml").read_text()
    assert 'pulumi:disable-default-providers: ["*"]' in text, "a resource without a provider must fail, not wander"


def test_the_program_exports_addresses_and_namespaces_and_nothing_else(prod: Recorded, stack: Stacks) -> None:
    assert prod.recorder.outputs == {
        "namespaces": {"stack": "monitoring", "nodeAgents": "monitoring-node-agents"},
        "urls": {
            "alertmanager": "http://alertmanager.monitoring.svc:9093",
            "grafana": "https://grafana.example.com",
            "jaeger": "http://jaeger.monitoring.svc:16686",
            "loki": "http://loki.monitoring.svc:3100",
            "otlp": "http://otel-collector.monitoring.svc:4318",
            "prometheus": "http://prometheus.monitoring.svc:9090",
        },
    }
    elsewhere = stack("prod", cluster={"namespaces": {"stack": "watch", "nodeAgents": "watch-nodes"}}).recorder.outputs
    assert elsewhere["namespaces"] == {"stack": "watch", "nodeAgents": "watch-nodes"}
    assert elsewhere["urls"]["prometheus"] == "http://prometheus.watch.svc:9090"


def _custom(stack: Recorded) -> list[Resource]:
    return [made for made in stack.recorder.resources_seen if made.custom and not made.type.startswith("pulumi:")]


def _claims(stack: Recorded, server: str) -> dict[str, Any]:
    return {
        made.inputs["metadata"]["name"]: made.inputs["spec"]["resources"]["requests"]["storage"]
        for made in _custom(stack)
        if made.type.endswith(":PersistentVolumeClaimPatch") and made.name.startswith(f"{server}-claim-")
    }
