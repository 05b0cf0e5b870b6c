"""Home: what the start page shows of each system, of whoever is on duty, and of a day's changes."""

from __future__ import annotations

from dataclasses import fields

import pytest

from components.duty import duties
from components.settings.stack import Settings, read
from dashboards.home import Duty
from dashboards.listed import DASHBOARDS, dashboards
from dashboards.model import Dashboard, Panel, Visualization
from dashboards.queries import filled
from model.promql import names
from model.rules import Severity
from model.uids import HOME
from rules.headline import Headline
from rules.systems import SYSTEMS
from tests.catalogue import EVERYTHING
from tests.dashboards import ALL_DASHBOARDS, STACK

MOST_COLUMNS = 6
CLUSTER = EVERYTHING["cluster"]


def home(settings: Settings = STACK, *on_duty: Duty) -> Dashboard:
    every = dashboards(settings.systems_on, settings.watched, settings.cluster, on_duty)
    return next(each for each in every if each.uid == HOME)


def stack_of(*systems: str, **sections: object) -> Settings:
    chosen: dict[str, object] = {system.key: {} if system.key in systems else None for system in SYSTEMS}
    return read({"cluster": CLUSTER, "systems": chosen, **sections})


def panel(title: str, of: Dashboard) -> Panel:
    (found,) = (each for each in of.panels if each.title == title)
    return found


def test_every_system_that_is_on_is_a_row_that_leads_to_its_first_dashboard() -> None:
    table = panel("Systems", home())
    overview = {each.system: each.dashboard.uid for each in reversed(DASHBOARDS)}
    assert dict(table.words) == {system.key: system.title for system in SYSTEMS}
    (status, *_) = table.queries
    for system in SYSTEMS:
        row = f'label_replace(label_replace(vector(1), "system", "{system.key}", "", "")'
        assert f'{row}, "dashboard", "{overview[system.key]}", "", "")' in status.expr


def test_a_stack_without_a_system_has_no_row_of_it() -> None:
    table = panel("Systems", home(stack_of("nodes", "monitoring")))
    assert set(table.words) == {"nodes", "monitoring"}
    assert [query.legend for query in table.queries] == ["Status"], "neither has requests, objectives or costs"


@pytest.mark.parametrize("dashboard", [home(), home(stack_of("agents"))], ids=["everything", "agents alone"])
def test_its_tables_fit_the_page(dashboard: Dashboard) -> None:
    for table in (each for each in dashboard.panels if each.visualization is Visualization.TABLE):
        shown = set(table.columns).difference(table.hidden) | {query.legend for query in table.queries}
        assert len(shown) <= MOST_COLUMNS, table.title


def test_nothing_that_a_system_says_of_itself_is_lost_by_a_misspelt_series() -> None:
    """A stack leaves out what it has no series for; the stack of everything has all."""
    known = {name for metric in STACK.watched.metrics for name in metric.series} | {"up"}
    known |= {rule.name for group in STACK.watched.groups for rule in group.rules}
    for system in SYSTEMS:
        for field in fields(Headline):
            said = getattr(system.headline, field.name)
            for expr in [each.expr for each in said] if field.name == "figures" else [said]:
                assert not expr or names(filled(expr)) <= known, f"{system.key}, {field.name}"
        for figure in system.headline.figures:
            assert not figure.alert or figure.alert in {each.name for each in STACK.watched.alerts}, figure.title


def test_a_budget_is_shown_where_there_is_one() -> None:
    def titles(agents: dict[str, object]) -> set[str]:
        return {each.title for each in home(read({"cluster": CLUSTER, "systems": {"agents": agents}})).panels}

    assert "Budget spent" not in titles({})
    assert "Budget spent" in titles({"budget": {"perDay": 50}})
    assert {"Active agents", "Servers down", "Targets down", "Alerts lost"} <= titles({})


def test_what_an_alert_of_this_stack_leaves_out_is_not_counted_on_home() -> None:
    stack = stack_of("monitoring", alerts={"TargetDown": {"exclude": {"labels": {"job": ["batch"]}}}})
    (query,) = panel("Targets down", home(stack)).queries
    assert 'job!~"batch"' in query.expr


def test_the_stats_fill_the_width_of_the_page() -> None:
    for dashboard in (home(), home(stack_of("agents")), home(stack_of("nodes"))):
        widths = [each.width for each in dashboard.panels if each.visualization is Visualization.STAT]
        assert sum(widths) % 24 == 0
        assert min(widths) >= 6, "a title would be cut"


# --- who is on duty ---

RECEIVERS = [
    {"name": name, "slack": {"urlSecret": {"name": "slack", "key": name}}} for name in ("pager", "chat", "shop-chat")
]
ROUTES = [
    {"receiver": "shop-chat", "namespace": ["shop"], "severity": ["warning"], "continue": True},
    {"receiver": "pager", "severity": ["critical"]},
    {"receiver": "chat", "owner": ["platform"]},
]


def test_an_owner_is_listed_with_every_receiver_that_the_routes_lead_to() -> None:
    stack = stack_of("kubernetes", "agents", notifications={"receivers": RECEIVERS, "routes": ROUTES})
    found = {each.owner: each.receivers for each in duties(stack.watched, stack.cluster, stack.notifications)}
    assert set(found["platform"][Severity.WARNING]) == {"chat", "shop-chat"}
    assert found["platform"][Severity.CRITICAL] == ("pager",)
    assert found["agents"][Severity.WARNING] == ("shop-chat",), "of an alert in that namespace"
    shown = panel("On duty: receivers by owner", home(stack, *(Duty(*each) for each in found.items()))).description
    assert "| agents | pager | shop-chat |" in shown


def test_owners_that_are_notified_alike_are_one_row_and_nobody_is_said() -> None:
    alike = tuple(Duty(owner, dict.fromkeys(Severity, ())) for owner in ("a", "b"))
    assert "| a, b | nobody | nobody |" in panel("On duty: receivers by owner", home(STACK, *alike)).description


def test_a_firing_alert_leads_to_its_runbooks_and_to_a_silence() -> None:
    table = panel("Firing now", home())
    assert table.row_links["Runbooks"].startswith("/d/runbooks-${__data.fields.system")
    assert {dashboard.uid for dashboard in ALL_DASHBOARDS} >= {
        f"runbooks-{each.system}" for each in STACK.watched.alerts
    }
    assert "matcher=alertname%3D${__data.fields.alertname" in table.row_links["Silence"]
