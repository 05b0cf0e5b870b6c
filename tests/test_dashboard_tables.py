"""Tables of dashboards: what their columns are, in which order, how wide, and what a click opens."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from dashboards.colours import GOOD
from dashboards.model import Query, Visualization
from dashboards.tables import MIN_WIDTH, SUBJECT_WIDTH
from model.metrics import Unit
from model.slo_alerts import LEFT
from model.uids import SLOS
from tests.test_catalogue import alert
from tests.test_dashboard_kit import dashboard, first, of_logs, panel


def test_a_table_shows_its_columns_and_hides_the_rest() -> None:
    table = panel(
        visualization=Visualization.TABLE,
        columns=("pod",),
        queries=(Query(expr="a", legend="Restarts"), Query(expr="b", legend="Age")),
    )
    steps = {step["id"]: step["options"] for step in first(dashboard(table))["transformations"]}
    assert steps["filterFieldsByName"]["include"]["names"] == ["pod", "Value #A", "Value #B"]
    assert steps["organize"]["renameByName"] == {"pod": "Pod", "Value #A": "Restarts", "Value #B": "Age"}


def columns(**changes: Any) -> tuple[list[str], list[str], dict[str, Any]]:
    """Heads in view, labels that are only there for links, and the JSON of a table."""
    drawn = first(dashboard(panel(visualization=Visualization.TABLE, **changes)))
    (organize,) = (step["options"] for step in drawn["transformations"] if step["id"] == "organize")
    hidden = [
        override["matcher"]["options"]
        for override in drawn["fieldConfig"].get("overrides", [])
        if override["properties"] == [{"id": "custom.hideFrom.viz", "value": True}]
    ]
    order = sorted(organize["indexByName"], key=organize["indexByName"].__getitem__)
    return [organize["renameByName"][name] for name in order], hidden, drawn


def test_a_table_begins_with_its_subject_and_what_it_is_ranked_by_and_hides_what_has_no_room() -> None:
    queries = tuple(Query(expr=name, legend=name) for name in ("Failing", "Runs", "Tools", "p95"))
    heads, hidden, drawn = columns(
        columns=("cluster", "namespace", "agent_name"), queries=queries, width=12, data_link=SLOS
    )
    assert heads == ["Agent", "Failing", "Runs", "Tools", "p95", "Namespace"]
    assert hidden == ["cluster"], "a link has it all the same"
    (link,) = drawn["fieldConfig"]["defaults"]["links"]
    assert "var-cluster=${__data.fields.cluster:percentencode}" in link["url"]
    assert link["title"] == "Look closer: cluster ${__data.fields.cluster}"


def test_both_ends_of_a_call_stand_before_its_values() -> None:
    calls = (Query(expr="a", legend="Calls"),)
    heads, _, _ = columns(columns=("cluster", "from", "to"), leading=("from", "to"), queries=calls)
    assert heads == ["From", "To", "Calls", "Cluster"]


def test_a_wide_table_gives_its_subject_what_its_other_columns_leave() -> None:
    queries = (Query(expr="a", legend="Runs"), Query(expr="b", legend="Failing"))
    _, _, wide = columns(columns=("agent",), queries=queries, width=12)
    assert wide["fieldConfig"]["defaults"]["custom"]["width"] > 0
    (subject,) = (each for each in wide["fieldConfig"]["overrides"] if each["matcher"]["options"] == "agent")
    assert subject["properties"] == [{"id": "custom.width", "value": 0}]
    _, _, narrow = columns(columns=("agent",), queries=queries, height=9)  # of another height, it is not widened
    assert "width" not in narrow["fieldConfig"]["defaults"]["custom"], "or it would be wider than its panel"


def test_a_column_is_coloured_by_the_thresholds_of_its_own_alert() -> None:
    queries = (Query(expr="a", legend="Errors", alert="Widgets"), Query(expr="b", legend="Left", below=LEFT))
    drawn = first(dashboard(panel(visualization=Visualization.TABLE, queries=queries)), Widgets=alert())
    steps = {
        override["matcher"]["options"]: [(step["value"], step["color"]) for step in each["value"]["steps"]]
        for override in drawn["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == "thresholds"
    }
    assert steps["Errors"][0] == (None, GOOD)
    assert len(steps["Errors"]) == 1 + len(alert().thresholds)
    assert steps["Left"] == [(None, "orange"), (0, "blue"), (0.25, GOOD)]


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
        dashboard(
            panel(
                visualization=Visualization.TABLE, queries=queries, columns=("alertname", "severity"), first="severity"
            )
        )
    )
    (override,) = (each for each in drawn["fieldConfig"]["overrides"] if each["matcher"]["options"] == "severity")
    coloured = {each["id"]: each["value"] for each in override["properties"]}
    (mapping,) = coloured["mappings"]
    assert {name: shown["color"] for name, shown in mapping["options"].items()} == {
        "critical": "red",
        "warning": "orange",
        "info": "blue",
    }
    assert [(each["displayName"], each["desc"]) for each in drawn["options"]["sortBy"]] == [
        ("Severity", False),
        ("Subjects", True),
    ]


def test_a_table_names_the_column_of_each_query() -> None:
    with pytest.raises(ValueError, match="table Widgets: a query without a legend"):
        panel(title="Widgets", visualization=Visualization.TABLE, queries=(Query(expr="up"),))


def test_a_column_of_loki_s_values_has_the_name_that_its_plugin_gives_it() -> None:
    steps = {
        step["id"]: step["options"]
        for step in first(dashboard(of_logs(visualization=Visualization.TABLE)))["transformations"]
    }
    assert steps["organize"]["renameByName"] == {"Value #A": "Lines"}


@pytest.mark.parametrize(("width", "least"), [(24, SUBJECT_WIDTH), (12, SUBJECT_WIDTH), (8, MIN_WIDTH)])
def test_on_a_phone_the_subject_is_legible_beside_columns_with_widths(width: int, least: int) -> None:
    values = (Query(expr="a", legend="Restarts"), Query(expr="b", legend="Age"))
    tables = (
        panel(title=f"{place}", visualization=Visualization.TABLE, columns=("pod",), queries=values, width=width)
        for place in range(24 // width)
    )
    assert first(dashboard(*tables))["fieldConfig"]["defaults"]["custom"]["minWidth"] == least
