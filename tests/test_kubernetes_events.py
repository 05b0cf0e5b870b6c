"""Which replica of the collector reads the events of the cluster, and what it may read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.conftest import NOTHING, Recorded, Stacks
from tools.local.rendered import loaded

COMMON = "otel-collector/config/collector.yaml"
OFF = {"kubernetesEvents": False}


def own_files(stack: Recorded) -> dict[str, dict[str, Any]]:
    """What each replica of the collector has in its configuration besides the common file, by the name of its pod."""
    own = "otel-collector/config/otel-collector-"
    files = {path: text for path, text in stack.files.items() if path.startswith(own)}
    return {Path(path).stem: loaded(text) for path, text in files.items()}


def test_one_of_several_replicas_reads_events(prod: Recorded) -> None:
    assert {pod: list(own.get("receivers", {})) for pod, own in own_files(prod).items()} == {
        "otel-collector-0": ["k8s_objects"],
        "otel-collector-1": [],
    }


def test_every_replica_reads_the_file_with_its_own_name(prod: Recorded) -> None:
    container = prod.container("otel-collector")
    assert container["args"][-1] == "--config=file:/etc/otel-collector/config/$(POD_NAME).yaml"
    named = [each for each in container["env"] if each["name"] == "POD_NAME"]
    assert [each["valueFrom"]["fieldRef"]["fieldPath"] for each in named] == ["metadata.name"]
    replicas = prod.workloads["otel-collector"]["spec"]["replicas"]
    assert list(own_files(prod)) == [f"otel-collector-{ordinal}" for ordinal in range(replicas)]


def test_events_go_the_way_of_all_lines_and_are_masked(prod: Recorded) -> None:
    (pipeline,) = own_files(prod)["otel-collector-0"]["service"]["pipelines"].values()
    lines = loaded(prod.files[COMMON])["service"]["pipelines"]["logs"]
    assert pipeline["exporters"] == lines["exporters"] == ["otlp_http/loki"]
    assert [each for each in lines["processors"] if each in pipeline["processors"]] == [
        "transform/parse",
        "redaction/logs",
        "transform/restore",
    ]


def test_the_place_up_to_which_events_are_read_is_on_the_volume(prod: Recorded, stack: Stacks) -> None:
    def receiver(made: Recorded) -> dict[str, Any]:
        found: dict[str, Any] = own_files(made)["otel-collector-0"]["receivers"]["k8s_objects"]
        return found

    assert receiver(prod)["storage"] == "file_storage"
    assert receiver(prod)["include_initial_state"], "what happened while it was away"
    without = stack("dev", systems=NOTHING, collector={"storage": None})
    assert "storage" not in receiver(without)


def test_without_events_the_collector_may_not_read_them(stack: Stacks) -> None:
    made = stack("dev", systems=NOTHING, collector=OFF)
    assert made.kind("ClusterRole")["agent-observability-otel-collector"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
    ]
    assert own_files(made) == {}
    assert made.container("otel-collector")["args"] == ["--config=file:/etc/otel-collector/config/collector.yaml"]
