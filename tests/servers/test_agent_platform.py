"""An agent platform watched for real: a small one, whose every failure notifies those whom its operators named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import pytest

from rules.agent_platform.contract import CONTRACT, SERVICES
from tests.servers.platforms import Program, Proof, proof
from tools.contract.check import problems
from tools.contract.reading import read
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, http_json, http_text, listens
from tools.local.platforms import PLATFORMS
from tools.local.rendered import Manifest

EXECUTION = ["/agents/{id}/execute"]
SETTINGS = {"executionRoutes": EXECUTION}
SERVICES_SETTINGS = {"listed": {"agent-platform/api": {"streams": EXECUTION}}}
"""Its requests are watched by the system `services`."""
ON_CALL, CHAT = {"pagerduty-critical", "slack-warnings"}, {"slack-warnings"}
SLOW, POOL, DEAR = TICKETS = (
    ("AgentPlatformSlowAgentExecutions", "warning"),
    ("AgentPlatformDatabaseConnectionPoolLow", "warning"),
    ("AgentPlatformHighTokenUsage", "warning"),
)


@dataclass
class Platform:
    proof: Proof
    url: str

    def behave(self, **changes: float) -> None:
        """Nothing else is wrong any more."""
        headers = {"Content-Type": "application/json"}
        http_text(f"{self.url}/behave", body=json.dumps(changes).encode(), headers=headers)

    def paged(self, objective: str, status: str = "firing") -> set[str]:
        """Who was notified of that."""
        speeds = ("Outage", "Fast", "Steady")
        names = (f"AgentPlatform{objective.capitalize()}ErrorBudgetBurn{speed}" for speed in speeds)
        return {each for name in names for each in self.proof.received(name, "critical", status)}

    def fires(self, alert: str, severity: str) -> bool:
        """Whether it fires for the API, muted or not."""
        labels = f'alertname="{alert}", severity="{severity}", alertstate="firing", service="api"'
        return bool(self.proof.value(f"count(ALERTS{{{labels}}})"))

    def burning(self) -> set[str]:
        """Objectives about which people are paged now: a critical burn, which no other alert mutes."""
        found: list[Manifest] = http_json(f"{self.proof.alertmanager.url}/api/v2/alerts?inhibited=false&active=true")
        labels = (each["labels"] for each in found)
        return {each["slo"] for each in labels if each.get("burn") and each["severity"] == "critical"}


@pytest.fixture(scope="module")
def platform(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    home = tmp_path_factory.mktemp("agent-platform")
    port = free_port()
    with ExitStack() as exits:
        application, address = PLATFORMS["agent_platform"], f"127.0.0.1:{port}"
        (api,) = application.programs
        argv = application.argv(api, address)
        exits.enter_context(Process(argv, log=home / "api.log")).ready(partial(listens, port))
        programs = {SERVICES.job: Program(api.name, api.port, address)}
        also = {"services": SERVICES_SETTINGS}
        watched = exits.enter_context(
            proof(home, control_plane, "agent_platform", SETTINGS, api.namespace, programs, also)
        )
        yield Platform(watched, f"http://127.0.0.1:{port}")


def test_it_emits_what_its_contract_asks_for(platform: Platform) -> None:
    assert list(problems(CONTRACT, read(http_text(f"{platform.url}/metrics")))) == []
    for series in (series for metric in SERVICES.metrics for series in metric.series):
        found = f'count({series}{{namespace="agent-platform", service="api"}})'
        eventually(lambda found=found: platform.proof.value(found), 30, f"{series} is stored")  # type: ignore[misc]  # mypy types no lambda with a default


def test_a_healthy_one_notifies_nobody_and_fills_every_panel(platform: Platform) -> None:
    platform.proof.notifies()
    eventually(lambda: platform.proof.empty_panels() == [], 60, "every panel has data")
    platform.proof.notifies()


def test_what_is_slow_full_or_dear_is_a_ticket_and_the_full_pool_is_why_it_is_slow(platform: Platform) -> None:
    platform.behave(execution_seconds=31, held=16, tokens=20_000)
    platform.proof.fires(*TICKETS)
    platform.proof.notifies(POOL, DEAR)
    platform.behave(execution_seconds=31, tokens=20_000)
    platform.proof.notifies(SLOW, DEAR)
    for ticket in TICKETS:
        eventually(lambda ticket=ticket: platform.proof.received(*ticket) == CHAT, 30, ticket[0])  # type: ignore[misc]  # mypy types no lambda with a default
    platform.behave()


@pytest.mark.parametrize(
    ("objective", "faults"),
    [
        ("executions", {"executions_failing": 1}),
        ("latency", {"request_seconds": 0.7}),
        ("availability", {"failing": 1, "executions_failing": 1, "request_seconds": 0.7}),
    ],
)
def test_an_objective_that_is_missed_pages_once(platform: Platform, objective: str, faults: dict[str, float]) -> None:
    platform.behave(**faults)
    eventually(lambda: platform.burning() == {f"agent-platform-{objective}"}, 60, f"{objective} burns")
    eventually(lambda: platform.paged(objective) == ON_CALL, 30, "it pages")
    if objective == "availability":
        eventually(lambda: platform.fires("HighErrorRate", "critical"), 60, "its requests have an alert, too")
        assert platform.burning() == {"agent-platform-availability"}
        assert platform.proof.received("HighErrorRate", "critical") == set(), "one outage is one page"
    platform.behave()
    eventually(lambda: not platform.burning(), 60, "nothing burns any more")
    eventually(lambda: platform.paged(objective, "resolved") == ON_CALL, 30, "it is resolved")


def test_requests_of_which_some_are_slow_are_a_ticket(platform: Platform) -> None:
    platform.behave(request_seconds=2.4, slow=0.2)
    eventually(lambda: platform.proof.received("SlowResponseTime", "warning") == CHAT, 90, "it is a ticket")
    assert platform.burning() == set(), "as many may be slow for a while"
    platform.behave()
    resolved = partial(platform.proof.received, "SlowResponseTime", "warning", "resolved")
    eventually(lambda: resolved() == CHAT, 90, "it is resolved")


def test_once_all_is_well_the_tickets_are_resolved(platform: Platform) -> None:
    used = f'ALERTS{{alertname="{DEAR[0]}", alertstate="firing"}}'
    eventually(
        lambda: not platform.proof.value(f"count({used})"), 150, "its hour has passed, which is two minutes here"
    )
    platform.proof.fires()
    for ticket in TICKETS:
        resolved = partial(platform.proof.received, *ticket, "resolved")
        eventually(lambda resolved=resolved: resolved() == CHAT, 30, f"{ticket[0]} is resolved")  # type: ignore[misc]  # mypy types no lambda with a default
