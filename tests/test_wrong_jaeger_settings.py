"""What is wrong with a stack file's Jaeger is said where it is wrong, and why, before anything is deployed."""

from __future__ import annotations

from typing import Any

import pytest

from components.settings.stack import Refused, read
from tests.conftest import TOLD

DEV = {"name": "dev-1", "environment": "dev", "context": "kind-dev", "flavour": "kind"}
PROD = {"name": "prod-1", "environment": "prod", "context": "prod", "flavour": "eks"}
SEARCH = {"urls": ["https://search.example:9200"]}
ONE_OF = "exactly one of memory, badger, elasticsearch, opensearch"


def problems(jaeger: dict[str, Any], cluster: dict[str, str] = DEV) -> list[str]:
    with pytest.raises(Refused) as refused:
        read({"cluster": cluster, "jaeger": jaeger, "notifications": TOLD})
    return refused.value.problems


@pytest.mark.parametrize(
    ("jaeger", "path", "allowed"),
    [
        ({"storage": {}}, "jaeger.storage", f"{ONE_OF}, and none is set"),
        ({"storage": {"badger": None}}, "jaeger.storage", f"{ONE_OF}, and none is set"),
        ({"storage": {"memory": {}, "badger": {}}}, "jaeger.storage", f"{ONE_OF}, not memory and badger"),
        (
            {"storage": {"badger": {}, "elasticsearch": SEARCH, "opensearch": SEARCH}},
            "jaeger.storage",
            f"{ONE_OF}, not badger and elasticsearch and opensearch",
        ),
        (
            {"storage": {"cassandra": {}}},
            "jaeger.storage.cassandra",
            "unknown key: one of memory, badger, elasticsearch, opensearch",
        ),
        ({"storage": {"bager": {}}}, "jaeger.storage.bager", "unknown key: did you mean badger?"),
        ({"storage": {"badger": {"ttl": "0s"}}}, "jaeger.storage.badger.ttl", "a duration longer than 0s"),
        ({"storage": {"badger": {"ttl": "3 days"}}}, "jaeger.storage.badger.ttl", "a duration like 15s, 6h or 7d"),
        (
            {"storage": {"badger": {"size": "500Mi"}}},
            "jaeger.storage.badger.size",
            "at least 1Gi: badger has large write-ahead files",
        ),
        ({"storage": {"memory": {"traces": 0}}}, "jaeger.storage.memory.traces", "at least 1"),
        ({"storage": {"elasticsearch": {}}}, "jaeger.storage.elasticsearch.urls", "is required"),
        ({"storage": {"opensearch": {"urls": []}}}, "jaeger.storage.opensearch.urls", "at least 1 of them"),
        (
            {"storage": {"elasticsearch": SEARCH | {"username": "jaeger"}}},
            "jaeger.storage.elasticsearch",
            "username and passwordSecret belong together: give both or none",
        ),
        (
            {"storage": {"elasticsearch": SEARCH | {"lookback": "0s"}}},
            "jaeger.storage.elasticsearch.lookback",
            "a duration longer than 0s",
        ),
        (
            {"replicas": 2, "storage": {"badger": {}}},
            "jaeger.replicas",
            (
                "1 with storage badger: one process writes its files, so each replica would have some of the traces; "
                "more need elasticsearch or opensearch"
            ),
        ),
        (
            {"replicas": 2, "storage": {"memory": {}}},
            "jaeger.replicas",
            (
                "1 with storage memory: each replica would have some of the traces in its own; "
                "more need elasticsearch or opensearch"
            ),
        ),
        ({"replicas": 0}, "jaeger.replicas", "at least 1"),
        ({"sampling": {"percent": 101}}, "jaeger.sampling.percent", "at most 100.0"),
        ({"sampling": {"percent": -1}}, "jaeger.sampling.percent", "at least 0.0"),
        ({"sampling": {"slow": "0s"}}, "jaeger.sampling.slow", "a duration longer than 0s"),
        ({"sampling": {"maxTraces": 0}}, "jaeger.sampling.maxTraces", "at least 1"),
        (
            {"sampling": {"slow": "10s", "decisionWait": "10s"}},
            "jaeger.sampling.decisionWait",
            "longer than slow, 10s, to see slow traces",
        ),
        ({"sampling": {"services": {"shop": 101}}}, "jaeger.sampling.services.shop", "at most 100.0"),
        (
            {"sampling": {"services": {'say "x"': 1}}},
            'jaeger.sampling.services.say "x"',
            "a service's name of letters, digits, spaces and . _ : / @ + -",
        ),
        (
            {"archive": {}, "storage": {"memory": {}}},
            "jaeger.archive",
            "storage in badger, elasticsearch or opensearch: in memory, archived traces are lost with the pod",
        ),
        (
            {"archive": {"keep": "14d"}, "storage": {"badger": {"ttl": "14d"}}},
            "jaeger.archive.keep",
            "longer than 14d, for which storage.badger keeps every trace",
        ),
        (
            {"archive": {"keep": "2d"}, "storage": {"opensearch": SEARCH}},
            "jaeger.archive.keep",
            "longer than 3d, for which storage.opensearch keeps every trace",
        ),
        ({"basePath": "jaeger"}, "jaeger.basePath", "a path like /jaeger, without a slash at its end"),
        ({"basePath": "/jaeger/"}, "jaeger.basePath", "a path like /jaeger, without a slash at its end"),
    ],
)
def test_a_wrong_setting_is_explained(jaeger: dict[str, Any], path: str, allowed: str) -> None:
    (line,) = problems(jaeger)
    assert line.startswith(f"{path}: ")
    assert line.endswith(f": {allowed}")


def test_memory_is_not_for_production() -> None:
    (line,) = problems({"storage": {"memory": {}}}, PROD)
    assert line.startswith("jaeger.storage.memory: ")
    assert line.endswith("badger, elasticsearch or opensearch: in production nothing may be lost when a pod moves")


@pytest.mark.parametrize(
    ("secret", "path"),
    [
        ({"urls": ["https://jaeger:hunter2@search.example:9200"]}, "jaeger.storage.elasticsearch.urls[0]"),
        (SEARCH | {"username": "jaeger", "password": "hunter2"}, "jaeger.storage.elasticsearch.password"),
    ],
    ids=["in a URL", "as a value"],
)
def test_a_password_in_plain_is_refused_and_not_repeated(secret: dict[str, Any], path: str) -> None:
    found = problems({"storage": {"elasticsearch": secret}})
    assert any(line.startswith(f"{path}: (hidden): ") for line in found)
    assert "hunter2" not in "".join(found), "a log of the refusal must not hold it either"


def test_in_production_a_password_does_not_cross_the_network_in_plain() -> None:
    login = {"username": "jaeger", "passwordSecret": {"name": "search", "key": "password"}}
    (line,) = problems({"storage": {"opensearch": login | {"urls": ["http://search.example:9200"]}}}, PROD)
    assert line.startswith("jaeger.storage.opensearch.urls[0]: ")
    assert line.endswith(": an https URL: in production no password or token crosses the network in plain")


def test_everything_wrong_is_said_at_once() -> None:
    wrong = {"replicas": 3, "storage": {"memory": {}}}
    paths = [line.partition(": ")[0] for line in problems(wrong, PROD)]
    assert paths == ["jaeger.replicas", "jaeger.storage.memory"]
