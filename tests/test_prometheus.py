"""Prometheus: its configuration, and what an edit of it changes."""

from __future__ import annotations

from typing import Any

import pytest

from components import images
from components.kubernetes import Probes, Program
from components.prometheus import config
from components.prometheus.targets import extra_jobs
from components.settings.prometheus import PrometheusSettings
from model.cluster import ClusterSettings
from model.quantities import Url
from model.rules import Alert, Group, Severity
from model.settings import resources
from rules.monitoring.uids import MONITORING
from tests.conftest import NOTHING, Recorded, Stacks
from tools.local.rendered import loaded

CLUSTER = ClusterSettings(name="c-1", environment="test", context="c-1", flavour="kind")
GRAFANA = Url("https://grafana.example.com")
GROUPS = {"groups": [{"targets": ["pump.example.com:9187"], "labels": {"site": "north"}}]}
ONE_MEBIBYTE = 2**20
"""What the API takes in one ConfigMap."""


def prometheus_yml(stack: Recorded) -> dict[str, Any]:
    read: dict[str, Any] = loaded(stack.files["prometheus/config/prometheus.yml"])
    return read


def scrape_jobs(stack: Recorded) -> dict[str, dict[str, Any]]:
    """Every scrape job of the rendered files, by name."""
    jobs: dict[str, dict[str, Any]] = {}
    for path, text in stack.files.items():
        if path.startswith("prometheus/scrape/") and path.endswith(".yml"):
            (job,) = loaded(text)["scrape_configs"]
            assert path == f"prometheus/scrape/{job['job_name']}.yml", "a job is found by its file"
            jobs[job["job_name"]] = job
    return jobs


def alerts(stack: Recorded) -> dict[str, dict[str, Any]]:
    """Every alert of the rendered rule files, by name."""
    groups = [
        group
        for path, text in stack.files.items()
        if path.startswith("prometheus/rules/")
        for group in loaded(text)["groups"]
    ]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_two_replicas_page_once(prod: Recorded) -> None:
    assert prod.workloads["prometheus"]["spec"]["replicas"] == 2
    read = prometheus_yml(prod)
    dropped = [step["regex"] for step in read["alerting"]["alert_relabel_configs"] if step["action"] == "labeldrop"]
    apart = [name for name, value in read["global"]["external_labels"].items() if value == "${POD_NAME}"]
    assert dropped == apart == ["prometheus_replica"], "alerts that differ in one label are two notifications"
    (env,) = prod.container("prometheus")["env"]
    assert env == {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, "each has its own"


def test_alerts_go_to_every_alertmanager(prod: Recorded) -> None:
    (found,) = prometheus_yml(prod)["alerting"]["alertmanagers"]
    assert found["dns_sd_configs"] == [
        {"names": ["alertmanager-headless.monitoring.svc"], "type": record, "port": 9093} for record in ("A", "AAAA")
    ], "whichever family of addresses the cluster gives the Service"
    headless = prod.kind("Service")["alertmanager-headless"]
    assert headless["spec"]["clusterIP"] == "None", "a load balancer would notify only one of them"
    assert 9093 in {port["port"] for port in headless["spec"]["ports"]}


def test_every_series_says_its_cluster_and_environment(prod: Recorded) -> None:
    for name, job in scrape_jobs(prod).items():
        labels = {step["target_label"]: step["replacement"] for step in job["relabel_configs"][-2:]}
        assert labels == {"cluster": "prod-1", "environment": "prod"}, f"{name}: local queries see no external labels"
    promoted = prometheus_yml(prod)["otlp"]["promote_resource_attributes"]
    assert {"cluster", "environment"} <= set(promoted), "pushed series as well"


@pytest.mark.parametrize(
    ("changes", "file"),
    [
        ({"alerts": {"TargetDown": {"for": "20m"}}}, "prometheus-rules"),
        ({"alerts": {"PrometheusReloadFailed": "off"}}, "prometheus-rules"),
        ({"prometheus": {"scrapeJobs": [{"name": "pump", "targets": ["pump.example.com:9187"]}]}}, "prometheus-scrape"),
        ({"prometheus": {"scrapeJobs": [{"name": "pump", "file": GROUPS}]}}, "prometheus-scrape"),
        ({"prometheus": {"retention": {"time": "60d"}}}, "prometheus-config"),
        ({"prometheus": {"externalLabels": {"region": "north"}}}, "prometheus-config"),
    ],
    ids=["alert", "alert off", "scrape job", "groups of targets", "retention", "external label"],
)
def test_an_edit_of_a_file_restarts_nothing(stack: Stacks, prod: Recorded, changes: dict[str, Any], file: str) -> None:
    changed = stack("prod", **changes).changed_from(prod)
    policy = {("NetworkPolicy", "prometheus")} if "scrapeJobs" in str(changes) else set()
    assert changed == {("ConfigMap", file)} | policy, "Prometheus reads its files again by itself"


def test_a_changed_argument_rolls_only_prometheus(stack: Stacks, prod: Recorded) -> None:
    changed = stack("prod", prometheus={"logLevel": "debug"}).changed_from(prod)
    assert changed == {("StatefulSet", "prometheus")}


def test_it_reloads_by_itself_and_takes_pushed_metrics(prod: Recorded) -> None:
    args = prod.container("prometheus")["args"]
    assert "--config.auto-reload" in args
    assert "--web.enable-otlp-receiver" in args
    assert "--enable-feature=exemplar-storage,otlp-deltatocumulative" in args, "one delta metric fails a whole batch"
    assert not [arg for arg in args if "retention" in arg], "the flags are deprecated: retention is in the file"
    read = prometheus_yml(prod)
    assert read["otlp"]["translation_strategy"] == "UnderscoreEscapingWithSuffixes", "names follow it"
    assert read["global"]["metric_name_validation_scheme"] == "legacy"
    assert read["global"]["metric_name_escaping_scheme"] == "underscores"
    assert read["storage"]["exemplars"]["max_exemplars"] > 0
    assert read["storage"]["tsdb"]["out_of_order_time_window"] == "30m", "pushed batches are retried"


def test_blocks_leave_room_on_the_volume(prod: Recorded, dev: Recorded, stack: Stacks) -> None:
    assert prometheus_yml(prod)["storage"]["tsdb"]["retention"] == {"time": "30d", "size": "160GiB"}, "80 % of 200Gi"
    assert prometheus_yml(dev)["storage"]["tsdb"]["retention"] == {"time": "7d", "size": "15GiB"}, "as given"
    on_the_node = prometheus_yml(stack("dev", prometheus={"storage": None, "retention": {"size": None}}))
    assert on_the_node["storage"]["tsdb"]["retention"] == {"time": "7d", "size": "8GiB"}, "or its pod would be evicted"


def test_settings_reach_the_server(stack: Stacks) -> None:
    made = stack(
        "prod",
        prometheus={
            "scrapeInterval": "5s",
            "evaluationInterval": "1m",
            "logLevel": "warn",
            "externalLabels": {"region": "north"},
            "limits": {
                "samples": 7,
                "labels": 8,
                "labelNameLength": 9,
                "labelValueLength": 10,
                "bodySize": "3Mi",
                "targets": 11,
            },
            "queries": {"timeout": "45s", "maxSamples": 12, "maxConcurrency": 13},
            "resources": {"requests": {"cpu": "3", "memory": "9Gi"}, "limits": {"memory": "18Gi"}},
        },
    )
    read = prometheus_yml(made)["global"]
    assert read["external_labels"]["region"] == "north"
    assert (read["scrape_interval"], read["evaluation_interval"]) == ("5s", "1m")
    assert read["scrape_timeout"] == "5s", "Prometheus refuses a timeout longer than the interval"
    limits = [
        read[f"{name}_limit"] for name in ("sample", "label", "label_name_length", "label_value_length", "target")
    ]
    assert limits == [7, 8, 9, 10, 11], "a target that explodes fails alone"
    assert read["body_size_limit"] == "3MiB"
    args = made.container("prometheus")["args"]
    wanted = {"--log.level=warn", "--query.timeout=45s", "--query.max-samples=12", "--query.max-concurrency=13"}
    assert wanted <= set(args)
    assert made.container("prometheus")["resources"] == {
        "requests": {"cpu": "3", "memory": "9Gi", "ephemeral-storage": "64Mi"},
        "limits": {"memory": "18Gi", "ephemeral-storage": "512Mi"},
    }


def test_remote_write_reaches_the_server(stack: Stacks) -> None:
    made = stack(
        "prod",
        prometheus={
            "remoteWrite": [
                {
                    "name": "long-term",
                    "url": "https://mimir.example.com/api/v1/push",
                    "basicAuth": {"username": "stack", "passwordSecret": {"name": "mimir", "key": "password"}},
                    "tls": {"serverName": "mimir"},
                    "queue": {"capacity": 1, "maxShards": 2, "maxSamplesPerSend": 3, "batchSendDeadline": "4s"},
                    "sendExemplars": False,
                }
            ]
        },
    )
    assert prometheus_yml(made)["remote_write"] == [
        {
            "name": "long-term",
            "url": "https://mimir.example.com/api/v1/push",
            "send_exemplars": False,
            "send_native_histograms": True,
            "queue_config": {"capacity": 1, "max_shards": 2, "max_samples_per_send": 3, "batch_send_deadline": "4s"},
            "basic_auth": {"username": "stack", "password_file": "/etc/prometheus/secrets/long-term-password"},
            "tls_config": {"server_name": "mimir"},
        }
    ]


def test_an_extra_scrape_job_is_a_job_like_the_others(stack: Stacks, prod: Recorded) -> None:
    extra = {"name": "pump", "targets": ["pump.example.com:9187"], "path": "/m", "scheme": "https", "interval": "5m"}
    jobs = scrape_jobs(stack("prod", prometheus={"scrapeJobs": [extra]}))
    assert jobs.keys() - scrape_jobs(prod).keys() == {"pump"}
    assert jobs["pump"] == {
        "job_name": "pump",
        "scrape_interval": "5m",
        "scheme": "https",
        "metrics_path": "/m",
        "static_configs": [{"targets": ["pump.example.com:9187"]}],
        "relabel_configs": [
            {"target_label": "cluster", "replacement": "prod-1"},
            {"target_label": "environment", "replacement": "prod"},
        ],
    }


def test_alert_overrides_arrive_and_leave_the_others_alone(stack: Stacks, prod: Recorded) -> None:
    overrides = {
        "TargetDown": {"for": "20m", "severity": "critical"},
        "PrometheusWithoutAlertmanager": "off",
        "PrometheusRulesFailing": False,
    }
    after, before = alerts(stack("prod", alerts=overrides)), alerts(prod)
    assert before.keys() - after.keys() == {"PrometheusWithoutAlertmanager", "PrometheusRulesFailing"}, (
        "off removes the rule"
    )
    assert after["TargetDown"]["for"] == "20m"
    assert after["TargetDown"]["labels"]["severity"] == "critical"
    assert after["TargetDown"]["expr"] == before["TargetDown"]["expr"]
    untouched = after.keys() - {"TargetDown"}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}


def test_objectives_bring_their_own_rule_files(stack: Stacks, prod: Recorded) -> None:
    objective = {
        "name": "checkout-api",
        "objective": 99.9,
        "total": "http_requests_total",
        "errors": 'http_requests_total{code=~"5.."}',
        "owner": "shop",
    }
    made = stack("prod", slos=[objective])
    added = made.files.keys() - prod.files.keys()
    assert added == {f"prometheus/rules/slo-checkout-api{part}.yml" for part in ("", ".budget")}
    files = {"prometheus-rules", "prometheus-scrape"}
    assert made.changed_from(prod) == {("ConfigMap", file) for file in files}, "and no pod restarts"


def test_it_may_find_and_scrape_and_no_more(prod: Recorded) -> None:
    rules = prod.kind("ClusterRole")["agent-observability-prometheus"]["rules"]
    granted = {
        (verb, resource)
        for rule in rules
        for verb in rule["verbs"]
        for resource in rule.get("resources", rule.get("nonResourceURLs", []))
    }
    found = {(verb, what) for verb in ("list", "watch") for what in ("nodes", "services", "pods", "endpointslices")}
    assert granted == found | {("get", "nodes/metrics"), ("get", "/metrics")}
    (subject,) = prod.kind("ClusterRoleBinding")["agent-observability-prometheus"]["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "prometheus", "namespace": "monitoring"}


def test_a_cloud_is_asked_with_the_identity_of_the_service_account(stack: Stacks) -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/prometheus"}
    made = stack("dev", systems=NOTHING, prometheus={"serviceAccountAnnotations": role})
    assert made.kind("ServiceAccount")["prometheus"]["metadata"]["annotations"] == role


def program(files: dict[str, dict[str, str]]) -> Program:
    return Program(
        name="prometheus",
        image=images.PROMETHEUS,
        args=(),
        ports={"http": 9090},
        probes=Probes(("/", "http"), ("/", "http"), 1),
        resources=resources("1", "1Mi", "1Mi"),
        config=files,
    )


def config_map_sizes(made: Program, directory: str) -> list[int]:
    return [
        sum(len(name.encode()) + len(text.encode()) for name, text in files.items())
        for files in made.config_maps(directory).values()
    ]


@pytest.mark.parametrize("long", [False, True], ids=["short names", "long names"])
def test_three_thousand_scrape_jobs_stay_below_what_a_config_map_holds(long: bool) -> None:
    jobs = [
        {
            "name": f"job-{number:04}" + "-x" * 27 * long,
            "targets": [f"pump-{port}.example.com:{port}" for port in (80, 81, 82)],
        }
        for number in range(3000)
    ]
    settings = PrometheusSettings.model_validate({"scrapeJobs": jobs})
    made = program(config.files(settings, CLUSTER, extra_jobs(settings, CLUSTER), (), GRAFANA))
    assert len(made.config_maps("scrape")) > 1
    assert max(config_map_sizes(made, "scrape")) < ONE_MEBIBYTE, "the API refuses a larger one"
    kept = {name: text for files in made.config_maps("scrape").values() for name, text in files.items()}
    assert kept == made.config["scrape"], "every job is in exactly one of them"


def test_large_rules_stay_below_what_a_config_map_holds() -> None:
    settings = PrometheusSettings()
    groups = [Group(f"group-{number}", tuple(large_alert(position) for position in range(10))) for number in range(60)]
    made = program(config.files(settings, CLUSTER, (), groups, GRAFANA))
    assert len(made.config_maps("rules")) > 1
    assert max(config_map_sizes(made, "rules")) < ONE_MEBIBYTE


def large_alert(position: int) -> Alert:
    return Alert(
        name=f"Large{position}",
        value=f"vector({position}) > 0",
        dashboard=MONITORING,
        runbook="TargetDown",
        severity=Severity.WARNING,
        owner="platform",
        summary="Large.",
        description="x" * 2000,
    )


def test_all_parts_of_a_directory_are_mounted_as_one(stack: Stacks) -> None:
    long = ".".join(["x" * 60] * 4)
    jobs = [{"name": f"job-{number}", "targets": [f"{long}:{1 + port}" for port in range(500)]} for number in range(8)]
    made = stack("prod", prometheus={"scrapeJobs": jobs})
    parts = sorted(name for name in made.kind("ConfigMap") if name.startswith("prometheus-scrape"))
    assert len(parts) > 1
    (volume,) = [volume for volume in made.pod("prometheus")["volumes"] if volume["name"] == "scrape"]
    assert sorted(source["configMap"]["name"] for source in volume["projected"]["sources"]) == parts
    assert {f"job-{number}" for number in range(8)} < scrape_jobs(made).keys(), "none is lost between the parts"


DISORDERLY = {
    "cluster": {
        "labels": {"b.example.com/two": "2", "a.example.com/one": "1"},
        "nodeSelector": {"zone": "z", "pool": "p"},
        "images": {"registry": "mirror.example.com", "pullSecrets": ["one", "two"]},
    },
    "prometheus": {
        "externalLabels": {"region": "north", "datacentre": "a"},
        "labels": {"y": "2", "x": "1"},
        "annotations": {"y": "2", "x": "1"},
    },
    "alertmanager": {"annotations": {"y": "2", "x": "1"}},
    "alerts": {"PrometheusRulesFailing": "off", "TargetDown": {"severity": "info", "for": "1h"}},
}


def test_the_order_of_keys_in_a_stack_file_changes_nothing(stack: Stacks) -> None:
    before = stack("prod", **DISORDERLY)
    after = stack("prod", **reversed_keys(before.config))
    assert list(after.config["prometheus"]) == list(before.config["prometheus"])[::-1]
    assert after.changed_from(before) == set(), "tidying a stack file must not roll a pod"
    assert after.files == before.files


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(part) for part in value] if isinstance(value, list) else value


def test_an_attribute_that_tokens_are_attributed_by_becomes_a_label(stack: Stacks) -> None:
    attribution = {"team": {"attribute": "app.team"}, "service": {"attribute": "service.name"}}
    attributed = stack("dev", systems={"agents": {"attribution": attribution}})
    promoted = prometheus_yml(attributed)["otlp"]["promote_resource_attributes"]
    assert "app.team" in promoted
    assert promoted.count("service.name") == 1, "as in every stack"
