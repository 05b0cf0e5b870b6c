"""MongoDB in a stack file: what is refused, what an exporter is given, and how much of it is stored."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rules.mongodb.scrape import MONGODB_EXPORTER, metrics
from tests.conftest import NOTHING, Recorded, Stacks
from tests.test_expositions import RECORDED
from tests.test_names import problems

SECRET = {"name": "catalog-monitor", "key": "password"}
PLAIN = {"address": "stock.example.com:27018"}


@pytest.fixture(scope="module")
def made(stack: Stacks) -> Recorded:
    whole = {**PLAIN, "tls": True, "caSecret": {"name": "ca", "key": "ca"}, "passwordSecret": SECRET, "user": "m"}
    return stack("dev", systems={**NOTHING, "mongodb": {"servers": {"catalog": whole, "stock": PLAIN}}})


def env(made: Recorded, name: str) -> dict[str, Any]:
    given = made.container(f"mongodb-exporter-{name}")["env"]
    return {each["name"]: each.get("value") or each["valueFrom"]["secretKeyRef"] for each in given}


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ({}, "address or exporter: exactly one of them"),
        ({"exporter": "a:9216", "passwordSecret": SECRET}, "exporter: alone, since it has its own login"),
        ({**PLAIN, "caSecret": SECRET}, "caSecret: only with tls: true"),
        ({**PLAIN, "password": "hunter2"}, "(hidden): a secret is never given in plain: use passwordSecret"),
        ({"address": "mongodb://m:hunter2@stock:27017"}, "(hidden)"),
    ],
)
def test_a_server_that_could_not_be_watched_is_refused(server: Any, said: str) -> None:
    found = problems("systems/mongodb", {"servers": {"a": server}})
    assert any(said in each for each in found), found
    assert not any("hunter2" in each for each in found)


def test_an_exporter_has_tls_and_a_login_where_its_server_has(made: Recorded) -> None:
    whole, plain = env(made, "catalog"), env(made, "stock")
    uri = "mongodb://stock.example.com:27018/?tls=true&tlsCAFile=/etc/mongodb-exporter-catalog/secrets/ca"
    assert whole["MONGODB_URI"] == uri
    assert (whole["MONGODB_USER"], whole["MONGODB_PASSWORD"]) == ("m", SECRET)
    assert plain["MONGODB_URI"] == "mongodb://stock.example.com:27018/?tls=false"
    assert not plain.keys() & {"MONGODB_USER", "MONGODB_PASSWORD"}


def test_an_exporter_reaches_the_port_of_its_server_and_dns_alone(made: Recorded) -> None:
    rules = made.kind("NetworkPolicy")["mongodb-exporter-stock"]["spec"]["egress"]
    assert {port["port"] for rule in rules for port in rule["ports"]} == {27018, 53}


def test_of_one_server_few_series_are_stored_and_their_names_outlive_an_election(made: Recorded) -> None:
    (job,) = yaml.safe_load(made.files["prometheus/scrape/mongodb-exporter.yml"])["scrape_configs"]
    kept, dropped = job["metric_relabel_configs"]
    assert set(kept["regex"].split("|")) == {metric.name for metric in metrics(MONGODB_EXPORTER)}
    assert "rs_state" in dropped["regex"].split("|")
    # By the exporter's documents, of a set of three members with four databases.
    assert sum(sum(family.series.values()) for family in RECORDED[MONGODB_EXPORTER].values()) == 47
