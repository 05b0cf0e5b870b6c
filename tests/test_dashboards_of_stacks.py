"""Which dashboards a stack has, and what their panels show, follows from its systems and its settings."""

from __future__ import annotations

from typing import Any

import pytest

from components.grafana.rule_groups import rule_groups
from components.settings.stack import read
from dashboards.listed import DASHBOARDS, dashboards, rendered
from dashboards.model import Dashboard
from dashboards.queries import annotation_queries, prometheus_queries
from model.promql import Labels
from model.rules import Alert
from model.uids import (
    SLO,
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
from tests.dashboards import ALL_DASHBOARDS, CATALOGUE, NOT_RECORDED, STACK, labels, made

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
