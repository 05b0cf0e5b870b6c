"""A typo in people's LogQL is found before it is deployed. tests/servers/test_logql_check.py asks a real Loki."""

from __future__ import annotations

import json
import re

import pytest

from dashboards.queries import filled, loki_queries
from model.datasources import LOKI
from rules.content.logql import problem
from rules.logs.saved import SAVED
from tests.content import brought, refused
from tests.dashboards import ALL_DASHBOARDS, STACK
from tests.test_content_dashboards import resource, v2

REFUSED = {
    '{namespace="shop} |= `x`': "at character 12: a quote without its end",
    '{namespace="shop"} |= `x': "at character 23: a quote without its end",
    "{namespace='shop'}": "at character 12: ' is no part of LogQL",
    'sum(rate({namespace="shop"}[5m])': "at character 4: ( without )",
    'rate({namespace="shop"}[5m]))': "at character 29: ) without its beginning",
    '{namespace="shop"': "at character 1: { without }",
    '{namespace:"shop"}': 'at character 2: a stream selector has matchers like namespace="shop"',
    "{namespace=shop}": 'at character 2: a stream selector has matchers like namespace="shop"',
    '{namespace="shop" app="till"}': "at character 19: a comma is between matchers, and nowhere else",
    '{namespace="shop", app="till",}': "at character 30: a comma is between matchers, and nowhere else",
    '{namespace=~".*"}': "at character 1: a selector of all streams: name one, or some by =~ with more than .*",
    "{}": "at character 1: a selector of all streams: name one, or some by =~ with more than .*",
    '{namespace="shop"} | jsn': "at character 22: no stage jsn: did you mean json?",
    '{namespace="shop"} | |= `x`': "at character 22: after | comes a stage, or a label that is compared",
    '{namespace="shop"} |': "a | at the end",
    '{namespace="shop"} |= x': "at character 20: |= is followed by a text in quotes",
    'sum(count_overtime({namespace="shop"}[5m]))': "at character 5: no function count_overtime: did you mean"
    " count_over_time?",
    'rate({namespace="shop"}[five])': "at character 25: a range is a duration, like [5m]",
    "sum(up)": 'no stream selector like {namespace="shop"}',
}
"""Queries that Loki refuses as well."""
FINDS_NOTHING = {
    '{pod="till-1"}': "at character 2: pod is metadata, and no label: `| pod=...` after the selector",
    '{namespce="shop"}': "at character 2: no label namespce: did you mean namespace?",
}
"""Queries that Loki takes, and that never find a line."""
RIGHT = (
    '{namespace="shop"}',
    '{namespace="shop", app=~"till|cart"} # of the shop',
    '{namespace="shop"} |= `it\'s "x"` != "a \\"b\\"" |~ `(?i)err` !~ "x|y" | json | status >= 500 and method="GET"',
    '{source="outside"} | logfmt | duration > 1.5s or size > 10MB | line_format "{{.pod}} $x"',
    'sum by (app) (rate({namespace="shop"} | json | unwrap bytes(size) | __error__="" [1h30m])) > bool 0.5',
    'quantile_over_time(0.95, {app="till"} | logfmt | unwrap duration(took) [5m] offset 1d) by (app) or vector(0)',
    '{app="till"} |= ip("10.0.0.0/8") | addr = ip("10.1.0.0/16")',
    '{app="till"} | json took="response.took", first="items[0]" | label_format a=b | drop c | keep a, b',
    'topk(3, sum without (level) (count_over_time({app="till"} | (a="b" or c="d") [5m])))',
    'sum by (app) (rate({app="till"}[5m])) / on (app) group_left () sum by (app) (rate({app=~"t.+"}[5m]))',
)


@pytest.mark.parametrize(("query", "said"), (REFUSED | FINDS_NOTHING).items())
def test_a_typo_is_found_with_its_place(query: str, said: str) -> None:
    assert problem(query) == said


@pytest.mark.parametrize("query", RIGHT)
def test_what_loki_takes_is_taken(query: str) -> None:
    assert problem(query) == ""


def test_the_stack_s_own_queries_are_taken() -> None:
    of_panels = (filled(query.expr).replace(".*", "x") for each in ALL_DASHBOARDS for _, query in loki_queries(each))
    of_alerts = (alert.value for alert in STACK.watched.alerts if getattr(alert, "datasource", None) == LOKI)
    saved = (re.sub(r"\$\w+", "x", each.expr) for each in SAVED if each.language == "logql")
    wrong = {query: said for query in (*of_panels, *of_alerts, *saved) if (said := problem(query))}
    assert wrong == {}


def test_a_typo_is_told_with_file_and_line_wherever_the_query_stands() -> None:
    typo = '{namespace="shop"} | jsn'
    said = "not LogQL: at character 22: no stage jsn: did you mean json?"
    alert = {"alert": "Mine", "expr": f"sum(count_over_time({typo} [5m])) > 1", "labels": {"severity": "warning"}}
    group = {"groups": [{"name": "mine", "rules": [alert]}]}
    found = refused(
        {
            "loki/a.yaml": json.dumps(group, indent=1),
            "queries/a.yaml": f"- title: Mine\n  logql: '{typo}'\n",
            "dashboards/a.json": resource(v2(typo, "loki")),
        }
    )
    assert any(
        re.fullmatch(r"ours/loki/a\.yaml:\d+: expr: not LogQL: at character \d+: no stage jsn.*", e) for e in found
    )
    assert f"ours/queries/a.yaml:2: logql: {said}" in found
    assert f"ours/dashboards/a.json:1: expr: {said}" in found


def test_a_dashboards_variables_stand_for_some_value() -> None:
    asked = 'sum(count_over_time({namespace=~"$namespace", app="${app:regex}"} |= `$word` [$__auto]))'
    assert brought({"dashboards/a.json": resource(v2(asked, "loki"))})
    assert brought({"dashboards/a.json": resource(v2("{$streams} | jsn", "loki"))}), "only Grafana can tell"
