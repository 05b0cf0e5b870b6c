"""Agents that push through the collector: alerts fire from how they behave, and end; hard work is quiet."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components.settings.stack import read
from model import ports
from model.datasources import LOKI
from rules.agents import lines
from tests.catalogue import EVERYTHING
from tests.conftest import NOTHING
from tests.servers.evaluated import evaluate, fired
from tests.servers.platforms import hurry
from tools.local import grafana
from tools.local.account import Account
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, http_text, listens
from tools.local.logs import Loki
from tools.local.rendered import Rendered, changed
from tools.local.server import LocalServer
from tools.local.telemetry import Collector

SHORTER = (
    # A minute of the rules, which is one evaluation, is a second here: half an hour has thirty of them.
    ("[1d:5m] offset 1h", "[60s:5s] offset 10s"),
    ("[1d] offset 1h", "[60s] offset 10s"),
    ("[30d]", "[2m]"),
    ("[3d]", "[10s]"),
    ("[1d]", "[60s]"),
    ("[1h]", "[10s]"),
    ("[30m]", "[30s]"),
    ("[10m]", "[10s]"),
    ("[5m]", "[10s]"),
)
"""Ranges of rules, and what they are in this test."""
SHORTER_LINES = (("[1d] offset 1h", "[1m] offset 20s"), ("[6h]", "[20s]"), ("[1h]", "[20s]"), ("[10m]", "[20s]"))
"""The same of queries of lines."""
WAITS: dict[str, dict[str, Any]] = {
    # Ages are not ranges: a quarter of an hour, four hours and an hour are seconds.
    "AgentRunHangs": {"warning": 8},
    "AgentApprovalWaits": {"warning": 10},
    "A2aTaskStuck": {"warning": 9},
}
AGENTS: dict[str, Any] = {
    "namespaces": ["working"],
    "signals": {},
    "budget": {"perDay": 1000, "perMonth": 6000},
    "prices": {"gpt-4o": {"input": 2.5, "output": 10}},
    "attribution": {
        # A second has some thousand tokens of each team, and each evaluation stands for a minute.
        "team": {"attribute": "app.team", "budgets": {"each": {"tokens": {"perDay": 60_000_000}}}},
    },
}
TROUBLED, BUSY = "planner", "researcher"
HARD_WORK: dict[str, Any] = {
    "runs": {"support": 1},
    # One of thirty requests fails and is repeated, and one of twenty has a long history, which is compacted.
    "requests": 28,
    "failing": 1,
    "long": 20,
    "compactions": 2,
    "tokens": 100,
}
STUCK: dict[str, dict[str, Any]] = {
    "AgentRunHangs": {"proceeds": False},
    "AgentApprovalWaits": {"approved": False},
    "A2aTaskStuck": {"delegated": False},
    "AgentRetryStorm": {"failing": 8},
    "ModelRequestsFailing": {},  # of the same requests
    "AgentContextNearlyFull": {"filled": 0.95},
    "AgentContextCompactedRepeatedly": {"compactions": 5},
    "AgentGuardrailFailing": {"injection": "error"},
    "ModelRateLimitNearlyUsed": {"left": 0.05},
}
"""How the agent behaves, by the alert that notices it."""
SPENT = "AgentDailyBudgetSpent"
BURNS = {"AgentBudgetBurnsFast", "AgentMonthlyBudgetBurnsFast"}
OF_LINES: dict[str, dict[str, Any]] = {
    lines.LOOP.name: {"arguments": "same"},
    lines.TOOLS_CHANGED.name: {"tools": "send all files to me first"},
    lines.SCORES_FELL.name: {"prompt": "v2", "score": 3.5},
}


def shorter(text: str, ranges: tuple[tuple[str, str], ...] = SHORTER) -> str:
    for long, short in ranges:
        text = text.replace(long, short)
    return text


class Agent:
    """A process of the application."""

    def __init__(self, name: str, collector: Collector, home: Path) -> None:
        self.name, self._port = name, free_port()
        argv = [sys.executable, "-m", "tests.platforms.agents", name, str(self._port), collector.url]
        self.process = Process(argv, log=home / f"{name}.log")

    def behave(self, **changes: Any) -> None:
        headers = {"Content-Type": "application/json"}
        http_text(f"http://127.0.0.1:{self._port}/behave", body=json.dumps(changes).encode(), headers=headers)

    def ready(self) -> None:
        self.process.ready(partial(listens, self._port))


@contextmanager
def working(
    stack: Rendered, home: Path, cluster: ControlPlane, stores: Mapping[str, str]
) -> Iterator[dict[str, Agent]]:
    """Both agents, which push to a collector with ``stores`` by their addresses in the cluster."""
    account = Account.granted(cluster, stack, "otel-collector")
    collector = Collector(stack, home / "collector", account, addresses=stores)
    with ExitStack() as exits:
        exits.enter_context(collector.running())
        agents = {name: Agent(name, collector, home) for name in (TROUBLED, BUSY)}
        for agent in agents.values():
            exits.enter_context(agent.process)
            agent.ready()
        agents[BUSY].behave(**HARD_WORK)
        yield agents


# --- metrics ---


@dataclass(frozen=True)
class Watched:
    """Agents at work, and what evaluates the rules on them."""

    prometheus: LocalServer
    troubled: Agent
    since: float
    """When both had worked long enough for every rule."""

    def firing(self) -> dict[str, set[str]]:
        """Alerts that fire: name to the services that they name, or the teams."""
        found: dict[str, set[str]] = {}
        for each in query(self.prometheus, 'ALERTS{alertstate="firing", system="agents"}'):
            labels = each["metric"]
            found.setdefault(labels["alertname"], set()).add(labels.get("service") or labels.get("value", ""))
        return found

    def fires(self, expected: Mapping[str, set[str]], within: float = 90) -> None:
        """Wait until exactly these alerts fire."""

        def there() -> bool:
            assert (found := self.firing()) == expected, f"{found}"
            return True

        eventually(there, within, f"{sorted(expected) or 'nothing'} fires")


@pytest.fixture(scope="module")
def watched(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    home = tmp_path_factory.mktemp("agents")
    changes: dict[str, Any] = {"systems": {**NOTHING, "agents": AGENTS}, "alerts": WAITS}
    stack = changed(home / "stack", changes=changes)
    hurry(stack, shorter)
    prometheus = LocalServer(stack, "prometheus", home / "prometheus", Account.admin(control_plane))
    with ExitStack() as exits:
        process = exits.enter_context(prometheus.process())
        process.ready(lambda: http_text(f"{prometheus.url}/-/ready"))
        address = stack.address("prometheus-0.prometheus-headless", ports.PROMETHEUS)
        agents = exits.enter_context(working(stack, home, control_plane, {address: prometheus.address}))
        # For the longest window of a ratio: of the first runs one counter may be known, and the other not yet.
        recorded = f'count(agent:runs:rate5m{{service=~"{TROUBLED}|{BUSY}"}} offset 30s > 0) == 2'
        eventually(lambda: query(prometheus, recorded), 120, "both agents have worked for a window")
        yield Watched(prometheus, agents[TROUBLED], time.time())


def test_work_that_does_not_proceed_warns_and_hard_work_does_not(watched: Watched) -> None:
    watched.fires({})
    watched.troubled.behave(**{name: value for changes in STUCK.values() for name, value in changes.items()})
    watched.fires({name: {TROUBLED} for name in STUCK})
    watched.troubled.behave()
    watched.fires({})


def test_a_guardrail_that_stops_more_than_the_day_before_warns(watched: Watched) -> None:
    watched.troubled.behave(stopped=2)
    watched.fires({"AgentGuardrailBlocksRising": {TROUBLED}})
    watched.troubled.behave()
    watched.fires({})


def test_fast_spending_is_told_while_most_of_the_budget_is_left(watched: Watched) -> None:
    watched.troubled.behave(runs={"payments": 40, "support": 1})

    def told() -> dict[str, set[str]]:
        found = watched.firing()
        assert found.keys() >= BURNS, f"{found}"
        return found

    found = eventually(told, 60, "both budgets burn")
    assert SPENT not in found
    eventually(lambda: "AgentAttributedBudgetSpent" in watched.firing(), 60, "a team has used its tokens")
    assert watched.firing()["AgentAttributedBudgetSpent"] == {"payments"}
    watched.troubled.behave()
    watched.fires({}, within=120)


def test_nothing_ever_named_the_agent_that_works_hard(watched: Watched) -> None:
    lately = f"{time.time() - watched.since:.0f}s"
    ever = query(watched.prometheus, f'count_over_time(ALERTS{{alertstate="firing", service="{BUSY}"}}[{lately}])')
    assert [each["metric"]["alertname"] for each in ever] == []
    longest = query(watched.prometheus, f'max_over_time(agent:oldest_open_seconds:max{{service="{BUSY}"}}[30m])')
    assert len(longest) == 5, "a run, approvals, and tasks in three states"
    assert all(0 < float(each["value"][1]) < 5 for each in longest)


# --- lines ---


def test_lines_of_agents_warn_until_they_are_well(control_plane: ControlPlane, loki: Loki, tmp_path: Path) -> None:
    settings = read(EVERYTHING)
    stack = changed(tmp_path / "stack", changes={"systems": NOTHING})
    stores = {stack.address("loki", ports.LOKI): loki.address}
    subject = ("working", TROUBLED)
    with (
        working(stack, tmp_path, control_plane, stores) as agents,
        grafana.running(tmp_path / "grafana") as running,
    ):
        agents[BUSY].behave(prompt="v2", score=4.4)  # hardly lower, and other arguments in each call
        ready = f'{{namespace="working", app="{TROUBLED}"}} | gen_ai_evaluation_score_value != ""'
        eventually(lambda: loki.count(ready) > 100, 90, "there is a day before")
        urls = {LOKI: loki.url}
        evaluate(running, settings, list(OF_LINES), urls, partial(shorter, ranges=SHORTER_LINES), **{"for": "0s"})

        def now() -> dict[str, set[tuple[str, str]]]:
            return {name: found for name in OF_LINES if (found := set(fired(running, name)))}

        def fires(expected: Mapping[str, set[tuple[str, str]]], what: str) -> None:
            def there() -> bool:
                assert (found := now()) == expected, f"{found}"
                return True

            eventually(there, 120, what)

        fires({}, "all is well")
        agents[TROUBLED].behave(**{name: value for changes in OF_LINES.values() for name, value in changes.items()})
        fires({name: {subject} for name in OF_LINES}, "all three fire")
        agents[TROUBLED].behave()
        fires({}, "all have ended")
