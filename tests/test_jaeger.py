"""Jaeger: where its storage leads, what it reads, and who may talk to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import NOTHING, Recorded, Stacks
from tools.local.rendered import loaded
from tools.recorder import Secret

PASSWORD = "correct-horse-battery"  # noqa: S105  planted, to see where it goes
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
SEARCH = {
    "urls": ["https://search-0.example:9200", "https://search-1.example:9200"],
    "username": "jaeger",
    "passwordSecret": "searchPassword",
    "caSecret": {"name": "search-tls", "key": "ca.crt"},
    "indexPrefix": "prod-1",
    "lookback": "7d",
}


def jaeger_yaml(stack: Recorded) -> dict[str, Any]:
    read: dict[str, Any] = loaded(stack.files["jaeger/config/jaeger.yaml"])
    return read


def stored_in(stack: Stacks, **storage: Any) -> Recorded:
    """The development stack with another storage, where badger's was."""
    storages = {"storage": {"badger": None, **storage}}
    return stack("dev", systems=NOTHING, jaeger=storages, secrets={"searchPassword": PASSWORD})


@pytest.fixture(scope="module", params=["elasticsearch", "opensearch"])
def searching(request: pytest.FixtureRequest, stack: Stacks) -> tuple[str, Recorded]:
    return request.param, stored_in(stack, **{request.param: SEARCH})


def peers(rule: dict[str, Any]) -> list[str]:
    """Who a NetworkPolicy's rule names: pods of the stack, or all of a namespace."""
    named = []
    for peer in rule.get("from", []) + rule.get("to", []):
        pods = peer.get("podSelector", {}).get("matchLabels", {})
        namespace = peer.get("namespaceSelector", {}).get("matchLabels", {})
        named.append("".join([*pods.values(), *(f"namespace {name}" for name in namespace.values())]))
    return named


def allowed(stack: Recorded, direction: str) -> dict[str, set[int]]:
    """Peers of Jaeger's policy, to the ports that are open between them."""
    found: dict[str, set[int]] = {}
    for rule in stack.kind("NetworkPolicy")["jaeger"]["spec"][direction]:
        for peer in peers(rule):
            found.setdefault(peer, set()).update(port["port"] for port in rule["ports"])
    return found


def test_badger_keeps_its_files_on_a_volume(dev: Recorded) -> None:
    claim = dev.workloads["jaeger"]["spec"]["volumeClaimTemplates"][0]
    assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    (mount,) = [mount for mount in dev.container("jaeger")["volumeMounts"] if mount["name"] == "data"]
    badger = jaeger_yaml(dev)["extensions"]["jaeger_storage"]["backends"]["traces"]["badger"]
    assert badger["ephemeral"] is False, "its default forgets everything"
    assert all(path.startswith(f"{mount['mountPath']}/") for path in badger["directories"].values())
    assert badger["ttl"] == {"spans": "72h"}, "Go knows no days"


def test_without_badger_there_is_no_volume(stack: Stacks, searching: tuple[str, Recorded]) -> None:
    for recorded in (stored_in(stack, memory={"traces": 500}), searching[1]):
        assert recorded.workloads["jaeger"]["spec"]["volumeClaimTemplates"] == []
        volumes = [volume["name"] for volume in recorded.pod("jaeger")["volumes"]]
        assert "data" not in volumes, "nothing is kept, so nothing is mounted"
        claims = [made.name for made in recorder_claims(recorded)]
        assert not [name for name in claims if name.startswith("jaeger")]


def recorder_claims(stack: Recorded) -> list[Any]:
    return [made for made in stack.recorder.resources_seen if made.type.endswith(":PersistentVolumeClaimPatch")]


def test_memory_keeps_as_many_traces_as_asked(stack: Stacks) -> None:
    backends = jaeger_yaml(stored_in(stack, memory={"traces": 500}))["extensions"]["jaeger_storage"]["backends"]
    assert backends == {"traces": {"memory": {"max_traces": 500}}}


def test_a_search_cluster_is_asked_as_the_user_whose_password_is_in_a_file(searching: tuple[str, Recorded]) -> None:
    kind, recorded = searching
    backend = jaeger_yaml(recorded)["extensions"]["jaeger_storage"]["backends"]["traces"]
    assert list(backend) == [kind]
    assert backend[kind]["server_urls"] == SEARCH["urls"]
    assert backend[kind]["auth"]["basic"] == {
        "username": "jaeger",
        "password_file": "/etc/jaeger/secrets/storage-password",
        "reload_interval": "1m",
    }
    assert backend[kind]["tls"] == {"ca_file": "/etc/jaeger/secrets/storage-ca"}
    assert backend[kind]["indices"]["index_prefix"] == "prod-1"
    assert backend[kind]["max_span_age"] == "168h"


def test_its_password_is_a_secret_wherever_the_engine_sees_it(searching: tuple[str, Recorded]) -> None:
    resources = searching[1].recorder.resources_seen
    (kept,) = [made for made in resources if made.name == "jaeger-secrets"]
    assert isinstance(kept.inputs["data"], Secret) or all(
        isinstance(value, Secret) for value in kept.inputs["data"].values()
    )
    plain = json.dumps([made.inputs for made in resources], default=repr)
    assert PASSWORD not in plain, "no ConfigMap, argument, environment or annotation holds it"
    sources = next(v for v in searching[1].pod("jaeger")["volumes"] if v["name"] == "secrets")["projected"]["sources"]
    assert sources == [
        {"secret": {"name": "jaeger-secrets"}},
        {"secret": {"name": "search-tls", "items": [{"key": "ca.crt", "path": "storage-ca"}]}},
    ], "one of the stack's own, one that something else keeps"


def test_many_replicas_share_a_search_cluster(stack: Stacks) -> None:
    recorded = stack(
        "prod",
        jaeger={
            "replicas": 2,
            "storage": {"badger": None, "elasticsearch": {"urls": SEARCH["urls"]}},
            "sampling": {"percent": 100},
        },
    )
    assert recorded.workloads["jaeger"]["spec"]["replicas"] == 2
    assert "jaeger" in recorded.kind("PodDisruptionBudget")
    assert "secrets" not in [volume["name"] for volume in recorded.pod("jaeger")["volumes"]], "none are asked for"


def test_spans_are_counted_before_any_is_dropped(prod: Recorded) -> None:
    pipelines = jaeger_yaml(prod)["service"]["pipelines"]
    assert pipelines["traces"]["receivers"] == ["otlp"]
    assert pipelines["traces"]["processors"] == ["memory_limiter"], "refuses what senders then send again"
    assert pipelines["traces"]["exporters"] == ["spanmetrics", "forward"]
    assert pipelines["traces/sampled"] == {
        "receivers": ["forward"],
        "processors": ["tail_sampling", "batch"],
        "exporters": ["jaeger_storage_exporter"],
    }
    assert pipelines["metrics/spanmetrics"] == {"receivers": ["spanmetrics"], "exporters": ["prometheus"]}


def test_without_sampling_nothing_lies_between_the_acknowledgement_and_the_disk(dev: Recorded) -> None:
    config = jaeger_yaml(dev)
    assert config["service"]["pipelines"]["traces"] == {
        "receivers": ["otlp"],
        "processors": ["memory_limiter"],
        "exporters": ["spanmetrics", "jaeger_storage_exporter"],
    }
    assert set(config["processors"]) == {"memory_limiter"}
    assert set(config["exporters"]["jaeger_storage_exporter"]) == {"trace_storage"}, "no queue, which would acknowledge"


def test_errors_and_slow_traces_are_kept_besides_the_share(stack: Stacks) -> None:
    sampling = {"percent": 2.5, "slow": "1s500ms", "decisionWait": "1m", "maxTraces": 1000}
    sampler = jaeger_yaml(stack("dev", systems=NOTHING, jaeger={"sampling": sampling}))["processors"]["tail_sampling"]
    assert [policy["type"] for policy in sampler["policies"]] == ["status_code", "latency", "probabilistic"]
    assert sampler["policies"][0]["status_code"] == {"status_codes": ["ERROR"]}
    assert sampler["policies"][1]["latency"] == {"threshold_ms": 1500}
    assert sampler["policies"][2]["probabilistic"] == {"sampling_percentage": 2.5}
    assert sampler["decision_wait"] == "1m"
    assert sampler["num_traces"] == 1000
    assert "non_sampled_cache_size" not in sampler["decision_cache"], "a late error must not be dropped for long"


def test_services_with_a_share_of_their_own_decide_together_with_the_common_one(stack: Stacks) -> None:
    services = {"shop": 100, "probe b": 0.5, "probe a": 0.5}
    config = jaeger_yaml(stack("dev", systems=NOTHING, jaeger={"sampling": {"services": services}}))
    assert config["service"]["pipelines"]["traces"]["exporters"] == ["spanmetrics", "forward"], "not all is kept"
    _, _, *shares = config["processors"]["tail_sampling"]["policies"]
    found = {
        condition["ottl_condition"]["span"][0].replace('resource.attributes["service.name"]', "it"): share[
            "probabilistic"
        ]["sampling_percentage"]
        for condition, share in (policy["and"]["and_sub_policy"] for policy in shares)
    }
    assert found == {
        'it == "shop"': 100,
        'it == "probe a" or it == "probe b"': 0.5,
        'it != "probe a" and it != "probe b" and it != "shop"': 100,
    }
    everything = jaeger_yaml(stack("dev", systems=NOTHING, jaeger={"sampling": {"services": {"shop": 100}}}))
    assert "tail_sampling" not in everything["processors"], "a share of all and one of all: nothing waits"


def test_an_archive_has_files_of_its_own_on_the_same_volume(stack: Stacks, dev: Recorded) -> None:
    extensions = jaeger_yaml(stack("dev", systems=NOTHING, jaeger={"archive": {"keep": "90d"}}))["extensions"]
    assert extensions["jaeger_query"]["storage"]["traces_archive"] == "archive"
    badger = extensions["jaeger_storage"]["backends"]["archive"]["badger"]
    assert badger["directories"] == {"keys": "/badger/archive/keys", "values": "/badger/archive/values"}
    assert badger["ttl"] == {"spans": "2160h"}
    assert "traces_archive" not in jaeger_yaml(dev)["extensions"]["jaeger_query"]["storage"], "off unless asked for"


def test_an_archive_in_a_search_cluster_has_a_prefix_of_its_own_and_few_shards(stack: Stacks) -> None:
    jaeger = {"storage": {"badger": None, "opensearch": SEARCH}, "archive": {}}
    backends = jaeger_yaml(stack("dev", systems=NOTHING, jaeger=jaeger, secrets={"searchPassword": PASSWORD}))[
        "extensions"
    ]["jaeger_storage"]["backends"]
    store, archive = backends["traces"]["opensearch"], backends["archive"]["opensearch"]
    assert archive["indices"]["index_prefix"] == "prod-1-archive"
    assert archive["indices"]["spans"]["shards"] == 1
    assert archive["max_span_age"] == "8760h"
    assert {key: archive[key] for key in ("server_urls", "auth", "tls")} == {
        key: store[key] for key in ("server_urls", "auth", "tls")
    }, "the same cluster, as the same user"


def test_metrics_of_spans_never_carry_an_id(prod: Recorded) -> None:
    connector = jaeger_yaml(prod)["connectors"]["spanmetrics"]
    names = [dimension["name"] for dimension in connector["dimensions"]]
    assert names == [
        "gen_ai.operation.name",
        "gen_ai.request.model",
        "gen_ai.agent.name",
        "gen_ai.tool.name",
        "a2a.method.name",
        "agent.operation",
        "task_type",
        "communication.source",
        "communication.target",
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "http.status_code",
        "rpc.response.status_code",
        "rpc.grpc.status_code",
        "server.address",
        "k8s.namespace.name",
        "k8s.deployment.name",
        "k8s.statefulset.name",
        "k8s.daemonset.name",
    ]
    assert not [name for name in names if name.endswith((".id", "_id"))]
    assert connector["aggregation_cardinality_limit"] == 500, "a service with ids in its span names stops there"
    assert connector["exemplars"] == {"enabled": True}


def test_requests_are_counted_by_each_attribute_of_the_stack_file_alone(stack: Stacks, prod: Recorded) -> None:
    agents = {"attribution": {"team": {"attribute": "app.team"}, "version": {"attribute": "gen_ai.prompt.version"}}}
    config = jaeger_yaml(stack("dev", systems={**NOTHING, "monitoring": {}, "agents": agents}))
    counters = {name: each for name, each in config["connectors"].items() if name.startswith("spanmetrics/")}
    by = {name: [each["name"] for each in counter["dimensions"]] for name, counter in counters.items()}
    assert by == {
        "spanmetrics/app_team": ["app.team", "k8s.namespace.name"],
        "spanmetrics/gen_ai_prompt_version": ["gen_ai.prompt.version", "k8s.namespace.name"],
    }, "in one connector, teams and versions would be crossed"
    assert {each["aggregation_cardinality_limit"] for each in counters.values()} == {100}
    assert all(each["histogram"] == {"disable": True} for each in counters.values())
    assert "app.team" not in [each["name"] for each in config["connectors"]["spanmetrics"]["dimensions"]]
    alone = jaeger_yaml(stack("dev", systems={**NOTHING, "agents": agents}))
    assert list(alone["connectors"]) == ["spanmetrics"], "nobody scrapes what would be counted"
    assert "traces/attributed" not in jaeger_yaml(prod)["service"]["pipelines"]


def test_what_the_monitor_tab_asks_for_is_what_is_exported(prod: Recorded) -> None:
    config = jaeger_yaml(prod)
    store = config["extensions"]["jaeger_storage"]["metric_backends"]["metrics"]["prometheus"]
    assert store["endpoint"] == "http://prometheus.monitoring.svc:9090"
    assert store["metric_namespace"] == config["connectors"]["spanmetrics"]["namespace"]
    assert store["latency_unit"] == config["connectors"]["spanmetrics"]["histogram"]["unit"]
    assert store["normalize_calls"] is store["normalize_duration"] is True
    exporter = config["exporters"]["prometheus"]
    assert exporter["translation_strategy"] == "UnderscoreEscapingWithSuffixes", "what normalised means"
    assert exporter["enable_open_metrics"] is True, "no other text format carries exemplars"


def test_a_base_path_is_in_the_configuration_and_in_the_url(stack: Stacks) -> None:
    recorded = stack("dev", systems=NOTHING, jaeger={"basePath": "/jaeger"})
    assert jaeger_yaml(recorded)["extensions"]["jaeger_query"]["base_path"] == "/jaeger"
    assert recorded.recorder.outputs["urls"]["jaeger"] == "http://jaeger.monitoring.svc:16686/jaeger"
    assert stack("dev").recorder.outputs["urls"]["jaeger"] == "http://jaeger.monitoring.svc:16686"


def test_only_the_collector_may_send_spans(prod: Recorded) -> None:
    senders = {peer: ports & {4317, 4318} for peer, ports in allowed(prod, "ingress").items()}
    assert {peer: ports for peer, ports in senders.items() if ports} == {"otel-collector": {4317}}


def test_prometheus_and_jaeger_read_each_other(prod: Recorded) -> None:
    assert allowed(prod, "ingress")["prometheus"] == {8888, 8889}
    assert allowed(prod, "ingress")["blackbox-exporter"] == {13133}, "its health is also asked through its Service"
    assert allowed(prod, "egress")["prometheus"] == {9090}


def test_a_search_cluster_can_be_reached(searching: tuple[str, Recorded], dev: Recorded) -> None:
    rules = searching[1].kind("NetworkPolicy")["jaeger"]["spec"]["egress"]
    assert [rule for rule in rules if [port["port"] for port in rule["ports"]] == [9200]]
    assert not [
        rule for rule in dev.kind("NetworkPolicy")["jaeger"]["spec"]["egress"] if rule["ports"][0]["port"] == 9200
    ]


def test_the_garbage_collector_knows_the_memory_limit(stack: Stacks) -> None:
    limits = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "10Gi"}}
    (variable,) = stack("dev", systems=NOTHING, jaeger={"resources": limits}).container("jaeger")["env"]
    assert variable == {"name": "GOMEMLIMIT", "value": str(8 * 2**30)}, "four fifths, before spans are refused"


def test_both_kinds_of_its_metrics_are_scraped(prod: Recorded) -> None:
    own, spans = (
        loaded(prod.files[f"prometheus/scrape/{name}.yml"])["scrape_configs"][0]
        for name in ("jaeger", "jaeger-span-metrics")
    )
    assert (own["job_name"], spans["job_name"]) == ("jaeger", "jaeger-span-metrics")
    targets = {step["target_label"] for step in spans["relabel_configs"] if "target_label" in step}
    assert targets == {"instance", "cluster", "environment"}, "where Jaeger runs says nothing about who was counted"


def test_an_edit_of_its_configuration_rolls_it_and_nothing_else(stack: Stacks, dev: Recorded) -> None:
    changed = stack("dev", jaeger={"storage": {"badger": {"ttl": "5d"}}}).changed_from(dev)
    assert changed == {("ConfigMap", "jaeger-config"), ("StatefulSet", "jaeger")}
