"""Two installations of Progressive in one cluster are told apart by the environment of their namespaces."""

from __future__ import annotations

from typing import Any

from components.prometheus.config import scrape_config
from components.settings.stack import read
from model.rules import Alert
from rules.progressive import SYSTEM
from rules.render import place_of, rule_group

STACK = read(
    {
        "cluster": {"name": "c-1", "environment": "live", "context": "c-1", "flavour": "kind"},
        "systems": {"progressive": {"environments": {"shop": "production", "shop-next": "staging"}}},
    }
)
GROUPS = [
    rule_group(group, place_of(STACK.cluster, STACK.grafana.address))
    for group in STACK.watched.groups
    if group.system == SYSTEM.key
]


def steps(job: str) -> list[dict[str, Any]]:
    (found,) = (each for each in STACK.watched.scrape_jobs if each.name == job)
    config: list[dict[str, Any]] = scrape_config(found, STACK.cluster)["relabel_configs"]
    return [step for step in config if step.get("target_label") == "environment"]


def test_a_target_has_the_environment_of_its_namespace_and_otherwise_the_cluster_s() -> None:
    own = {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "environment"}
    for job in ("progressive-framework-v5", "progressive-agents"):
        assert steps(job) == [
            {"target_label": "environment", "replacement": "live"},
            {**own, "regex": "shop", "replacement": "production"},
            {**own, "regex": "shop-next", "replacement": "staging"},
        ]
    others = {each.name for each in STACK.watched.scrape_jobs} - {"progressive-framework-v5", "progressive-agents"}
    assert others, "the stack watches itself"
    assert all(len(steps(job)) == 1 for job in others), "the series of other systems are the cluster's"


def test_a_result_keeps_the_environment_of_its_series() -> None:
    assert {tuple(group["labels"]) for group in GROUPS} == {("cluster",)}
    others = [group for group in STACK.watched.groups if group.system != SYSTEM.key]
    assert not any(group.keeps_environment for group in others)


def test_an_alert_without_series_has_the_environment_of_the_cluster() -> None:
    given = {rule["alert"] for group in GROUPS for rule in group["rules"] if "environment" in rule.get("labels", {})}
    absent = {
        rule.name
        for group in STACK.watched.groups
        for rule in group.rules
        if group.system == SYSTEM.key and isinstance(rule, Alert) and rule.name.endswith("NoData")
    }
    assert given == absent
    assert len(given) == len([slo for slo in STACK.watched.slos if slo.name.startswith("progressive-")])
