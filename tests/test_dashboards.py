"""The boards: what they ask is there, what they show is explained, and where they lead exists."""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from components.settings.stack import read
from dashboards import kit
from dashboards.boards import OF_SYSTEMS, boards
from dashboards.datasources import ALL as DATASOURCES
from dashboards.datasources import LOKI
from dashboards.model import COLUMNS, Board, Panel, Query, Row, View, log_variables
from dashboards.uids import Dashboard
from rules.catalogue import series_of
from rules.model import Alert, Severity
from rules.promql import Labels, narrowed
from rules.systems import SYSTEMS
from tests.boards import BOARDS, STACK, WRITTEN, filled, labels, loki_queries, prometheus_queries
from tests.catalogue import EVERYTHING
from tests.snapshots import FOLDER, TAKEN, snapshots
from tests.test_catalogue import alert

# Imported by the kit, which knows about its warning.
MODELS = importlib.import_module("grafana_foundation_sdk.models.dashboard")
ALERTS = {each.name: each for each in STACK.watched.alerts}
NOT_RECORDED: dict[str, Labels] = dict.fromkeys(("ALERTS", "ALERTS_FOR_STATE"))
"""What Prometheus makes of the alerts themselves."""
KNOWN = series_of(STACK.watched) | NOT_RECORDED

every_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
every_written_board = pytest.mark.parametrize("board", WRITTEN, ids=lambda board: board.uid)


def made(board: Board) -> dict[str, Any]:
    read_back: dict[str, Any] = json.loads(kit.build(board, ALERTS))
    return read_back


# --- what boards ask ---


@every_board
def test_every_query_asks_for_series_that_are_there_and_shows_labels_that_they_have(board: Board) -> None:
    for panel, query in prometheus_queries(board):
        where = f"{board.uid}, {panel.title}"
        try:
            found = labels(query.expr, KNOWN)
        except ValueError as problem:
            raise AssertionError(f"{where}: {problem}") from None
        shown = set(re.findall(r"{{\s*(\w+)\s*}}", query.legend)) | set(panel.columns)
        assert found is None or shown <= found, f"{where}: shows labels that its query does not return"


@every_board
def test_every_variable_and_mark_asks_for_series_that_are_there(board: Board) -> None:
    for variable in board.variables:
        if variable.datasource.type == "prometheus":
            found = labels(variable.of, KNOWN)
            assert found is None or variable.label in found, f"{board.uid}: {variable.name}"
    for mark in board.marks:
        labels(mark.expr, KNOWN)


@every_board
def test_a_query_names_only_variables_that_the_board_has(board: Board) -> None:
    known = {variable.name for variable in board.variables} | ({"search"} if board.search else set())
    asked = [query.expr for panel in board.panels for query in panel.queries]
    asked += [variable.of for variable in board.variables] + [mark.expr for mark in board.marks]
    for expr in asked:
        named = set(re.findall(r"\$\{?([a-zA-Z]\w*)", expr))
        assert named <= known, f"{board.uid}: {expr}"


@every_written_board
def test_no_query_returns_without_bound_what_a_large_cluster_has(board: Board) -> None:
    """Whole metrics would be a line per pod: a query aggregates, selects by a single-valued variable, or is cut off."""
    single = [f'="${variable.name}"' for variable in board.variables if not variable.multiple]
    for panel, query in prometheus_queries(board):
        bounded = re.search(r"\b(sum|count|avg|max|min|topk|bottomk|group|quantile|absent|scalar|vector)\b", query.expr)
        recorded = re.search(r"\w+:\w+:\w+|\bALERTS\b", query.expr)
        chosen = any(each in query.expr for each in single)
        assert bounded or recorded or chosen, f"{board.uid}, {panel.title}: {query.expr}"


@pytest.mark.parametrize(
    "off",
    [set(names) for count in (1, 2) for names in combinations((system.name for system in SYSTEMS), count)],
    ids=lambda names: " and ".join(sorted(names)),
)
def test_without_a_system_there_is_no_board_of_it_and_no_panel_that_asks_for_it(off: set[str]) -> None:
    systems: dict[str, Any] = {system.name: None if system.name in off else {} for system in SYSTEMS}
    stack = read(EVERYTHING | {"systems": systems})
    known = series_of(stack.watched) | NOT_RECORDED
    left = boards(stack.systems_on, stack.watched)
    assert not {board.uid for board in left} & {board.uid for name in off for board in OF_SYSTEMS.get(name, ())}
    for board in left:
        for panel, query in prometheus_queries(board):
            try:
                labels(query.expr, known)
            except ValueError as problem:
                raise AssertionError(f"without {off}: {board.uid}, {panel.title}: {problem}") from None


def of_agents(settings: dict[str, Any], *others: str) -> tuple[dict[str, Board], dict[str, Labels]]:
    """The boards, by uid, of a stack with agents of these settings and ``others``; and the series that it knows."""
    on: dict[str, Any] = {system.name: {} if system.name in others else None for system in SYSTEMS}
    cluster = EVERYTHING["cluster"]
    stack = read({"cluster": cluster, "systems": on | {"agents": settings}})
    known = series_of(stack.watched) | NOT_RECORDED
    return {board.uid: board for board in boards(stack.systems_on, stack.watched)}, known


@pytest.mark.parametrize("others", [(), ("monitoring",)], ids=["alone", "and monitoring"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"prices": {"gpt-4o": {"input": 2.5, "output": 10}}},
        {"budget": {"perDay": 50}},
        {"objectives": {"toolSuccess": 95}},
    ],
    ids=["nothing", "prices", "budget", "objectives"],
)
def test_boards_of_agents_ask_only_for_what_their_settings_bring(
    settings: dict[str, Any], others: tuple[str, ...]
) -> None:
    there, known = of_agents(settings, *others)
    for board in there.values():
        for _, query in prometheus_queries(board):
            assert query.expr
            labels(query.expr, known)
        assert {str(uid) for uid in board.related} <= set(there), f"{board.uid}: leads nowhere"
        assert {str(panel.drill) for panel in board.panels if panel.drill} <= set(there), f"{board.uid}: leads nowhere"


def test_requests_between_agents_have_a_board_where_spans_are_counted() -> None:
    assert Dashboard.AGENTS_A2A in of_agents({}, "monitoring")[0]
    assert Dashboard.AGENTS_A2A not in of_agents({})[0]


def test_a_budget_and_an_objective_are_drawn_where_they_are_set() -> None:
    def drawn(settings: dict[str, Any]) -> set[str]:
        there, _ = of_agents(settings)
        named = {panel.alert for board in there.values() if "agents" in board.tags for panel in board.panels}
        return named & {"AgentDailyBudgetSpent", "AgentToolsErrorBudgetSpent"}

    assert drawn({}) == set()
    assert drawn({"budget": {"perDay": 50}}) == {"AgentDailyBudgetSpent"}
    assert drawn({"objectives": {"toolSuccess": 95}}) == {"AgentToolsErrorBudgetSpent"}


def test_a_panel_asks_what_its_alert_measures_for_what_is_chosen() -> None:
    there, _ = of_agents({"budget": {"perDay": 50}})
    (asked,) = (p.queries[0].expr for p in there["agents-llm"].panels if p.alert == "AgentDailyBudgetSpent")
    assert asked == 'cluster:agent_spend:sum1d{cluster=~"$cluster"} / 50'


def stack_of(flavour: str, *systems: str) -> tuple[tuple[Board, ...], dict[str, Labels]]:
    """The boards of a stack with these systems, and what it knows."""
    cluster = {"name": "c-1", "environment": "test", "context": "c-1", "flavour": flavour}
    chosen: dict[str, Any] = {system.name: {} if system.name in systems else None for system in SYSTEMS}
    stack = read({"cluster": cluster, "systems": chosen})
    return boards(stack.systems_on, stack.watched), series_of(stack.watched) | NOT_RECORDED


@pytest.mark.parametrize("flavour", ["kubeadm", "eks"])
def test_the_api_server_has_a_board_where_it_can_be_watched(flavour: str) -> None:
    there, known = stack_of(flavour, "kubernetes")
    assert (Dashboard.KUBERNETES_API in {board.uid for board in there}) == (flavour == "kubeadm")
    for board in there:
        for _, query in prometheus_queries(board):
            labels(query.expr, known)


def test_a_board_leads_to_no_board_that_this_stack_has_not() -> None:
    there, _ = stack_of("eks", "kubernetes")
    uids = {board.uid for board in there}
    assert {str(uid) for board in there for uid in board.related} <= uids
    assert {str(panel.drill) for board in there for panel in board.panels if panel.drill} <= uids


def test_where_grafana_is_somebody_else_s_no_panel_asks_for_its_metrics() -> None:
    external = {"url": "https://grafana.example.com", "tokenSecret": "grafanaToken"}
    stack = read(EVERYTHING | {"grafana": {"external": external}})
    known = series_of(stack.watched) | dict.fromkeys(("ALERTS", "ALERTS_FOR_STATE"))
    (health,) = (board for board in boards(stack.systems_on, stack.watched) if board.uid == Dashboard.MONITORING)
    for _, query in prometheus_queries(health):
        labels(query.expr, known)
    assert "Grafana" not in {row.title for row in health.rows}
    assert "Grafana" in {row.title for board in BOARDS if board.uid == health.uid for row in board.rows}


# --- what boards show ---


@every_board
def test_every_panel_has_a_title_a_description_and_a_unit(board: Board) -> None:
    titles = [panel.title for panel in board.panels]
    assert sorted(set(titles)) == sorted(titles), "titles tell panels apart"
    for panel in made(board)["panels"]:
        if panel["type"] == "row":
            continue
        assert panel["title"]
        if panel["type"] == "text":
            assert panel["options"]["content"]
            continue
        assert panel["description"].endswith("."), f"{panel['title']}: a sentence"
        if panel["type"] != "logs":
            assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"], f"{panel['title']}: asks nothing"
        assert [target["refId"] for target in panel["targets"]] == [chr(65 + n) for n in range(len(panel["targets"]))]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] in {datasource.uid for datasource in DATASOURCES}


@every_board
def test_panels_neither_overlap_nor_leave_the_grid(board: Board) -> None:
    taken = set[tuple[int, int]]()
    for panel in made(board)["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']}: overlaps"
        taken |= cells


@every_board
def test_a_board_says_what_it_is_for_and_where_to_go_next(board: Board) -> None:
    assert board.description.endswith(".")
    assert board.tags
    uids = {each.uid for each in BOARDS}
    assert {str(uid) for uid in board.related} <= uids
    assert {str(panel.drill) for panel in board.panels if panel.drill} <= uids


def test_no_two_boards_have_one_uid_or_one_title_in_a_folder() -> None:
    uids = [board.uid for board in BOARDS]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids), "Grafana's limit"
    places = [(board.folder, board.title) for board in BOARDS]
    assert len(set(places)) == len(places)


def test_every_alert_leads_to_a_board_and_a_runbook_that_exist() -> None:
    uids = {board.uid for board in BOARDS}
    assert {str(each.dashboard) for each in STACK.watched.alerts} <= uids
    assert {f"rb-{each.runbook_name.lower()}" for each in STACK.watched.alerts} <= uids


def test_every_uid_is_that_of_a_board() -> None:
    assert {str(uid) for uid in Dashboard} == {board.uid for board in WRITTEN}


@every_board
def test_an_alert_that_a_panel_draws_exists(board: Board) -> None:
    for panel in board.panels:
        assert not panel.alert or panel.alert in ALERTS, f"{board.uid}, {panel.title}"


# --- the kit ---


def board(*panels: Panel) -> Board:
    return Board(
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


def first(made_of: Board, **alerts: Any) -> dict[str, Any]:
    """The first panel below the heading."""
    return dict(json.loads(kit.build(made_of, alerts))["panels"][1])


def test_the_line_on_the_panel_is_the_line_that_pages() -> None:
    above = alert(above={Severity.WARNING: 0.1, Severity.CRITICAL: 0.25})
    drawn = first(board(panel(alert="Widgets")), Widgets=above)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in drawn] == [(None, "green"), (0.1, "orange"), (0.25, "red")]


def test_a_line_from_below_is_red_beneath_it() -> None:
    below = alert(above={}, below={Severity.WARNING: 0.2, Severity.CRITICAL: 0.1})
    drawn = first(board(panel(alert="Widgets")), Widgets=below)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in drawn] == [(None, "red"), (0.1, "orange"), (0.2, "green")]


def test_a_panel_with_an_alert_leads_to_its_runbook() -> None:
    (link,) = first(board(panel(alert="Widgets")), Widgets=alert())["links"]
    assert link["url"] == "/d/rb-targetdown"


@pytest.mark.parametrize(
    "found", [alert(above={Severity.WARNING: 0.5}), alert(above={}, severity=Severity.WARNING)], ids=["more", "any"]
)
def test_of_what_an_alert_finds_one_is_too_many(found: Alert) -> None:
    drawn = first(board(panel(alert="Widgets", counts=bool(found.thresholds))), Widgets=found)
    steps = drawn["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, "green"), (1, "orange")]


def test_a_panel_of_an_alert_that_is_off_has_no_line() -> None:
    drawn = first(board(panel(alert="Widgets")))
    assert [step["value"] for step in drawn["fieldConfig"]["defaults"]["thresholds"]["steps"]] == [None]


def test_a_query_says_how_fine_it_is_asked() -> None:
    (target,) = first(board(panel()))["targets"]
    assert (target["intervalMs"], target["maxDataPoints"]) == (1000, 1000)


def test_a_ranking_shows_its_columns_and_hides_the_rest() -> None:
    ranking = panel(
        view=View.RANKING, columns=("pod",), queries=(Query(expr="a", legend="Restarts"), Query(expr="b", legend="Age"))
    )
    steps = {step["id"]: step["options"] for step in first(board(ranking))["transformations"]}
    assert steps["filterFieldsByName"]["include"]["names"] == ["pod", "Value #A", "Value #B"]
    assert steps["organize"]["renameByName"] == {"Value #A": "Restarts", "Value #B": "Age"}


# --- the kit, asking Loki ---


def of_logs(**changes: Any) -> Panel:
    return panel(queries=(Query(expr="{app='a'}", legend="Lines", datasource=LOKI),), **changes)


def test_a_choice_of_loki_s_is_asked_as_its_plugin_reads_it_and_never_matches_nothing_alone() -> None:
    variables = log_variables("cluster", "level")
    choices = json.loads(kit.build(replace(board(of_logs()), variables=variables), {}))["templating"]["list"]
    assert [choice["query"] for choice in choices] == [
        {"refId": "cluster", "type": 1, "label": "cluster", "stream": ""},
        {"refId": "level", "type": 1, "label": "level", "stream": '{cluster=~"$cluster"}'},
    ]
    assert [choice["allValue"] for choice in choices] == [".+", ".*"], "Loki refuses a selector of nothing but .*"


@pytest.mark.parametrize(
    ("view", "kind"),
    [(View.TREND, "range"), (View.LINES, "range"), (View.NUMBER, "instant"), (View.RANKING, "instant")],
)
def test_loki_is_asked_once_where_one_answer_is_shown(view: View, kind: str) -> None:
    (target,) = first(board(of_logs(view=view)))["targets"]
    assert target["queryType"] == kind
    assert ("maxLines" in target) == (view is View.LINES)


def test_a_column_of_loki_s_values_has_the_name_that_its_plugin_gives_it() -> None:
    steps = {step["id"]: step["options"] for step in first(board(of_logs(view=View.RANKING)))["transformations"]}
    assert steps["organize"]["renameByName"] == {"Value #A": "Lines"}


def test_a_board_can_be_searched() -> None:
    (field,) = json.loads(kit.build(replace(board(panel()), search=True), {}))["templating"]["list"]
    assert (field["type"], field["name"], field["query"]) == ("textbox", "search", "")


@every_board
def test_lines_are_shown_as_lines_and_counted_by_few_labels(board: Board) -> None:
    """A query of lines in a graph is an error; a count that is not aggregated is a line per stream."""
    for panel, query in loki_queries(board):
        counts = re.search(r"_over_time\(|rate\(", query.expr)
        assert (panel.view is View.LINES) != bool(counts), f"{board.uid}, {panel.title}"
        aggregated = re.search(r"\b(sum by|topk)\b|absent_over_time", query.expr)
        assert not counts or aggregated, f"{board.uid}, {panel.title}: {query.expr}"


def test_panels_fill_the_room_beside_a_tall_one() -> None:
    tall, beside, below = panel(title="Tall", width=12, height=16), panel(title="Beside", width=12), panel(width=12)
    places = [each["gridPos"] for each in json.loads(kit.build(board(tall, beside, below), {}))["panels"][1:]]
    assert [(place["x"], place["y"]) for place in places] == [(0, 1), (12, 1), (12, 9)]


@every_board
def test_a_board_survives_the_types_of_its_own_sdk_and_is_the_same_twice(board: Board) -> None:
    text = kit.build(board, ALERTS)
    assert text == kit.build(board, ALERTS)
    again = JSONEncoder(sort_keys=True).encode(MODELS.Dashboard.from_json(json.loads(text)))
    assert json.loads(again) == json.loads(text)


@pytest.mark.parametrize("board", TAKEN, ids=lambda board: board.uid)
def test_a_board_is_what_was_reviewed(board: Board) -> None:
    name = f"{board.uid}.json"
    # Compared first: a difference of such texts takes pytest minutes to explain.
    same = (FOLDER / name).is_file() and (FOLDER / name).read_text(encoding="utf-8") == snapshots()[name]
    assert same, "`make snapshots`, and read the difference"


def test_no_board_that_is_gone_is_kept_for_review() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(snapshots())


def test_nothing_of_a_server_s_own_is_in_the_json() -> None:
    for key in ("id", "version", "iteration"):
        assert json.loads(kit.build(BOARDS[0], {})).get(key) is None


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
