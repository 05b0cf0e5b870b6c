"""Saved queries: people find them on dashboards with variables, and none reads a field that is no metadata."""

from __future__ import annotations

import re

import pytest

from components.logs import LABELS, METADATA
from dashboards.listed import dashboards
from dashboards.model import Dashboard, Visualization
from dashboards.saved import for_chosen
from model.logs import EVENT_METADATA
from model.uids import SAVED_QUERIES
from rules.logs import AUDIT_FIELDS
from rules.logs.saved import AGENTS, SAVED, SavedQuery
from rules.systems import SYSTEMS
from tests.conftest import Stacks
from tests.dashboards import ALL_DASHBOARDS

CONTRACTS = {system.key: system.contract for system in SYSTEMS if system.contract}
every_query = pytest.mark.parametrize("saved", SAVED, ids=lambda saved: saved.title)


def of(made: tuple[Dashboard, ...]) -> Dashboard:
    (only,) = (dashboard for dashboard in made if dashboard.uid == SAVED_QUERIES)
    return only


@every_query
def test_a_query_reads_only_labels_and_metadata_that_its_system_brings(saved: SavedQuery) -> None:
    if saved.language == "promql":
        return
    contract = CONTRACTS.get(saved.system)
    known = {*LABELS, *METADATA, *EVENT_METADATA}
    known |= {each.name for each in (*AUDIT_FIELDS, *(contract.log_fields if contract else ()))}
    after = re.sub(r"`[^`]*`", "", saved.expr)
    names = set(re.findall(r"(?:\| |unwrap )(\w+) ?(?:=|!=|>|=~|\[|\|)", after))
    names |= {name for by in re.findall(r"by \(([^)]+)\)", after) for name in by.split(", ")}
    names |= set(re.findall(r"{{\.(\w+)}}", saved.expr))

    assert "| json" not in saved.expr, "all that it needs is metadata"
    assert names <= known


@every_query
def test_each_query_is_on_a_dashboard_whose_variables_say_where_to_look(saved: SavedQuery) -> None:
    panels = {f"{dashboard.title} / {panel.title}": panel for dashboard in ALL_DASHBOARDS for panel in dashboard.panels}
    panel = panels[saved.panel or f"Saved queries / {saved.title}"]

    for query in panel.queries:
        assert AGENTS not in query.expr
        assert "$namespace" in query.expr


def test_a_page_that_opens_asks_the_queries_of_one_system_alone() -> None:
    rows = of(ALL_DASHBOARDS).rows
    assert [row.collapsed for row in rows] == [False, *(True for _ in rows[1:])]
    assert len(rows) > 1


def test_a_stack_shows_the_queries_of_its_systems(stack: Stacks) -> None:
    made = stack("dev", systems={"eliza": None, "progressive": None})
    settings = made.settings
    shown = {panel.title for panel in of(dashboards(settings.systems_on, settings.watched, settings.cluster)).panels}

    assert shown == {each.title for each in SAVED if each.system in settings.systems_on and not each.panel}
    assert "Lines of one agent" not in shown, "eliza is off"


def test_the_box_takes_the_id_and_an_empty_one_finds_nothing() -> None:
    (trace,) = (each for each in SAVED if each.title == "All lines of one trace, in order")

    assert for_chosen(trace).endswith('| trace_id="$search" | trace_id!=""')


def test_lines_are_shown_as_lines_rankings_as_tables_and_counts_over_time() -> None:
    views = {panel.title: panel.visualization for panel in of(ALL_DASHBOARDS).panels}

    assert views["Lines of one agent"] is Visualization.LOGS
    assert views["Organisations with the most agents"] is Visualization.TABLE
    assert views["Failed tasks of the last hour, by type of agent"] is Visualization.TIME_SERIES
