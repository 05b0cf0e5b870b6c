"""The node collector: all that Promtail is to a node, and nothing of Promtail beside it."""

from __future__ import annotations

from typing import Any

import pytest
import re2  # type: ignore[import-untyped]  # publishes no types

from components import images, redaction
from components.logs import DOCKER_LOGS
from components.otel_agent import config
from components.otel_collector.config import MESSAGE_MEBIBYTES
from components.otel_collector.parts import MEBIBYTE
from dashboards.listed import dashboards
from dashboards.queries import prometheus_queries
from rules.catalogue import series_of
from rules.monitoring.uids import MONITORING, MONITORING_COST
from tests.conftest import Recorded, Stacks
from tests.dashboards import labels
from tests.planted import BY_KEY
from tests.test_redaction import JSON_VALUE
from tools.local.rendered import loaded

OTEL = {"collector": "otel"}
RULES = [
    {"namespace": "kube-system"},
    {"namespace": "shop", "app": "a.b"},
    {"app": "web", "levels": ["debug"], "line": 'a "b"\\d'},
]


@pytest.fixture(scope="module")
def made(stack: Stacks) -> Recorded:
    return stack("prod", logs=OTEL)


def agent_yaml(stack: Recorded) -> dict[str, Any]:
    read: dict[str, Any] = loaded(stack.files["otel-agent/config/agent.yaml"].replace("$$", "$"))
    return read


def collector_yaml(stack: Recorded) -> dict[str, Any]:
    read: dict[str, Any] = loaded(stack.files["otel-collector/config/collector.yaml"])
    return read


def test_one_collector_takes_the_place_of_the_other(made: Recorded, prod: Recorded) -> None:
    def of(name: str, stack: Recorded) -> set[str]:
        return {kind for kind, of in stack.objects if of in (name, f"agent-observability-{name}")}

    assert of("otel-agent", made) == of("promtail", prod) != set()
    assert of("promtail", made) == of("otel-agent", prod) == set()
    assert "promtail" not in str({name: text for name, text in made.files.items() if "/rules/" not in name})


def test_the_files_that_docker_keeps_are_there_to_read(stack: Stacks) -> None:
    """What the kubelet puts below /var/log/pods are links to them."""
    made = stack("prod", logs={"collector": "otel", "runtime": "docker"})
    paths = {volume["hostPath"]["path"] for volume in made.pod("otel-agent")["volumes"] if "hostPath" in volume}
    (mount,) = (m for m in made.container("otel-agent")["volumeMounts"] if m["mountPath"] == DOCKER_LOGS)

    assert DOCKER_LOGS in paths
    assert mount["readOnly"] is True


def test_it_is_root_and_nothing_else_and_writes_only_its_data(made: Recorded) -> None:
    pod, container = made.pod("otel-agent"), made.container("otel-agent")
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume}
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]

    assert pod["securityContext"]["runAsUser"] == images.OTEL_AGENT.uid == 0, "the kubelet writes logs 0640 root"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert paths == {"pod-logs": "/var/log/pods", "data": "/var/lib/agent-observability/logs"}
    assert writable == ["/var/lib/otel-agent"]
    assert agent_yaml(made)["extensions"]["file_storage"]["directory"].startswith("/var/lib/otel-agent/")


def test_it_reads_every_node_and_hears_only_of_its_pods(made: Recorded) -> None:
    (rule,) = made.kind("ClusterRole")["agent-observability-otel-agent"]["rules"]
    env = {variable["name"]: variable for variable in made.container("otel-agent")["env"]}

    assert made.pod("otel-agent")["tolerations"] == [{"operator": "Exists"}]
    assert (rule["resources"], rule["verbs"]) == (["pods"], ["list", "watch"])
    assert env["K8S_NODE_NAME"]["valueFrom"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}
    assert agent_yaml(made)["processors"]["k8s_attributes"]["filter"] == {"node_from_env_var": "K8S_NODE_NAME"}


def test_it_waits_for_the_collector_without_end(made: Recorded) -> None:
    read = agent_yaml(made)
    exporter, receiver = read["exporters"]["otlp_grpc"], read["receivers"]["file_log"]

    assert exporter["endpoint"] == "otel-collector.monitoring.svc:4319"
    assert exporter["retry_on_failure"]["max_elapsed_time"] == receiver["retry_on_failure"]["max_elapsed_time"] == "0s"
    assert exporter["sending_queue"]["block_on_overflow"] is True, "full, it stops reading instead of dropping"
    assert receiver["storage"] == exporter["sending_queue"]["storage"] == "file_storage"


def test_no_request_is_larger_than_the_collector_takes() -> None:
    assert 2 * config.LARGEST_ENTRY < config.REQUEST_BYTES < MESSAGE_MEBIBYTES * MEBIBYTE


def test_its_lines_pass_the_collector_untouched_by_a_port_of_their_own(made: Recorded, prod: Recorded) -> None:
    pipelines = collector_yaml(made)["service"]["pipelines"]

    assert pipelines["logs/nodes"] == {
        "receivers": ["otlp/nodes"],
        "processors": ["memory_limiter"],
        "exporters": ["otlp_http/loki"],
    }, "they are labelled and masked on their node"
    ports = [port["containerPort"] for port in made.container("otel-collector")["ports"]]
    assert 4319 in ports
    assert "logs/nodes" not in collector_yaml(prod)["service"]["pipelines"], "nobody else may have that way in"
    assert 4319 not in [port["containerPort"] for port in prod.container("otel-collector")["ports"]]


def test_pods_that_settings_drop_are_not_even_read(stack: Stacks) -> None:
    read = agent_yaml(stack("prod", logs={**OTEL, "drop": RULES}))

    assert read["receivers"]["file_log"]["exclude"] == ["/var/log/pods/kube-system_*/*/*.log"]
    assert read["processors"]["filter/pods"]["log_conditions"] == [
        'resource.attributes["namespace"] == "shop" and resource.attributes["app"] == "a.b"'
    ]
    (line,) = read["processors"]["filter/lines"]["log_conditions"]
    assert line == (
        r'resource.attributes["app"] == "web" and IsMatch(log.attributes["level"], "^(?:debug)$") '
        r'and IsMatch(log.body, "a \"b\"\\d")'
    )


def test_it_masks_before_a_line_leaves_its_node_unless_that_is_turned_off(made: Recorded, stack: Stacks) -> None:
    order = agent_yaml(made)["service"]["pipelines"]["logs"]["processors"]
    off = agent_yaml(stack("prod", logs={**OTEL, "redact": False}))

    assert order[0] == "memory_limiter"
    assert order[-2:] == ["transform/redact", "transform/tidy"]
    assert not [name for name in off["processors"] if "redact" in name]


def test_what_is_put_back_before_a_value_is_its_key() -> None:
    line = "{" + ", ".join(f'"{key}": "{value}"' for key, value in BY_KEY.items()) + "}"
    in_place = JSON_VALUE.sub(lambda found: found[0].removesuffix(found[1]) + '"****"', line)

    assert re2.compile(redaction.JSON_KEY).sub(r'\1"****"', line) == in_place


def test_no_rule_and_no_panel_asks_for_the_other_one(made: Recorded) -> None:
    watched = made.settings.watched
    alerts = {alert.name for alert in watched.alerts}
    known = series_of(watched) | dict.fromkeys(("ALERTS", "ALERTS_FOR_STATE"))
    about_the_stack = (MONITORING, MONITORING_COST)

    assert {name for name in alerts if name.startswith("OtelAgent")} == {
        "OtelAgentLinesLost",
        "OtelAgentQueueFilling",
        "OtelAgentBehind",
    }
    assert not [name for name in alerts if name.startswith("Promtail")]
    assert "promtail" not in str([job.plain() for job in watched.scrape_jobs])
    drawn = [
        dashboard
        for dashboard in dashboards(made.settings.systems_on, watched, made.settings.cluster)
        if dashboard.uid in about_the_stack
    ]
    for dashboard in drawn:
        for _, query in prometheus_queries(dashboard):
            labels(query.expr, known)
    assert any("otel-agent" in query.expr for dashboard in drawn for _, query in prometheus_queries(dashboard))
