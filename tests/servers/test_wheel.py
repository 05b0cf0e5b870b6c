"""The wheel: another program uses the components, beside packages of the same names, and with its own objects."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.foreign import OWN, Foreign, made
from tools import stack_file
from tools.local.control_plane import ControlPlane
from tools.local.engine import Project
from tools.local.grafana import Grafana
from tools.recorder import ROOT, record
from tools.render import MASK
from tools.wheel import NAME, files, rewritten


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    return made(tmp_path_factory.mktemp("foreign"))


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
