"""The whole stack as one component of a program in YAML, with the real engine, and a real Grafana where one is had."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import automation

from tests.servers.foreign import OWN, made
from tools.local.control_plane import ControlPlane
from tools.local.engine import Project
from tools.local.grafana import Grafana, running
from tools.recorder import ROOT
from tools.servers.find import binary

pytestmark = pytest.mark.timeout(900)

PROGRAM = OWN / "yaml" / "Pulumi.yaml"


@dataclass(frozen=True)
class Place:
    """Where the program runs."""

    folder: Path
    plane: ControlPlane
    grafana: Grafana

    @contextmanager
    def project(self, name: str, changes: Mapping[str, Any]) -> Iterator[Project]:
        """The program with other sections, beside the provider; it is destroyed at the end."""
        folder = self.folder / name
        (folder / "project").mkdir(parents=True)
        program = yaml.safe_load(PROGRAM.read_text())
        program["plugins"]["providers"][0]["path"] = "../../provider"
        properties = program["resources"]["observability"]["properties"]
        properties["settings"] |= changes
        properties["secrets"]["password"] = {"fn::secret": self.grafana.password}
        (folder / "project" / "Pulumi.yaml").write_text(yaml.safe_dump(program))
        engine = Project(folder, "dev", self.plane, "kind-dev", self.grafana)
        (folder / "bin" / "pulumi-language-yaml").symlink_to(binary("pulumi-language-yaml"))
        engine.set_secrets({"slackUrl": "https://hooks.slack.com/services/T/B/x"}, project=program["name"])
        yield engine
        engine.destroy()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    binary("pulumi-language-yaml")
    folder = tmp_path_factory.mktemp("any-language")
    provider = shutil.copytree(ROOT / "provider", folder / "provider")
    foreign = made(folder / "environment")
    (provider / ".venv").symlink_to(foreign.folder / ".venv")
    with ControlPlane(folder / "control-plane") as plane, running(folder / "grafana") as grafana:
        plane.supply_volumes(8)
        yield Place(folder, plane, grafana)


def test_a_program_in_yaml_brings_the_stack_up_and_a_second_update_changes_nothing(place: Place) -> None:
    own = {"url": place.grafana.url, "adminPasswordSecret": "password"}
    with place.project("up", {"grafana": own}) as engine:
        first = engine.up()
        assert first.done.keys() == {"create"}
        assert {"prometheus-pods", "grafana-content", "loki-pods"} <= first.done["create"]
        assert engine.up().changed == frozenset()
        names = {made["metadata"]["name"] for made in place.plane.get("statefulsets", "--all-namespaces")["items"]}
        assert {"prometheus", "alertmanager", "loki"} <= names
        if place.grafana.real:
            assert place.grafana.get("/api/search?type=dash-db&limit=5000")


def test_every_wrong_setting_is_named_before_anything_is_created(place: Place) -> None:
    wrong = {"prometheus": {"retention": {"time": "soon"}}, "grafana": {"replicas": 9}, "content": ["mine"]}
    with place.project("wrong", wrong) as engine, pytest.raises(automation.CommandError) as refused:
        engine.up()
    said = str(refused.value)
    assert "Traceback" not in said
    for key in ("prometheus.retention.time", "grafana.replicas", "content"):
        assert key in said
    assert not place.plane.get("statefulsets", "--all-namespaces")["items"]
