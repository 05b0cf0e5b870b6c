"""Every LogQL that the stack has, asked of a real Loki: alerts, boards, runbooks, saved queries."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.error
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
import yaml

from components.grafana.rule_groups import rule_groups
from components.logs import LABELS
from dashboards.model import Board, Variable, View
from model.datasources import LOKI
from model.grafana_alert import GrafanaAlert
from model.quantities import Duration
from model.runbooks import runbooks
from rules.cases import Firing, GrafanaCase, Lines
from rules.logs.cases import CASES as OF_LOGS
from rules.logs.saved import SAVED, SavedQuery
from rules.monitoring.outside_cases import CASES as OF_OUTSIDE
from tests.boards import BOARDS, STACK, queries
from tests.servers.conftest import BOARD
from tools.local.harness import eventually, http_json
from tools.local.logs import SECOND, Loki
from tools.local.queries import filled, loki_queries
from tools.servers.find import binary

RULES: dict[str, dict[str, Any]] = {
    rule["name"]: rule
    for group in rule_groups(STACK.watched, STACK.cluster, STACK.grafana.address)
    for rule in group["rules"]
}
ALERTS: dict[str, GrafanaAlert] = {rule.name: rule for group in STACK.watched.grafana_groups for rule in group.rules}
CLUSTER = STACK.cluster.name

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
    loki.push(labels, [(newest - n * SECOND // 1000, lines.text) for n in range(lines.times)])


# --- alerts over lines ---


def reaches(rule: Mapping[str, Any], value: float) -> bool:
    """Whether Grafana's threshold stage lets a value through."""
    (condition,) = json.loads(rule["datas"][2]["model"])["conditions"]
    (line,) = condition["evaluator"]["params"]
    return bool(value > line if condition["evaluator"]["type"] == "gt" else value < line)


def sentence(case: GrafanaCase) -> str:
    fires = " and ".join(each.severity for each in case.firing) or "quiet"
    return f"{case.alert}: {fires} when {case.when}"


@pytest.mark.parametrize("case", OF_LOGS, ids=sentence)
def test_an_alert_over_lines_measures_what_its_case_says(case: GrafanaCase, loki: Loki) -> None:
    """In a namespace of its own, since the lines of all tests are in one Loki."""
    namespace = f"logql-{OF_LOGS.index(case)}"
    # Streams take lines in order, more or less: the oldest first.
    for lines in sorted(case.lines, key=lambda each: each.ago, reverse=True):
        push(loki, lines, namespace)
    rule = RULES[case.alert]
    asked = json.loads(rule["datas"][0]["model"])["expr"].replace('namespace="shop"', f'namespace="{namespace}"')

    found = [(labels, value) for labels, value in instant(loki, asked) if labels["namespace"] == namespace]

    subject = (
        dict(case.subject) | {"namespace": namespace} | ({"cluster": CLUSTER} if case.alert != "AuditLogGap" else {})
    )
    assert found == ([] if case.value is None else [(subject, case.value)])
    assert set(ALERTS[case.alert].by) == set(subject)
    fires = [case for _, value in found if reaches(rule, value)]
    assert len(fires) == len(case.firing)


# --- the watch over Prometheus, and what people read ---


def promtool(folder: Path, test: Mapping[str, Any], rules: object = None) -> None:
    """Try one test; raises AssertionError with what promtool says."""
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": rules or []}))
    content = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [{"interval": "1m", **test}]}
    (folder / "test.yml").write_text(yaml.safe_dump(content))
    done = subprocess.run(
        [binary("promtool"), "test", "rules", folder / "test.yml"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def selector(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


@pytest.mark.parametrize("case", OF_OUTSIDE, ids=sentence)
def test_the_watch_over_prometheus_measures_what_its_case_says(case: GrafanaCase, tmp_path: Path) -> None:
    alert, rule = ALERTS[case.alert], RULES[case.alert]
    expected = [] if case.value is None else [{"labels": selector(case.subject), "value": case.value}]
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    asked = {"expr": alert.value, "eval_time": str(case.at), "exp_samples": expected}

    promtool(tmp_path, {"input_series": series, "promql_expr_test": [asked]})

    fires = rule["no_data_state"] == "Alerting" if case.value is None else reaches(rule, case.value)
    assert fires == bool(case.firing)


WITH_VALUES = [case for case in (*OF_LOGS, *OF_OUTSIDE) if case.firing and case.value is not None]


@pytest.mark.parametrize("case", WITH_VALUES, ids=sentence)
def test_an_alert_of_grafana_s_says_what_its_case_says(case: GrafanaCase, tmp_path: Path) -> None:
    """Grafana's templates are Go's, with Prometheus's functions: promtool fills them in, but for the value's name."""
    (firing,) = case.firing
    assert case.value is not None
    rule = json.loads(json.dumps(RULES[case.alert]).replace("$values.B.Value", "$value"))
    annotations = {
        name: text.replace("with $values.B ", "if true ").replace("{{ .Value", "{{ $value")
        for name, text in rule["annotations"].items()
        if not name.startswith("__")
    }
    expr = f"measured{selector(case.subject)}"
    made = {"alert": "Tried", "expr": expr, "labels": rule["labels"], "annotations": annotations}
    given = {"series": expr, "values": f"{case.value}x10"}
    promtool(
        tmp_path,
        {
            "input_series": [given],
            "alert_rule_test": [
                {
                    "eval_time": "1m",
                    "alertname": "Tried",
                    "exp_alerts": [{"exp_labels": told_labels(case, firing), "exp_annotations": told(case, firing)}],
                }
            ],
        },
        [{"name": "tried", "rules": [made]}],
    )


def told_labels(case: GrafanaCase, firing: Firing) -> dict[str, str]:
    alert = ALERTS[case.alert]
    (system,) = (group.system for group in STACK.watched.grafana_groups if alert in group.rules)
    place = {"cluster": CLUSTER, "environment": STACK.cluster.environment}
    return {**firing.labels, **place, "severity": firing.severity.value, "owner": alert.owner, "system": system}


def told(case: GrafanaCase, firing: Firing) -> dict[str, str]:
    alert = ALERTS[case.alert]
    links = {name: RULES[case.alert]["annotations"][name] for name in ("runbook_url", "dashboard_url")}
    filled_in = {
        name: re.sub(r"{{ \$labels\.(\w+) \| urlquery }}", lambda found: quote_plus(firing.labels[found[1]]), link)
        for name, link in links.items()
    }
    measured = {"value": firing.value, "threshold": alert.line(firing.severity)} if alert.thresholds else {}
    return {"summary": alert.summary, "description": firing.description, **measured, **filled_in}


# --- saved queries, runbooks, boards ---

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OF_SAMPLE = {"cluster": "sampled", "namespace": "agents", "app": "backend", "container": "main", "level": "info"}


@pytest.fixture(scope="module")
def sampled(loki: Loki) -> Loki:
    """A Loki with a bit of everything: what alerts fire on, what saved queries find, what Alertmanager says."""
    for position, case in enumerate(case for case in OF_LOGS if case.firing):
        for lines in case.lines:
            if lines.ago < Duration.parse("5m"):
                push(loki, Lines(labels=lines.labels, text=lines.text), f"sampled-{position}", "sampled")
    for saved in SAVED:
        loki.push(OF_SAMPLE | dict(saved.labels), [(time.time_ns(), saved.line)], trace_id=TRACE, pod="backend-0")
    refusal = 'level=error component=dispatcher msg="Notify for alerts failed" integration=webhook'
    loki.push(OF_SAMPLE | {"app": "alertmanager"}, [(time.time_ns(), refusal)])
    return loki


@pytest.mark.parametrize("saved", SAVED, ids=lambda saved: saved.title)
def test_a_saved_query_finds_its_example(saved: SavedQuery, sampled: Loki) -> None:
    assert eventually(lambda: over_time(sampled, saved.expr), 10, f"something comes of {saved.expr}")


@pytest.mark.parametrize("name", sorted(name for name in runbooks() if queries(name, "logql")))
def test_every_log_query_of_a_runbook_finds_what_it_is_about(name: str, sampled: Loki) -> None:
    for query in queries(name, "logql"):
        assert over_time(sampled, query), query


WITH_LOGS = [board for board in BOARDS if loki_queries(board)]


def chosen(board: Board) -> dict[str, str]:
    """Everything, as the board itself would ask for it, where one must be chosen the sample's; and its cluster."""
    one = {"cluster": OF_SAMPLE["cluster"], "namespace": OF_SAMPLE["namespace"], "workload": OF_SAMPLE["app"]}
    multiple = {variable.name: ".*" for variable in board.variables if variable.multiple and variable.name != "cluster"}
    return {**one, **multiple, "search": ""}


def answered(loki: Loki, expr: str, view: View) -> list[set[str]]:
    """The labels of each result."""
    if view in (View.NUMBER, View.RANKING):
        return [set(each) for each, _ in instant(loki, expr)]
    return [set(each["metric"] if "metric" in each else each["stream"]) for each in over_time(loki, expr)]


@pytest.mark.parametrize("board", WITH_LOGS, ids=lambda board: board.uid)
def test_every_log_query_of_a_board_returns_data_and_the_labels_that_it_shows(
    board: Board, sampled: Loki, record_property: Callable[[str, object], None]
) -> None:
    asked = ((panel, query, filled(query.expr, chosen(board))) for panel, query in loki_queries(board))
    found = [
        # An audit log that goes on is no gap.
        (panel, query, answered(sampled, expr.replace('namespace="shop"', 'namespace="gone"'), panel.view))
        for panel, query, expr in asked
    ]
    empty = [f"{panel.title}: {query.expr}" for panel, query, labels in found if not labels]
    record_property(BOARD, (board.uid, len(found), len(empty)))
    assert empty == []
    for panel, query, labels in found:
        shown = set(panel.columns) | set(re.findall(r"{{\s*(\w+)\s*}}", query.legend))
        assert any(shown <= each for each in labels), f"{panel.title}: shows labels that no result has"


VARIABLES = [variable for board in WITH_LOGS for variable in board.variables if variable.datasource == LOKI]


@pytest.mark.parametrize("variable", dict.fromkeys(VARIABLES), ids=lambda variable: f"{variable.name} of {variable.of}")
def test_a_choice_offers_the_values_that_streams_have(variable: Variable, sampled: Loki) -> None:
    assert variable.label in LABELS
    stream = filled(variable.of, {"cluster": "sampled"})
    asked = f"{sampled.url}/loki/api/v1/label/{variable.label}/values?{urlencode({'query': stream} if stream else {})}"
    assert OF_SAMPLE[variable.label] in http_json(asked)["data"]
