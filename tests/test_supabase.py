"""Supabase in a stack file: what is refused, how a project is asked, and what becomes of its names."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from model.promql import names
from model.rules import Alert, Recording
from rules.supabase import SYSTEM
from rules.supabase.scrape import PREFIX
from tests.catalogue import whole
from tests.conftest import NOTHING, Recorded, Stacks
from tests.test_expositions import RECORDED
from tests.test_names import problems

KEY = {"name": "supabase-shop", "key": "secret-key"}
HOSTED = {"ref": "abcdefghijklmnopqrst", "keySecret": KEY}
IN_CLUSTER, OUTSIDE = "realtime.supabase.svc:4000", "realtime.example.com:4000"


@pytest.fixture(scope="module")
def made(stack: Stacks) -> Recorded:
    own = {"auth": {"address": "auth.supabase.svc:9100"}, "realtime": {"address": IN_CLUSTER, "tokenSecret": KEY}}
    return stack("dev", systems={**NOTHING, "supabase": {"projects": {"shop": HOSTED, "own": own}}})


def job(made: Recorded, name: str) -> dict[str, Any]:
    (found,) = yaml.safe_load(made.files[f"prometheus/scrape/{name}.yml"])["scrape_configs"]
    return dict(found)


@pytest.mark.parametrize(
    ("project", "said"),
    [
        ({}, "ref, or parts of a self-hosted project (auth, pooler, realtime, rest, storage): one of these"),
        ({"ref": HOSTED["ref"]}, "ref and keySecret: both of a hosted project, or none"),
        ({**HOSTED, "auth": {"address": IN_CLUSTER}}, "one of these"),
        ({**HOSTED, "ref": "https://shop.supabase.co"}, "the reference of a project, as in its URL"),
        ({"realtime": {"address": OUTSIDE, "tokenSecret": KEY}}, "address: a Service of the cluster"),
        ({"realtime": {"address": IN_CLUSTER}}, "tokenSecret"),
        ({**HOSTED, "keySecret": "sb_secret_7hunter2x9y8"}, "(hidden)"),
    ],
)
def test_a_project_that_could_not_be_watched_is_refused(project: Any, said: str) -> None:
    found = problems("systems/supabase", {"projects": {"a": project}})
    assert any(said in each for each in found), found
    assert not any("hunter2" in each for each in found)


def test_a_hosted_project_is_asked_once_a_minute_with_its_key_from_a_file(made: Recorded) -> None:
    hosted = job(made, "supabase-hosted-shop")
    assert hosted["static_configs"] == [{"targets": ["abcdefghijklmnopqrst.supabase.co:443"]}]
    assert (hosted["scheme"], hosted["metrics_path"]) == ("https", "/customer/v1/privileged/metrics")
    assert hosted["scrape_interval"] == "1m"
    file = hosted["basic_auth"].pop("password_file")
    assert hosted["basic_auth"] == {"username": "service_role"}
    mounted = [
        item["path"]
        for volume in made.kind("StatefulSet")["prometheus"]["spec"]["template"]["spec"]["volumes"]
        for source in volume.get("projected", {}).get("sources", [])
        for item in source.get("secret", {}).get("items", [])
    ]
    assert file.rpartition("/")[2] in mounted


def test_a_part_is_asked_with_its_token_and_one_without_a_token_with_none(made: Recorded) -> None:
    assert "authorization" in job(made, "supabase-realtime-own")
    assert "authorization" not in job(made, "supabase-auth-own")


def test_prometheus_reaches_the_ports_of_projects(made: Recorded) -> None:
    rules = made.kind("NetworkPolicy")["prometheus"]["spec"]["egress"]
    assert {443, 4000, 9100} <= {port["port"] for rule in rules for port in rule["ports"]}


@pytest.mark.parametrize("project", [HOSTED, {"auth": {"address": IN_CLUSTER}}, {"storage": {"address": IN_CLUSTER}}])
def test_rules_are_of_the_parts_that_there_are(project: Any, stack: Stacks) -> None:
    made = stack("dev", systems={**NOTHING, "supabase": {"projects": {"a": project}}})
    rules = "".join(text for file, text in made.files.items() if file.startswith("prometheus/rules/supabase"))
    assert ("SupabaseDown" in rules, "SupabaseAuthErrors" in rules, "SupabaseStorageErrors" in rules) == (
        project is HOSTED,
        project is HOSTED or "auth" in project,
        "storage" in project,
    )


def test_no_rule_of_another_system_reads_a_series_of_supabase() -> None:
    """A hosted project has the host's `node_*` and PostgreSQL's `pg_*`, which are nobody's nodes and servers here."""
    rules = [rule for group in whole().groups if group.system != SYSTEM.key for rule in group.rules]
    exprs = [rule.expr for rule in rules if isinstance(rule, Recording)]
    exprs += [rule.expr(severity) for rule in rules if isinstance(rule, Alert) for severity in rule.severities]
    read = {name for expr in exprs for name in names(expr)}
    assert not [name for name in read if name.startswith(PREFIX)]
    assert {"node_filesystem_avail_bytes", "pg_up"} <= read, "which the endpoint has as well"
    assert all(job.prefix == PREFIX for job in whole().scrape_jobs if job.name.startswith("supabase-"))


def test_of_one_project_few_series_are_stored() -> None:
    # By Supabase's documents; the routes of Auth and the users of the pooler add some.
    assert sum(sum(family.series.values()) for family in RECORDED["supabase-hosted-shop"].values()) == 44
