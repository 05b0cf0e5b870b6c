"""Agent Hive watched for real: a small one, whose every failure notifies those whom its operators named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest

from model.contract import Contract
from rules.agent_hive.contract import CONTRACT
from tests.servers.platforms import Program, Proof, proof
from tools.contract.check import problems
from tools.contract.reading import Seen, read
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, http_text, listens
from tools.local.platforms import PLATFORMS

SETTINGS = {"apiGateway": None, "eventStreaming": None}
HIVE = PLATFORMS["agent_hive"]
PROGRAMS = {program.job: program for program in HIVE.programs[:2]}
ORCHESTRATOR, WEBHOOKS = PROGRAMS
ON_CALL, CHAT = {"critical-mail", "critical-chat"}, {"warning-chat"}


@dataclass
class Hive:
    proof: Proof
    addresses: dict[str, str]
    orchestrator: Process
    exits: ExitStack

    def behave(self, **changes: Any) -> None:
        """Nothing else is wrong any more."""
        http_text(f"http://{self.addresses[ORCHESTRATOR]}/behave", body=json.dumps(changes).encode())

    def start(self) -> None:
        argv = HIVE.argv(PROGRAMS[ORCHESTRATOR], self.addresses[ORCHESTRATOR])
        self.orchestrator = self.exits.enter_context(Process(argv, log=self.proof.prometheus.home / "orchestrator.log"))

    def webhook(self, signature: str) -> None:
        headers = {"X-Signature": signature}
        http_text(f"http://{self.addresses[WEBHOOKS]}/events", body=b"{}", headers=headers)

    @contextmanager
    def forging(self) -> Iterator[None]:
        """Webhooks with a wrong signature meanwhile."""
        ended = Event()

        def send() -> None:
            while not ended.wait(0.5):
                self.webhook("wrong")

        sender = Thread(target=send)
        sender.start()
        try:
            yield
        finally:
            ended.set()
            sender.join()

    def exposed(self) -> str:
        return "".join(http_text(f"http://{address}/metrics") for address in self.addresses.values())

    def settled(self) -> None:
        self.behave()
        self.proof.fires()
        self.proof.notifies()


@pytest.fixture(scope="module")
def hive(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    home = tmp_path_factory.mktemp("agent-hive")
    ports = {job: free_port() for job in PROGRAMS}
    addresses = {job: f"127.0.0.1:{port}" for job, port in ports.items()}
    with ExitStack() as exits:
        started = {
            job: exits.enter_context(Process(HIVE.argv(program, addresses[job]), log=home / f"{job}.log"))
            for job, program in PROGRAMS.items()
        }
        for job, process in started.items():
            process.ready(partial(listens, ports[job]))
        programs = {job: Program(each.name, each.port, addresses[job]) for job, each in PROGRAMS.items()}
        watched = exits.enter_context(proof(home, control_plane, "agent_hive", SETTINGS, "agent-hive", programs))
        yield Hive(watched, addresses, started[ORCHESTRATOR], exits)


def test_it_emits_what_its_contract_asks_for(hive: Hive) -> None:
    for signature in ("", "wrong"):
        hive.webhook(signature)
    hive.behave(failing=0.5, api_failing=0.5)
    eventually(lambda: 'status="error"' in hive.exposed() and 'status_code="503"' in hive.exposed(), 30, "some fail")
    hive.behave()
    for job, address in hive.addresses.items():
        (part,) = (part for part in CONTRACT.parts if part.job == job)
        assert list(problems(Contract((part,)), of_platform(http_text(f"http://{address}/metrics")))) == []
        for series in (series for metric in part.metrics for series in metric.series):
            eventually(lambda series=series: hive.proof.value(f"count({series})"), 30, f"{series} is stored")  # type: ignore[misc]  # mypy types no lambda with a default


def of_platform(exposition: str) -> dict[str, Seen]:
    return {name: seen for name, seen in read(exposition).items() if name.startswith("agent_hive_")}


def test_a_healthy_one_notifies_nobody_and_fills_every_panel(hive: Hive) -> None:
    hive.settled()
    eventually(lambda: hive.proof.empty_panels() == [], 60, "every panel has data")
    hive.proof.notifies()


def test_what_is_worse_than_usual_is_a_ticket(hive: Hive) -> None:
    hive.behave(agents=2, coordination=0.6, failing=0.3, api_seconds=6, api_failing=0.3, confidence=0.5, accuracy=60)
    tickets = {
        ("AgentHiveHighCoordinationLatency", "warning"),
        ("AgentHiveLowActiveAgents", "warning"),
        ("AgentHiveHighTaskFailureRate", "warning"),
        ("AgentHiveExternalAPIHighLatency", "warning"),
        ("AgentHiveExternalAPIHighErrorRate", "warning"),
        ("AgentHiveLowDecisionConfidence", "warning"),
        ("AgentHiveMachineLearningAccuracyDrop", "warning"),
        ("AgentHiveMachineLearningAccuracyFalling", "warning"),
        ("AgentHiveWebhookSignaturesFail", "warning"),
    }
    muted = {("AgentHiveMachineLearningAccuracyFalling", "warning")}
    with hive.forging():
        hive.proof.fires(*tickets)
        hive.proof.notifies(*tickets - muted)
    for alert, severity in tickets - muted:
        eventually(lambda alert=alert, severity=severity: hive.proof.received(alert, severity) == CHAT, 30, alert)  # type: ignore[misc]  # mypy types no lambda with a default
    hive.settled()
    for alert, severity in tickets - muted:
        resolved = partial(hive.proof.received, alert, severity, "resolved")
        eventually(lambda resolved=resolved: resolved() == CHAT, 30, f"{alert} is resolved")  # type: ignore[misc]  # mypy types no lambda with a default


def test_what_fails_altogether_pages(hive: Hive) -> None:
    hive.behave(agents=0, coordination=1.5, failing=0.8, api_failing=0.9)
    pages = {
        ("AgentHiveHighCoordinationLatency", "critical"),
        ("AgentHiveLowActiveAgents", "critical"),
        ("AgentHiveHighTaskFailureRate", "critical"),
        ("AgentHiveExternalAPIHighErrorRate", "critical"),
    }
    hive.proof.fires(*pages, *((alert, "warning") for alert, _ in pages))
    causes = {("AgentHiveLowActiveAgents", "critical"), ("AgentHiveExternalAPIHighErrorRate", "critical")}
    hive.proof.notifies(*causes)
    for alert, severity in causes:
        eventually(lambda alert=alert, severity=severity: hive.proof.received(alert, severity) == ON_CALL, 30, alert)  # type: ignore[misc]  # mypy types no lambda with a default
    hive.settled()


def test_tasks_that_wait_while_none_ends_page(hive: Hive) -> None:
    hive.behave(queue=4, working=False)
    hive.proof.notifies(("AgentHiveTasksStuck", "critical"))
    eventually(lambda: hive.proof.received("AgentHiveTasksStuck", "critical") == ON_CALL, 30, "it pages")
    hive.settled()


def test_an_orchestrator_that_is_gone_pages_alone_and_reaches_its_management(hive: Hive) -> None:
    hive.orchestrator.kill()
    hive.proof.notifies(("AgentHiveDown", "critical"))
    page = partial(hive.proof.received, "AgentHiveDown", "critical")
    eventually(lambda: page() == {"agent-hive-down", *ON_CALL}, 30, "it pages")
    hive.start()
    hive.proof.notifies()
    eventually(lambda: page("resolved") == {"agent-hive-down", *ON_CALL}, 30, "it is resolved")
