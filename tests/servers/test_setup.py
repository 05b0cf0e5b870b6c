"""`make setup` on a checkout that somebody has tried before."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.recorder import ROOT


def make_setup(checkout: Path) -> None:
    # Of the machine's own tools: what runs the tests is an environment of uv's itself.
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "MAKEFLAGS")}
    subprocess.run(["make", "setup"], cwd=checkout, env=environment, capture_output=True, text=True, check=True)


def imports(checkout: Path, package: str) -> bool:
    python = checkout / ".venv" / "bin" / "python"
    return subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_an_environment_that_was_left_half_made_is_made_whole(checkout: Path) -> None:
    (checkout / ".venv" / "lib").mkdir(parents=True)
    make_setup(checkout)
    assert imports(checkout, "pulumi")
    assert imports(checkout, "pip")

    # Made whole once, it loses what Pulumi's host asks first.
    python = checkout / ".venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "uninstall", "--yes", "--quiet", "pip"], capture_output=True, check=True)
    assert not imports(checkout, "pip")
    make_setup(checkout)
    assert imports(checkout, "pip")
