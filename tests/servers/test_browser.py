"""Every dashboard in a real Grafana, opened in a browser as wide as a small laptop's screen: what people can read.

The metrics are those of `test_dashboards.py`. A stand-in answers for Loki, whose queries `test_logql.py` asks of a real
one: here they only need lines to draw. Jaeger is real, with two traces. Each run leaves a picture of every dashboard in
`build/screenshots`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from components.grafana.config import ADMIN
from dashboards.listed import rendered as dashboards_as_json
from dashboards.model import Dashboard
from model import ports
from model.datasources import JAEGER, LOKI, PROMETHEUS
from model.uids import INCIDENT
from rules.services.uids import SERVICES
from tests.dashboards import ALL_DASHBOARDS, IN_THE_README, SMALL_PICTURES, STACK
from tests.servers.conftest import LOADED
from tests.servers.lines import answering
from tests.servers.test_dashboards import Loaded, choices, loaded
from tests.servers.test_grafana import login
from tools.local.browser import Browser, Shown, ShownPanel, logged_in
from tools.local.harness import eventually, http_json
from tools.local.rendered import Rendered
from tools.local.server import TOKEN, LocalServer
from tools.local.traces import Jaeger, Trace
from tools.recorder import ROOT
from tools.servers.find import binary

__all__ = ["loaded"]  # a fixture, which this file has once more
PICTURES = ROOT / "build" / "screenshots"
# Each row of the README's table has two of them, so more would be too high for a screen.
SMALL_HEIGHT = 1000
TRACED = "planner"
"""The service of the two traces, for which the incident dashboard is opened."""
FAILED, SLOW = Trace(b"failed trace 001", failed=True), Trace(b"slow trace 00001", milliseconds=2000)


@pytest.fixture(scope="module")
def browser(
    loaded: Loaded, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Chromium, logged in to a Grafana that has the dashboards of all systems."""
    binary("chromium")  # first, since all else takes a minute
    local = LocalServer(rendered("dev"), "grafana", tmp_path_factory.mktemp("grafana"))
    jaeger = Jaeger(rendered("dev"), tmp_path_factory.mktemp("jaeger"))
    with answering() as loki, jaeger.running(), local.running():
        jaeger.send(FAILED, SLOW, service=TRACED)
        asked = {PROMETHEUS: loaded.url, LOKI: loki, JAEGER: jaeger.url_of(ports.JAEGER_QUERY)}
        for datasource, url in asked.items():
            made = {"name": datasource.uid, "uid": datasource.uid, "type": datasource.type, "url": url}
            _post(local, "/api/datasources", made | {"access": "proxy", "jsonData": {"timeInterval": "30s"}})
        for each in as_shown().values():
            _post(local, "/api/dashboards/db", {"dashboard": each})
        with logged_in(local.url, ADMIN, TOKEN) as opened:
            yield opened


def _post(grafana: LocalServer, path: str, body: object) -> None:
    http_json(f"{grafana.url}{path}", send=body, headers=login(TOKEN))


def as_shown() -> dict[str, Any]:
    """The dashboards as JSON, by uid, with annotations off: in the sample all alerts fire at once, on every panel."""
    made = {
        each.uid: json.loads(each.json) for each in dashboards_as_json(STACK.systems_on, STACK.watched, STACK.cluster)
    }
    for dashboard in made.values():
        for annotation in dashboard.get("annotations", {}).get("list", []):
            annotation["enable"] = False
    return made


@pytest.fixture(scope="module")
def shown(browser: Browser, loaded: Loaded) -> Mapping[str, Shown]:
    """Every dashboard as it is drawn, by uid."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    as_json = as_shown()
    return {each.uid: _opened(browser, each, as_json[each.uid], loaded) for each in ALL_DASHBOARDS}


def _opened(browser: Browser, dashboard: Dashboard, as_json: Mapping[str, Any], loaded: Loaded) -> Shown:
    one = {variable.name for variable in dashboard.variables if not variable.multiple}
    chosen = {name: value for name, value in choices(dashboard, loaded).items() if name in one}
    if dashboard.uid == INCIDENT:
        chosen["service"] = TRACED
    found: list[Shown] = []

    def whole() -> bool:
        found.append(browser.open(as_json, chosen, PICTURES / f"{dashboard.uid}.png"))
        return not any(panel.empty for panel in found[-1].panels)

    with suppress(AssertionError):  # a test says which panel is empty
        # Recording rules that read one another have their first values a few rounds after the start.
        eventually(whole, 30, "every panel has data")
    if os.environ.get("WRITE") and dashboard.uid in IN_THE_README:
        browser.small_picture(SMALL_PICTURES / f"{dashboard.uid}.png", SMALL_HEIGHT)
    return found[-1]


def which(shown: Mapping[str, Shown], wrong: Callable[[ShownPanel], object]) -> list[str]:
    """The panels with a fault, and the fault."""
    return [
        f"{uid}, {panel.title}: {fault}"
        for uid, dashboard in shown.items()
        for panel in dashboard.panels
        if (fault := wrong(panel))
    ]


def test_every_panel_of_every_dashboard_is_drawn(shown: Mapping[str, Shown]) -> None:
    as_json = as_shown()
    for uid, dashboard in shown.items():
        titles = [each["title"] for each in as_json[uid]["panels"] if each["type"] != "row"]
        assert len(dashboard.panels) == len(titles), uid


def test_no_panel_has_an_error(shown: Mapping[str, Shown]) -> None:
    assert which(shown, lambda panel: panel.failed) == []


def test_no_panel_says_that_it_has_no_data(shown: Mapping[str, Shown]) -> None:
    assert which(shown, lambda panel: panel.empty) == []


def test_no_title_is_cut(shown: Mapping[str, Shown]) -> None:
    assert which(shown, lambda panel: panel.title_cut) == []


def test_no_table_has_to_be_scrolled_to_the_side(shown: Mapping[str, Shown]) -> None:
    assert which(shown, lambda panel: panel.wider) == []


def test_heads_and_numbers_of_tables_are_shown_whole(shown: Mapping[str, Shown]) -> None:
    assert which(shown, lambda panel: panel.columns_cut + panel.numbers_cut) == []


def test_an_incident_shows_the_failed_and_the_slow_traces_of_its_service(shown: Mapping[str, Shown]) -> None:
    for title, trace in (("Failed traces", FAILED), ("Slow traces", SLOW)):
        (panel,) = (panel for panel in shown[INCIDENT].panels if panel.title == title)
        assert {"Trace name", "Duration"} <= set(panel.columns)
        (link,) = panel.links
        assert trace.id.hex() in link


def test_a_click_on_a_row_chooses_what_the_table_has_no_room_to_show(shown: Mapping[str, Shown]) -> None:
    (services,) = (panel for panel in shown[SERVICES].panels if panel.title == "All services")
    assert "Cluster" not in services.columns
    assert services.links
    assert all(f"var-cluster={STACK.cluster.name}" in link for link in services.links)


def test_no_legend_is_a_whole_set_of_labels(shown: Mapping[str, Shown]) -> None:
    assert which(shown, lambda panel: [line for line in panel.legend if "{" in line or "=" in line]) == []


def test_every_time_series_with_data_has_a_legend(shown: Mapping[str, Shown]) -> None:
    kinds = {(uid, each["title"]): each["type"] for uid, made in as_shown().items() for each in made["panels"]}
    for uid, dashboard in shown.items():
        for panel in dashboard.panels:
            if kinds.get((uid, panel.title)) == "timeseries" and not panel.text.startswith("not measured"):
                assert panel.legend, f"{uid}, {panel.title}"


def test_each_dashboard_is_loaded_in_a_time_that_the_run_says(
    shown: Mapping[str, Shown], record_property: Callable[[str, object], None]
) -> None:
    """The end of the run lists the slowest. A bound would depend on what else the machine does."""
    slowest = sorted(shown, key=lambda uid: -shown[uid].seconds)[:5]
    record_property(LOADED, [(uid, shown[uid].seconds) for uid in slowest])
    assert len(shown) == len(ALL_DASHBOARDS)
