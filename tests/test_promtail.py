"""Promtail: root without powers, few labels, and a warning that is said once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components.logs import LABELS
from components.promtail import component
from components.settings.logs import LogSettings
from tools import render
from tools.local.rendered import loaded
from tools.recorder import record

CLUSTER = {"name": "c-1", "environment": "test", "context": "c-1", "flavour": "kind"}


def manifests(**sections: Any) -> list[dict[str, Any]]:
    return render.manifests(record("test", {"cluster": CLUSTER, **sections}, {}))


def made(kind: str, name: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    (only,) = (each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return only


@pytest.fixture(scope="module")
def plain() -> list[dict[str, Any]]:
    return manifests()


def pod(found: list[dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = made("DaemonSet", "promtail", found)["spec"]["template"]["spec"]
    return spec


def promtail_yaml(found: list[dict[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = loaded(render.config_files(found)["promtail/config/promtail.yaml"])
    return read


def test_it_is_root_and_nothing_else(plain: list[dict[str, Any]]) -> None:
    spec = pod(plain)
    (container,) = spec["containers"]

    assert spec["securityContext"]["runAsUser"] == 0, "the kubelet writes logs 0640 root"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()


def test_it_writes_only_its_positions_and_they_outlive_it(plain: list[dict[str, Any]]) -> None:
    spec = pod(plain)
    (container,) = spec["containers"]
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in spec["volumes"] if "hostPath" in volume}
    writable = [mount["name"] for mount in container["volumeMounts"] if not mount.get("readOnly")]

    assert paths == {"pod-logs": "/var/log/pods", "data": "/var/lib/agent-observability/logs"}
    assert [paths[name] for name in writable] == ["/var/lib/agent-observability/logs"]
    assert promtail_yaml(plain)["positions"]["filename"].startswith("/run/promtail/")


def test_it_reads_every_node_and_hears_only_of_its_pods(plain: list[dict[str, Any]]) -> None:
    spec = pod(plain)
    (container,) = spec["containers"]

    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert container["env"] == [{"name": "HOSTNAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    (rule,) = made("ClusterRole", "agent-observability-promtail", plain)["rules"]
    assert (rule["resources"], rule["verbs"]) == (["pods"], ["list", "watch"])


def test_labels_are_the_ones_that_everything_is_found_by(plain: list[dict[str, Any]]) -> None:
    (job,) = promtail_yaml(plain)["scrape_configs"]

    assert job["pipeline_stages"][-1] == {"labelallow": list(LABELS)}


def test_it_waits_for_loki_without_end(plain: list[dict[str, Any]]) -> None:
    (client,) = promtail_yaml(plain)["clients"]

    assert client["backoff_config"]["max_retries"] == 0, "Promtail's own default gives up after some minutes, and drops"
    assert client["url"] == "http://loki.monitoring.svc:3100/loki/api/v1/push"


def test_it_may_reach_loki_and_the_api_across_namespaces(plain: list[dict[str, Any]]) -> None:
    def pods(rule: dict[str, Any], way: str) -> tuple[Any, Any]:
        (peer,) = rule[way]
        labels = {key: peer.get(key, {}).get("matchLabels") for key in ("namespaceSelector", "podSelector")}
        return labels["namespaceSelector"], labels["podSelector"]

    monitoring, agents = ({"kubernetes.io/metadata.name": name} for name in ("monitoring", "monitoring-node-agents"))
    own = made("NetworkPolicy", "promtail", plain)
    lokis = made("NetworkPolicy", "loki", plain)
    assert own["metadata"]["namespace"] == "monitoring-node-agents"
    to_loki = [rule for rule in own["spec"]["egress"] if rule["ports"][0]["port"] == 3100]
    scraped = [rule for rule in own["spec"]["ingress"] if rule["ports"][0]["port"] == 9080]
    assert [pods(rule, "to") for rule in to_loki] == [(monitoring, {"app.kubernetes.io/name": "loki"})]
    assert [pods(rule, "from") for rule in scraped] == [(monitoring, {"app.kubernetes.io/name": "prometheus"})]
    sources = [pods(rule, "from") for rule in lokis["spec"]["ingress"]]
    assert (agents, {"app.kubernetes.io/name": "promtail"}) in sources
    assert (None, {"app.kubernetes.io/name": "prometheus"}) in sources
    prometheus = made("NetworkPolicy", "prometheus", plain)
    assert (agents, {"app.kubernetes.io/name": "promtail"}) in [
        pods(rule, "to") for rule in prometheus["spec"]["egress"] if len(rule["to"]) == 1
    ]


def test_pods_that_settings_drop_are_not_even_read() -> None:
    found = manifests(logs={"drop": [{"namespace": "kube-system"}, {"namespace": "shop", "app": "a.b"}]})
    (job,) = promtail_yaml(found)["scrape_configs"]

    dropped = [step["regex"] for step in job["relabel_configs"] if step.get("action") == "drop"]
    assert dropped == [r"kube\-system;.*", r"shop;a\.b"]


@pytest.mark.parametrize(
    "line",
    [
        "\tat com.shop.Order",
        "Caused by: x",
        "Traceback (most recent call last):",
        "shop.DeclinedError: no",
        "}",
        "created by main.main",
    ],
)
def test_a_continuation_is_known(line: str) -> None:
    assert any(re.match(pattern, line) for pattern in LogSettings().continuation)


@pytest.mark.parametrize(
    "line",
    ['{"level": "info"}', "ERROR:shop:cannot pay", "2026-11-20 ERROR x", "Error: no such file", "panic: x", "plain"],
)
def test_an_entry_of_its_own_is_no_continuation(line: str) -> None:
    assert not any(re.match(pattern, line) for pattern in LogSettings().continuation)


def test_promtails_end_of_life_is_said_once_and_plainly(caplog: pytest.LogCaptureFixture) -> None:
    manifests()

    said = [entry.message for entry in caplog.records if "Promtail" in entry.message]
    assert said == [component.END_OF_LIFE]
    assert "end-of-life since 2026-03-02" in component.END_OF_LIFE
