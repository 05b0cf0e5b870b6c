"""The kit that makes Grafana's JSON of dashboards: what it adds to every panel, and how it draws each view."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dashboards import kit
from dashboards.colours import GOOD, NEUTRAL
from dashboards.model import (
    URGENCY,
    CustomVariable,
    Dashboard,
    Panel,
    Query,
    Row,
    Visualization,
    log_variables,
)
from dashboards.queries import filled
from model.datasources import LOKI
from model.promql import narrowed
from model.rules import Alert, Severity
from model.uids import SLOS, panel_number, runbook_path
from rules.agents.uids import AGENTS_LLM
from rules.kubernetes.uids import KUBERNETES_API
from tests.test_catalogue import alert


def dashboard(*panels: Panel) -> Dashboard:
    return Dashboard(
        uid="widgets",
        title="Widgets",
        description="Widgets.",
        folder="Widgets",
        tags=("widgets",),
        rows=(Row("All", panels),),
    )


def panel(**changes: Any) -> Panel:
    given: dict[str, Any] = {"title": "Broken", "description": "Broken ones.", "queries": (Query(expr="widgets"),)}
    return Panel(**given | changes)


def first(made_of: Dashboard, **alerts: Any) -> dict[str, Any]:
    """The first panel below the heading."""
    return dict(json.loads(kit.build(made_of, alerts))["panels"][1])


def test_the_line_on_the_panel_is_the_line_that_pages() -> None:
    above = alert(above={Severity.WARNING: 0.1, Severity.CRITICAL: 0.25})
    drawn = first(dashboard(panel(alert="Widgets")), Widgets=above)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in drawn] == [(None, GOOD), (0.1, "orange"), (0.25, "red")]


@pytest.mark.parametrize(
    ("visualization", "steps"),
    [
        # A number has the colour of the range that it is in, and a chart draws a line in the colour that begins there.
        (Visualization.STAT, [(None, "red"), (0.1, "orange"), (0.2, GOOD)]),
        (Visualization.TIME_SERIES, [(None, GOOD), (0.1, "red"), (0.2, "orange")]),
    ],
)
def test_of_lines_from_below_the_lowest_is_red(visualization: Visualization, steps: list[object]) -> None:
    below = alert(above={}, below={Severity.WARNING: 0.2, Severity.CRITICAL: 0.1})
    shown = dashboard(panel(alert="Widgets", visualization=visualization))
    drawn = first(shown, Widgets=below)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in drawn] == steps


def test_what_is_not_known_has_not_the_colour_of_what_is_good() -> None:
    unknown = panel(severity=Severity.WARNING, visualization=Visualization.STAT, unmeasured="not known")
    steps = first(dashboard(unknown))["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, NEUTRAL), (0, GOOD), (1, "orange")]


def test_a_panel_with_an_alert_leads_to_its_runbook() -> None:
    (link,) = first(dashboard(panel(alert="Widgets")), Widgets=replace(alert(), system="toys"))["links"]
    assert link["url"] == runbook_path("toys", "TargetDown")


@pytest.mark.parametrize(
    "found", [alert(above={Severity.WARNING: 0.5}), alert(above={}, severity=Severity.WARNING)], ids=["more", "any"]
)
def test_of_what_an_alert_finds_one_is_too_many(found: Alert) -> None:
    drawn = first(dashboard(panel(alert="Widgets", counts=bool(found.thresholds))), Widgets=found)
    steps = drawn["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, GOOD), (1, "orange")]


def test_a_panel_of_an_alert_that_is_off_has_no_line_and_is_not_called_good() -> None:
    assert "thresholds" not in first(dashboard(panel(alert="Widgets")))["fieldConfig"]["defaults"]
    drawn = first(dashboard(panel(visualization=Visualization.STAT, alert="Widgets")))
    steps = drawn["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, "text")]


@pytest.mark.parametrize(("severity", "colour"), [(Severity.CRITICAL, "red"), (Severity.WARNING, "orange")])
def test_a_count_is_as_bad_as_what_it_counts(severity: Severity, colour: str) -> None:
    drawn = first(dashboard(panel(visualization=Visualization.STAT, severity=severity)))
    steps = drawn["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, GOOD), (1, colour)]
    assert drawn["options"]["colorMode"] == "background", "seen from across the room"
    assert first(dashboard(panel(visualization=Visualization.STAT)))["options"]["colorMode"] == "value", (
        "nobody judges it"
    )


def test_what_grafana_takes_for_granted_is_not_written() -> None:
    text = kit.build(dashboard(panel(alert="Widgets")), {"Widgets": alert()})
    for default in ('"transparent":false', '"tooltip":""', '"exemplar":false', "inControlsMenu"):
        assert default not in text


def test_a_choice_is_written_as_grafana_reads_it() -> None:
    choice = CustomVariable(name="alert", title="Alert", values={"One": "sum by (a, b)\n(x)", "Two": "y"})
    (written,) = json.loads(kit.build(replace(dashboard(panel()), custom_variables=(choice,)), {}))["templating"][
        "list"
    ]
    assert (written["type"], written["name"]) == ("custom", "alert")
    assert written["query"] == r"One : sum by (a\, b) (x), Two : y"


def test_the_panels_of_a_closed_row_lie_in_it() -> None:
    rows = (
        Row("Open", (panel(),)),
        Row("Closed", (panel(title="Hidden", linked=True),), collapsed=True),
        Row("Last", ()),
    )
    opened, seen, closed, last = json.loads(kit.build(replace(dashboard(), rows=rows), {}))["panels"]
    assert [each["title"] for each in (opened, seen, closed, last)] == ["Open", "Broken", "Closed", "Last"]
    (hidden,) = closed["panels"]
    assert (closed["collapsed"], hidden["title"], hidden["id"]) == (True, "Hidden", panel_number("Hidden"))
    assert last["gridPos"]["y"] == closed["gridPos"]["y"] + 1, "it takes no room while it is closed"


def test_urgency_over_time_is_shown_in_words() -> None:
    (mapping,) = first(dashboard(panel(visualization=Visualization.STATE_TIMELINE)))["fieldConfig"]["defaults"][
        "mappings"
    ]
    assert {value: shown["text"] for value, shown in mapping["options"].items()} == {
        str(urgency): str(severity) for severity, urgency in URGENCY.items()
    }


def test_a_list_of_alerts_is_of_grafana_s_own_in_their_folder() -> None:
    """No query can be tried here: what the list is restricted to is all that can be wrong with it."""
    listed = first(
        dashboard(panel(visualization=Visualization.ALERT_LIST, queries=(), matchers='owner=~"${owner:regex}"'))
    )
    assert listed["type"] == "alertlist"
    assert listed["options"]["datasource"] == "-- Grafana --"
    assert listed["options"]["folder"] == {"uid": "folder-alerts", "title": "Alerts"}
    assert listed["options"]["alertInstanceLabelFilter"] == '{owner=~"${owner:regex}"}'
    assert {state for state, shown in listed["options"]["stateFilter"].items() if shown} == {
        "firing",
        "error",
        "recovering",
    }


def test_a_link_bears_a_name_that_people_use() -> None:
    related = (KUBERNETES_API, AGENTS_LLM, SLOS)
    links = json.loads(kit.build(replace(dashboard(panel()), related=related), {}))["links"]
    assert [link["title"] for link in links] == ["Kubernetes API", "Agents LLM", "SLOs"]


# --- the kit, asking Loki ---


def of_logs(**changes: Any) -> Panel:
    return panel(queries=(Query(expr="{app='a'}", legend="Lines", datasource=LOKI),), **changes)


def test_a_choice_of_loki_s_is_asked_as_its_plugin_reads_it_and_never_matches_nothing_alone() -> None:
    variables = log_variables("cluster", "level")
    custom_variables = json.loads(kit.build(replace(dashboard(of_logs()), variables=variables), {}))["templating"][
        "list"
    ]
    assert [choice["query"] for choice in custom_variables] == [
        {"refId": "cluster", "type": 1, "label": "cluster", "stream": ""},
        {"refId": "level", "type": 1, "label": "level", "stream": '{cluster=~"$cluster"}'},
    ]
    assert [choice["allValue"] for choice in custom_variables] == [".+", ".*"], (
        "Loki refuses a selector of nothing but .*"
    )


@pytest.mark.parametrize(
    ("view", "kind"),
    [
        (Visualization.TIME_SERIES, "range"),
        (Visualization.LOGS, "range"),
        (Visualization.STAT, "instant"),
        (Visualization.TABLE, "instant"),
    ],
)
def test_loki_is_asked_once_where_one_answer_is_shown(view: Visualization, kind: str) -> None:
    (target,) = first(dashboard(of_logs(visualization=view)))["targets"]
    assert target["queryType"] == kind
    assert ("maxLines" in target) == (view is Visualization.LOGS)


def test_a_dashboard_can_be_searched() -> None:
    (field,) = json.loads(kit.build(replace(dashboard(panel()), search=True), {}))["templating"]["list"]
    assert (field["type"], field["name"], field["query"]) == ("textbox", "search", "")


def test_variables_are_filled_in() -> None:
    asked = 'rate(a{cluster=~"$cluster", pod=~"${pod}"}[$__rate_interval]) / $__range_s'
    assert filled(asked, {"cluster": "c-1"}) == 'rate(a{cluster=~"c-1", pod=~".*"}[5m]) / 21600'


@pytest.mark.parametrize(
    ("expr", "narrower"),
    [
        ("rate(a[5m])", 'rate(a{x="$x"}[5m])'),
        ('a{b="c"} / a_total', 'a{x="$x", b="c"} / a_total{x="$x"}'),
        ("sum by (b) (a:b:c)", 'sum by (b) (a:b:c{x="$x"})'),
        ('label_replace(a, "a", "$1", "b", "(.+)")', 'label_replace(a{x="$x"}, "a", "$1", "b", "(.+)")'),
        ("a unless on (b) a offset 1d", 'a{x="$x"} unless on (b) a{x="$x"} offset 1d'),
    ],
)
def test_every_selector_of_a_query_is_narrowed(expr: str, narrower: str) -> None:
    assert narrowed(expr, 'x="$x"') == narrower


def test_numbers_of_log_lines_have_their_names() -> None:
    counts = tuple(Query(expr="{app='a'}", legend=name, datasource=LOKI) for name in ("Lines", "Errors"))
    (renamed,) = first(dashboard(panel(queries=counts, visualization=Visualization.STAT)))["transformations"]
    assert renamed["options"]["renameByName"] == {"Value #A": "Lines", "Value #B": "Errors"}
