"""People's own rules over log lines: files for Loki, evaluated by Grafana or by Loki."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.grafana.rule_groups import rule_groups
from components.loki.alerts import rule_file
from components.settings.stack import Settings
from model.uids import runbook_path
from tests.content import brought, refused, rules

DECLINED = """
- alert: CardsDeclined
  expr: sum by (namespace, app) (count_over_time({app="shop"} |= `declined# > 3` [5m])) > 20
  for: 2m
  labels: {severity: warning, team: shop}
  annotations: {summary: Cards are declined., description: "{{ $labels.app }}: {{ $value }}.", wiki: "{{ $value }}"}
"""


def groups(settings: Settings) -> dict[str, dict[str, Any]]:
    made = rule_groups(settings.watched, settings.cluster, settings.grafana.address)
    return {group["name"]: group for group in made if group["name"].startswith("content")}


def test_a_rule_for_loki_becomes_one_of_grafana() -> None:
    stack = brought({"loki/shop.yaml": rules(DECLINED), "runbooks/CardsDeclined.md": "Call the bank."})
    group = groups(stack)["content-shop"]
    (rule,) = group["rules"]
    assert (group["interval_seconds"], rule["for_"], rule["no_data_state"]) == (60, "2m", "OK")
    assert rule["labels"] == {
        "severity": "warning",
        "owner": "shop",
        "team": "shop",
        "cluster": "c-1",
        "environment": "dev",
        "system": "content",
    }
    query, _, condition = (json.loads(stage["model"]) for stage in rule["datas"])
    assert query["expr"] == 'sum by (namespace, app) (count_over_time({app="shop"} |= `declined# > 3` [5m]))'
    assert condition["conditions"] == [{"evaluator": {"type": "gt", "params": [20.0]}}]
    annotations = rule["annotations"]
    assert annotations["description"] == "{{ $labels.app }}: {{ $values.B.Value }}."
    assert annotations["wiki"] == "{{ $values.B.Value }}"
    assert runbook_path("content", "CardsDeclined") in annotations["runbook_url"]


def test_where_the_stack_says_so_loki_evaluates_it_and_grafana_does_not() -> None:
    more = DECLINED.replace("> 20", "> 100").replace("warning", "critical")
    files = {"loki/shop.yaml": rules(DECLINED, more), "runbooks/CardsDeclined.md": "Call the bank."}
    stack = brought(files, loki={"ruler": {"alerts": True}})
    assert not [
        group
        for group in rule_groups(stack.watched, stack.cluster, stack.grafana.address, stack.evaluated_by_loki)
        if group["name"].startswith("content")
    ]
    (group,) = rule_file(stack.evaluated_by_loki, stack.cluster, stack.grafana.address)["groups"]
    urgent, rule = group["rules"]
    assert (group["name"], group["interval"]) == ("content-shop", "1m")
    assert [each["expr"].rpartition(")")[2] for each in (urgent, rule)] == [" > 100", " > 20"]
    assert urgent["labels"] == rule["labels"] | {"severity": "critical"}
    assert rule["labels"] == {
        "severity": "warning",
        "owner": "shop",
        "team": "shop",
        "cluster": "c-1",
        "environment": "dev",
        "system": "content",
    }
    annotations = rule["annotations"]
    assert (annotations["description"], annotations["wiki"]) == ("{{ $labels.app }}: {{ $value }}.", "{{ $value }}")
    assert annotations["threshold"] == "above 20"
    assert runbook_path("content", "CardsDeclined") in annotations["runbook_url"]


def test_the_stack_s_own_alerts_on_logs_stay_with_grafana() -> None:
    stack = brought({"loki/shop.yaml": rules(DECLINED)}, loki={"ruler": {"alerts": True}})
    kept = rule_groups(stack.watched, stack.cluster, stack.grafana.address, stack.evaluated_by_loki)
    assert {"logs-security", "logs-errors"} <= {group["name"] for group in kept}


def test_without_a_runbook_its_panel_says_how_to_add_one() -> None:
    (rule,) = groups(brought({"loki/shop.yaml": rules(DECLINED)}))["content-shop"]["rules"]
    assert "runbook_url" not in rule["annotations"]
    assert rule["annotations"]["__dashboardUid__"] == "runbooks-content"


def test_a_rule_per_severity_is_one_rule_of_grafana() -> None:
    more = DECLINED.replace("> 20", "> 100").replace("warning", "critical")
    (alert,) = brought({"loki/shop.yaml": rules(DECLINED, more)}).watched.alerts[-1:]
    assert {severity: int(number) for severity, number in alert.thresholds.items()} == {"critical": 100, "warning": 20}


def rule(expr: str, **more: str) -> str:
    return rules(json.dumps({"alert": "Mine", "expr": expr, **more}).join(("- ", "")))


@pytest.mark.parametrize(
    ("expr", "wrong"),
    [
        ('{app="a"} |= `x`', "lines, not a number"),
        ('absent_over_time({app="a"}[5m])', "a query that ends in one comparison"),
        ('(rate({app="a"}[5m]) > 3)', "a query that ends in one comparison"),
        ('rate({app="a"}[5m]) > 1 and rate({app="b"}[5m]) > 3', "a query that ends in one comparison"),
        ('{app="a"} | json | status > 500', "lines, not a number"),
        ("up > 1", "no stream selector"),
        ('sum(rate({app="a"}[5m]) > 3', "( without )"),
    ],
)
def test_what_grafana_cannot_compare_is_refused(expr: str, wrong: str) -> None:
    found = refused({"loki/a.yaml": rule(expr)})
    assert [each for each in found if each.startswith("ours/loki/a.yaml:4: expr: ") and wrong in each], found


def test_other_problems_are_listed_with_file_and_line() -> None:
    odd = rules(DECLINED).replace("- name: shop", "- name: shop\n    interval: 15s")
    found = refused(
        {
            "loki/a.yaml": odd,
            "loki/b.yaml": rules(DECLINED.replace("CardsDeclined", "Cards declined")),
            "loki/c.yaml": rules("- {record: a, expr: 'rate({a=\"b\"}[5m])'}"),
            "loki/d.yaml": rules(DECLINED.replace("> 20", "< 3"), DECLINED).replace("CardsDeclined", "Twice"),
            "rules/e.yaml": rules("- {alert: CardsDeclined, expr: up == 0}"),
        }
    )
    own = "a name of its own: Grafana has one rule of a name, with a threshold for each severity"
    assert found == [
        'ours/loki/a.yaml:3: interval: "15s": a multiple of 10s, as Grafana evaluates it',
        'ours/loki/b.yaml:4: alert: "Cards declined": at most 40 letters, digits, dashes and underscores',
        "ours/loki/c.yaml:4: record: rules that record stand in `loki.ruler.rules` of the stack file",
        f"ours/loki/d.yaml:9: alert: Twice: {own}",
        "ours/loki/a.yaml:5: alert: CardsDeclined is in ours/rules/e.yaml:4 as well: rename one",
    ]
