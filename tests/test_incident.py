"""The incident dashboard: what a message hands over is what it shows, and what it cannot show it says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.settings.stack import Settings, read
from dashboards.colours import COLOURS
from dashboards.kit import build
from dashboards.listed import dashboards
from dashboards.model import Dashboard
from dashboards.queries import filled
from model.datasources import LOKI, PROMETHEUS
from model.grafana_alert import GrafanaAlert
from model.incident import ALERT, HANDED, PANEL
from model.promql import parsed
from model.uids import INCIDENT
from tests.catalogue import EVERYTHING
from tests.dashboards import ALL_DASHBOARDS, STACK


def incident(stack: Settings = STACK) -> Dashboard:
    made = dashboards(stack.systems_on, stack.watched, stack.cluster)
    (dashboard,) = (each for each in made if each.uid == INCIDENT)
    return dashboard


def drawn(dashboard: Dashboard) -> dict[str, Any]:
    alerts = {each.name: each for each in STACK.watched.alerts}
    read_back: dict[str, Any] = json.loads(build(dashboard, alerts))
    return read_back


def test_what_a_message_hands_over_are_variables() -> None:
    variables = {each["name"]: each for each in drawn(incident())["templating"]["list"]}
    assert {ALERT, PANEL, *HANDED} <= variables.keys()
    assert variables[PANEL]["hide"], "nobody types a panel"


def test_it_has_the_value_of_every_alert_that_prometheus_can_evaluate() -> None:
    (choice,) = incident().custom_variables
    by_lines = {
        each.name for each in STACK.watched.alerts if isinstance(each, GrafanaAlert) and each.datasource == LOKI
    }
    assert by_lines
    assert choice.values.keys() == {each.name for each in STACK.watched.alerts} - by_lines
    assert PROMETHEUS in {each.datasource for each in STACK.watched.alerts if isinstance(each, GrafanaAlert)}


def test_a_threshold_has_the_colour_of_its_severity() -> None:
    (chart,) = (each for each in drawn(incident())["panels"] if each["title"].startswith("Measured"))
    overrides = {each["matcher"]["options"]: each["properties"] for each in chart["fieldConfig"]["overrides"]}
    for severity, colour in COLOURS.items():
        assert {"id": "color", "value": {"mode": "fixed", "fixedColor": colour}} in overrides[severity]


def test_an_expression_is_not_repeated_in_a_runbook() -> None:
    assert not [each.uid for each in ALL_DASHBOARDS if each.custom_variables and each.uid.startswith("runbooks-")]


@pytest.mark.parametrize("on", [STACK, read(EVERYTHING | {"systems": EVERYTHING["systems"] | {"kubernetes": None}})])
def test_configurations_that_servers_load_are_among_the_changes_with_kubernetes_and_without(on: Settings) -> None:
    (changes,) = (panel for panel in incident(on).panels if panel.title == "Changes")
    asked = " ".join(query.expr for query in changes.queries)
    for server in ("prometheus", "alertmanager"):
        assert f"{server}_config_last_reload_success_timestamp_seconds" in asked
    (starts,) = (query.expr for query in changes.queries if query.legend == "start of {{job}}")
    for server in ("otel-collector", "jaeger", "loki", "grafana"):
        assert server in starts, "it loads its configuration when it starts"


@pytest.mark.parametrize("off", ["kubernetes", "services", "monitoring"])
def test_a_source_that_is_off_is_a_sentence(off: str) -> None:
    stack = read(EVERYTHING | {"systems": EVERYTHING["systems"] | {off: None}})
    said, *_ = (panel.description for panel in incident(stack).panels)
    assert f"The system `{off}` is off" in said
    assert "is off" not in next(iter(incident().panels)).description


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_promql_means_the_same_with_the_quotes_of_the_json(dashboard: Dashboard) -> None:
    written = [query.expr for panel in dashboard.panels for query in panel.queries if query.datasource == PROMETHEUS]
    stored = [
        target["expr"]
        for row in drawn(dashboard)["panels"]
        for panel in (row, *row.get("panels", ()))
        for target in panel.get("targets", ())
        if panel["datasource"]["uid"] == PROMETHEUS.uid
    ]
    written = [expr for expr in written if ":raw}" not in expr]
    stored = [expr for expr in stored if ":raw}" not in expr]
    assert sorted(str(parsed(filled(expr))) for expr in stored) == sorted(str(parsed(filled(expr))) for expr in written)
