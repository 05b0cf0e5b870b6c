"""Redis in a stack file: what is refused, and what an exporter is given."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.conftest import NOTHING, Recorded, Stacks
from tests.test_names import problems

SECRET = {"name": "sessions-monitor", "key": "password"}
CACHE = {"address": "cache.example.com:6380"}


@pytest.fixture(scope="module")
def made(stack: Stacks) -> Recorded:
    servers = {
        "sessions": {
            **CACHE,
            "tls": True,
            "caSecret": {"name": "ca", "key": "ca"},
            "passwordSecret": SECRET,
            "user": "m",
        },
        "cache": CACHE,
    }
    return stack("dev", systems={**NOTHING, "redis": {"servers": servers}})


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ({}, "address or exporter: exactly one of them"),
        ({"exporter": "a:9121", "tls": True}, "exporter: alone, since it has its own login"),
        ({**CACHE, "caSecret": SECRET}, "caSecret: only with tls: true"),
        ({**CACHE, "password": "hunter2"}, "(hidden): a secret is never given in plain: use passwordSecret"),
    ],
)
def test_a_server_that_could_not_be_watched_is_refused(server: Any, said: str) -> None:
    assert any(said in each for each in problems("systems/redis", {"servers": {"a": server}}))


@pytest.mark.parametrize(
    ("name", "service", "said"),
    [
        ("sentinel", "orders", "the service that it watches: one of sessions"),
        ("sentinel", None, "the service that it watches: one of sessions"),
        ("sessions", "sessions", "a name that no server has"),
    ],
)
def test_a_sentinel_that_watches_no_server_or_is_named_like_one_is_refused(
    name: str, service: str | None, said: str
) -> None:
    settings = {"servers": {"sessions": CACHE}, "sentinels": {name: {**CACHE, "service": service}}}
    assert any(said in each for each in problems("systems/redis", settings))


def test_sentinels_have_a_job_of_their_own_so_that_none_counts_as_a_server(stack: Stacks) -> None:
    settings = {"servers": {"sessions": CACHE}, "sentinels": {"sentinel": {**CACHE, "service": "sessions"}}}
    made = stack("dev", systems={**NOTHING, "redis": settings})
    kept = {}
    for job in ("redis-exporter", "redis-sentinels"):
        (only,) = yaml.safe_load(made.files[f"prometheus/scrape/{job}.yml"])["scrape_configs"]
        kept[job] = [step["regex"] for step in only["metric_relabel_configs"] if step["action"] == "keep"]
    assert "redis_up" in str(kept["redis-exporter"])
    assert "redis_up" not in str(kept["redis-sentinels"])


def test_an_exporter_has_tls_and_a_password_where_its_server_has(made: Recorded) -> None:
    whole, plain = (made.container(f"redis-exporter-{name}") for name in ("sessions", "cache"))
    assert {
        "-redis.addr=rediss://cache.example.com:6380",
        "-redis.user=m",
        "-tls-ca-cert-file=/etc/redis-exporter-sessions/secrets/ca",
    } <= set(whole["args"])
    (password,) = (each for each in whole["env"] if each["name"] == "REDIS_PASSWORD")
    assert password["valueFrom"]["secretKeyRef"] == SECRET
    assert "-redis.addr=redis://cache.example.com:6380" in plain["args"]
    assert not [each for each in plain["env"] if each["name"] == "REDIS_PASSWORD"]


def test_an_exporter_reaches_the_port_of_its_server_and_dns_alone(made: Recorded) -> None:
    rules = made.kind("NetworkPolicy")["redis-exporter-cache"]["spec"]["egress"]
    assert {port["port"] for rule in rules for port in rule["ports"]} == {6380, 53}


def test_few_metrics_are_stored_whatever_the_stack_keeps_otherwise(made: Recorded) -> None:
    (job,) = yaml.safe_load(made.files["prometheus/scrape/redis-exporter.yml"])["scrape_configs"]
    kept = job["metric_relabel_configs"][0]
    assert kept["action"] == "keep"
    assert "redis_memory_max_bytes" in kept["regex"]
    assert "redis_commands_total" not in kept["regex"]
