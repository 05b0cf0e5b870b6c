"""Servers that the tests of one run share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.servers.not_tried import NotTried
from tests.stack_settings import config, secrets
from tools.local.control_plane import ControlPlane
from tools.local.logs import Loki
from tools.local.rendered import Rendered, render_text
from tools.local.stack_text import stack_text

LONGEST = (
    *("test_engine", "test_log_faults", "test_agents_signals", "test_routes", "test_sample_agents", "test_demo"),
    *("test_browser", "test_interaction_backend", "test_rules", "test_collector_faults", "test_agent_platform"),
    *("test_incidents", "test_instrumented", "test_dashboards", "test_loki_retention", "test_newcomer", "test_cluster"),
)
"""Files of minutes in the order in which they are begun, what computes beside what waits, so that no core is idle.
Begun last, one of them would keep a single process busy while the others have ended.
"""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(NotTried(config))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One cluster for the whole run: a test works in namespaces of its own and leaves the nodes as they are."""
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running


# --- rendered stacks (tools/local/rendered.py) ---


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Rendered]:
    """``rendered("prod")``: a recorded stack as files, rendered once for the whole run."""

    @cache
    def once(stack: str) -> Rendered:
        text = stack_text(config(stack), tuple(secrets(stack)))
        return render_text(stack, tmp_path_factory.mktemp(f"rendered-{stack}"), text)

    return once


# --- logs (tools/local/logs.py) ---


@pytest.fixture(scope="session")
def loki(rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loki]:
    """One Loki of the dev stack for the whole run: labels tell tests apart."""
    server = Loki(rendered("dev"), tmp_path_factory.mktemp("loki"))
    with server.running():
        yield server


# --- dashboards (test_dashboards.py, test_logql.py) ---

DASHBOARD = "dashboard"
"""Property of a test that ran a dashboard's queries on one server: uid, how many, how many had no data."""

LOADED = "loaded"
"""Property of the test that opened all dashboards in a browser: uid and seconds of the slowest ones."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The dashboards in a table, whether they passed or not."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.getreports(kind)]
    totals: dict[str, tuple[int, int]] = {}
    for uid, asked, empty in (value for each in reports for name, value in each.user_properties if name == DASHBOARD):
        before = totals.get(uid, (0, 0))
        totals[uid] = (before[0] + asked, before[1] + empty)
    if totals:
        asked, empty = (sum(numbers) for numbers in zip(*totals.values(), strict=True))
        totals[f"all {len(totals)}"] = (asked, empty)
        terminalreporter.section("dashboards")
        terminalreporter.write_line(f"{'dashboard':<40}{'queries':>8}{'without data':>14}")
        for uid, (asked, empty) in totals.items():
            terminalreporter.write_line(f"{uid:<40}{asked:>8}{empty:>14}")
    for slowest in (value for each in reports for name, value in each.user_properties if name == LOADED):
        said = ", ".join(f"{uid} {seconds:.1f} s" for uid, seconds in slowest)
        terminalreporter.write_line(f"slowest dashboards in a browser: {said}")
