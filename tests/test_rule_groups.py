"""The alerts that Grafana evaluates, as its provider takes them."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest

from components.grafana.rule_groups import rule_group, rule_groups
from components.settings.stack import read
from dashboards import kit
from dashboards.listed import alert_panels
from dashboards.model import PanelPlace, Visualization
from model.datasources import PROMETHEUS
from model.grafana_alert import GrafanaAlert, GrafanaGroup
from model.quantities import Duration
from model.rules import Severity
from tests.catalogue import EVERYTHING, place
from tests.conftest import Recorded
from tests.dashboards import ALL_DASHBOARDS, STACK
from tests.test_catalogue import GRAFANA_ALERTS, of_grafana
from tests.test_grafana_content import in_grafana

# The kit knows about the warning of what these import.
ALERTING = importlib.import_module("grafana_foundation_sdk.models.alerting")
ENCODER = importlib.import_module("grafana_foundation_sdk.cog.encoder").JSONEncoder
ALERTS = {alert.name: alert for alert in GRAFANA_ALERTS}
GROUPS = rule_groups(STACK.watched, STACK.cluster, STACK.grafana.address)
RULES = [rule for group in GROUPS for rule in group["rules"]]

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])


def rendered(**changes: Any) -> dict[str, Any]:
    group = GrafanaGroup("widgets", (of_grafana(**changes),), system="widgets")
    (rule,) = rule_group(group, place(STACK), {"WidgetsBroken": PanelPlace("runbooks-toys", 3)})["rules"]
    return dict(rule)


def models(rule: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(stage["model"]) for stage in rule["datas"]]


# --- what Grafana evaluates ---


@every_rule
def test_a_rule_asks_reduces_and_compares(rule: dict[str, Any]) -> None:
    alert = ALERTS[rule["name"]]
    asked, reduced, *while_, compared = models(rule)
    assert asked["expr"] == alert.value
    assert (reduced["type"], reduced["expression"], reduced["reducer"]) == ("reduce", "A", "last")
    assert rule["condition"] == "C"
    if not alert.only_while:
        assert (compared["type"], compared["expression"]) == ("threshold", "B")
        assert not while_
        return
    wanted, number = while_
    assert (wanted["expr"], wanted["datasource"]["uid"], wanted["instant"]) == (alert.only_while, PROMETHEUS.uid, True)
    assert (number["type"], number["expression"], number["reducer"]) == ("reduce", "D", "last")
    assert (compared["type"], compared["expression"]) == ("math", "$B > 0.0 && $E > 0")


@every_rule
def test_a_query_is_asked_at_once_and_says_whom(rule: dict[str, Any]) -> None:
    asked = models(rule)[0]
    datasource = ALERTS[rule["name"]].datasource
    assert asked["datasource"] == {"type": datasource.type, "uid": datasource.uid}
    assert (asked["instant"], asked["range"]) == (True, False) if datasource == PROMETHEUS else asked["queryType"]
    assert rule["datas"][0].get("query_type", "") == asked.get("queryType", "")


@every_rule
def test_nothing_is_left_for_grafana_to_fill_in(rule: dict[str, Any]) -> None:
    """What it fills in would be a change in every plan."""
    for stage, model in zip(rule["datas"], models(rule), strict=True):
        assert (model["intervalMs"], model["maxDataPoints"]) == (1000, 43200)
        assert model["refId"] == stage["ref_id"]
        assert model["datasource"]["uid"] == stage["datasource_uid"]
        assert stage["relative_time_range"]["from_"] >= stage["relative_time_range"]["to"] == 0
    assert rule["no_data_state"] in {"OK", "Alerting"}
    assert rule["exec_err_state"] in {"OK", "Alerting"}


def test_no_alert_in_grafana_fires_earlier_or_later_than_people_know() -> None:
    """Promtool cannot evaluate these at a time. Alerts on lines fire at once, except those that read long windows."""
    known = {
        "AuditLogGap": ("5m", "10m", "OK"),
        "AgentEvaluationScoresFell": ("5m", "10m", "OK"),
        "McpToolsChanged": ("5m", "0s", "OK"),
        "PrometheusSilent": ("1m", "5m", "Alerting"),
        "AlertmanagerDown": ("1m", "5m", "Alerting"),
        "AlertmanagerNotDelivering": ("1m", "5m", "OK"),
    }
    made = {
        alert.name: (str(group.interval), str(alert.for_), alert.no_data_state)
        for group in STACK.watched.grafana_groups
        for alert in group.rules
    }
    assert made == {name: known.get(name, ("1m", "0s", "OK")) for name in ALERTS}


def test_the_line_is_that_of_the_least_urgent_severity() -> None:
    def line(**changes: Any) -> Any:
        (condition,) = models(rendered(**changes))[2]["conditions"]
        return condition["evaluator"]

    assert line() == {"type": "gt", "params": [10.0]}
    below = {Severity.WARNING: 0.2, Severity.CRITICAL: 0.1}
    assert line(above={}, below=below) == {"type": "lt", "params": [0.2]}
    assert line(above={}, severity=Severity.INFO) == {"type": "gt", "params": [0.0]}


def test_durations_are_written_as_grafana_prints_them() -> None:
    rule = rendered(for_=Duration.parse("90s"), keep_firing_for=Duration.parse("600s"))
    assert (rule["for_"], rule["keep_firing_for"]) == ("1m30s", "10m")
    assert rendered()["for_"] == "0s"
    assert "keep_firing_for" not in rendered()
    assert all(group["interval_seconds"] % 10 == 0 for group in GROUPS)


def test_every_rule_has_a_uid_that_its_name_alone_decides() -> None:
    uids = [rule["uid"] for rule in RULES]
    assert uids == [rule["name"].lower() for rule in RULES]
    assert len(set(uids)) == len(uids)
    assert all(re.fullmatch(r"[a-z0-9-]{1,40}", uid) for uid in uids), "Grafana's limit"


# --- what a person is shown ---


@every_rule
def test_a_rule_has_the_labels_and_annotations_of_every_alert(rule: dict[str, Any]) -> None:
    assert set(rule["labels"]) == {"severity", "owner", "system", "cluster", "environment"}
    told = {"summary", "description", "runbook_url", "dashboard_url", "__dashboardUid__", "__panelId__"}
    measured = {"value", "threshold"} if ALERTS[rule["name"]].thresholds else set()
    assert set(rule["annotations"]) == told | measured
    assert not re.search(r"\$value\b", json.dumps(rule)), "Grafana's $value is a text about all stages"


def test_the_value_decides_how_urgent_it_is() -> None:
    rule = rendered(above={Severity.INFO: 1, Severity.WARNING: 10, Severity.CRITICAL: 50})
    assert rule["labels"]["severity"] == (
        "{{ if gt $values.B.Value 50.0 }}critical{{ else }}{{ if gt $values.B.Value 10.0 }}warning{{ else }}info"
        "{{ end }}{{ end }}"
    )
    assert (
        rendered()["annotations"]["threshold"] == "{{ if gt $values.B.Value 50.0 }}above 50{{ else }}above 10{{ end }}"
    )
    assert rendered(above={Severity.WARNING: 10})["labels"]["severity"] == "warning"


def test_a_value_is_shown_only_where_there_is_one() -> None:
    """Without data nothing was measured, and a template that fails is what a person would read."""
    assert rendered()["annotations"]["value"] == "{{ with $values.B }}{{ .Value | humanize }}{{ end }}"
    assert rendered()["annotations"]["description"] == "{{ $values.B.Value | humanize }} of {{ $labels.colour }} break."


@every_rule
def test_an_alert_leads_to_the_panel_that_draws_what_it_measures(rule: dict[str, Any]) -> None:
    (dashboard,) = (each for each in ALL_DASHBOARDS if each.uid == rule["annotations"]["__dashboardUid__"])
    panels = json.loads(kit.build(dashboard, {}))["panels"]
    panels += [each for row in panels for each in row.get("panels", [])]
    (panel,) = (each for each in panels if str(each["id"]) == rule["annotations"]["__panelId__"])
    (target,) = panel["targets"]
    # PromQL is stored with the other quotes.
    assert ALERTS[rule["name"]].value.replace(chr(34), chr(39)) in target["expr"].replace(chr(34), chr(39))


@every_rule
def test_a_list_of_alerts_on_a_dashboard_chooses_by_labels_that_every_rule_has(rule: dict[str, Any]) -> None:
    lists = [
        panel
        for dashboard in ALL_DASHBOARDS
        for panel in dashboard.panels
        if panel.visualization is Visualization.ALERT_LIST
    ]
    assert lists
    for panel in lists:
        assert set(re.findall(r'(\w+)=~?"', panel.matchers)) <= rule["labels"].keys() | {"alertname"}, panel.title


def test_every_alert_of_grafana_has_a_panel_to_lead_to() -> None:
    of_grafana = {alert.name for group in STACK.watched.grafana_groups for alert in group.rules}
    assert alert_panels(STACK.watched, STACK.cluster).keys() == of_grafana


# --- what a stack file changes ---


def test_an_override_changes_log_alerts_as_any_other() -> None:
    changes = {"RbacDenials": {"warning": 30, "critical": "off", "for": "2m"}, "PanicLogged": "off"}
    stack = read(EVERYTHING | {"alerts": changes})
    rules = {
        rule["name"]: rule
        for group in rule_groups(stack.watched, stack.cluster, stack.grafana.address)
        for rule in group["rules"]
    }
    assert rules.keys() == ALERTS.keys() - {"PanicLogged"}
    denials = rules.pop("RbacDenials")
    assert (denials["labels"]["severity"], denials["for_"]) == ("warning", "2m")
    assert models(denials)[2]["conditions"][0]["evaluator"]["params"] == [30.0]
    assert list(rules.values()) == [rule for rule in RULES if rule["name"] in rules], "and nothing else"


def test_an_audit_log_is_missed_only_where_one_is_named() -> None:
    stack = read(EVERYTHING | {"systems": {"logs": {}}})
    assert "AuditLogGap" not in {alert.name for alert in stack.watched.alerts}
    audit = [{"namespace": "a", "app": "x", "within": "2h"}, {"namespace": "b", "app": "y"}]
    watched = read(EVERYTHING | {"systems": {"logs": {"audit": audit}}}).watched
    (gap,) = (alert for alert in watched.alerts if alert.name == "AuditLogGap")
    assert re.findall(r'namespace="(\w)", app="(\w)".*?\[(\w+)\]', gap.value) == [("a", "x", "2h"), ("b", "y", "1h")]


def test_whether_an_app_should_write_is_asked_of_its_workload_for_as_long_as_an_event_may_take() -> None:
    audit = [{"namespace": "a", "app": "x", "within": "2h"}, {"namespace": "b", "app": "y", "workload": "y-web"}]

    def asked(systems: dict[str, Any]) -> list[tuple[str, ...]]:
        watched = read(EVERYTHING | {"systems": systems | {"logs": {"audit": audit}}}).watched
        (gap,) = (alert for alert in watched.alerts if isinstance(alert, GrafanaAlert) and alert.name == "AuditLogGap")
        return re.findall(r'namespace="(\w)", workload="([\w-]+)"}\[(\w+)\]', gap.only_while)

    assert asked(EVERYTHING["systems"]) == [("a", "x", "2h"), ("b", "y-web", "1h")]
    assert asked({"kubernetes": None}) == [], "nothing tells how many pods are wanted"


@pytest.mark.parametrize("off", ["logs", "monitoring"])
def test_turning_a_system_off_turns_its_alerts_in_grafana_off(off: str) -> None:
    left = read(EVERYTHING | {"systems": {off: None}}).watched.grafana_groups
    assert left
    assert off not in {group.system for group in left}


# --- what the engine receives ---


def test_every_group_lies_in_the_folder_of_alerts(recorded: Recorded) -> None:
    made = in_grafana(recorded, ":RuleGroup")
    assert {group.inputs["name"] for group in made.values()} == {
        group.name
        for group in recorded.settings.watched.grafana_groups
        if group not in recorded.settings.evaluated_by_loki
    }
    for resource, group in made.items():
        assert resource == f"grafana-content-rules-{group.inputs['name']}"
        assert group.inputs["folderUid"] == "folder-alerts"
        assert all(rule["for"] and rule["uid"] and rule["datas"] for rule in group.inputs["rules"])


def test_no_folder_has_the_uid_of_a_dashboard(prod: Recorded) -> None:
    """Grafana keeps both in one table."""
    dashboards = {json.loads(made.inputs["configJson"])["uid"] for made in in_grafana(prod, ":Dashboard").values()}
    assert not dashboards & {made.inputs["uid"] for made in in_grafana(prod, ":Folder").values()}


@every_rule
def test_a_rule_survives_the_types_of_grafana_s_own_sdk(rule: dict[str, Any]) -> None:
    names = {"for_": "for", "name": "title", "no_data_state": "noDataState", "exec_err_state": "execErrState"}
    plain = {names.get(key, key): value for key, value in rule.items() if key != "datas"}
    plain |= {"folderUID": "alerts", "orgID": 1, "ruleGroup": "one"}
    again = json.loads(ENCODER().encode(ALERTING.Rule.from_json(plain)))
    assert {key: again[key] for key in plain} == plain
    expressions = importlib.import_module("grafana_foundation_sdk.models.expr")
    kinds = {"reduce": expressions.TypeReduce, "threshold": expressions.TypeThreshold, "math": expressions.TypeMath}
    for model in models(rule):
        if kind := kinds.get(model.get("type", "")):
            assert json.loads(ENCODER().encode(kind.from_json(model))) == model
            continue
        language = importlib.import_module(f"grafana_foundation_sdk.models.{model['datasource']['type']}")
        asked = {key: value for key, value in model.items() if key not in {"intervalMs", "maxDataPoints"}}
        assert asked.items() <= json.loads(ENCODER().encode(language.Dataquery.from_json(asked))).items()
