"""Another program's environment: the wheel, the libraries that it needs, and packages of the same names as ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from tools import stack_file
from tools.recorder import ROOT
from tools.render import MASK

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


def made(folder: Path) -> Foreign:
    """Build the wheel, and install it into a new environment in ``folder``."""
    built = folder / "built"
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
