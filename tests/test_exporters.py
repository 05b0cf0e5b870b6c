"""Systems and their exporters: turned on and off as one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components import images
from components.kubernetes import Probes, Program, config_volumes
from model.settings import ConfigSecret, ExistingSecret, resources
from rules.system import System
from rules.systems import SYSTEMS, examples
from tests.conftest import NOTHING, Recorded, Stacks
from tools.local.rendered import loaded

READERS = {"services", *(system.key for system in SYSTEMS if system.contract)}
"""Systems whose rules also read what others bring, as far as these are on: platforms, whether a workload is wanted."""
SHARED = {
    "istio": {"prometheus/scrape/annotated-pods.yml"},
    "monitoring": {"jaeger/config/jaeger.yaml", "prometheus/rules/agents-attribution.yml"},
}
"""Files of others that change with a system: pods of a mesh are annotated, and each series is stored once; requests are
counted by attributes of spans where these counts are scraped."""


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.key)
def test_a_system_that_is_off_leaves_nothing_behind_and_takes_nothing_else(stack: Stacks, system: System[Any]) -> None:
    every = {"keep": "all"}  # known metrics change with whoever asks for them
    on = stack("dev", prometheus=every, systems=examples())
    off = stack("dev", prometheus=every, systems=examples() | {system.key: None})
    groups, left = ({group.name: group.system for group in made.settings.watched.groups} for made in (on, off))
    of_it = system.build(getattr(on.settings.systems, system.key), on.settings.surroundings)

    gone = on.objects.keys() - off.objects.keys()
    assert off.objects.keys() <= on.objects.keys()
    pods = {exporter.workload for exporter in of_it.exporters}
    assert {name for _, name in gone if name in on.workloads} == pods
    around = {re.sub(r"^agent-observability-|-(config|secrets)$", "", name) for _, name in gone}
    # The rules of all systems together need a second ConfigMap; without some they fit into one.
    assert around - {"prometheus-rules-2"} == pods, "all of its objects, and no others"

    assert system.key not in left.values()
    files = {f"prometheus/scrape/{job.name}.yml" for job in of_it.scrape_jobs}
    # With those of others that read what its scrape jobs bring.
    files |= {f"prometheus/rules/{name}.yml" for name in groups.keys() - left.keys()}
    files |= {path for path in on.files if path.split("/")[0] in pods}
    assert on.files.keys() - off.files.keys() == files, "a rule whose target is off cannot exist"
    told = {"alertmanager/config/alertmanager.yml"} if of_it.inhibitions else set()
    told |= {f"prometheus/rules/{name}.yml" for name, of in groups.items() if of in READERS}
    told |= {"prometheus/config/prometheus.yml"} if of_it.promoted else set()
    told |= {"jaeger/config/jaeger.yaml"} if of_it.attributed else set()
    told |= {"promtail/config/promtail.yaml"} if of_it.log_fields else set()
    told |= {"otel-collector/config/collector.yaml"} if of_it.log_fields or of_it.spans else set()
    told |= SHARED.get(system.key, set())
    kept = [{path: text for path, text in made.files.items() if path not in files | told} for made in (on, off)]
    assert kept[0] == kept[1], "the rest is as it was"


def test_only_the_policies_of_those_who_spoke_to_it_change_with_a_system(stack: Stacks, prod: Recorded) -> None:
    off = stack("prod", systems={"kubernetes": None})
    changed = {each for each in off.changed_from(prod) if "kube-state-metrics" not in each[1]}
    files = {("ConfigMap", "prometheus-rules"), ("ConfigMap", "prometheus-scrape")}
    expected = files | {("NetworkPolicy", "prometheus")}
    # Alertmanager restarts, one replica after the other: the system's inhibitions go as well.
    inhibitions = {("ConfigMap", "alertmanager-config"), ("StatefulSet", "alertmanager")}
    assert changed == expected | inhibitions, "and no other pod restarts"


def test_all_systems_can_be_off(stack: Stacks) -> None:
    off = stack("dev", systems=NOTHING)
    assert set(off.workloads) == {
        "alertmanager",
        "grafana",
        "jaeger",
        "loki",
        "otel-collector",
        "prometheus",
        "promtail",
    }
    assert off.kind("ConfigMap")["prometheus-rules"]["data"] == {}, (
        "mounted all the same: turning one on restarts nothing"
    )


def test_node_exporter_sees_the_node_and_cannot_change_it(prod: Recorded) -> None:
    made, pod = prod.workloads["node-exporter"], prod.pod("node-exporter")
    assert made["kind"] == "DaemonSet"
    assert made["metadata"]["namespace"] == "monitoring-node-agents", "the only namespace where host paths are allowed"
    assert pod["hostNetwork"] is pod["hostPID"] is True, "the node's interfaces and processes are what is watched"
    (root,) = [volume for volume in pod["volumes"] if "hostPath" in volume]
    (mount,) = [mount for mount in prod.container("node-exporter")["volumeMounts"] if mount["name"] == root["name"]]
    assert (root["hostPath"]["path"], mount["mountPath"], mount["readOnly"]) == ("/", "/host/root", True)
    args = prod.container("node-exporter")["args"]
    paths = [arg.partition("=")[2] for arg in args if arg.startswith("--path.")]
    assert paths
    assert all(path.startswith(mount["mountPath"]) for path in paths), "its own container is not what it reports on"
    assert made["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": "10%"}


@pytest.mark.parametrize("name", ["node-exporter", "promtail"])
def test_agents_keep_away_from_nodes_that_are_no_machines(stack: Stacks, name: str) -> None:
    file = {"cluster": {"flavour": "eks", "virtualNodes": {"liqo.io/type": "virtual-node"}}}
    (term,) = stack("prod", **file).pod(name)["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [
        {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["fargate"]},
        {"key": "liqo.io/type", "operator": "NotIn", "values": ["virtual-node"]},
    ]
    own = {"cluster": {"flavour": "kubeadm"}}
    assert "affinity" not in stack("prod", **own).pod(name), "machines only: every one is watched"


def test_only_node_agents_touch_the_host(prod: Recorded) -> None:
    for name in prod.workloads.keys() - {"node-exporter", "promtail"}:
        pod = prod.pod(name)
        assert not [volume for volume in pod["volumes"] if "hostPath" in volume], name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name
        assert prod.workloads[name]["metadata"]["namespace"] == "monitoring", name


def test_kube_state_metrics_may_list_exactly_what_it_reports(prod: Recorded) -> None:
    (watched,) = [
        arg.partition("=")[2].split(",")
        for arg in prod.container("kube-state-metrics")["args"]
        if arg.startswith("--resources=")
    ]
    rules = prod.kind("ClusterRole")["agent-observability-kube-state-metrics"]["rules"]
    assert sorted(resource for rule in rules for resource in rule["resources"]) == sorted(watched)
    assert {verb for rule in rules for verb in rule["verbs"]} == {"list", "watch"}
    (subject,) = prod.kind("ClusterRoleBinding")["agent-observability-kube-state-metrics"]["subjects"]
    assert subject["namespace"] == prod.workloads["kube-state-metrics"]["metadata"]["namespace"]


def test_an_exporter_is_replaced_only_when_the_new_one_is_ready(prod: Recorded) -> None:
    for name in ("blackbox-exporter", "kube-state-metrics"):
        update = prod.workloads[name]["spec"]["strategy"]["rollingUpdate"]
        assert update == {"maxSurge": 1, "maxUnavailable": 0}, f"{name}: no gap in the series"


def test_annotated_pods_can_be_left_alone(stack: Stacks, prod: Recorded) -> None:
    off = stack("prod", systems={"kubernetes": {"annotated": False}})
    assert prod.files.keys() - off.files.keys() == {
        "prometheus/scrape/annotated-pods.yml",
        "prometheus/scrape/annotated-services.yml",
    }


def test_a_probed_address_is_asked_through_the_blackbox_exporter(stack: Stacks) -> None:
    made = stack("prod", systems={"monitoring": {"probes": ["https://shop.example.com/health"]}})
    (job,) = loaded(made.files["prometheus/scrape/probes.yml"])["scrape_configs"]
    (targets,) = [found["targets"] for found in job["static_configs"]]
    assert "https://shop.example.com/health" in targets
    module = loaded(made.files["blackbox-exporter/config/blackbox.yml"])["modules"]
    assert set(job["params"]["module"]) <= module.keys(), "an unknown module answers 400"


def test_a_systems_resources_can_be_set(stack: Stacks) -> None:
    given: dict[str, Any] = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    systems = {
        "kubernetes": {"kubeStateMetrics": given},
        "nodes": {"resources": given},
        "monitoring": {"resources": given},
    }
    made = stack("prod", systems=systems)
    for name in ("kube-state-metrics", "node-exporter", "blackbox-exporter"):
        of_it = made.container(name)["resources"]
        assert {kind: of_it[kind] | given[kind] for kind in given} == of_it, name


def test_an_exporters_secrets_come_from_the_stack_or_from_the_cluster() -> None:
    exporter = Program(
        name="sql-exporter",
        image=images.PROMETHEUS,
        args=(),
        ports={"metrics": 1},
        probes=Probes(("/", "metrics"), ("/", "metrics"), 1),
        resources=resources("1m", "1Mi", "1Mi"),
        secrets={"password": ConfigSecret(key="sqlPassword"), "ca": ExistingSecret(name="sql", key="ca.crt")},
    )
    (volume,) = config_volumes(exporter)
    assert volume == {
        "name": "secrets",
        "projected": {
            "sources": [
                {"secret": {"name": "sql-exporter-secrets"}},
                {"secret": {"name": "sql", "items": [{"key": "ca.crt", "path": "ca"}]}},
            ],
            "default_mode": 0o440,
        },
    }, "one folder, readable by the program's own group"
