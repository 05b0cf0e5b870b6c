"""Dashboards on a wall, on a phone and to every eye: order, colours, variables, time ranges and annotations."""

from __future__ import annotations

import json
import math
from itertools import combinations

import pytest

from dashboards import kit
from dashboards.annotations import DEPLOY
from dashboards.colours import COLOURS, GOOD
from dashboards.model import Dashboard, Visualization
from model.rules import Severity
from rules.render import links
from tests.catalogue import place
from tests.dashboards import ALL_DASHBOARDS, STACK, WRITTEN

every_written_dashboard = pytest.mark.parametrize("dashboard", WRITTEN, ids=lambda dashboard: dashboard.uid)


# --- on a phone ---


@every_written_dashboard
def test_on_a_phone_the_stats_of_a_row_come_first(dashboard: Dashboard) -> None:
    """Below 769 pixels Grafana stacks panels in the order of their places, line by line."""
    for row in dashboard.rows:
        views = [panel.visualization for panel in row.panels]
        stats = views.count(Visualization.STAT)
        assert set(views[:stats]) <= {Visualization.STAT}, f"{dashboard.uid}, {row.title}"


# --- to every eye ---

# Machado, Oliveira and Fernandes (2009), at full strength.
EYES = {
    "any": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "without red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "without green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "without blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
THEMES = {
    "dark": {"blue": "#5794f2", "orange": "#ff9830", "red": "#f2495c"},
    "light": {"blue": "#3274d9", "orange": "#ff780a", "red": "#e02f44"},
}
"""Grafana's colours by name."""
DISTINCT = 20
"""Distance in CIELAB. At 10 two colours side by side are told apart, and these stand on different panels."""


def lab(colour: str, eye: str) -> tuple[float, float, float]:
    """A colour as an eye sees it, in CIELAB."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    red, green, blue = (
        min(1.0, max(0.0, sum(one * other for one, other in zip(row, linear, strict=True)))) for row in EYES[eye]
    )
    x, y, z = (
        part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116
        for part in (
            (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
            0.2126 * red + 0.7152 * green + 0.0722 * blue,
            (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("eye", EYES)
def test_severities_and_what_is_good_are_told_apart(eye: str, theme: str) -> None:
    colours = {"good": GOOD, **{severity.value: THEMES[theme][COLOURS[severity]] for severity in Severity}}
    for (one, its), (other, others) in combinations(colours.items(), 2):
        assert math.dist(lab(its, eye), lab(others, eye)) >= DISTINCT, f"{one} and {other}"


# --- variables, times ---


@every_written_dashboard
def test_a_variable_offers_only_what_the_variables_before_it_leave(dashboard: Dashboard) -> None:
    before: list[str] = []
    for variable in dashboard.variables:
        for name in before:
            assert f"${name}" in variable.of, f"{dashboard.uid}: {variable.name} is not narrowed by {name}"
        before.append(variable.name)


def test_a_label_has_one_variable_on_all_dashboards_so_that_links_keep_it() -> None:
    names: dict[str, set[str]] = {}
    for variable in (each for dashboard in ALL_DASHBOARDS for each in dashboard.variables):
        names.setdefault(variable.label, set()).add(variable.name)
    assert {label: found for label, found in names.items() if found != {label}} == {}


@every_written_dashboard
def test_links_keep_time_and_variables(dashboard: Dashboard) -> None:
    made = json.loads(kit.build(dashboard, {}))
    within = [link for link in made.get("links", ()) if link["url"].startswith("/d/")]
    assert len(within) == len(dashboard.related)
    assert all(link["keepTime"] and link["includeVars"] for link in within)


@every_written_dashboard
def test_all_is_a_choice_of_each_variable_with_several_and_every_query_takes_it(dashboard: Dashboard) -> None:
    several = {variable.name for variable in dashboard.variables if variable.multiple}
    made = {each["name"]: each for each in json.loads(kit.build(dashboard, {})).get("templating", {}).get("list", ())}
    for name in several:
        assert (made[name]["includeAll"], made[name]["multi"]) == (True, True)
        assert made[name]["allValue"] in (".*", ".+")
        for query in (query for panel in dashboard.panels for query in panel.queries):
            assert f'="${name}"' not in query.expr.replace(f'=~"${name}"', ""), f"{dashboard.uid}: {query.expr}"


REFRESHES = {"1m": 1, "15m": 15, "1h": 60}
POINTS = 720
"""Points of a graph of half a page."""


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_a_dashboard_asks_again_about_as_often_as_its_graphs_get_a_point(dashboard: Dashboard) -> None:
    made = json.loads(kit.build(dashboard, {}))
    number, unit = int(dashboard.time_from[4:-1]), dashboard.time_from[-1]
    minutes_of_a_point = number * {"h": 60, "d": 1440}[unit] / POINTS
    assert REFRESHES[made["refresh"]] >= min(minutes_of_a_point, 60) / 2
    assert made["timezone"] == "browser", "the reader's, on a phone as on a wall"


# --- annotations ---


@every_written_dashboard
def test_each_annotation_can_be_switched_off(dashboard: Dashboard) -> None:
    """Grafana shows a switch for each that is not hidden."""
    listed = json.loads(kit.build(dashboard, {})).get("annotations", {}).get("list", ())
    assert len({each["name"] for each in listed}) == len(listed) == len(dashboard.annotations)
    assert not any(each.get("hide") for each in listed)


@every_written_dashboard
def test_where_rollouts_are_shown_deploys_are_too(dashboard: Dashboard) -> None:
    names = {annotation.name: annotation for annotation in dashboard.annotations}
    assert ("Rollouts" in names) == ("Deploys" in names)
    if "Deploys" in names:
        (made,) = (
            each
            for each in json.loads(kit.build(dashboard, {}))["annotations"]["list"]
            if each["datasource"].get("type") == "grafana"
        )
        assert made["target"] == {"limit": 100, "matchAny": False, "tags": [DEPLOY], "type": "tags"}


def test_events_of_nodes_are_on_the_dashboards_of_nodes_and_of_the_cluster() -> None:
    shown = {each.uid: {annotation.name for annotation in each.annotations} for each in WRITTEN}
    for uid in ("nodes", "kubernetes-cluster"):
        assert {"Node conditions", "Reboots"} <= shown[uid]


def test_an_alert_opens_its_dashboard_with_its_own_subject() -> None:
    """A variable that no link sets is the first of all subjects by name, which is well."""
    # Only a link to the project's own page has it.
    text = "supabase_project_ref"
    choices = {
        each.uid: {one.name for one in each.variables if not one.multiple and one.name != text}
        for each in ALL_DASHBOARDS
    }
    opened = {each.name: links(each, place(STACK))["dashboard_url"] for each in STACK.watched.alerts}
    unset = {
        each.name: wanted
        for each in STACK.watched.alerts
        if (wanted := {one for one in choices[str(each.dashboard)] if f"var-{one}=" not in opened[each.name]})
    }
    assert unset == {}
