"""The collector: where telemetry goes, what becomes of it on the way, and who may send it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from components.settings.stack import Refused, read
from tests.conftest import NOTHING, TOLD, Recorded, Stacks
from tools.local.rendered import loaded

SEARCH = {"badger": None, "opensearch": {"urls": ["https://search.example.com:9200"]}}
DEV = {"name": "dev-1", "environment": "dev", "context": "kind-dev", "flavour": "kind"}
PROD = {"name": "prod-1", "environment": "prod", "context": "prod", "flavour": "eks"}

INCLUDED = re.compile(r"\$\{file:/etc/([^}]+)\}")


def collector_yaml(stack: Recorded) -> dict[str, Any]:
    """As the collector reads it: with the files that it includes, and two dollars are one."""
    read: dict[str, Any] = expanded(stack, loaded(stack.files["otel-collector/config/collector.yaml"]))
    return read


def expanded(stack: Recorded, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: expanded(stack, each) for key, each in value.items()}
    if isinstance(value, list):
        return [expanded(stack, each) for each in value]
    if not isinstance(value, str):
        return value
    if whole := INCLUDED.fullmatch(value):
        return expanded(stack, loaded(stack.files[whole[1]]))
    text = INCLUDED.sub(lambda found: stack.files[found[1]], value)
    assert "$" not in text.replace("$$", ""), "a single dollar begins a variable, and no other is meant"
    return text.replace("$$", "$")


def pipelines(stack: Recorded) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = collector_yaml(stack)["service"]["pipelines"]
    return found


def statements(stack: Recorded, processor: str) -> list[str]:
    """Every statement of a transform processor."""
    signals = collector_yaml(stack)["processors"][processor]
    return [
        line
        for signal, groups in signals.items()
        if signal.endswith("_statements")
        for group in groups
        for line in group["statements"]
    ]


def test_every_replica_of_prometheus_gets_metrics_by_a_queue_of_its_own(prod: Recorded, dev: Recorded) -> None:
    assert pipelines(prod)["metrics"]["exporters"] == ["otlp_http/prometheus-0", "otlp_http/prometheus-1"]
    assert pipelines(dev)["metrics"]["exporters"] == ["otlp_http/prometheus-0"]
    exporter = collector_yaml(prod)["exporters"]["otlp_http/prometheus-1"]
    assert exporter["endpoint"] == "http://prometheus-1.prometheus-headless.monitoring.svc:9090/api/v1/otlp"
    assert exporter["retry_on_failure"]["max_elapsed_time"] == "30m", "older samples are refused: its window"
    window = loaded(prod.files["prometheus/config/prometheus.yml"])["storage"]["tsdb"]
    assert window["out_of_order_time_window"] == "30m"


def test_one_jaeger_gets_every_span(prod: Recorded) -> None:
    assert pipelines(prod)["traces"]["exporters"] == ["otlp_grpc/jaeger"]
    assert collector_yaml(prod)["exporters"]["otlp_grpc/jaeger"]["endpoint"] == "jaeger.monitoring.svc:4317"


def test_of_several_jaegers_one_gets_all_of_a_trace(stack: Stacks) -> None:
    made = stack("dev", systems=NOTHING, jaeger={"replicas": 2, "storage": SEARCH, "sampling": {"percent": 10}})
    assert pipelines(made)["traces"]["exporters"] == ["load_balancing/jaeger"]
    exporter = collector_yaml(made)["exporters"]["load_balancing/jaeger"]
    assert exporter["routing_key"] == "traceID"
    assert exporter["resolver"] == {"dns": {"hostname": "jaeger-headless.monitoring.svc", "port": "4317"}}
    assert exporter["sending_queue"]["storage"] == "file_storage", "before the choice, so that it is made anew"
    assert exporter["retry_on_failure"]["enabled"] is True, "which is off here unless asked for"
    assert exporter["protocol"]["otlp"]["sending_queue"] == {"enabled": False}, "a second one, in memory"


def test_logs_go_to_the_tenant_of_the_platform(stack: Stacks, prod: Recorded) -> None:
    exporter = collector_yaml(prod)["exporters"]["otlp_http/loki"]
    assert exporter["endpoint"] == "http://loki.monitoring.svc:3100/otlp"
    assert "headers" not in exporter
    tenants = stack("dev", systems=NOTHING, loki={"multiTenant": True, "tenant": "agents"})
    assert collector_yaml(tenants)["exporters"]["otlp_http/loki"]["headers"] == {"X-Scope-OrgID": "agents"}


def test_nothing_lies_between_the_acknowledgement_and_a_queue_on_the_disk(prod: Recorded) -> None:
    config = collector_yaml(prod)
    assert "batch" not in config["processors"], "it would acknowledge what it holds in memory"
    assert config["extensions"]["file_storage"]["fsync"] is True
    data = {mount["name"]: mount["mountPath"] for mount in prod.container("otel-collector")["volumeMounts"]}["data"]
    assert config["extensions"]["file_storage"]["directory"].startswith(f"{data}/")
    for name, exporter in config["exporters"].items():
        assert exporter["sending_queue"]["storage"] == "file_storage", name
        assert "max_size" not in exporter["sending_queue"]["batch"], "what is larger would be dropped, not divided"


FILE_FACTOR = 2.7
"""Of a queue's file, to what is in it, where each request is a line or span (docs/decisions/0005)."""


def test_all_queues_fit_on_the_volume_whatever_is_in_them(prod: Recorded, dev: Recorded) -> None:
    for stack in (prod, dev):
        queues = [exporter["sending_queue"] for exporter in collector_yaml(stack)["exporters"].values()]
        assert {queue["sizer"] for queue in queues} == {"bytes"}
        room = 10 * 2**30
        size = sum(queue["queue_size"] for queue in queues)
        assert room / 4 < size <= room / FILE_FACTOR, "on a full disk the collector loses what waits"


def test_without_a_volume_queues_take_a_share_of_the_memory(stack: Stacks) -> None:
    made = stack("dev", systems=NOTHING, collector={"storage": None})
    config = collector_yaml(made)
    assert "file_storage" not in {*config["extensions"], *config["service"]["extensions"]}
    queues = [exporter["sending_queue"] for exporter in config["exporters"].values()]
    assert not any("storage" in queue for queue in queues)
    assert sum(queue["queue_size"] for queue in queues) <= 2**30 / 4
    assert made.workloads["otel-collector"]["spec"]["volumeClaimTemplates"] == []
    assert not [mount for mount in made.container("otel-collector")["volumeMounts"] if mount["name"] == "data"]


def test_memory_is_limited_below_where_the_kernel_would_end_it(prod: Recorded) -> None:
    for signal, pipeline in pipelines(prod).items():
        assert pipeline["processors"][0] == "memory_limiter", f"{signal}: refused before anything is done with it"
    limiter = collector_yaml(prod)["processors"]["memory_limiter"]
    assert (limiter["limit_mib"], limiter["spike_limit_mib"]) == (1638, 409), "of 2 GiB"
    (variable,) = (each for each in prod.container("otel-collector")["env"] if each["name"] == "GOMEMLIMIT")
    assert variable == {"name": "GOMEMLIMIT", "value": str(2**31 * 80 // 100)}


def test_everything_says_its_cluster_and_environment(prod: Recorded) -> None:
    for pipeline in pipelines(prod).values():
        assert "transform/place" in pipeline["processors"]
    assert 'set(resource.attributes["cluster"], "prod-1")' in statements(prod, "transform/place")
    assert 'set(resource.attributes["environment"], "prod")' in statements(prod, "transform/place")


def test_every_signal_is_redacted_unless_that_is_turned_off(stack: Stacks, prod: Recorded) -> None:
    expected = {"metrics": "redaction", "traces": "redaction", "logs": "redaction/logs"}
    for signal, processor in expected.items():
        assert processor in pipelines(prod)[signal]["processors"]
    off = collector_yaml(stack("dev", systems=NOTHING, collector={"redact": False}))
    assert not [name for name in off["processors"] if "redact" in name or "parse" in name]
    assert off["processors"].keys() == {
        name for pipeline in off["service"]["pipelines"].values() for name in pipeline["processors"]
    }
    assert "redact" in yaml.safe_dump(collector_yaml(prod)["processors"])


def test_promtail_masks_unless_that_is_turned_off(stack: Stacks, prod: Recorded) -> None:
    def replacements(made: Recorded) -> list[str]:
        (job,) = loaded(made.files["promtail/config/promtail.yaml"])["scrape_configs"]
        return [stage["replace"]["replace"] for stage in job["pipeline_stages"] if "replace" in stage]

    assert [text for text in replacements(prod) if "*" in text] == ['"****"', "****"], "values of JSON stay text"
    assert not [text for text in replacements(stack("dev", systems=NOTHING, logs={"redact": False})) if "*" in text]


def test_values_are_cut_where_badger_would_refuse_them(prod: Recorded) -> None:
    assert "truncate_all(span.attributes, 60000)" in statements(prod, "transform/shorten")
    assert "truncate_all(spanevent.attributes, 60000)" in statements(prod, "transform/shorten")
    assert pipelines(prod)["traces"]["processors"][-1] == "transform/shorten", "after redaction: half a secret is none"


@pytest.mark.parametrize("processor", ["transform/redact", "transform/shorten", "transform/labels", "transform/place"])
def test_a_group_of_statements_is_about_one_kind_of_thing(prod: Recorded, processor: str) -> None:
    for groups in collector_yaml(prod)["processors"][processor].values():
        for group in groups if isinstance(groups, list) else []:
            about = {line.partition("(")[2].partition(".")[0] for line in group["statements"]}
            assert len(about) == 1, f"{about}: what has none of the lower kind would be passed by"


def test_only_the_named_namespaces_may_send(stack: Stacks) -> None:
    def senders(made: Recorded) -> dict[str, set[int]]:
        rules = made.kind("NetworkPolicy")["otel-collector"]["spec"]["ingress"]
        return {
            peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]: {
                port["port"] for port in rule["ports"]
            }
            for rule in rules
            for peer in rule["from"]
            if peer.get("namespaceSelector")
        }

    assert senders(stack("dev", systems=NOTHING, collector={"ingest": ["agents", "tools"]})) == {
        "agents": {4317, 4318},
        "tools": {4317, 4318},
    }
    assert senders(stack("prod", collector={"ingest": []})) == {}, "closed by default"


def test_a_namespace_is_not_taken_for_a_server_of_the_same_name(stack: Stacks) -> None:
    recorded = stack("dev", systems=NOTHING, collector={"ingest": ["prometheus"]})
    ports = {
        port["port"]
        for rule in recorded.kind("NetworkPolicy")["prometheus"]["spec"]["egress"]
        for port in rule.get("ports", [])
    }
    assert not ports & {4317, 4318}, "the namespace prometheus may send, our Prometheus need not"


def test_it_may_look_at_pods_and_events_and_at_nothing_else(prod: Recorded) -> None:
    assert prod.kind("ClusterRole")["agent-observability-otel-collector"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["list", "watch"]}
    ]


def test_each_replica_has_a_volume_that_outlives_it(prod: Recorded) -> None:
    spec = prod.workloads["otel-collector"]["spec"]
    assert spec["replicas"] == 2
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_its_own_metrics_are_scraped(prod: Recorded) -> None:
    (job,) = loaded(prod.files["prometheus/scrape/otel-collector.yml"])["scrape_configs"]
    assert job["job_name"] == "otel-collector"


def test_an_edit_of_its_settings_rolls_it_and_nothing_else(stack: Stacks, dev: Recorded) -> None:
    changed = stack("dev", collector={"redact": False}).changed_from(dev)
    assert changed == {("ConfigMap", "otel-collector-config"), ("StatefulSet", "otel-collector")}


def test_spans_of_health_checks_are_dropped_only_if_their_paths_are_set(stack: Stacks, prod: Recorded) -> None:
    assert not any(name.startswith("filter/") for name in collector_yaml(prod)["processors"])
    made = stack("dev", systems=NOTHING, collector={"healthPaths": ["/healthz", "/api/v1.0/live"]})
    (condition,) = collector_yaml(made)["processors"]["filter/health"]["trace_conditions"]
    assert r"^(?:/healthz|/api/v1\\.0/live)/?(?:[?].*)?$" in condition
    users = [signal for signal, of in pipelines(made).items() if "filter/health" in of["processors"]]
    assert users == ["traces"]


@pytest.mark.parametrize(
    ("cluster", "collector", "line"),
    [
        (
            PROD,
            {"storage": None},
            "collector.storage: null: a size: in production acknowledged telemetry may not be lost when a pod moves",
        ),
        (
            DEV,
            {"storage": "500Mi"},
            'collector.storage: "500Mi": at least 1Gi: each store has a queue of its own on it',
        ),
        (
            DEV,
            {"resources": {"requests": {"cpu": "1", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}},
            'collector.resources.limits.memory: "256Mi": at least 512Mi: with less, it refuses most telemetry',
        ),
        (DEV, {"replicas": 0}, "collector.replicas: 0: at least 1"),
        (DEV, {"healthPaths": ["healthz"]}, 'collector.healthPaths[0]: "healthz": a path like /healthz'),
        (DEV, {"redact": "no"}, 'collector.redact: "no": true or false'),
        (
            DEV,
            {"ingest": ["Agents"]},
            'collector.ingest[0]: "Agents": a name of at most 63 lower-case letters, digits and dashes',
        ),
        (
            DEV,
            {"labels": {"app.kubernetes.io/name": "x"}},
            'collector.labels.app.kubernetes.io/name: "x": a label that neither the stack nor Kubernetes sets itself',
        ),
    ],
)
def test_a_wrong_setting_is_explained(cluster: dict[str, str], collector: dict[str, Any], line: str) -> None:
    with pytest.raises(Refused) as refused:
        read({"cluster": cluster, "collector": collector, "notifications": TOLD})
    assert refused.value.problems == [line]


def test_in_development_a_queue_may_be_in_memory() -> None:
    read({"cluster": DEV, "collector": {"storage": None}})
