"""Rules are carried over as they are, if the reader of content folders takes them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.adopt.shapes import BOARD, RULE, SMALLEST, dashboards, made, result, rule, said
from tests.content import brought
from tools.adopt.notes import Kind
from tools.adopt.result import Result

PATH = "rules/shop-front.yaml"


def groups(of: Result, path: str = PATH) -> Any:
    return yaml.safe_load(of.content[path])["groups"]


def test_a_rule_stays_as_it_is() -> None:
    given = {
        "alert": "ShopClosed",
        "expr": "shop_open{job='shop'}\n  == 0",
        "for": "5m",
        "keep_firing_for": "10m",
        "labels": {"severity": "critical", "team": "shop"},
        "annotations": {
            "summary": "Closed.",
            "description": "{{ $labels.shop }} is closed.",
            "runbook_url": "https://a",
        },
    }
    after = result(
        rule(given, {"record": "shop:open:sum", "expr": "sum(shop_open)", "labels": {"a": "b"}}, interval="1m")
    )
    assert groups(after) == [
        {
            "name": "shop",
            "interval": "1m",
            "rules": [given, {"record": "shop:open:sum", "expr": "sum(shop_open)", "labels": {"a": "b"}}],
        }
    ]
    assert [line for line in after.notes.lines if line.kind is not Kind.CHECK] == []


def test_what_is_written_is_read_as_content() -> None:
    after = result(rule({**RULE, "labels": {"severity": "page", "cluster": "x"}}, {"record": "a:b", "expr": "1"}))
    settings = brought(after.content)
    assert "ShopClosed" in {alert.name for alert in settings.watched.alerts}


@pytest.mark.parametrize(
    ("theirs", "ours"), [("page", "critical"), ("error", "warning"), ("none", "info"), ("Critical", "critical")]
)
def test_a_severity_in_others_words_becomes_one_of_the_stack_s(theirs: str, ours: str) -> None:
    after = result(rule({**RULE, "labels": {"severity": theirs}}))
    assert groups(after)[0]["rules"][0]["labels"] == {"severity": ours}


def test_a_changed_severity_is_to_be_checked() -> None:
    after = result(rule({**RULE, "labels": {"severity": "page"}}))
    assert said(after, Kind.CHECK) == [
        'groups[0].rules[0].labels.severity: "page" became critical: the stack has critical, warning, info'
    ]


REFUSED = {
    "a severity that nobody knows": ({**RULE, "labels": {"severity": "purple"}}, "one of critical, warning, info"),
    "no PromQL": ({**RULE, "expr": "sum("}, "not PromQL"),
    "no expression": ({"alert": "A"}, "a rule without `expr`"),
    "an alert and a recording": ({"alert": "A", "record": "a:b", "expr": "1"}, "either `alert` or `record`"),
    "a duration that is none": ({**RULE, "for": "soon"}, "soon"),
    "a template that is not closed": (
        {**RULE, "annotations": {"summary": "{{ $value"}},
        "a template that is not closed",
    ),
}


@pytest.mark.parametrize(("given", "why"), REFUSED.values(), ids=REFUSED)
def test_a_rule_that_content_refuses_is_listed_in_its_words_and_the_others_stay(
    given: dict[str, Any], why: str
) -> None:
    after = result(rule(given, {"alert": "Other", "expr": "up == 0"}))
    (line,) = said(after, Kind.LOST)
    assert why in line
    assert "correct it, and run this again" in line
    assert [each["alert"] for each in groups(after)[0]["rules"]] == ["Other"]
    assert brought(after.content)


def test_a_group_that_content_refuses_is_listed_once() -> None:
    after = result(rule(RULE, RULE, interval="often"))
    assert said(after, Kind.LOST) == [
        'groups[0]: "often": a duration like 15s, 6h or 7d: correct it, and run this again'
    ]


def test_labels_that_the_stack_sets_are_left_out_and_listed() -> None:
    after = result(rule({**RULE, "labels": {"environment": "prod", "a": "b"}}, labels={"cluster": "x"}))
    assert groups(after)[0]["rules"][0]["labels"] == {"a": "b"}
    assert said(after, Kind.WITHOUT) == [
        "groups[0].labels.cluster: the stack sets this label itself",
        "groups[0].rules[0].labels.environment: the stack sets this label itself",
    ]


def test_an_alert_of_one_name_in_two_groups_is_carried_over_once() -> None:
    after = result(rule(RULE), rule({**RULE, "expr": "shop_open == 1"}, name="back"))
    assert list(after.content) == [PATH]
    (line,) = said(after, Kind.LOST)
    assert line.startswith("groups[0].rules[0]: ShopClosed: an alert of this name is in another group (all.yaml: ")
    assert "PrometheusRule shop/front: groups[0].rules[0]" in line


def test_alerts_of_one_name_in_one_group_stay_together() -> None:
    both = [{**RULE, "labels": {"severity": each}} for each in ("warning", "critical")]
    assert groups(result(rule(*both)))[0]["rules"] == both


def test_groups_and_files_get_names_of_their_own() -> None:
    one = {"name": "shop", "rules": [{"record": "a:b", "expr": "1"}]}
    long = [{**one, "name": f"{'a' * 300}{last}"} for last in "bc"]
    spelled = [{**one, "name": name} for name in ("a b", "a-b", "a/b", "A b")]
    names = [("a-b", "c"), ("a", "b-c"), ("a", "b.c")]
    after = result(
        *(made("PrometheusRule", {"groups": [one, one]}, namespace=space, name=name) for space, name in names)
    )
    assert list(after.content) == ["rules/a-b-c.yaml", "rules/a-b-c-2.yaml", "rules/a-b-c-3.yaml"]
    assert [each["name"] for each in groups(after, "rules/a-b-c.yaml")] == ["shop", "shop-2"]
    assert brought(after.content)
    spaces = {"a": "b-c", "a-b": "c"}
    across = [made("PrometheusRule", {"groups": [{**one, "name": name}]}, name=each) for each, name in spaces.items()]
    assert brought(result(*across).content), "groups of two files whose names together are the same"
    assert len(brought(result(made("PrometheusRule", {"groups": [*long, *spelled]})).content).watched.groups) > 6


def test_no_file_is_hidden_since_hidden_ones_are_no_content() -> None:
    after = result(
        made("PrometheusRule", SMALLEST["PrometheusRule"], namespace="", name="."), dashboards({".json": BOARD})
    )
    assert list(after.content) == ["rules/rules.yaml", "dashboards/dashboard.json"]


def test_a_rule_that_selects_a_job_that_there_is_not_is_to_be_checked() -> None:
    exprs = (
        "up{job='shop'} == 0",
        'up{job=~"kubelet|node.*"} == 0',
        "up{job='db', a=\"b\"} == 0",
        'up{job=~"q.+"} == 0',
    )
    rules = [{"alert": f"Down{number}", "expr": expr} for number, expr in enumerate(exprs)]
    spec = {"selector": {"matchLabels": {"app": "db"}}, "jobLabel": "app", "endpoints": [{"port": "a"}]}
    after = result(rule(*rules), made("ServiceMonitor", spec))
    assert [line.split(", and")[0] for line in said(after, Kind.CHECK)] == [
        f'{PATH}: selects job="shop"',
        f'{PATH}: selects job="q.+"',
    ]
