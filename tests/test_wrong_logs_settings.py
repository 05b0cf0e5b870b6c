"""What is wrong with the logs' part of a stack file, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from components.settings.stack import Refused, read
from tests.conftest import TOLD

CLUSTER = {"name": "c-1", "environment": "dev", "context": "c-1", "flavour": "kind"}
PRODUCTION = {**CLUSTER, "environment": "prod"}
S3 = {"bucket": "logs", "region": "eu-1"}
RULE = {"record": "app:lines:rate1m", "expr": 'sum by (app) (rate({app="a"}[1m]))'}


def refused(**sections: Any) -> list[str]:
    given = {"cluster": CLUSTER, **sections}
    if given["cluster"] is PRODUCTION:
        given["notifications"] = TOLD
    with pytest.raises(Refused) as problem:
        read(given)
    return problem.value.problems


@pytest.mark.parametrize(
    ("loki", "where", "said"),
    [
        ({"replicas": 2}, "loki", "replicas 2 on a filesystem would each keep a part that the others cannot read"),
        ({"replicas": 3, "storage": {"filesystem": {"size": "1Gi"}}}, "loki", "one replica, or storage.s3"),
        ({"replicas": 2, "storage": {"s3": S3}}, "loki", "losing one stops writes: 1 or 3"),
        ({"replicas": 0}, "loki.replicas", "0: at least 1"),
        ({"storage": {}}, "loki.storage", "filesystem or s3: exactly one of them"),
        ({"storage": {"filesystem": {}, "s3": S3}}, "loki.storage", "filesystem or s3: exactly one of them"),
        ({"storage": {"s3": {"region": "eu-1"}}}, "loki.storage.s3.bucket", "is required"),
        ({"storage": {"s3": {**S3, "bucket": "No Such"}}}, "loki.storage.s3.bucket", "the name of a bucket"),
        ({"storage": {"s3": {**S3, "accessKeySecret": "lokiKey"}}}, "loki.storage.s3", "belong together"),
        (
            {"storage": {"s3": {**S3, "secretKey": "hunter2"}}},
            "loki.storage.s3.secretKey",
            "(hidden): a secret is never",
        ),
        ({"storage": {"gcs": {}}}, "loki.storage.gcs", "unknown key"),
        ({"storage": {"s3": {**S3, "endpoint": "minio:9000"}}}, "loki.storage.s3.endpoint", "a URL like"),
        ({"retention": "7 days"}, "loki.retention", "a duration like 15s, 6h or 7d"),
        ({"retention": "12h"}, "loki.retention", "at least 1d: Loki deletes by days"),
        (
            {"streamRetention": [{"selector": "namespace=agents", "period": "2d"}]},
            "loki.streamRetention[0].selector",
            "a stream selector like",
        ),
        (
            {"streamRetention": [{"selector": "{}", "period": "2d"}]},
            "loki.streamRetention[0].selector",
            "a stream selector",
        ),
        (
            {"streamRetention": [{"selector": '{a="b}', "period": "2d"}]},
            "loki.streamRetention[0].selector",
            "a stream selector",
        ),
        (
            {"streamRetention": [{"selector": '{a="b"}', "period": "2h"}]},
            "loki.streamRetention[0].period",
            "at least 1d",
        ),
        ({"limits": {"ingestionBurst": "1Mi"}}, "loki.limits.ingestionBurst", "at least ingestionRate, 8Mi"),
        ({"limits": {"lineSize": "32Mi"}}, "loki.limits.lineSize", "at most ingestionBurst, 16Mi"),
        ({"limits": {"queryTimeout": "0s"}}, "loki.limits.queryTimeout", "from 1s to 1h"),
        ({"tenants": {"shop": {}}}, "loki", "tenants have limits of their own only with multiTenant: true"),
        ({"ruler": {"rules": []}}, "loki.ruler", "rules: at least one, or no ruler"),
        ({"ruler": {"rules": [{**RULE, "record": "lines"}]}}, "loki.ruler.rules[0].record", "a name like level:metric"),
        ({"ruler": {"rules": [RULE, RULE]}}, "loki.ruler.rules[1].record", "that no other rule has"),
        ({"ruler": {"rules": [RULE], "interval": "10m"}}, "loki.ruler.interval", "a duration from 10s to 2m"),
        (
            {"resources": {"requests": {"cpu": "1", "memory": "128Mi"}, "limits": {"memory": "128Mi"}}},
            "loki.resources.limits.memory",
            "at least 512Mi",
        ),
    ],
)
def test_a_wrong_loki_is_refused_with_the_reason(loki: dict[str, Any], where: str, said: str) -> None:
    (found,) = refused(loki=loki)

    assert found.startswith(f"{where}: ")
    assert said in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("logs", "where", "said"),
    [
        ({"drop": [{}]}, "logs.drop[0]", "an empty rule would drop every line"),
        ({"drop": [{"line": "("}]}, "logs.drop[0].line", "a regular expression without look-around"),
        ({"drop": [{"line": "(?!health)"}]}, "logs.drop[0].line", "a regular expression without look-around"),
        ({"drop": [{"line": "a{1001}"}]}, "logs.drop[0].line", "a regular expression without look-around"),
        ({"drop": [{"line": "(a)\\1"}]}, "logs.drop[0].line", "a regular expression without look-around"),
        ({"drop": [{"levels": ["verbose"]}]}, "logs.drop[0].levels[0]", "one of "),
        ({"drop": [{"namespace": "Shop_1"}]}, "logs.drop[0].namespace", "lower-case letters"),
        ({"linesPerSecond": 0}, "logs.linesPerSecond", "at least 1"),
        ({"continuation": []}, "logs", "continuation: at least one"),
        ({"positionsPath": "/"}, "logs.positionsPath", "an absolute path on the node"),
        ({"positionsPath": "/var/../etc"}, "logs.positionsPath", "an absolute path on the node"),
        ({"collector": "fluentbit"}, "logs.collector", "one of promtail or otel"),
        (
            {"collector": "otel", "linesPerSecond": 500},
            "logs.linesPerSecond",
            "no value with collector otel, which reads as fast as Loki accepts lines: set loki.limits instead",
        ),
        ({"runtime": "docker"}, "logs.runtime", '"docker": collector otel: Promtail does not join lines'),
        ({"runtime": "podman"}, "logs.runtime", "one of cri or docker"),
        ({"collector": "otel", "burst": 500}, "logs.burst", "no value with collector otel"),
        (
            {
                "collector": "otel",
                "resources": {"requests": {"cpu": "1", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
            },
            "logs.resources.limits.memory",
            "with collector otel: with less, it reads nothing",
        ),
    ],
)
def test_wrong_logs_are_refused_with_the_reason(logs: dict[str, Any], where: str, said: str) -> None:
    (found,) = refused(logs=logs)

    assert found.startswith(f"{where}: ")
    assert said in found


@pytest.mark.parametrize(
    "regex", [r"\pL+", r"[[:alpha:]]+\z", r"(?i)health", r"(?P<x>a)", r"a\\1", r"\$\d{2}", r"(?:GET|POST) /"]
)
def test_what_go_reads_is_accepted(regex: str) -> None:
    assert read({"cluster": CLUSTER, "logs": {"drop": [{"line": regex}]}}).logs.drop[0].line == regex


def test_an_alert_of_the_other_collector_cannot_be_changed() -> None:
    off = {"alerts": {"PromtailBehind": "off"}}

    assert read({"cluster": CLUSTER, **off}).alerts == {"PromtailBehind": None}
    (found,) = refused(logs={"collector": "otel"}, **off)
    assert found.startswith("alerts.PromtailBehind: unknown alert of the systems that are on")


def test_production_keeps_its_logs() -> None:
    ephemeral = {"storage": {"filesystem": {"size": None}}}
    assert read({"cluster": CLUSTER, "loki": ephemeral}), "a laptop may forget"

    found = refused(cluster=PRODUCTION, loki=ephemeral)

    assert found == ["loki.storage.filesystem.size: null: a size: in production nothing may be lost when a pod moves"]


def test_production_does_not_send_logs_in_plain() -> None:
    found = refused(cluster=PRODUCTION, loki={"storage": {"s3": {**S3, "endpoint": "http://minio.minio.svc:9000"}}})

    assert len(found) == 1
    assert found[0].startswith("loki.storage.s3.endpoint: ")
    assert "an https URL" in found[0]


def test_a_secret_that_is_not_there_is_named() -> None:
    keys = {"accessKeySecret": "lokiKey", "secretKeySecret": "lokiSecret"}
    with pytest.raises(Refused) as problem:
        read({"cluster": CLUSTER, "loki": {"storage": {"s3": {**S3, **keys}}}}, secrets={"lokiKey"})

    (found,) = problem.value.problems
    assert found.startswith('loki.storage.s3.secretKeySecret: "lokiSecret": no such secret')
