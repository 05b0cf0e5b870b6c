"""Every LogQL that the stack has, asked of a real Loki: alerts, dashboards, runbooks, saved queries."""

from __future__ import annotations

import json
import re
import time
import urllib.error
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from components.grafana.rule_groups import rule_groups
from components.logs import LABELS
from dashboards.model import Dashboard, Panel, Variable, Visualization
from dashboards.queries import filled, loki_queries
from model.datasources import LOKI, PROMETHEUS
from model.grafana_alert import GrafanaAlert
from model.logs import EVENTS_APP
from model.quantities import Duration
from model.runbooks import runbooks
from rules.agents.lines import SCORES_FELL
from rules.logs.saved import SAVED, SavedQuery
from tests.dashboards import ALL_DASHBOARDS, STACK, queries
from tests.rules import EXAMPLES
from tests.rules.examples import Example, Lines, of
from tests.rules.promtool import filled as filled_in
from tests.rules.promtool import run, write
from tests.servers.conftest import DASHBOARD
from tools.local.harness import eventually, http_json
from tools.local.logs import SECOND, Loki

RULES: dict[str, dict[str, Any]] = {
    rule["name"]: rule
    for group in rule_groups(STACK.watched, STACK.cluster, STACK.grafana.address)
    for rule in group["rules"]
}
ALERTS: dict[str, GrafanaAlert] = {rule.name: rule for group in STACK.watched.grafana_groups for rule in group.rules}
CLUSTER = STACK.cluster.name
OF_GRAFANA = [each for examples in EXAMPLES.values() for each in examples if each.grafana]
OVER_LINES = [each for each in OF_GRAFANA if ALERTS[each.rule].datasource == LOKI]
OUTSIDE = [each for each in OF_GRAFANA if ALERTS[each.rule].datasource == PROMETHEUS]
"""The watch over Prometheus and Alertmanager."""

# --- asking ---


def instant(loki: Loki, query: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of each result, now; raises AssertionError with what Loki says of a wrong query."""
    return [(each["metric"], float(each["value"][1])) for each in _result(loki, "query", query=query)]


def over_time(loki: Loki, query: str, since: float = 3600) -> list[dict[str, Any]]:
    """What comes back of the last ``since`` seconds: lines or series."""
    now = time.time()
    return _result(loki, "query_range", query=query, start=now - since, end=now + 60, step=60, limit=50)


def _result(loki: Loki, path: str, **parameters: object) -> list[dict[str, Any]]:
    try:
        answer = http_json(f"{loki.url}/loki/api/v1/{path}?{urlencode(parameters)}", timeout=60)
    except urllib.error.HTTPError as refused:
        raise AssertionError(f"{parameters['query']}\n{''.join(refused.__notes__)}") from None
    return list(answer["data"]["result"])


def push(loki: Loki, lines: Lines, namespace: str, cluster: str = CLUSTER) -> None:
    newest = time.time_ns() - int(lines.ago.seconds * SECOND)
    labels = {"cluster": cluster} | dict(lines.labels) | {"namespace": namespace}
    # A millisecond apart, since the same line at the same time is kept once.
    loki.push(labels, [(newest - n * SECOND // 1000, lines.text) for n in range(lines.times)], **fields(lines.text))


def fields(line: str) -> dict[str, str]:
    """The metadata that log collectors read from a line (tests/servers/test_log_fields.py)."""
    try:
        said = json.loads(line)
    except ValueError:  # text, or JSON with a stack trace below it
        return {}
    known = {"logger": "logger"} | {each.name: key for each in STACK.log_fields for key in each.keys}
    return {name: str(said[key]) for name, key in known.items() if key in said}


# --- alerts over lines ---


def sentence(example: Example) -> str:
    return example.sentence


def reaches(rule: Mapping[str, Any], value: float) -> bool:
    """Whether a value lets the rule fire, as far as it is a matter of the value."""
    condition = json.loads(rule["datas"][-1]["model"])
    if condition["type"] == "math":
        compares, line = re.match(r"\$B ([<>]) (\S+)", condition["expression"]).groups()  # type: ignore[union-attr]  # as it is rendered
    else:
        (evaluator,) = (each["evaluator"] for each in condition["conditions"])
        compares, (line,) = {"gt": ">", "lt": "<"}[evaluator["type"]], evaluator["params"]
    return bool(value > float(line) if compares == ">" else value < float(line))


@pytest.mark.parametrize("example", OVER_LINES, ids=sentence)
def test_an_alert_over_lines_measures_what_its_example_says(example: Example, loki: Loki) -> None:
    """In a namespace of its own, since the lines of all tests are in one Loki."""
    namespace = f"logql-{OVER_LINES.index(example)}"
    # Streams take lines in order, more or less: the oldest first.
    for lines in sorted(example.lines, key=lambda each: each.ago, reverse=True):
        push(loki, lines, namespace)
    rule, by = RULES[example.rule], set(ALERTS[example.rule].by)
    asked = json.loads(rule["datas"][0]["model"])["expr"].replace('namespace="shop"', f'namespace="{namespace}"')

    found = [(labels, value) for labels, value in instant(loki, asked) if labels["namespace"] == namespace]

    everywhere = {"cluster": CLUSTER} if "cluster" in by else {}
    assert all(labels.items() >= everywhere.items() and set(labels) == by for labels, _ in found)
    measured = {
        of({name: text for name, text in labels.items() if name not in everywhere}, namespace="shop"): value
        for labels, value in found
    }
    assert measured == example.gives
    fires = [value for value in measured.values() if reaches(rule, value)]
    assert len(fires) == len(example.firing)


# --- the watch over Prometheus, and what people read ---


@pytest.fixture(scope="module")
def measured_outside(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What promtool says against the value of each example, in one run."""
    folder = tmp_path_factory.mktemp("outside")
    write(folder, "outside", [], [_measuring(each) for each in OUTSIDE])
    return run(folder)


def _measuring(example: Example) -> dict[str, Any]:
    expected = [{"labels": f"{{{labels}}}", "value": value} for labels, value in (example.gives or {}).items()]
    asked = {"expr": ALERTS[example.rule].value, "eval_time": str(example.at), "exp_samples": expected}
    series = [{"series": name, "values": values} for name, values in example.series.items()]
    return {"name": example.sentence, "interval": "1m", "input_series": series, "promql_expr_test": [asked]}


@pytest.mark.parametrize("example", OUTSIDE, ids=sentence)
def test_the_watch_over_prometheus_measures_what_its_example_says(
    example: Example, measured_outside: Mapping[str, str]
) -> None:
    assert measured_outside[example.sentence] == ""

    rule, values = RULES[example.rule], list((example.gives or {}).values())
    fires = all(reaches(rule, value) for value in values) if values else rule["no_data_state"] == "Alerting"
    assert fires == bool(example.firing)


WITH_VALUES = [each for each in (*OVER_LINES, *OUTSIDE) if each.firing and each.gives]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What promtool says against the texts of each example, in one run.

    Grafana's templates are Go's, with Prometheus's functions: promtool fills them in, but for the value's name.
    """
    folder = tmp_path_factory.mktemp("said")
    for position, each in enumerate(WITH_VALUES):
        ((labels, value),) = (each.gives or {}).items()
        rule = json.loads(json.dumps(RULES[each.rule]).replace("$values.B.Value", "$value"))
        annotations = {
            name: text.replace("with $values.B ", "if true ").replace("{{ .Value", "{{ $value")
            for name, text in rule["annotations"].items()
            if not name.startswith("__")
        }
        expr = f"measured{{{labels}}}"
        made = {"alert": "Tried", "expr": expr, "labels": rule["labels"], "annotations": annotations}
        test = {
            "name": each.sentence,
            "interval": "1m",
            "input_series": [{"series": expr, "values": f"{value}x10"}],
            "alert_rule_test": [{"eval_time": "1m", "alertname": "Tried", "exp_alerts": [_told(each)]}],
        }
        write(folder, str(position), [{"name": "tried", "rules": [made]}], [test])
    return run(folder)


def _told(example: Example) -> dict[str, Any]:
    """Labels and annotations of the alert, exactly."""
    alert, (firing,) = ALERTS[example.rule], example.firing
    (system,) = (group.system for group in STACK.watched.grafana_groups if alert in group.rules)
    place = {"cluster": CLUSTER, "environment": STACK.cluster.environment}
    links = {name: RULES[example.rule]["annotations"][name] for name in ("runbook_url", "dashboard_url")}
    measured = {"value": firing.value, "threshold": alert.line(firing.severity)} if alert.thresholds else {}
    return {
        "exp_labels": {
            **firing.labels,
            **place,
            "severity": firing.severity.value,
            "owner": alert.owner,
            "system": system,
        },
        "exp_annotations": {
            "summary": alert.summary,
            "description": firing.description,
            **measured,
            **{name: filled_in(link, firing.labels) for name, link in links.items()},
        },
    }


@pytest.mark.parametrize("example", WITH_VALUES, ids=sentence)
def test_an_alert_of_grafana_s_says_what_its_example_says(example: Example, said: Mapping[str, str]) -> None:
    assert said[example.sentence] == ""


# --- saved queries, runbooks, dashboards ---

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CONVERSATION = "c-81"
OF_LINES = tuple(saved for saved in SAVED if saved.language == "logql")
SEARCHED = {"interaction-conversation": CONVERSATION, "agents-conversation": CONVERSATION}
"""By dashboard what must stand in its box. Others find everything with an empty one."""
OF_SAMPLE = {"cluster": "sampled", "namespace": "agents", "app": "backend", "container": "main", "level": "info"}


@pytest.fixture(scope="module")
def sampled(loki: Loki) -> Loki:
    """A Loki with a bit of everything: what alerts fire on, what saved queries find, what Alertmanager says."""
    for position, example in enumerate(each for each in OVER_LINES if each.firing):
        for lines in sorted(example.lines, key=lambda each: each.ago, reverse=True):
            if example.rule == SCORES_FELL.name:  # compares with the day before, and needs enough of both
                push(loki, lines, f"sampled-{position}", "sampled")
            elif lines.ago < Duration.parse("5m"):
                push(loki, Lines(labels=lines.labels, text=lines.text), f"sampled-{position}", "sampled")
    for saved in OF_LINES:
        of_line = {"trace_id": TRACE, "pod": "backend-0", **fields(saved.line)}
        loki.push(OF_SAMPLE | dict(saved.labels), [(time.time_ns(), saved.line)], **of_line)
    used = {"input_tokens": 812, "output_tokens": 96, "cost_usd": 0.003, "model": "gpt-4o"}
    answered = json.dumps({"level": "info", "message": "answered", "conversation_id": CONVERSATION, **used})
    record = {
        "gen_ai_conversation_id": CONVERSATION,
        "gen_ai_usage_input_tokens": "812",
        "gen_ai_usage_output_tokens": "96",
        "gen_ai_usage_cost": "0.003",
        "gen_ai_request_model": "gpt-4o",
        "gen_ai_tool_name": "search",
    }
    for level in ("info", "error"):
        labels = OF_SAMPLE | {"level": level}
        loki.push(labels, [(time.time_ns(), answered)], trace_id=TRACE, pod="backend-0", **fields(answered))
        loki.push(labels, [(time.time_ns(), "called a model")], trace_id=TRACE, pod="backend-0", **record)
    refusal = 'level=error component=dispatcher msg="Notify for alerts failed" integration=webhook'
    loki.push(OF_SAMPLE | {"app": "alertmanager"}, [(time.time_ns(), refusal)])
    happened = json.dumps({"message": "container web on edge: die 137", "event": "die", "stack_name": "shop"})
    loki.push(OF_SAMPLE | {"app": "portainer-exporter-main"}, [(time.time_ns(), happened)])
    event = {"reason": "FailedMount", "kind": "Pod", "object": "backend-0", "node": "node-a"}
    labels = OF_SAMPLE | {"app": EVENTS_APP, "level": "warn"}
    loki.push(labels, [(time.time_ns(), "FailedMount: Pod backend-0: no such volume")], **event)
    return loki


@pytest.mark.parametrize("saved", OF_LINES, ids=lambda saved: saved.title)
def test_a_saved_query_finds_its_example(saved: SavedQuery, sampled: Loki) -> None:
    assert eventually(lambda: over_time(sampled, saved.expr), 10, f"something comes of {saved.expr}")


@pytest.mark.parametrize("name", sorted(name for name in runbooks() if queries(name, "logql")))
def test_every_log_query_of_a_runbook_finds_what_it_is_about(name: str, sampled: Loki) -> None:
    for query in queries(name, "logql"):
        assert over_time(sampled, query), query


WITH_LOGS = [dashboard for dashboard in ALL_DASHBOARDS if loki_queries(dashboard)]


def chosen(dashboard: Dashboard) -> dict[str, str]:
    """Everything, as the dashboard itself would ask for it, where one must be chosen the sample's; and its cluster."""
    one = {"cluster": OF_SAMPLE["cluster"], "namespace": OF_SAMPLE["namespace"], "workload": OF_SAMPLE["app"]}
    multiple = {
        variable.name: ".*" for variable in dashboard.variables if variable.multiple and variable.name != "cluster"
    }
    return {**one, **multiple, **dashboard.boxes, "search": SEARCHED.get(dashboard.uid, "")}


def id_of(panel: Panel) -> dict[str, str]:
    """The id that a saved query searches for."""
    searched = [each.searched for each in SAVED if each.searched and each.title == panel.title]
    return {"search": searched[0]} if searched else {}


def answered(loki: Loki, expr: str, view: Visualization) -> list[set[str]]:
    """The labels of each result."""
    if view in (Visualization.STAT, Visualization.TABLE):
        return [set(each) for each, _ in instant(loki, expr)]
    return [set(each["metric"] if "metric" in each else each["stream"]) for each in over_time(loki, expr)]


@pytest.mark.parametrize("dashboard", WITH_LOGS, ids=lambda dashboard: dashboard.uid)
def test_every_log_query_of_a_dashboard_returns_data_and_the_labels_that_it_shows(
    dashboard: Dashboard, sampled: Loki, record_property: Callable[[str, object], None]
) -> None:
    everything = chosen(dashboard)
    asked = ((panel, query, filled(query.expr, everything | id_of(panel))) for panel, query in loki_queries(dashboard))
    found = [
        # An audit log that goes on is no gap.
        (panel, query, answered(sampled, expr.replace('namespace="shop"', 'namespace="gone"'), panel.visualization))
        for panel, query, expr in asked
    ]
    empty = [f"{panel.title}: {query.expr}" for panel, query, labels in found if not labels]
    record_property(DASHBOARD, (dashboard.uid, len(found), len(empty)))
    assert empty == []
    for panel, query, labels in found:
        shown = set(panel.columns) | set(re.findall(r"{{\s*(\w+)\s*}}", query.legend))
        assert any(shown <= each for each in labels), f"{panel.title}: shows labels that no result has"


VARIABLES = [variable for dashboard in WITH_LOGS for variable in dashboard.variables if variable.datasource == LOKI]


@pytest.mark.parametrize("variable", dict.fromkeys(VARIABLES), ids=lambda variable: f"{variable.name} of {variable.of}")
def test_a_choice_offers_the_values_that_streams_have(variable: Variable, sampled: Loki) -> None:
    assert variable.label in LABELS
    stream = filled(variable.of, {"cluster": "sampled"})
    asked = f"{sampled.url}/loki/api/v1/label/{variable.label}/values?{urlencode({'query': stream} if stream else {})}"
    assert OF_SAMPLE[variable.label] in http_json(asked)["data"]
