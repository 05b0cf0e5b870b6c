"""What is watched of a cluster depends on who runs its control plane; a cause silences what follows from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from model.cluster import ClusterSettings, Flavour
from model.rules import Inhibition
from model.scrape import ScrapeJob
from rules.kubernetes import SYSTEM, KubernetesSettings
from rules.kubernetes.scrape import annotated_pods, cadvisor, kubelets
from rules.system import Watched
from rules.systems import EXAMPLE

CONTROL_PLANE = ("apiserver_", "aggregator_", 'up{job="apiservers"}')
"""What only an API server says."""


def watched(flavour: Flavour) -> Watched:
    cluster = ClusterSettings(name="c-1", environment="test", context="c-1", flavour=flavour)
    return SYSTEM.build(KubernetesSettings(), replace(EXAMPLE, cluster=cluster))


def about_control_plane(part: Watched) -> set[str]:
    """Names of the rules and objectives that ask for what an API server says."""
    rules = {
        rule.name for group in part.groups for rule in group.rules for plain in rule.plain() if asks(plain["expr"])
    }
    return rules | {slo.name for slo in part.slos if asks(slo.events)}


def asks(expr: str) -> bool:
    return any(name in expr for name in CONTROL_PLANE)


@pytest.mark.parametrize("flavour", ["eks", "gke", "aks"])
def test_no_alert_watches_a_control_plane_that_a_cloud_runs(flavour: Flavour) -> None:
    assert about_control_plane(watched(flavour)) == set()


@pytest.mark.parametrize("flavour", ["kind", "minikube", "k3s", "microk8s", "kubeadm"])
def test_a_control_plane_of_ones_own_is_watched(flavour: Flavour) -> None:
    assert about_control_plane(watched(flavour)) >= {
        "KubernetesApiServerDown",
        "KubernetesClientCertificateExpires",
        "kubernetes-api-availability",
        "kubernetes-api-latency",
    }


@pytest.mark.parametrize("flavour", get_args(Flavour))
def test_pods_workloads_and_nodes_are_watched_on_every_flavour(flavour: Flavour) -> None:
    assert {alert.name for alert in watched(flavour).alerts} >= {
        "KubernetesContainerHighCPUUsage",
        "KubernetesContainerHighMemoryUsage",
        "KubernetesContainerRestartLoop",
        "KubernetesNodeDown",
        "KubernetesPersistentVolumeFilling",
        "KubernetesPodCrashLooping",
        "KubernetesPodRestarting",
        "KubernetesReplicasMissing",
    }


def silenced_by(source: str) -> list[Inhibition]:
    return [each for each in watched("kind").inhibitions if source in each.source["alertname"].split("|")]


def test_a_node_that_is_down_silences_what_is_said_about_that_node_only() -> None:
    everything_on_it = silenced_by("KubernetesNodeDown")[0]
    assert everything_on_it.target == {"node": ".+"}
    assert "node" in everything_on_it.equal


def test_pods_that_crash_never_silence_that_all_replicas_are_gone() -> None:
    of_workloads = [each for each in silenced_by("KubernetesPodCrashLooping") if "workload" in each.equal]
    assert [each.target["severity"] for each in of_workloads] == ["warning"]


@pytest.mark.parametrize(
    ("flavour", "named", "left_out"),
    [
        ("kind", {}, []),
        # Prometheus tells a label without a value from none by its presence alone.
        (
            "kind",
            {"example.com/virtual": ""},
            [("__meta_kubernetes_node_labelpresent_example_com_virtual", "true")],
        ),
        ("eks", {}, [("__meta_kubernetes_node_label_eks_amazonaws_com_compute_type", "fargate")]),
        ("aks", {}, [("__meta_kubernetes_node_label_type", "virtual-kubelet")]),
        (
            "aks",
            {"liqo.io/type": "virtual-node"},
            [
                ("__meta_kubernetes_node_label_type", "virtual-kubelet"),
                ("__meta_kubernetes_node_label_liqo_io_type", "virtual-node"),
            ],
        ),
    ],
)
@pytest.mark.parametrize("job", [kubelets, cadvisor])
def test_a_node_that_is_no_machine_has_no_kubelet_to_ask(
    job: Callable[[ClusterSettings], ScrapeJob],
    flavour: Flavour,
    named: dict[str, str],
    left_out: list[tuple[str, str]],
) -> None:
    file = {"name": "c-1", "environment": "test", "context": "c-1", "flavour": flavour, "virtualNodes": named}
    cluster = ClusterSettings.model_validate(file)
    dropped = [(step.source[0], step.regex) for step in job(cluster).relabel if step.action == "drop"]
    assert dropped == left_out


PORT = "__meta_kubernetes_pod_annotation_prometheus_io_port"


@pytest.mark.parametrize(
    ("found", "annotated", "asked"),
    [
        ("10.0.0.1:8080", "", "10.0.0.1:8080"),
        ("10.0.0.1:8080", "9102", "10.0.0.1:9102"),
        ("10.0.0.1", "9102", "10.0.0.1:9102"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("[fd00::1]:8080", "", "[fd00::1]:8080"),
        ("[fd00::1]:8080", "9102", "[fd00::1]:9102"),
        ("fd00::1", "9102", "[fd00::1]:9102"),
        ("fd00::", "9102", "[fd00::]:9102"),
        ("fd00:0:0:1:2:3:4:5", "", "[fd00:0:0:1:2:3:4:5]"),
    ],
)
def test_an_annotated_pod_is_asked_at_its_address(found: str, annotated: str, asked: str) -> None:
    """Discovery gives the bare address of a pod that declares no port."""
    labels = {"__address__": found, PORT: annotated}
    for step in annotated_pods(istio=False).relabel:
        if step.target == "__address__":
            match = re.fullmatch(step.regex or "", ";".join(labels[label] for label in step.source))
            if match and step.replacement:
                labels["__address__"] = match.expand(step.replacement.replace("$", "\\"))
    assert labels["__address__"] == asked
