"""The dashboards: what they ask is there, what they show is explained, and where they lead exists."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from components.grafana.rule_groups import rule_groups
from components.settings.stack import read
from dashboards import kit
from dashboards.defaults import without_defaults
from dashboards.listed import DASHBOARDS, dashboards, rendered
from dashboards.model import COLUMNS, Dashboard, Visualization
from dashboards.queries import annotation_queries, loki_queries, prometheus_queries
from model.datasources import ALL as DATASOURCES
from model.grafana_alert import GrafanaAlert
from model.incident import ALERT
from model.promql import Labels, selectors
from model.rules import Alert
from model.uids import (
    ALERTS,
    HOME,
    INCIDENT,
    RUNBOOKS_FOLDER,
    SLO,
    panel_number,
    panel_path,
    runbook_title,
    runbooks_uid,
)
from rules.agents import progress
from rules.agents.uids import AGENTS_A2A, AGENTS_QUALITY
from rules.catalogue import series_of
from rules.kubernetes.uids import KUBERNETES_API
from rules.monitoring.uids import MONITORING
from rules.render import links
from rules.services.uids import ONE_SERVICE, SERVICES_CAPACITY
from rules.systems import SYSTEMS
from tests.catalogue import EVERYTHING, place
from tests.dashboards import ALL_DASHBOARDS, STACK, WRITTEN, labels
from tests.snapshots import FOLDER, TAKEN, snapshots

# Imported by the kit, which knows about its warning.
MODELS = importlib.import_module("grafana_foundation_sdk.models.dashboard")
CATALOGUE = {each.name: each for each in STACK.watched.alerts}
NOT_RECORDED: dict[str, Labels] = dict.fromkeys(("ALERTS", "ALERTS_FOR_STATE"))
"""What Prometheus makes of the alerts themselves."""
KNOWN = series_of(STACK.watched) | NOT_RECORDED

(INCIDENTS,) = (each for each in ALL_DASHBOARDS if each.uid == INCIDENT)

every_dashboard = pytest.mark.parametrize("dashboard", ALL_DASHBOARDS, ids=lambda dashboard: dashboard.uid)
every_written_dashboard = pytest.mark.parametrize("dashboard", WRITTEN, ids=lambda dashboard: dashboard.uid)


def made(dashboard: Dashboard) -> dict[str, Any]:
    read_back: dict[str, Any] = json.loads(kit.build(dashboard, CATALOGUE))
    return read_back


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


KEYS = frozenset(system.key for system in SYSTEMS)


@pytest.mark.parametrize(
    "off", [each for key in sorted(KEYS) for each in ({key}, KEYS - {key})], ids=lambda off: " and ".join(sorted(off))
)
def test_without_some_systems_there_is_no_dashboard_of_them_and_no_panel_that_asks_for_them(off: set[str]) -> None:
    stack = read(EVERYTHING | {"systems": EVERYTHING["systems"] | dict.fromkeys(off)})
    known = series_of(stack.watched) | NOT_RECORDED
    left = dashboards(stack.systems_on, stack.watched, stack.cluster)
    assert not {dashboard.uid for dashboard in left} & {each.dashboard.uid for each in DASHBOARDS if each.system in off}
    for dashboard in left:
        for panel, query in prometheus_queries(dashboard):
            try:
                labels(query.expr, known)
            except ValueError as problem:
                raise AssertionError(f"without {off}: {dashboard.uid}, {panel.title}: {problem}") from None
        for annotation in annotation_queries(dashboard):
            labels(annotation.expr, known)


@pytest.mark.parametrize("off", sorted(KEYS))
def test_turning_a_system_off_takes_its_dashboards_and_runbooks_and_nothing_else(off: str) -> None:
    stack = read(EVERYTHING | {"systems": EVERYTHING["systems"] | {off: None}})
    runbooks = {runbooks_uid(each.system) for each in STACK.watched.alerts}
    runbooks -= {runbooks_uid(each.system) for each in stack.watched.alerts}
    groups = {group.name for group in STACK.watched.groups} - {group.name for group in stack.watched.groups}
    its_own = {each.dashboard.uid for each in DASHBOARDS if each.system == off or each.needs in groups}
    left = {dashboard.uid for dashboard in dashboards(stack.systems_on, stack.watched, stack.cluster)}
    assert {dashboard.uid for dashboard in ALL_DASHBOARDS} - left == its_own | runbooks
    assert left <= {dashboard.uid for dashboard in ALL_DASHBOARDS}


def test_the_order_of_a_stack_file_means_nothing() -> None:
    audit = [{"namespace": "shop", "app": "backend"}, {"namespace": "bank", "app": "ledger"}]
    changes = {"RbacDenials": {"warning": 30}, "PanicLogged": "off"}

    def content(way: int) -> tuple[object, ...]:
        systems = EVERYTHING["systems"] | {"logs": {"audit": audit[::way]}}
        given = {**EVERYTHING, "systems": _turned(systems, way), "alerts": _turned(changes, way)}
        stack = read(_turned(given, way))
        groups = rule_groups(stack.watched, stack.cluster, stack.grafana.address)
        return rendered(stack.systems_on, stack.watched, stack.cluster), groups

    assert content(1) == content(-1)


def _turned(given: dict[str, Any], way: int) -> dict[str, Any]:
    return dict(list(given.items())[::way])


def of_agents(settings: dict[str, Any], *others: str) -> tuple[dict[str, Dashboard], dict[str, Labels]]:
    """The dashboards, by uid, of a stack with agents of these settings and ``others``; and the series that it knows."""
    on: dict[str, Any] = {system.key: {} if system.key in others else None for system in SYSTEMS}
    cluster = EVERYTHING["cluster"]
    stack = read({"cluster": cluster, "systems": on | {"agents": settings}})
    known = series_of(stack.watched) | NOT_RECORDED
    return {dashboard.uid: dashboard for dashboard in dashboards(stack.systems_on, stack.watched, stack.cluster)}, known


@pytest.mark.parametrize("others", [(), ("monitoring",)], ids=["alone", "and monitoring"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"prices": {"gpt-4o": {"input": 2.5, "output": 10}}},
        {"budget": {"perDay": 50}},
        {"objectives": {"toolSuccess": 95}},
        {"attribution": {"team": {"attribute": "team"}}},
    ],
    ids=["nothing", "prices", "budget", "objectives", "attribution"],
)
def test_dashboards_of_agents_ask_only_for_what_their_settings_bring(
    settings: dict[str, Any], others: tuple[str, ...]
) -> None:
    there, known = of_agents(settings, *others)
    for dashboard in there.values():
        for _, query in prometheus_queries(dashboard):
            assert query.expr
            labels(query.expr, known)
        assert {str(uid) for uid in dashboard.related} <= set(there), f"{dashboard.uid}: leads nowhere"
        assert {str(panel.data_link) for panel in dashboard.panels if panel.data_link} <= set(there), (
            f"{dashboard.uid}: leads nowhere"
        )


def test_requests_between_agents_have_a_dashboard_where_spans_are_counted() -> None:
    assert AGENTS_A2A in of_agents({}, "monitoring")[0]
    assert AGENTS_A2A not in of_agents({})[0]


def test_a_budget_and_an_objective_are_drawn_where_they_are_set() -> None:
    def drawn(settings: dict[str, Any]) -> set[str]:
        there, _ = of_agents(settings)
        named = {
            panel.alert for dashboard in there.values() if "agents" in dashboard.tags for panel in dashboard.panels
        }
        return named & {"AgentDailyBudgetSpent", "AgentToolsErrorBudgetSpent"}

    assert drawn({}) == set()
    assert drawn({"budget": {"perDay": 50}}) == {"AgentDailyBudgetSpent"}
    assert drawn({"objectives": {"toolSuccess": 95}}) == {"AgentToolsErrorBudgetSpent"}


@pytest.mark.parametrize("alert", progress.ALERTS, ids=lambda alert: alert.name)
def test_a_panel_of_a_metric_that_agents_may_lack_shows_that_it_is_not_measured(alert: Alert) -> None:
    (dashboard,) = (each for each in ALL_DASHBOARDS if each.uid == AGENTS_QUALITY)
    (title,) = (panel.title for panel in dashboard.panels if panel.alert == alert.name)
    drawn = {panel["title"]: panel for panel in made(dashboard)["panels"]}
    assert drawn[title]["fieldConfig"]["defaults"]["noValue"] == "not measured"


def test_a_panel_asks_what_its_alert_measures_for_what_is_chosen() -> None:
    there, _ = of_agents({"budget": {"perDay": 50}})
    (asked,) = (p.queries[0].expr for p in there["agents-llm"].panels if p.alert == "AgentDailyBudgetSpent")
    assert asked == 'cluster:agent_spend:sum1d{cluster=~"$cluster"} / 50'


def test_a_burn_is_drawn_with_the_line_of_its_own_alert() -> None:
    (fast,) = (each for each in STACK.watched.alerts if each.name == "CheckoutErrorBudgetBurnFast")
    changed = read(EVERYTHING | {"alerts": {fast.name: {str(fast.severities[0]): 0.5}}})
    for stack, line in ((STACK, fast.thresholds[fast.severities[0]]), (changed, "0.5")):
        (dashboard,) = (each for each in dashboards(stack.systems_on, stack.watched, stack.cluster) if each.uid == SLO)
        (drawn,) = (panel.queries[-1].expr for panel in dashboard.panels if panel.title == "Fast burn")
        assert f'label_replace(vector({line}), "slo", "{fast.labels["slo"]}", "", "")' in drawn


def stack_of(flavour: str, *systems: str) -> tuple[tuple[Dashboard, ...], dict[str, Labels]]:
    """The dashboards of a stack with these systems, and what it knows."""
    cluster = {"name": "c-1", "environment": "test", "context": "c-1", "flavour": flavour}
    chosen: dict[str, Any] = {system.key: {} if system.key in systems else None for system in SYSTEMS}
    stack = read({"cluster": cluster, "systems": chosen})
    return dashboards(stack.systems_on, stack.watched, stack.cluster), series_of(stack.watched) | NOT_RECORDED


@pytest.mark.parametrize("flavour", ["kubeadm", "eks"])
def test_the_api_server_has_a_dashboard_where_it_can_be_watched(flavour: str) -> None:
    there, known = stack_of(flavour, "kubernetes")
    assert (KUBERNETES_API in {dashboard.uid for dashboard in there}) == (flavour == "kubeadm")
    for dashboard in there:
        for _, query in prometheus_queries(dashboard):
            labels(query.expr, known)


def test_a_dashboard_leads_to_no_dashboard_that_this_stack_has_not() -> None:
    there, _ = stack_of("eks", "kubernetes")
    uids = {dashboard.uid for dashboard in there}
    assert {str(uid) for dashboard in there for uid in dashboard.related} <= uids
    assert {str(panel.data_link) for dashboard in there for panel in dashboard.panels if panel.data_link} <= uids


def columns_of(there: tuple[Dashboard, ...], title: str) -> set[str]:
    """The columns of the table with this title that have values."""
    (table,) = (panel for dashboard in there for panel in dashboard.panels if panel.title == title)
    return {query.legend for query in table.queries}


def test_a_row_of_services_has_a_column_only_for_what_this_stack_measures() -> None:
    always = {"Alerts", "Requests", "Errors", "p95"}
    assert columns_of(stack_of("eks", "services")[0], "All services") == always
    without = {"p50", "p99"}
    assert columns_of(stack_of("eks", "services")[0], "Slowest services") == without
    assert columns_of(stack_of("eks", "services", "kubernetes")[0], "Slowest services") == without | {"Saturation"}
    assert columns_of(ALL_DASHBOARDS, "Slowest services") == without | {"Saturation", "SLO left"}


def test_capacity_shows_what_the_systems_of_this_stack_measure() -> None:
    def shown(*systems: str) -> set[str]:
        (capacity,) = (each for each in stack_of("eks", *systems)[0] if each.uid == SERVICES_CAPACITY)
        return {panel.title for panel in capacity.panels}

    assert shown("services") == {"Requests"}
    of_nodes = {"First disk full in", "Disks in use"}
    assert shown("services", "nodes") == {"Requests"} | of_nodes
    of_agents = {"Next month's cost", "Tokens", "Cost of models per day"}
    assert shown("services", "agents") == {"Requests"} | of_agents
    (everything,) = (each for each in ALL_DASHBOARDS if each.uid == SERVICES_CAPACITY)
    of_kubernetes = {panel.title for panel in everything.panels} - of_nodes - of_agents
    assert shown("services", "kubernetes") == of_kubernetes
    assert {"CPU full in", "Memory full in", "Pods full in", "First volume full in"} < of_kubernetes


def test_an_alert_on_a_service_leads_to_the_dashboard_of_that_service() -> None:
    opened = links(CATALOGUE["HighErrorRate"], place(STACK))["dashboard_url"]
    (dashboard,) = (each for each in ALL_DASHBOARDS if f"/d/{each.uid}?" in opened)
    assert dashboard.uid == ONE_SERVICE
    for variable in dashboard.variables:
        assert f"var-{variable.name}=" in opened, "what is chosen is what the alert is about"


def test_where_grafana_is_somebody_else_s_no_panel_asks_for_its_metrics() -> None:
    external = {"url": "https://grafana.example.com", "tokenSecret": "grafanaToken"}
    stack = read(EVERYTHING | {"grafana": {"external": external}})
    known = series_of(stack.watched) | dict.fromkeys(("ALERTS", "ALERTS_FOR_STATE"))
    (health,) = (
        dashboard
        for dashboard in dashboards(stack.systems_on, stack.watched, stack.cluster)
        if dashboard.uid == MONITORING
    )
    for _, query in prometheus_queries(health):
        labels(query.expr, known)
    assert "Grafana" not in {row.title for row in health.rows}
    assert "Grafana" in {
        row.title for dashboard in ALL_DASHBOARDS if dashboard.uid == health.uid for row in dashboard.rows
    }


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
            assert target["expr"]


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
