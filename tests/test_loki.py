"""Loki: what it is told to do, what it may reach, and where its secrets are."""

from __future__ import annotations

from typing import Any

import pytest

from components.logs import LABELS
from components.loki import config
from components.settings.stack import Settings, read
from model.yaml_text import expanding
from tools import render
from tools.local.rendered import loaded
from tools.recorder import Recorder, Secret, record

CLUSTER = {"name": "c-1", "environment": "test", "context": "c-1", "flavour": "kind"}
S3 = {"bucket": "logs", "region": "eu-1", "endpoint": "https://minio.example:9000", "pathStyle": True}
KEYS = {"accessKeySecret": "lokiKey", "secretKeySecret": {"name": "bucket", "key": "secret"}}
REPLICATED = {"replicas": 3, "storage": {"s3": {**S3, **KEYS}}}
RULER = {"rules": [{"record": "app:lines:rate1m", "expr": 'sum by (app) (rate({app="a"}[1m]))', "labels": {"a": "b"}}]}


def settings(**sections: Any) -> Settings:
    return read({"cluster": CLUSTER, **sections})


def loki_yaml(**sections: Any) -> dict[str, Any]:
    given = settings(**sections)
    replicas = config.Replicas(prometheus=given.prometheus.replicas, alertmanager=given.alertmanager.replicas)
    return config.loki_yaml(given.loki, given.cluster, replicas)


def recorded(secrets: dict[str, str] | None = None, **sections: Any) -> Recorder:
    return record("test", {"cluster": CLUSTER, **sections}, secrets or {})


def objects(recorder: Recorder) -> dict[tuple[str, str], dict[str, Any]]:
    return {(made["kind"], made["metadata"]["name"]): made for made in render.manifests(recorder)}


@pytest.fixture(scope="module")
def replicated() -> Recorder:
    return recorded({"lokiKey": "AKIA-SECRET"}, loki={**REPLICATED, "ruler": RULER}, prometheus={"replicas": 2})


def test_the_schema_is_the_newest_from_before_any_installation() -> None:
    (period,) = loki_yaml()["schema_config"]["configs"]

    assert (period["store"], period["schema"], period["index"]["period"]) == ("tsdb", "v13", "24h")
    assert period["from"] < "2026-01-01"


def test_logs_older_than_the_retention_are_deleted() -> None:
    made = loki_yaml(loki={"retention": "30d", "streamRetention": [{"selector": '{level="debug"}', "period": "60d"}]})

    assert made["compactor"]["retention_enabled"]
    assert made["compactor"]["delete_request_store"] == "filesystem"
    assert made["limits_config"]["retention_period"] == "30d"
    assert made["limits_config"]["max_query_lookback"] == "60d", "what is kept can be read"
    assert made["limits_config"]["retention_stream"] == [
        {"selector": '{level="debug"}', "priority": 1, "period": "60d"}
    ]


def test_labels_of_pushed_logs_are_the_collectors_own() -> None:
    otlp = loki_yaml()["limits_config"]["otlp_config"]

    (resource,) = otlp["resource_attributes"]["attributes_config"]
    (record_,) = otlp["log_attributes"]
    assert otlp["resource_attributes"]["ignore_defaults"], "or seventeen more come along"
    assert {*resource["attributes"], *record_["attributes"]} == set(LABELS)


def test_memory_is_shared_out_from_the_limit() -> None:
    for limit, ceiling, caches in (("1Gi", "512MB", (102, 51)), ("8Gi", "4096MB", (819, 409))):
        made = loki_yaml(loki={"resources": {"requests": {"cpu": "1", "memory": "512Mi"}, "limits": {"memory": limit}}})
        chunks = made["chunk_store_config"]["chunk_cache_config"]["embedded_cache"]["max_size_mb"]
        results = made["query_range"]["results_cache"]["cache"]["embedded_cache"]["max_size_mb"]
        assert made["ingester"]["wal"]["replay_memory_ceiling"] == ceiling, "the default is 4 GB"
        assert (chunks, results) == caches


def test_replicas_find_each_other_and_keep_three_copies() -> None:
    made = loki_yaml(loki=REPLICATED)

    assert made["common"]["replication_factor"] == 3
    assert made["common"]["instance_addr"] == "${POD_IP}"
    assert made["memberlist"]["join_members"] == ["loki-headless.monitoring.svc:7946"]


def test_one_replica_gossips_with_nobody() -> None:
    made = loki_yaml()

    assert made["common"]["ring"]["kvstore"]["store"] == "inmemory"
    assert made["memberlist"]["bind_addr"] == ["127.0.0.1"]


def test_nothing_but_the_pods_address_is_expanded() -> None:
    text = "address: ${POD_IP}\nselector: '{a=~\"x\\d$\"}'\nother: ${HOME}\n"

    assert expanding(text, "POD_IP") == 'address: "${POD_IP}"\nselector: \'{a=~"x\\\\d$$"}\'\nother: $${HOME}\n'


def test_an_address_that_ends_in_a_colon_is_still_text() -> None:
    """Loki puts the pod's address in first and reads YAML then."""
    text = expanding("common:\n  instance_addr: ${POD_IP}\n", "POD_IP")

    for address in ("10.0.0.1", "fd00::5", "2600:1f14::"):
        assert loaded(text.replace("${POD_IP}", address)) == {"common": {"instance_addr": address}}


def test_keys_of_the_bucket_are_in_no_file_and_no_argument(replicated: Recorder) -> None:
    made = objects(replicated)
    (container,) = made["StatefulSet", "loki"]["spec"]["template"]["spec"]["containers"]
    env = {entry["name"]: entry.get("valueFrom", {}).get("secretKeyRef") for entry in container["env"]}

    assert env["AWS_ACCESS_KEY_ID"] == {"name": "loki-secrets", "key": "AWS_ACCESS_KEY_ID"}
    assert env["AWS_SECRET_ACCESS_KEY"] == {"name": "bucket", "key": "secret"}
    text = "".join(render.config_files(list(made.values())).values()) + "".join(container["args"])
    assert "access_key" not in text
    assert "AKIA-SECRET" not in text
    (own,) = (seen for seen in replicated.resources_seen if seen.name == "loki-secrets")
    assert isinstance(own.inputs["data"], Secret) or all(isinstance(v, Secret) for v in own.inputs["data"].values())


def test_workload_identity_needs_no_keys() -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/loki"}
    made = objects(recorded(loki={"replicas": 3, "storage": {"s3": S3}, "serviceAccountAnnotations": role}))

    (container,) = made["StatefulSet", "loki"]["spec"]["template"]["spec"]["containers"]
    assert made["ServiceAccount", "loki"]["metadata"]["annotations"] == role
    assert [entry["name"] for entry in container["env"]] == ["GOMEMLIMIT", "POD_IP"]


def test_results_of_rules_go_to_every_prometheus(replicated: Recorder) -> None:
    files = render.config_files(render.manifests(replicated))
    made = loaded(files["loki/config/loki.yaml"])

    clients = made["ruler"]["remote_write"]["clients"]
    assert [client["url"] for client in clients.values()] == [
        f"http://prometheus-{n}.prometheus-headless.monitoring.svc:9090/api/v1/write" for n in range(2)
    ]
    (rule,) = loaded(files["loki/rules/fake/recording.yaml"])["groups"][0]["rules"]
    assert rule["labels"] == {"a": "b", "cluster": "c-1", "environment": "test"}
    (prometheus,) = objects(replicated)["StatefulSet", "prometheus"]["spec"]["template"]["spec"]["containers"]
    assert "--web.enable-remote-write-receiver" in prometheus["args"]


def test_alerts_of_rules_go_to_every_alertmanager_where_the_stack_says_so(replicated: Recorder) -> None:
    made = loki_yaml(loki={"ruler": {"alerts": True}}, alertmanager={"replicas": 2})
    assert made["ruler"]["alertmanager_url"].split(",") == [
        f"http://alertmanager-{n}.alertmanager-headless.monitoring.svc:9093" for n in range(2)
    ]
    plain = loaded(render.config_files(render.manifests(replicated))["loki/config/loki.yaml"])
    assert "alertmanager_url" not in plain["ruler"]


def test_prometheus_takes_no_pushes_without_a_ruler() -> None:
    (container,) = objects(recorded())["StatefulSet", "prometheus"]["spec"]["template"]["spec"]["containers"]

    assert "--web.enable-remote-write-receiver" not in container["args"]


def test_loki_reaches_its_peers_its_bucket_and_prometheus_and_nothing_else(replicated: Recorder) -> None:
    spec = objects(replicated)["NetworkPolicy", "loki"]["spec"]

    reached = sorted({port["port"] for rule in spec["egress"] for port in rule["ports"]})
    assert reached == [53, 7946, 9000, 9090, 9095]


def test_tenants_are_named_by_whoever_speaks_for_the_stack() -> None:
    sections: dict[str, Any] = {
        "loki": {"multiTenant": True, "tenant": "ops", "tenants": {"shop": {"retention": "2d"}}, "ruler": RULER}
    }
    files = render.config_files(render.manifests(recorded(**sections)))

    assert loaded(files["loki/config/loki.yaml"])["auth_enabled"]
    overrides = loaded(files["loki/config/tenants.yaml"])["overrides"]
    assert overrides["shop"]["retention_period"] == "2d"
    assert "loki/rules/ops/recording.yaml" in files
    assert loaded(files["promtail/config/promtail.yaml"])["clients"][0]["tenant_id"] == "ops"


def test_an_edit_of_the_configuration_rolls_the_pods() -> None:
    def checksum(**loki: Any) -> str:
        made = objects(recorded(loki=loki))["StatefulSet", "loki"]
        return str(made["spec"]["template"]["metadata"]["annotations"]["checksum/config"])

    assert checksum() == checksum()
    assert checksum() != checksum(retention="20d")
