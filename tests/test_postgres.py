"""PostgreSQL in a stack file: what is refused, what an exporter is given, and what its policy opens."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rules.postgres import SYSTEM
from tests.conftest import NOTHING, Recorded, Stacks
from tests.test_names import problems
from tools.local.stack_text import merged

SECRET = {"name": "orders-monitor", "key": "password"}
ORDERS = {"address": "orders.example.com:5433", "passwordSecret": SECRET}
HERE = "systems.postgres"


@pytest.fixture(scope="module")
def made(stack: Stacks) -> Recorded:
    servers = {
        "orders-a": {**ORDERS, "service": "orders", "caSecret": {"name": "rds", "key": "ca"}},
        "orders-b": {**ORDERS, "service": "orders", "sslMode": "require"},
        "carts": {"exporter": "10.1.2.3:9187"},
    }
    return stack("dev", systems={**NOTHING, "postgres": {"servers": servers, "replicas": {"orders": 1}}})


@pytest.mark.parametrize(
    ("servers", "more", "said"),
    [
        ({"a": {}}, {}, f"{HERE}.servers.a: {{}}: address or exporter: exactly one of them"),
        ({"a": ORDERS | {"exporter": "a:1"}}, {}, "address or exporter: exactly one of them"),
        ({"a": {"address": "a:5432"}}, {}, "address and passwordSecret: both, or none beside an existing exporter"),
        ({"a": {"exporter": "a:1", "passwordSecret": SECRET}}, {}, "address and passwordSecret: both"),
        ({"A": ORDERS}, {}, "a name of at most 30 lower-case letters, digits and dashes"),
        ({"a": ORDERS | {"user": "x y"}}, {}, "a PostgreSQL name of at most 63 letters, digits and _ . @ -"),
        ({"a": ORDERS | {"password": "hunter2"}}, {}, "(hidden): a secret is never given in plain: use passwordSecret"),
        ({"a": "hunter2"}, {}, f"{HERE}.servers.a: (hidden): a mapping"),
        ({"a": ORDERS}, {"replicas": {"b": 1}}, f'{HERE}.replicas.b: "b": a service of a server: one of a'),
        ({}, {}, f"{HERE}.servers: {{}}: at least 1 of them"),
    ],
)
def test_a_server_that_could_not_be_watched_is_refused(servers: Any, more: Any, said: str) -> None:
    assert any(said in each for each in problems(HERE.replace(".", "/"), {"servers": servers, **more}))


def test_an_exporter_verifies_its_server_by_default_and_reads_the_password_from_a_file(made: Recorded) -> None:
    env = {each["name"]: each.get("value") for each in made.container("postgres-exporter-orders-a")["env"]}
    secrets = "/etc/postgres-exporter-orders-a/secrets"
    assert env["DATA_SOURCE_URI"] == (
        f"orders.example.com:5433/postgres?sslmode=verify-full&sslrootcert={secrets}/ca&connect_timeout=3"
    )
    assert env["DATA_SOURCE_PASS_FILE"] == f"{secrets}/password"
    (volume,) = (each for each in made.pod("postgres-exporter-orders-a")["volumes"] if each["name"] == "secrets")
    assert [each["secret"]["name"] for each in volume["projected"]["sources"]] == ["rds", "orders-monitor"]


def test_an_exporter_reaches_the_port_of_its_server_and_dns_alone(made: Recorded) -> None:
    rules = made.kind("NetworkPolicy")["postgres-exporter-orders-b"]["spec"]["egress"]
    assert {port["port"] for rule in rules for port in rule["ports"]} == {5433, 53}


def test_a_server_with_an_exporter_gets_no_second_one(made: Recorded) -> None:
    assert {name for name in made.workloads if "postgres" in name} == {
        "postgres-exporter-orders-a",
        "postgres-exporter-orders-b",
    }
    (job,) = yaml.safe_load(made.files["prometheus/scrape/postgres-existing.yml"])["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["10.1.2.3:9187"]}]
    assert {
        "source_labels": ["__address__"],
        "regex": r"10\.1\.2\.3:9187",
        "target_label": "instance",
        "replacement": "carts",
    } in job["relabel_configs"]
    ports = {
        port["port"]
        for rule in made.kind("NetworkPolicy")["prometheus"]["spec"]["egress"]
        for port in rule.get("ports", [])
    }
    assert 9187 in ports


def test_few_metrics_are_stored_whatever_the_stack_keeps_otherwise(made: Recorded) -> None:
    for name in ("postgres-exporter", "postgres-existing"):
        (job,) = yaml.safe_load(made.files[f"prometheus/scrape/{name}.yml"])["scrape_configs"]
        kept = job["metric_relabel_configs"][0]
        assert kept["action"] == "keep"
        assert "pg_settings_max_connections" in kept["regex"]
        assert "pg_locks_count" not in kept["regex"]


def test_without_expected_replicas_nobody_is_notified_of_them(stack: Stacks) -> None:
    alone = stack("dev", systems={**NOTHING, "postgres": {"servers": {"orders": ORDERS}}})
    assert not [
        alert.name for alert in alone.settings.watched.alerts if "Replica" in alert.name and "Lag" not in alert.name
    ]
    assert not [each for each in alone.files if "postgres-replicas" in each]


def test_an_owner_of_a_service_owns_its_alerts(stack: Stacks) -> None:
    teams = {"shop": {"services": ["orders"]}}
    given = merged(SYSTEM.example.model_dump(by_alias=True, exclude_unset=True, mode="json"), {})
    owned = stack("dev", systems={**NOTHING, "postgres": given}, owners={"teams": teams})
    (down,) = (alert for alert in owned.settings.watched.alerts if alert.name == "PostgreSQLDown")
    assert set(down.owner_names) == {"shop", "database"}
