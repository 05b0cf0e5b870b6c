"""A values file of kube-prometheus-stack becomes sections of a stack file; every key of it is used or listed."""

from __future__ import annotations

from typing import Any

import pytest

from components.settings.stack import read
from tests.adopt.shapes import RULE, jobs, result, said
from tests.content import CLUSTER
from tools.adopt.native import camel
from tools.adopt.notes import Kind


def volume(size: str, storage_class: str = "") -> dict[str, Any]:
    named = {"storageClassName": storage_class} if storage_class else {}
    return {"volumeClaimTemplate": {"spec": {**named, "resources": {"requests": {"storage": size}}}}}


def prometheus(**spec: Any) -> dict[str, Any]:
    return {"prometheus": {"prometheusSpec": spec}}


def test_settings_of_the_servers() -> None:
    resources = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "4Gi"}}
    after = result(
        values={
            "prometheus": {
                "prometheusSpec": {
                    "retention": "30d",
                    "retentionSize": "45GB",
                    "replicas": 2,
                    "resources": resources,
                    "scrapeInterval": "1m",
                    "evaluationInterval": "45s",
                    "externalLabels": {"region": "eu"},
                    "logLevel": "warn",
                    "priorityClassName": "high",
                    "storageSpec": volume("60Gi", "fast"),
                    "remoteWrite": [
                        {"url": "https://mimir.example.com/push", "basicAuth": {"username": "a", "password": "b"}}
                    ],
                }
            },
            "alertmanager": {"alertmanagerSpec": {"replicas": 3, "retention": "72h", "storage": volume("5Gi")}},
            "grafana": {"adminPassword": "pw-of-grafana", "persistence": {"enabled": True, "size": "7Gi"}},
        }
    )
    assert after.sections == {
        "prometheus": {
            "replicas": 2,
            "resources": resources,
            "storage": "60Gi",
            "logLevel": "warn",
            "priorityClass": "high",
            "retention": {"time": "30d", "size": "45Gi"},
            "scrapeInterval": "1m",
            "evaluationInterval": "45s",
            "externalLabels": {"region": "eu"},
            "remoteWrite": [
                {
                    "name": "remote-1",
                    "url": "https://mimir.example.com/push",
                    "basicAuth": {"username": "a", "passwordSecret": "remotePassword"},
                }
            ],
        },
        "alertmanager": {"replicas": 3, "storage": "5Gi", "retention": "72h"},
        "grafana": {
            "adminPasswordSecret": "grafanaAdminPassword",
            "database": {"sqlite": {"storage": "7Gi"}},
        },
    }
    assert read({"cluster": CLUSTER, **after.sections}).prometheus.replicas == 2
    assert "pw-of-grafana" not in str(after)
    assert "set cluster.storageClass: fast" in said(after, Kind.CHECK)[0]


def test_a_setting_that_the_stack_refuses_is_listed_in_its_words() -> None:
    after = result(values=prometheus(retention="30d", retentionSize="90GB", storageSpec=volume("60Gi"), replicas=9))
    assert after.sections == {"prometheus": {"storage": "60Gi"}}
    (replicas, retention) = [line.why for line in after.notes.lines if line.kind is Kind.WITHOUT]
    assert "at most 4" in replicas
    assert "85 % of storage" in retention


def test_the_chart_may_be_one_of_several() -> None:
    after = result(values={"kube-prometheus-stack": prometheus(retention="30d"), "loki": {"replicas": 1}})
    assert after.sections == {"prometheus": {"retention": {"time": "30d"}}}
    assert [line.where for line in after.notes.lines] == ["values.yaml: loki"]


def test_rules_and_monitors_in_values_are_carried_over() -> None:
    group = {"groups": [{"name": "shop", "rules": [RULE]}]}
    monitor = {
        "name": "api",
        "selector": {"matchLabels": {"app": "api"}},
        "namespaceSelector": {"matchNames": ["shop"]},
    }
    after = result(
        values={
            "additionalPrometheusRulesMap": {"shop": group},
            "additionalPrometheusRules": [
                {"name": "cart", "groups": [{"name": "cart", "rules": [{**RULE, "alert": "CartClosed"}]}]}
            ],
            "prometheus": {
                "additionalServiceMonitors": [{**monitor, "endpoints": [{"port": "web"}]}],
                "additionalPodMonitors": [{**monitor, "podMetricsEndpoints": [{"port": "web"}]}],
                "prometheusSpec": {
                    "additionalScrapeConfigs": [
                        {
                            "job_name": "hosts",
                            "static_configs": [{"targets": ["a:9100"], "labels": {"my_label": "b"}}],
                            "metrics_path": "/stats",
                            "basic_auth": {"username": "a", "password_file": "/etc/pw"},
                            "relabel_configs": [{"source_labels": ["a"], "target_label": "b_c"}],
                        }
                    ]
                },
            },
        }
    )
    assert list(after.content) == ["rules/shop.yaml", "rules/cart.yaml"]
    service, pods, hosts = after.sections["prometheus"]["scrapeJobs"]
    assert service["service"]["namespaces"] == pods["pods"]["namespaces"] == ["shop"]
    assert hosts == {
        "name": "hosts",
        "file": {"groups": [{"targets": ["a:9100"], "labels": {"my_label": "b"}}]},
        "path": "/stats",
        "basicAuth": {"username": "a", "passwordSecret": "hostsPassword"},
        "relabel": [{"sourceLabels": ["a"], "targetLabel": "b_c"}],
    }
    assert after.notes.secrets == {"hostsPassword": "the file /etc/pw of the old server"}


@pytest.mark.parametrize(
    ("theirs", "operator"),
    [
        ("http_sd_configs", "httpSDConfigs"),
        ("slack_api_url", "slackApiURL"),
        ("subscription_id", "subscriptionID"),
        ("smtp_require_tls", "smtpRequireTLS"),
        ("role_arn", "roleARN"),
        ("metric_relabel_configs", "metricRelabelings"),
        ("msteamsv2_configs", "msteamsv2Configs"),
    ],
)
def test_keys_of_the_servers_own_configuration_are_spelled_as_the_operator_spells_them(
    theirs: str, operator: str
) -> None:
    assert camel({theirs: [{"a_b": 1}], "labels": {"a_b": 1}}) == {operator: [{"aB": 1}], "labels": {"a_b": 1}}


def test_a_job_is_tried_with_the_interval_of_the_values() -> None:
    config = {"job_name": "a", "static_configs": [{"targets": ["a:1"]}], "scrape_timeout": "45s"}
    spec = {"scrapeInterval": "1m", "additionalScrapeConfigs": [config]}
    assert [job["timeout"] for job in jobs(values=prometheus(**spec))] == ["45s"]


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"grafana": {"sidecar": {"dashboards": {"label": "a"}}}}, "grafana.sidecar"),
        ({"defaultRules": {"disabled": {"A": True}}}, "defaultRules"),
        ({"prometheus": {"ingress": {"enabled": True}}}, "prometheus.ingress"),
        (prometheus(tolerations=[{"key": "a"}]), "prometheus.prometheusSpec.tolerations"),
        ({"alertmanager": {"alertmanagerSpec": {"image": {"tag": "a"}}}}, "alertmanager.alertmanagerSpec.image"),
        (prometheus(remoteWrite=[{"url": "https://a", "queueConfig": {"a": 1}}]), "remoteWrite[0].queueConfig"),
        (prometheus(storageSpec={"emptyDir": {"a": 1}}), "storageSpec.emptyDir"),
        ({"somethingNew": 1}, "somethingNew"),
    ],
)
def test_a_key_that_is_not_used_is_listed(values: dict[str, Any], where: str) -> None:
    (line,) = result(values=values).notes.lines
    assert line.where.endswith(where)
    assert line.why
