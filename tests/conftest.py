"""What tests share: stacks, as the real program registers them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import pytest

from components.flow_table import flows
from components.settings.content import gathered
from components.settings.stack import Settings
from components.settings.stack import read as read_settings
from model.flows import Flow
from rules.systems import SYSTEMS
from tests import stack_settings
from tools import render
from tools.local.stack_text import merged
from tools.recorder import ROOT, Recorder, record


@dataclass(frozen=True)
class Recorded:
    """A stack that was recorded; asked as one would ask a cluster. What it returns is shared: look, do not touch."""

    config: dict[str, Any]
    """Its top-level keys, without the project's prefix."""
    recorder: Recorder
    """What the engine received."""

    @cached_property
    def settings(self) -> Settings:
        return read_settings(self.config, folders=gathered(self.config, ROOT))

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """The table of who connects to whom."""
        return flows(self.settings, self.settings.watched)

    @cached_property
    def objects(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Every Kubernetes object as it is rendered, by kind and name."""
        return {
            # Both namespaces have a policy of this name.
            (made["kind"], f"{made['metadata']['namespace']}/deny-all")
            if made["metadata"]["name"] == "deny-all"
            else (made["kind"], made["metadata"]["name"]): made
            for made in render.manifests(self.recorder)
        }

    @cached_property
    def workloads(self) -> dict[str, dict[str, Any]]:
        """What runs pods, by name."""
        return {name: made for (kind, name), made in self.objects.items() if "template" in made.get("spec", {})}

    @cached_property
    def files(self) -> dict[str, str]:
        """What the programs find below ``/etc``, path to text."""
        return render.config_files(list(self.objects.values()))

    def kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """The objects of one kind, by name."""
        return {name: made for (of, name), made in self.objects.items() if of == kind}

    def template(self, workload: str) -> dict[str, Any]:
        template: dict[str, Any] = self.workloads[workload]["spec"]["template"]
        return template

    def pod(self, workload: str) -> dict[str, Any]:
        spec: dict[str, Any] = self.template(workload)["spec"]
        return spec

    def container(self, workload: str) -> dict[str, Any]:
        (only,) = self.pod(workload)["containers"]
        container: dict[str, Any] = only
        return container

    def changed_from(self, before: Recorded) -> set[tuple[str, str]]:
        """Kind and name of every object that is not as it was: new, gone or different."""
        names = self.objects.keys() | before.objects.keys()
        return {name for name in names if self.objects.get(name) != before.objects.get(name)}


Stacks = Callable[..., Recorded]

NOTHING: dict[str, None] = {system.key: None for system in SYSTEMS}
"""Systems of a stack that watches nothing, for tests of how one server is configured: recording takes a quarter of the
time without rules and dashboards."""
TOLD = {
    "receivers": [
        {"name": "on-call", "webhook": {"urlSecret": {"name": "urls", "key": "on-call"}}},
        {"name": "heartbeat", "deadMan": {"urlSecret": {"name": "urls", "key": "heartbeat"}}},
    ],
    "routes": [{"receiver": "on-call"}],
}
"""The least that production asks of notifications."""


@cache
def _recorded(name: str, secrets: str, changes: str) -> Recorded:
    config = merged(stack_settings.config(name), json.loads(changes))
    return Recorded(config, record(name, config, {**stack_settings.secrets(name), **json.loads(secrets)}))


def _stack(name: str = "prod", *, secrets: Mapping[str, str] | None = None, **changes: Any) -> Recorded:
    return _recorded(name, json.dumps(secrets or {}), json.dumps(changes))


@pytest.fixture(scope="session")
def stack() -> Stacks:
    """``stack("dev", prometheus={"replicas": 2})``: that stack file with changes, recorded; the same one only once."""
    return _stack


@pytest.fixture(scope="session", params=stack_settings.RECORDED)
def recorded(request: pytest.FixtureRequest) -> Recorded:
    """Each recorded stack in turn, for what holds in all."""
    return _stack(request.param)


@pytest.fixture(scope="session")
def prod() -> Recorded:
    """The production stack as it stands in the repository."""
    return _stack("prod")


@pytest.fixture(scope="session")
def dev() -> Recorded:
    """The development stack as it stands in the repository."""
    return _stack("dev")
