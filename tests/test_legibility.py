"""What a tired person can read on a dashboard: units, axes, legends, tables and colours."""

from __future__ import annotations

import json
import re
from typing import Any

from dashboards import kit
from dashboards.colours import COLOURS, GOOD
from dashboards.fields import unit_of
from dashboards.model import STAT, Dashboard, Panel, Scale, Visualization
from dashboards.tables import MIN_WIDTH, MOST_COLUMNS, SUBJECT_WIDTH
from dashboards.time_series import scale
from model.datasources import JAEGER
from model.metrics import Unit
from model.uids import SLOS
from rules.interaction_backend.uids import CONVERSATION
from tests.dashboards import ALL_DASHBOARDS, IN_THE_README, SMALL_PICTURES, STACK, WRITTEN
from tools.recorder import ROOT

CATALOGUE = {each.name: each for each in STACK.watched.alerts}
SHOWN = [(dashboard, panel) for dashboard in WRITTEN for panel in dashboard.panels]


def where(dashboard: Dashboard, panel: Panel) -> str:
    return f"{dashboard.uid}, {panel.title}"


def drawn_panels(view: Visualization) -> list[tuple[str, Panel, dict[str, Any]]]:
    """Where it is, the panel, and its JSON."""
    found = []
    for dashboard in WRITTEN:
        own = json.loads(kit.build(dashboard, CATALOGUE))["panels"]
        as_json = {each["title"]: each for each in (*own, *(under for row in own for under in row.get("panels", ())))}
        found += [
            (where(dashboard, panel), panel, as_json[panel.title])
            for panel in dashboard.panels
            # A table of traces has Jaeger's columns.
            if panel.visualization is view and all(query.datasource != JAEGER for query in panel.queries)
        ]
    return found


def test_a_ratio_is_drawn_from_0_to_100_percent_unless_its_panel_or_alert_says_otherwise() -> None:
    for place, panel, drawn in drawn_panels(Visualization.TIME_SERIES):
        if panel.unit is Unit.RATIO:
            defaults = drawn["fieldConfig"]["defaults"]
            match scale(panel, CATALOGUE.get(panel.alert)):
                case Scale.WHOLE:
                    assert (defaults["min"], defaults["max"]) == (0, 1), place
                case Scale.SMALL:
                    assert defaults["min"] == 0, place
                    assert defaults["custom"]["axisSoftMax"] <= 0.6, place
                case Scale.OPEN:
                    assert (defaults["custom"]["axisSoftMin"], defaults["custom"]["axisSoftMax"] >= 1) == (0, True), (
                        place
                    )


def test_every_threshold_of_a_panel_is_in_view() -> None:
    for place, panel, drawn in drawn_panels(Visualization.TIME_SERIES):
        alert = CATALOGUE.get(panel.alert)
        if alert is not None and alert.thresholds and not panel.counts:
            defaults, highest = drawn["fieldConfig"]["defaults"], max(alert.thresholds.values())
            assert defaults.get("max", defaults["custom"].get("axisSoftMax", 0)) >= highest, place


def test_a_rate_says_what_it_counts() -> None:
    units = {
        f"{where(dashboard, panel)}: {unit}": unit
        for dashboard, panel in SHOWN
        for query in (panel.queries if panel.visualization is Visualization.TABLE else panel.queries[:1])
        if (unit := unit_of(panel, query)).startswith("count:")
    }
    assert units
    assert [place for place, unit in units.items() if unit == "count:/s" or unit.startswith("count:c/")] == []


def test_money_says_of_which_time_it_is() -> None:
    """A conversation has all of its cost, and a run has its own."""
    said = re.compile(r"per |in 24 hours|month|Budget|expensive")
    for dashboard, panel in SHOWN:
        if panel.unit is Unit.CURRENCY and dashboard.uid != CONVERSATION:
            assert said.search(panel.title), where(dashboard, panel)


def test_a_line_has_a_name_and_no_set_of_labels() -> None:
    """Grafana's own name of one of several series is all of its labels."""
    for dashboard in ALL_DASHBOARDS:
        for panel in dashboard.panels:
            if panel.visualization is Visualization.TIME_SERIES:
                for query in panel.queries:
                    assert query.legend, where(dashboard, panel)
                    assert "__name__" not in query.legend, where(dashboard, panel)


def test_a_panel_with_an_alert_says_more_than_what_it_shows() -> None:
    """What is bad, or what to do next: a statement beside what the value is and which ones are shown."""
    ranks = re.compile(r"(The )?[\w ]*\b(highest|lowest|worst)(, without streams)?\.?")
    short = [
        f"{where(dashboard, panel)}: {panel.description}"
        for dashboard, panel in SHOWN
        if panel.alert in CATALOGUE and panel.visualization is not Visualization.TEXT
        if len([part for part in re.split(r"[.:;?] ", panel.description) if not ranks.fullmatch(part)]) < 2
    ]
    assert short == []


def test_a_dashboard_asks_each_expensive_thing_once() -> None:
    """One recording alone is cheap. What reads series of scrapes or computes over a range takes the server's time."""
    for dashboard in ALL_DASHBOARDS:
        asked = [
            (query.datasource.uid, panel.visualization in (Visualization.STAT, Visualization.TABLE), query.expr)
            for panel in dashboard.panels
            for query in panel.queries
            if query.expr and not _of_one_recording(query.expr)
        ]
        twice = {expr for each in asked if asked.count(each) > 1 for expr in each[2:]}
        assert not twice, f"{dashboard.uid} asks twice: {twice}"


def _of_one_recording(expr: str) -> bool:
    return bool(re.fullmatch(r"\w+ by \([^)]*\) \([a-z_0-9]+:\w+:\w+\{[^{}]*\}\)", expr))


def test_a_table_begins_with_its_subject_and_the_value_that_it_is_ranked_by_and_has_at_most_six_columns() -> None:
    for place, panel, drawn in drawn_panels(Visualization.TABLE):
        (organize,) = (step["options"] for step in drawn["transformations"] if step["id"] == "organize")
        order = sorted(organize["indexByName"], key=organize["indexByName"].__getitem__)
        assert len(order) <= MOST_COLUMNS, f"{place}: {order}"
        values = [name for name in order if name.startswith("Value")]
        if "severity" in panel.columns:
            assert order[1] == "severity", f"{place}: ranked by severity"
        else:
            assert order.index(values[0]) == len(panel.leading or panel.columns[-1:]), f"{place}: {order}"
        ranked = drawn["options"]["sortBy"][-1]
        assert ranked["displayName"] == panel.queries[0].legend, place


def test_a_table_names_its_columns_in_words_and_has_a_width() -> None:
    for place, _, drawn in drawn_panels(Visualization.TABLE):
        (organize,) = (step["options"] for step in drawn["transformations"] if step["id"] == "organize")
        heads = [organize["renameByName"][name] for name in organize["indexByName"]]
        assert len(set(heads)) == len(heads), f"{place}: {heads}"
        for each in heads:
            assert re.fullmatch(r"[A-Z][\w ./%()-]*|p\d+|\d+ %", each), f"{place}: {each}"
            assert "_" not in each, f"{place}: {each}"
        assert drawn["fieldConfig"]["defaults"]["custom"]["minWidth"] in (MIN_WIDTH, SUBJECT_WIDTH), place


def test_a_stat_is_so_wide_that_its_title_is_read() -> None:
    for place, panel, drawn in drawn_panels(Visualization.STAT):
        if panel.width == STAT:
            assert drawn["gridPos"]["w"] >= STAT, place


def test_what_is_left_of_a_budget_is_coloured_where_its_alerts_fire() -> None:
    (left,) = (
        override
        for place, _, drawn in drawn_panels(Visualization.TABLE)
        if place == f"{SLOS}, Budget left"
        for override in drawn["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == "Left"
    )
    (steps,) = (each["value"]["steps"] for each in left["properties"] if each["id"] == "thresholds")
    spent = next(each for each in STACK.watched.alerts if each.name.endswith("ErrorBudgetSpent"))
    fires = {float(1 - share): COLOURS[severity] for severity, share in spent.thresholds.items()}
    assert [(step["value"], step["color"]) for step in steps] == [
        (None, fires[0.0]),
        (0.0, fires[0.25]),
        (0.25, GOOD),
    ]


def test_the_pictures_of_the_readme_are_small_and_of_dashboards_that_there_are() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = {path.stem: path.stat().st_size for path in SMALL_PICTURES.glob("*.png")}
    assert pictures.keys() == {str(uid) for uid in IN_THE_README}
    for name, size in pictures.items():
        assert f"docs/images/{name}.png" in text
        assert size <= 120_000, f"{name}: a clone has them all"
