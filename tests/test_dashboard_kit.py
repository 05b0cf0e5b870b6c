"""The kit that makes Grafana's JSON of dashboards: what it adds to every panel, and how it draws each view."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from dashboards import kit
from dashboards.colours import GOOD
from dashboards.model import URGENCY, CustomVariable, Dashboard, Panel, Query, Row, Visualization, log_variables
from dashboards.queries import filled
from model.datasources import LOKI
from model.metrics import Unit
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


def test_a_line_from_below_is_red_beneath_it() -> None:
    below = alert(above={}, below={Severity.WARNING: 0.2, Severity.CRITICAL: 0.1})
    drawn = first(dashboard(panel(alert="Widgets")), Widgets=below)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in drawn] == [(None, "red"), (0.1, "orange"), (0.2, GOOD)]


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


def test_a_table_shows_its_columns_and_hides_the_rest() -> None:
    table = panel(
        visualization=Visualization.TABLE,
        columns=("pod",),
        queries=(Query(expr="a", legend="Restarts"), Query(expr="b", legend="Age")),
    )
    steps = {step["id"]: step["options"] for step in first(dashboard(table))["transformations"]}
    assert steps["filterFieldsByName"]["include"]["names"] == ["pod", "Value #A", "Value #B"]
    assert steps["organize"]["renameByName"] == {"Value #A": "Restarts", "Value #B": "Age"}


@pytest.mark.parametrize(
    "value",
    [
        "two words",
        "a/b",
        'say "hi"',
        "it's",
        "R&D",
        "#1",
        "100%",
        "50%25",
        "a+b",
        "x=y?z",
        "a,b",
        "日本",
        "$cluster",
        "",
    ],
)
def test_a_click_on_a_row_of_a_table_chooses_exactly_its_values(value: str) -> None:
    """As the real Grafana does it in a browser: without a format it would leave & and + as they are."""
    table = panel(
        visualization=Visualization.TABLE,
        columns=("team", "agent"),
        queries=(Query(expr="a", legend="Runs"),),
        data_link=SLOS,
    )
    (link,) = first(dashboard(table))["fieldConfig"]["defaults"]["links"]

    row = {"team": "one", "agent": value}
    followed = re.sub(
        r"\$\{__data\.fields\.(\w+):percentencode\}", lambda field: quote(row[field[1]], safe=""), link["url"]
    )

    assert urlsplit(followed).path == f"/d/{SLOS}"
    assert (
        parse_qs(urlsplit(followed).query, keep_blank_values=True).items()
        >= {
            "var-team": ["one"],
            "var-agent": [value],
        }.items()
    )


def test_a_column_of_a_table_may_have_a_unit_of_its_own() -> None:
    queries = (Query(expr="a", legend="Series"), Query(expr="b", legend="Disk", unit=Unit.BYTES))
    drawn = first(dashboard(panel(visualization=Visualization.TABLE, queries=queries)))["fieldConfig"]
    assert drawn["defaults"]["unit"] == "short"
    assert drawn["overrides"] == [
        {"matcher": {"id": "byName", "options": "Disk"}, "properties": [{"id": "unit", "value": "bytes"}]}
    ]


def test_a_table_of_what_an_alert_compares_is_coloured_by_its_lines() -> None:
    queries = (Query(expr="a", legend="Expires in"),)
    drawn = first(
        dashboard(panel(visualization=Visualization.TABLE, queries=queries, alert="Widgets")), Widgets=alert()
    )["fieldConfig"]
    (override,) = drawn["overrides"]
    assert override["matcher"]["options"] == "Expires in"
    assert override["properties"] == [{"id": "custom.cellOptions", "value": {"type": "color-text"}}]
    assert len(drawn["defaults"]["thresholds"]["steps"]) > 1


def test_a_table_of_alerts_shows_severities_in_their_colours_the_most_urgent_first() -> None:
    queries = (Query(expr="a", legend="Subjects"),)
    drawn = first(
        dashboard(panel(visualization=Visualization.TABLE, queries=queries, columns=("severity",), first="severity"))
    )
    (override,) = drawn["fieldConfig"]["overrides"]
    coloured = {each["id"]: each["value"] for each in override["properties"]}
    (mapping,) = coloured["mappings"]
    assert {name: shown["color"] for name, shown in mapping["options"].items()} == {
        "critical": "red",
        "warning": "orange",
        "info": "blue",
    }
    assert [(each["displayName"], each["desc"]) for each in drawn["options"]["sortBy"]] == [
        ("severity", False),
        ("Subjects", True),
    ]


def test_a_table_names_the_column_of_each_query() -> None:
    with pytest.raises(ValueError, match="table Widgets: a query without a legend"):
        panel(title="Widgets", visualization=Visualization.TABLE, queries=(Query(expr="up"),))


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


def test_an_axis_of_ratios_that_are_all_zero_does_not_end_at_ten_thousand_percent() -> None:
    assert first(dashboard(panel(unit=Unit.RATIO)))["fieldConfig"]["defaults"]["custom"]["axisSoftMax"] == 0.01
    assert "axisSoftMax" not in first(dashboard(panel(unit=Unit.SECONDS)))["fieldConfig"]["defaults"]["custom"]


def test_a_band_is_filled_from_its_upper_edge_to_its_lower() -> None:
    queries = tuple(Query(expr=f"widgets:{name}", legend=name) for name in ("now", "lowest", "highest"))
    drawn = {
        override["matcher"]["options"]: {each["id"]: each["value"] for each in override["properties"]}
        for override in first(dashboard(panel(queries=queries, band=True)))["fieldConfig"]["overrides"]
    }
    assert drawn["highest"]["custom.fillBelowTo"] == "lowest"
    assert drawn["lowest"]["custom.fillOpacity"] == 0, "or it would be filled down to 0"
    assert drawn.keys() == {"lowest", "highest"}


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


def test_a_column_of_loki_s_values_has_the_name_that_its_plugin_gives_it() -> None:
    steps = {
        step["id"]: step["options"]
        for step in first(dashboard(of_logs(visualization=Visualization.TABLE)))["transformations"]
    }
    assert steps["organize"]["renameByName"] == {"Value #A": "Lines"}


def test_a_dashboard_can_be_searched() -> None:
    (field,) = json.loads(kit.build(replace(dashboard(panel()), search=True), {}))["templating"]["list"]
    assert (field["type"], field["name"], field["query"]) == ("textbox", "search", "")


def test_panels_fill_the_room_beside_a_tall_one() -> None:
    tall, beside, below = panel(title="Tall", width=12, height=16), panel(title="Beside", width=12), panel(width=12)
    places = [each["gridPos"] for each in json.loads(kit.build(dashboard(tall, beside, below), {}))["panels"][1:]]
    assert [(place["x"], place["y"]) for place in places] == [(0, 1), (12, 1), (12, 9)]


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
