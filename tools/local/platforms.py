"""The sample applications of the platforms: how each program is run here, and what a cluster would list of it.

They are the modules of ``tests/platforms``, which are run and not imported.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection

from rules.agent_hive.settings import AgentHiveSettings
from rules.agent_platform.contract import SERVICES
from rules.agent_platform.settings import AgentPlatformSettings
from rules.eliza.contract import AGENTS as ELIZA_AGENTS
from rules.eliza.contract import API
from rules.eliza.settings import ElizaSettings
from rules.progressive.contract import AGENT, AGENTS, CORE
from rules.progressive.scrape import ProgressiveSettings
from tools.local.rendered import Manifest
from tools.local.signature import signature

ELIZA_AGENT = {"id": "a-17", "name": "scout", "image": "registry.example/scout"}
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Program:
    """A program of an application: a Deployment with one pod, and what answers in its place on this machine."""

    name: str
    """Of its Deployment, and the label ``service`` of its series."""
    namespace: str
    port: int
    """Of its pods."""
    arguments: tuple[str, ...]
    """After its module; ``{address}``, ``{port}`` and ``{otlp}`` stand for where it is, and where it pushes to."""
    job: str = ""
    """That scrapes it; none if it pushes."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of its pods; `app` is its name by default."""
    has_service: bool = True

    @property
    def pod_labels(self) -> dict[str, str]:
        return {"app": self.name, **self.labels}

    def manifests(self) -> list[Manifest]:
        """Its Deployment, and its Service."""
        about = {"name": self.name, "namespace": self.namespace}
        container = {"name": "main", "image": f"registry.example/{self.name}:1.0.0"}
        template = {
            "metadata": {"labels": self.pod_labels},
            "spec": {"containers": [{**container, "ports": [{"name": "metrics", "containerPort": self.port}]}]},
        }
        spec = {"replicas": 1, "selector": {"matchLabels": self.pod_labels}, "template": template}
        made: list[Manifest] = [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, "spec": spec}]
        if self.has_service:
            ports = [{"name": "metrics", "port": self.port, "targetPort": self.port}]
            selected = {"selector": self.pod_labels, "ports": ports}
            made.append({"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": selected})
        return made


@dataclass(frozen=True)
class Platform:
    """The application of a platform, as its settings expect it by default."""

    key: str
    """Of its system."""
    programs: tuple[Program, ...]
    busy: str
    """Query of what it does per second."""
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """USD per million tokens of its models."""
    use: Callable[[Mapping[str, str]], object] | None = None
    """What a user does once, at the programs' addresses by name; None if it has users of its own."""

    def argv(self, program: Program, address: str, otlp: str = "") -> list[str]:
        """The command that runs a program at an address of this machine."""
        places = {"address": address, "port": address.rpartition(":")[2], "otlp": otlp}
        arguments = (argument.format(**places) for argument in program.arguments)
        return [sys.executable, "-m", f"tests.platforms.{self.key}", *arguments]


def _send(address: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = _JSON) -> int:
    """The status of an answer, after all of it was read; a GET without a ``body``."""
    connection = HTTPConnection(address, timeout=5)
    try:
        connection.request("GET" if body is None else "POST", path, body, dict(headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _use_hive(at: Mapping[str, str]) -> None:
    body = json.dumps({"event": "push"}).encode()
    _send(at["webhook-server"], "/events", body, {"X-Signature": signature(body)})


def _use_eliza(at: Mapping[str, str]) -> None:
    """Asks for the agent, and deploys it where there is none."""
    if _send(at["api-service"], f"/agents/{ELIZA_AGENT['id']}") == 404:
        _send(at["api-service"], "/agents", json.dumps(ELIZA_AGENT).encode())


def _use_interaction(at: Mapping[str, str]) -> None:
    _send(at["backend"], "/ag-ui/events", json.dumps({"threadId": "c-1"}).encode())


def _agent_hive() -> Platform:
    given = AgentHiveSettings()
    programs = (
        Program(each.service, given.namespace, each.port, (part.job.removeprefix("agent-hive-"), "{port}"), part.job)
        for part, each in given.programs
    )
    return Platform(
        "agent_hive", tuple(programs), busy="sum(rate(agent_hive_tasks_completed_total[10s]))", use=_use_hive
    )


def _eliza() -> Platform:
    given = ElizaSettings()
    api = Program(given.api.service, given.namespace, given.api.port, ("api", "{port}"), API.job)
    agent = Program(
        ELIZA_AGENT["name"],
        given.agents.namespace,
        given.agents.port,
        ("agent", "{port}"),
        ELIZA_AGENTS.job,
        {"app": given.agents.app, "agent_id": ELIZA_AGENT["id"]},
        has_service=False,
    )
    return Platform(
        "eliza", (api, agent), busy=f'sum(rate(http_requests_total{{job="{API.job}"}}[10s]))', use=_use_eliza
    )


def _agent_platform() -> Platform:
    given = AgentPlatformSettings()
    (namespace,) = given.namespaces
    programs = (Program(name, namespace, port, ("{port}",), SERVICES.job) for name, port in given.services.items())
    return Platform("agent_platform", tuple(programs), busy="sum(rate(agent_executions_total[10s]))")


def _progressive() -> Platform:
    """In production alone."""
    given = ProgressiveSettings()
    (namespace,) = (name for name, environment in given.environments.items() if environment == "production")
    core = Program(given.core.service, namespace, given.core.port, ("core", "{address}"), CORE.job)
    tier = {"tier": "agents"}
    agents = (
        Program(kind, namespace, given.agents.port, (kind, "{address}"), AGENT.job, tier, has_service=False)
        for kind in AGENTS
    )
    return Platform("progressive", (core, *agents), busy="sum(rate(progressive_http_requests_total[10s]))")


def _interaction_backend() -> Platform:
    backend = Program("backend", "interaction", 8000, ("{port}", "{otlp}", "{otlp}"))
    return Platform(
        "interaction_backend",
        (backend,),
        busy="sum(rate(ag_ui_streams_total[10s]))",
        prices={"gpt-4o": {"input": 2.5, "output": 10}},
        use=_use_interaction,
    )


PLATFORMS: Mapping[str, Platform] = {
    each.key: each for each in (_agent_hive(), _agent_platform(), _eliza(), _interaction_backend(), _progressive())
}
"""By the key of the system."""
