"""Eliza watched for real: a small API and an agent, whose every failure notifies those whom its operators named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components.settings.stack import read as read_settings
from dashboards.listed import dashboards
from dashboards.queries import filled, prometheus_queries
from model.contract import Contract
from rules.eliza.contract import CONTRACT
from tests.conftest import NOTHING
from tests.servers.platforms import Program, Proof, proof
from tools import stack_file
from tools.contract.check import problems
from tools.contract.reading import read
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, http_text, listens
from tools.local.platforms import ELIZA_AGENT, PLATFORMS
from tools.recorder import ROOT

NAMESPACE, AGENTS = "eliza", "eliza-agents"
SETTINGS = {"namespace": NAMESPACE, "agents": {"namespace": AGENTS}}
AGENT = ELIZA_AGENT
PROGRAMS = dict(zip(("api", "agent"), PLATFORMS["eliza"].programs, strict=True))
ON_CALL, TEAM = {"critical-mail", "critical-chat"}, {"agents-hook", "agents-chat"}
FAILED, UNHEALTHY, DOWN = "AgentDeploymentFailed", "AgentUnhealthy", "ElizaAPIDown"


@dataclass
class Eliza:
    proof: Proof
    ports: dict[str, int]
    home: Path
    exits: ExitStack
    processes: dict[str, Process] = field(default_factory=dict)

    def start(self, name: str) -> None:
        argv = PLATFORMS["eliza"].argv(PROGRAMS[name], f"127.0.0.1:{self.ports[name]}")
        self.processes[name] = self.exits.enter_context(Process(argv, log=self.home / f"{name}.log"))
        self.processes[name].ready(partial(listens, self.ports[name]))

    def ask(self, name: str, path: str, body: Any = None) -> None:
        """A GET without a ``body``."""
        sent = json.dumps(body).encode() if body is not None else None
        http_text(f"http://127.0.0.1:{self.ports[name]}{path}", body=sent)

    def deploy(self, **changes: str) -> None:
        self.ask("api", "/agents", AGENT | changes)

    def reaches(self, alert: str, severity: str, receivers: set[str], status: str = "firing") -> None:
        received = partial(self.proof.received, alert, severity, status)
        eventually(lambda: received() == receivers, 60, f"{alert} ({severity}) is {status} at {sorted(receivers)}")

    def settled(self) -> None:
        self.proof.fires()
        self.proof.notifies()


def deployment() -> dict[str, Any]:
    labels = PROGRAMS["agent"].pod_labels
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": AGENT["name"], "namespace": AGENTS},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                # Two ports, and none of them that of the metrics, as where an image declares others.
                "spec": {
                    "containers": [
                        {
                            "name": "agent",
                            "image": AGENT["image"],
                            "ports": [{"containerPort": port} for port in (8080, 9000)],
                        }
                    ]
                },
            },
        },
    }


@pytest.fixture(scope="module")
def eliza(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Eliza]:
    home = tmp_path_factory.mktemp("eliza")
    ports = {"api": free_port(), "agent": free_port()}
    with ExitStack() as exits:
        control_plane.namespace(AGENTS)
        control_plane.apply(deployment())
        exits.callback(control_plane.kubectl, "delete", "deployment", AGENT["name"], f"--namespace={AGENTS}")
        made = Eliza(None, ports, home, exits)  # type: ignore[arg-type]  # the proof needs the programs first
        for name in ports:
            made.start(name)
        programs = {
            each.job: Program(each.name, each.port, f"127.0.0.1:{ports[name]}") for name, each in PROGRAMS.items()
        }
        made.proof = exits.enter_context(proof(home, control_plane, "eliza", SETTINGS, NAMESPACE, programs))
        made.deploy()
        yield made


def test_each_program_emits_what_its_contract_asks_for(eliza: Eliza) -> None:
    eliza.ask("api", f"/agents/{AGENT['id']}")
    for name, part in zip(("api", "agent"), CONTRACT.parts, strict=True):
        exposed = read(http_text(f"http://127.0.0.1:{eliza.ports[name]}/metrics"))
        of_platform = {name: seen for name, seen in exposed.items() if not name.startswith(("python_", "process_"))}
        assert list(problems(Contract((part,)), of_platform)) == []
        for series in (series for metric in part.metrics for series in metric.series):
            stored = partial(eliza.proof.value, f'count({series}{{job="{part.job}"}})')
            eventually(stored, 30, f"{series} is stored")


def test_an_agent_is_one_target_that_is_named_after_its_deployment(eliza: Eliza) -> None:
    (found,) = query(eliza.proof.prometheus, 'up{job="eliza-agents"}')
    assert found["metric"].items() >= {"agent_id": "a-17", "agent_name": "scout", "service": "scout"}.items()
    assert found["metric"]["pod"].startswith("scout-")


def test_a_healthy_one_notifies_nobody_and_fills_every_panel_of_a_stack_without_the_others(eliza: Eliza) -> None:
    eliza.settled()
    config = stack_file.read(ROOT / "Pulumi.dev.yaml").config
    alone = read_settings({**config, "systems": {**NOTHING, "eliza": SETTINGS}})
    (overview,) = (each for each in dashboards(alone.systems_on, alone.watched, alone.cluster) if "eliza" in each.tags)
    assert [panel.title for panel in overview.panels] == [
        "Parts",
        "API Request Rate",
        "Agents by deployment status",
        "Failed deployments",
        "Agent Health",
    ], "those of Kubernetes, Portainer, Supabase and PostgreSQL are left out"
    eliza.deploy(id="b-1", name="writer", image="registry.example/missing")

    def empty() -> list[str]:
        asked = prometheus_queries(overview)
        return [panel.title for panel, each in asked if not query(eliza.proof.prometheus, filled(each.expr))]

    eventually(lambda: empty() == [], 60, "every panel has data")
    eliza.ask("api", "/agents/b-1/delete", {})
    eliza.settled()


def test_a_failed_deployment_is_a_ticket_while_an_older_pod_answers(eliza: Eliza) -> None:
    eliza.deploy(image="registry.example/missing")
    eliza.proof.notifies((FAILED, "warning"))
    eliza.reaches(FAILED, "warning", TEAM)
    eliza.deploy()
    eliza.settled()
    eliza.reaches(FAILED, "warning", TEAM, "resolved")


def test_an_agent_whose_check_fails_is_a_ticket_with_its_name_and_id(eliza: Eliza) -> None:
    eliza.ask("agent", "/model", {"answers": False})
    eliza.proof.notifies((UNHEALTHY, "warning"))
    eliza.reaches(UNHEALTHY, "warning", TEAM)
    (post, *_) = eliza.proof.receivers.of("agents-hook")[-1:]
    (alert,) = post.body["alerts"]
    assert alert["labels"].items() >= {"agent_id": "a-17", "agent_name": "scout", "namespace": AGENTS}.items()
    assert alert["annotations"]["description"].startswith("Agent scout (a-17) ")
    eliza.ask("agent", "/model", {"answers": True})
    eliza.settled()
    eliza.reaches(UNHEALTHY, "warning", TEAM, "resolved")


def test_an_agent_that_cannot_be_deployed_and_does_not_answer_pages_once(eliza: Eliza) -> None:
    eliza.processes["agent"].kill()
    eliza.deploy(image="registry.example/missing")
    eliza.proof.fires((FAILED, "critical"), (FAILED, "warning"), (UNHEALTHY, "warning"))
    eliza.proof.notifies((FAILED, "critical"))
    eliza.reaches(FAILED, "critical", ON_CALL | TEAM)
    eliza.start("agent")
    eliza.deploy()
    eliza.settled()
    eliza.reaches(FAILED, "critical", ON_CALL | TEAM, "resolved")


def test_an_api_that_is_gone_pages(eliza: Eliza) -> None:
    eliza.processes["api"].kill()
    eliza.proof.notifies((DOWN, "critical"))
    eliza.reaches(DOWN, "critical", ON_CALL | TEAM)
    eliza.start("api")
    eliza.settled()
    eliza.reaches(DOWN, "critical", ON_CALL | TEAM, "resolved")
