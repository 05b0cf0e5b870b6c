"""After the one documented set-up command, plain `pulumi` commands find all they need."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import yaml

from tools.recorder import ROOT

WITHOUT_UV = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
"""The environment of somebody who installed Python, make, pip and the Pulumi CLI, and nothing else."""


def options() -> dict[str, str]:
    runtime: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["runtime"]
    return runtime["options"]  # type: ignore[no-any-return]  # YAML


def host(*arguments: str) -> str:
    """What Pulumi's Python host runs: the interpreter of the environment that Pulumi.yaml names."""
    python = ROOT / options()["virtualenv"] / "bin" / "python"
    done = subprocess.run([python, *arguments], env=WITHOUT_UV, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout


def test_the_host_needs_no_tool_besides_the_environment() -> None:
    assert options()["toolchain"] == "pip", "with uv, every `pulumi` command asks for it on the PATH"


@pytest.mark.parametrize("package", ["pulumi", "pulumi_kubernetes", "pulumiverse_grafana"])
def test_the_host_finds_the_packages_whose_plugins_it_has_to_get(package: str) -> None:
    listed = {each["name"] for each in json.loads(host("-m", "pip", "list", "--format", "json"))}
    assert package in {name.replace("-", "_") for name in listed}


def test_the_host_starts_a_program() -> None:
    host("-c", "import pulumi")
