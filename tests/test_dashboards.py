"""The dashboards: what they ask is there, what they show is explained, and where they lead exists."""

from __future__ import annotations

import importlib
import json
import re

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import kit
from dashboards.defaults import without_defaults
from dashboards.model import COLUMNS, Dashboard, Visualization
from dashboards.queries import annotation_queries, loki_queries, prometheus_queries
from model.datasources import ALL as DATASOURCES
from model.grafana_alert import GrafanaAlert
from model.incident import ALERT
from model.promql import selectors
from model.uids import (
    ALERTS,
    HOME,
    INCIDENT,
    RUNBOOKS_FOLDER,
    panel_number,
    panel_path,
    runbook_title,
    runbooks_uid,
)
from rules.catalogue import series_of
from rules.render import links
from rules.systems import SYSTEMS
from tests.catalogue import place
from tests.dashboards import ALL_DASHBOARDS, CATALOGUE, NOT_RECORDED, STACK, WRITTEN, labels, made
from tests.snapshots import FOLDER, TAKEN, snapshots

# Imported by the kit, which knows about its warning.
MODELS = importlib.import_module("grafana_foundation_sdk.models.dashboard")
KNOWN = series_of(STACK.watched) | NOT_RECORDED

(INCIDENTS,) = (each for each in ALL_DASHBOARDS if each.uid == INCIDENT)

every_dashboard = pytest.mark.parametrize("dashboard", ALL_DASHBOARDS, ids=lambda dashboard: dashboard.uid)
every_written_dashboard = pytest.mark.parametrize("dashboard", WRITTEN, ids=lambda dashboard: dashboard.uid)


# --- what dashboards ask ---


@every_dashboard
def test_every_query_asks_for_series_that_are_there_and_shows_labels_that_they_have(dashboard: Dashboard) -> None:
    for panel, query in prometheus_queries(dashboard):
        where = f"{dashboard.uid}, {panel.title}"
        try:
            found = labels(query.expr, KNOWN)
        except ValueError as problem:
            raise AssertionError(f"{where}: {problem}") from None
        shown = set(re.findall(r"{{\s*(\w+)\s*}}", query.legend)) | set(panel.columns).difference(panel.hidden)
        # A panel of one of many alerts names the labels of all; Grafana leaves out those that the chosen one lacks.
        of_many = any(value in query.expr for choice in dashboard.custom_variables for value in choice.values.values())
        assert found is None or of_many or shown <= found, f"{where}: shows labels that its query does not return"


@every_dashboard
def test_every_variable_and_mark_asks_for_series_that_are_there(dashboard: Dashboard) -> None:
    for variable in dashboard.variables:
        if variable.datasource.type == "prometheus":
            found = labels(variable.of, KNOWN)
            assert found is None or variable.label in found, f"{dashboard.uid}: {variable.name}"
    for annotation in annotation_queries(dashboard):
        labels(annotation.expr, KNOWN)


@every_dashboard
def test_a_query_names_only_variables_that_the_dashboard_has(dashboard: Dashboard) -> None:
    known = {variable.name for variable in dashboard.variables} | ({"search"} if dashboard.search else set())
    known |= {choice.name for choice in dashboard.custom_variables} | dashboard.boxes.keys()
    asked = [query.expr for panel in dashboard.panels for query in panel.queries]
    asked += [value for choice in dashboard.custom_variables for value in choice.values.values()]
    asked += [variable.of for variable in dashboard.variables] + [
        annotation.expr for annotation in annotation_queries(dashboard)
    ]
    asked += [panel.matchers for panel in dashboard.panels]
    for expr in asked:
        named = set(re.findall(r"\$\{?([a-zA-Z]\w*)", expr))
        assert named <= known, f"{dashboard.uid}: {expr}"


@every_written_dashboard
def test_no_query_returns_without_bound_what_a_large_cluster_has(dashboard: Dashboard) -> None:
    """Whole metrics would be a line per pod: a query aggregates, selects by a single-valued variable, or is cut off."""
    single = [f'="${variable.name}"' for variable in dashboard.variables if not variable.multiple]
    for panel, query in prometheus_queries(dashboard):
        bounded = re.search(r"\b(sum|count|avg|max|min|topk|bottomk|group|quantile|absent|scalar|vector)\b", query.expr)
        recorded = re.search(r"\w+:\w+:\w+|\bALERTS\b", query.expr)
        chosen = any(each in query.expr for each in single)
        assert bounded or recorded or chosen, f"{dashboard.uid}, {panel.title}: {query.expr}"


# --- what dashboards show ---


@every_dashboard
def test_every_panel_has_a_title_a_description_and_a_unit(dashboard: Dashboard) -> None:
    titles = [panel.title for panel in dashboard.panels]
    assert sorted(set(titles)) == sorted(titles), "each panel has a title of its own"
    for panel in made(dashboard)["panels"]:
        if panel["type"] == "row":
            continue
        assert panel["title"]
        if panel["type"] == "text":
            assert panel["options"]["content"]
            continue
        assert panel["description"].endswith("."), f"{panel['title']}: a sentence"
        if panel["type"] in ("alertlist", "annolist"):
            continue  # Grafana asks itself
        if panel["type"] != "logs":
            assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"], f"{panel['title']}: asks nothing"
        assert [target["refId"] for target in panel["targets"]] == [chr(65 + n) for n in range(len(panel["targets"]))]
        assert panel["datasource"]["uid"] in {datasource.uid for datasource in DATASOURCES}
        for target in panel["targets"]:
            assert target.get("expr") or target["service"]


@every_dashboard
def test_panels_neither_overlap_nor_leave_the_grid(dashboard: Dashboard) -> None:
    taken = set[tuple[int, int]]()
    for panel in made(dashboard)["panels"]:
        place = panel["gridPos"]
        assert place.get("x", 0) + place["w"] <= COLUMNS
        cells = {
            (x, y)
            for x in range(place.get("x", 0), place.get("x", 0) + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']}: overlaps"
        taken |= cells


@every_dashboard
def test_a_dashboard_says_what_it_is_for_and_where_to_go_next(dashboard: Dashboard) -> None:
    assert dashboard.description.endswith(".")
    assert dashboard.tags
    uids = {each.uid for each in ALL_DASHBOARDS}
    assert {str(uid) for uid in dashboard.related} <= uids
    assert {str(panel.data_link) for panel in dashboard.panels if panel.data_link} <= uids


def test_no_two_dashboards_have_one_uid_or_one_title_in_a_folder() -> None:
    uids = [dashboard.uid for dashboard in ALL_DASHBOARDS]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids), "Grafana's limit"
    places = [(dashboard.folder, dashboard.title) for dashboard in ALL_DASHBOARDS]
    assert len(set(places)) == len(places)


def test_every_alert_leads_to_a_dashboard_and_a_runbook_that_exist() -> None:
    uids = {dashboard.uid for dashboard in ALL_DASHBOARDS}
    assert {str(each.dashboard) for each in STACK.watched.alerts} <= uids
    for each in STACK.watched.alerts:
        (dashboard,) = (dashboard for dashboard in ALL_DASHBOARDS if dashboard.uid == runbooks_uid(each.system))
        linked = [panel_number(panel.title) for panel in dashboard.panels if panel.linked]
        assert linked.count(panel_number(runbook_title(each.runbook_name))) == 1, each.name
        assert len(set(linked)) == len(linked), "two panels of one number"


def test_every_uid_is_that_of_a_dashboard() -> None:
    modules = ["model.uids", *(f"rules.{system.key}.uids" for system in SYSTEMS)]
    constants = (each for module in modules for each in vars(importlib.import_module(module)).items())
    uids = {uid for name, uid in constants if name.isupper() and not name.endswith("_FOLDER")}
    assert uids == {dashboard.uid for dashboard in WRITTEN}


@every_dashboard
def test_an_alert_that_a_panel_draws_exists(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        assert not panel.alert or panel.alert in CATALOGUE, f"{dashboard.uid}, {panel.title}"


@every_dashboard
def test_lines_are_shown_as_lines_and_counted_by_few_labels(dashboard: Dashboard) -> None:
    """A query of lines in a graph is an error; a count that is not aggregated is a line per stream."""
    for panel, query in loki_queries(dashboard):
        counts = re.search(r"_over_time\(|rate\(", query.expr)
        assert (panel.visualization is Visualization.LOGS) != bool(counts), f"{dashboard.uid}, {panel.title}"
        aggregated = re.search(r"\b(sum by|topk)\b|absent_over_time", query.expr)
        assert not counts or aggregated, f"{dashboard.uid}, {panel.title}: {query.expr}"


@every_dashboard
def test_a_dashboard_survives_the_types_of_its_own_sdk_and_is_the_same_twice(dashboard: Dashboard) -> None:
    text = kit.build(dashboard, CATALOGUE)
    assert text == kit.build(dashboard, CATALOGUE)
    again = JSONEncoder(sort_keys=True).encode(MODELS.Dashboard.from_json(json.loads(text)))
    assert without_defaults(json.loads(again)) == json.loads(text)


@pytest.mark.parametrize("dashboard", TAKEN, ids=lambda dashboard: dashboard.uid)
def test_a_dashboard_is_what_was_reviewed(dashboard: Dashboard) -> None:
    name = f"{dashboard.uid}.json"
    # Compared first: a difference of such texts takes pytest minutes to explain.
    same = (FOLDER / name).is_file() and (FOLDER / name).read_text(encoding="utf-8") == snapshots()[name]
    assert same, "`make snapshots`, and read the difference"


def test_no_dashboard_that_is_gone_is_kept_for_review() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(snapshots())


@every_dashboard
def test_nothing_of_a_server_s_own_is_in_the_json(dashboard: Dashboard) -> None:
    """Grafana counts and numbers; what it writes there would be a change in every plan."""
    assert not {"id", "version", "iteration"} & made(dashboard).keys()


# --- alerts that leave no series ---


def test_who_opens_home_or_the_alerts_sees_those_of_grafana_as_well() -> None:
    for uid in (HOME, ALERTS):
        (dashboard,) = (each for each in ALL_DASHBOARDS if each.uid == uid)
        assert [panel for panel in dashboard.panels if panel.visualization is Visualization.ALERT_LIST], uid


def test_a_runbook_opens_at_what_the_page_is_about() -> None:
    crash_looping = next(each for each in STACK.watched.alerts if each.name == "KubernetesPodCrashLooping")
    (dashboard,) = (each for each in ALL_DASHBOARDS if each.uid == runbooks_uid("kubernetes"))
    opened = links(crash_looping, place(STACK))["runbook_url"]
    (text,) = (panel.description for panel in dashboard.panels if panel.title == runbook_title(crash_looping.name))
    for variable in dashboard.variables:
        assert f"var-{variable.name}=" in opened
        assert f"${{{variable.name}:queryparam}}" in text, "from the text to what is measured it is kept"
    measured = INCIDENTS.custom_variables[0].values[crash_looping.name]
    asked = [each for each in selectors(measured) if each.name != "ALERTS"]
    assert all("$namespace" in str(each.matchers.matchers) for each in asked), "not all of the cluster"


def test_a_runbook_leads_to_what_each_of_its_alerts_measures() -> None:
    for each in STACK.watched.alerts:
        (dashboard,) = (dashboard for dashboard in ALL_DASHBOARDS if dashboard.uid == runbooks_uid(each.system))
        (text,) = (panel.description for panel in dashboard.panels if panel.title == runbook_title(each.runbook_name))
        for severity in each.thresholds:
            assert f"{severity} {each.line(severity)}" in text
        if isinstance(each, GrafanaAlert):
            assert f"[{each.name}]({panel_path(dashboard.uid, each.name)}" in text
            (drawn,) = (panel for panel in dashboard.panels if panel.title == each.name)
            assert each.value in drawn.queries[0].expr
        else:
            assert f"[{each.name}](/d/{INCIDENTS.uid}?var-{ALERT}={each.name}" in text
            assert each.name in INCIDENTS.custom_variables[0].values


def test_a_runbook_is_small() -> None:
    """Every word is twice in a stack's state, which each resource of an update writes anew."""
    of_runbooks = [dashboard for dashboard in ALL_DASHBOARDS if dashboard.folder == RUNBOOKS_FOLDER]
    size = sum(len(kit.build(dashboard, CATALOGUE)) for dashboard in of_runbooks)
    written = sum(panel.title.startswith("Runbook: ") for dashboard in of_runbooks for panel in dashboard.panels)
    assert size / written < 3000
