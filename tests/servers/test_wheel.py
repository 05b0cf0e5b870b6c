"""The wheel: another program uses the components, beside packages of the same names, and with its own objects."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools import stack_file
from tools.local.control_plane import ControlPlane
from tools.local.engine import Project
from tools.local.grafana import Grafana
from tools.recorder import ROOT, record
from tools.render import MASK
from tools.wheel import NAME, files, rewritten

OWN = ROOT / "examples" / "own-program"
FOREIGN = {"components": "THEIRS = True\n", "rules": "THEIRS = True\n"}
"""Packages of the other program, by name: their content."""
# Runs a program as the engine does, with the recorder of the checkout, which the wheel does not have.
RUN = """
import importlib.util, json, sys
from pathlib import Path

import components, rules
assert components.THEIRS and rules.THEIRS

given = json.load(sys.stdin)
about = importlib.util.spec_from_file_location("recorder", given["recorder"])
recorder = sys.modules["recorder"] = importlib.util.module_from_spec(about)
about.loader.exec_module(recorder)
sys.path.insert(0, str(Path(given["program"]).parent))
recorded = recorder.record("dev", given["config"], given["secrets"], Path(given["program"]))
assert components is sys.modules["components"]
for resource in recorded.resources_seen:
    print(repr(resource))
"""


@dataclass(frozen=True)
class Foreign:
    """Another program's environment, with the wheel."""

    python: Path
    folder: Path

    def registers(self, program: Path, path: Path) -> list[str]:
        """What the program registers for the stack file in ``path``, a line for each resource."""
        given = stack_file.read(path)
        asked = {
            "recorder": str(ROOT / "tools" / "recorder.py"),
            "program": str(program),
            "config": given.config,
            "secrets": dict.fromkeys(given.secrets, MASK),
        }
        return self.run("-W", "error", "-c", RUN, given=json.dumps(asked)).splitlines()

    def run(self, *arguments: str, given: str = "") -> str:
        # Nothing of the checkout is on its path: the folder has packages of the same names.
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            input=given,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    folder = tmp_path_factory.mktemp("foreign")
    built = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(built)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = built.glob("*.whl")
    venv.create(folder / ".venv", with_pip=False)
    python = folder / ".venv" / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True)
    # What it depends on is here already: the libraries of the checkout, whose own packages are not among them.
    (libraries,) = (folder / ".venv" / "lib").glob("python*/site-packages")
    (shared,) = (ROOT / ".venv" / "lib").glob("python*/site-packages")
    (libraries / "shared.pth").write_text(f"{shared}\n")
    for name, content in FOREIGN.items():
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(content)
    return Foreign(python, folder)


def test_the_stack_from_the_wheel_is_the_stack_of_the_checkout(foreign: Foreign) -> None:
    program = foreign.folder / "__main__.py"
    program.write_text(rewritten((ROOT / "__main__.py").read_text(), "__main__.py"))
    path = ROOT / "Pulumi.dev.yaml"
    given = stack_file.read(path)
    ours = record("dev", given.config, dict.fromkeys(given.secrets, MASK))
    # In the order of arrival, which no two runs share.
    assert sorted(foreign.registers(program, path)) == sorted(map(repr, ours.resources_seen))


def test_a_program_uses_prometheus_and_alertmanager_alone(foreign: Foreign) -> None:
    made = foreign.registers(OWN / "alone" / "__main__.py", OWN / "alone" / "Pulumi.dev.yaml")
    components = {kind for line in made if (kind := _kind(line)).startswith("observability:")}
    assert {each.rpartition(":")[2] for each in components} == {"Namespaces", "Exporter", "Prometheus", "Alertmanager"}
    assert any("name='addresses'" in line for line in made)
    workloads = {_name(line) for line in made if _kind(line).endswith(("StatefulSet", "Deployment", "DaemonSet"))}
    assert workloads == {"prometheus-pods", "alertmanager-pods", "kube-state-metrics-pods", "node-exporter-pods"}
    texts = "\n".join(line for line in made if _kind(line).endswith(":ConfigMap"))
    assert "alert: NodeMemoryThrashing" in texts
    assert "alert: LokiDown" not in texts, "there is no Loki"
    assert "slack_configs" in texts


def test_a_program_adds_its_own_component_alert_and_runbook(foreign: Foreign) -> None:
    made = foreign.registers(OWN / "extended" / "__main__.py", OWN / "extended" / "Pulumi.dev.yaml")
    (workers,) = [line for line in made if _name(line) == "orders-pods"]
    assert "http://otel-collector.monitoring.svc:4318" in workers
    assert any("OrdersWaiting" in line for line in made if "ConfigMap" in _kind(line))
    assert any("More orders wait" in line for line in made if _kind(line).startswith("grafana:"))


@pytest.mark.timeout(900)
def test_a_second_update_of_another_program_changes_nothing(foreign: Foreign, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(OWN / "alone", project)
    (project / ".venv").symlink_to(foreign.folder / ".venv")
    # The program fills no Grafana.
    none = Grafana("https://grafana.example.com", "", Path(ssl.get_default_verify_paths().cafile or "none"), real=False)
    with ControlPlane(tmp_path / "control-plane") as plane:
        plane.supply_volumes(3)
        engine = Project(tmp_path, "dev", plane, "kind-dev", none)
        assert engine.up().done.keys() == {"create"}
        assert engine.up().changed == frozenset()
        engine.destroy()


def _kind(line: str) -> str:
    return line.partition("type='")[2].partition("'")[0]


def _name(line: str) -> str:
    return line.partition("name='")[2].partition("'")[0]


@pytest.mark.parametrize("example", ["alone", "extended"])
def test_the_examples_satisfy_a_strict_type_checker(foreign: Foreign, example: str) -> None:
    strict = ["--strict", "--cache-dir", str(foreign.folder / ".mypy_cache"), "--python-executable"]
    subprocess.run(
        [sys.executable, "-m", "mypy", *strict, str(foreign.python), "."],
        cwd=OWN / example,
        check=True,
    )


def test_every_module_can_be_imported_under_the_one_name(foreign: Foreign) -> None:
    modules = sorted(
        f"{NAME}.{path.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}"
        for path, _ in files(ROOT)
        if path.endswith(".py") and path != "rules/portainer/discovery.py"  # a program of its own, in a container
    )
    foreign.run("-W", "error", "-c", f"import importlib\nfor each in {modules}: importlib.import_module(each)")


@pytest.mark.parametrize(
    ("source", "moved"),
    [
        ("from rules.systems import watch\n", f"from {NAME}.rules.systems import watch\n"),
        ("def f():\n    from model import ports\n", f"def f():\n    from {NAME}.model import ports\n"),
        ("from rulesets import x\nfrom . import y\n", "from rulesets import x\nfrom . import y\n"),
        ('"""from rules import x"""\n', '"""from rules import x"""\n'),
    ],
)
def test_only_imports_of_our_packages_are_moved(source: str, moved: str) -> None:
    assert rewritten(source, "a.py") == moved


def test_an_import_that_would_bind_a_packages_own_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a\.py:2: import names from a module"):
        rewritten("import json\nimport rules.systems\n", "a.py")
