"""What cannot be tried is counted apart, said last, and never lets a run pass for more than it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.recorder import ROOT

CONFTEST = """
from pathlib import Path
from tests.servers.not_tried import NotTried

def pytest_configure(config):
    config.pluginmanager.register(NotTried(config, Path(__file__).with_name("recorded.toml")))
"""
TESTS = """
import pytest
from tools.servers.find import NotHad

@pytest.fixture(scope="module")
def loki():
    raise NotHad("loki", "take it from its image")

def test_one(loki): pass

def test_two(loki): pass

def test_engine(): raise NotHad("engine", "install it")

def test_three(): THREE
"""
Ran = tuple[int, list[str]]
"""Exit status, and the lines that were printed."""
Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run("-n2", recorded="loki = 2", require="loki")``: a suite with three tests that cannot be tried, of four."""

    def run(*arguments: str, recorded: str = "loki = 2\nengine = 1", require: str = "", three: str = "pass") -> Ran:
        (tmp_path / "conftest.py").write_text(CONFTEST)
        (tmp_path / "test_some.py").write_text(TESTS.replace("THREE", three))
        (tmp_path / "recorded.toml").write_text(recorded)
        argv = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            f"--rootdir={tmp_path}",
            str(tmp_path),
            *arguments,
        ]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "REQUIRE": require}
        env.pop("PYTEST_XDIST_WORKER", None)
        done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, (done.stdout + done.stderr).splitlines()

    return run


@pytest.mark.parametrize("arguments", [[], ["--numprocesses=2"]], ids=["alone", "with workers"])
def test_the_last_lines_say_what_was_not_tried_and_what_to_do(run: Run, arguments: list[str]) -> None:
    status, printed = run(*arguments)

    assert status == 0
    assert printed[-2:] == [
        "not tried without engine: 1 test, 1 recorded; install it",
        "not tried without loki: 2 tests, 2 recorded; take it from its image",
    ]
    assert "1 passed, 3 not tried in" in printed[-3]


def test_a_run_that_tries_less_than_is_recorded_fails(run: Run) -> None:
    status, printed = run(recorded="loki = 1\nengine = 1")

    assert status == 1
    assert printed[-1] == "failed: more is not tried without loki than not_tried.toml records"


def test_what_nobody_has_recorded_fails(run: Run) -> None:
    assert run(recorded="loki = 2")[0] == 1


def test_what_is_required_fails_when_it_cannot_be_had(run: Run) -> None:
    status, printed = run(require="loki")

    assert status == 1
    assert printed[-2:] == [
        "failed: test_some.py::test_one: REQUIRE=loki, and loki is missing: take it from its image",
        "failed: test_some.py::test_two: REQUIRE=loki, and loki is missing: take it from its image",
    ]
    text = "\n".join(printed)
    assert "1 passed, 2 errors, 1 not tried in" in text
    assert "REQUIRE=loki, and loki is missing: take it from its image" in text


@pytest.mark.parametrize("arguments", [[], ["--numprocesses=2"]], ids=["alone", "with workers"])
def test_what_failed_is_said_last_with_its_error(run: Run, arguments: list[str]) -> None:
    status, printed = run(*arguments, three=r"raise ValueError('receiver\nis away')")

    assert status == 1
    assert printed[-1] == "failed: test_some.py::test_three: ValueError: receiver"


def test_a_requirement_that_nothing_is_counted_for_is_refused(run: Run) -> None:
    status, printed = run(require="lokki")

    assert status == pytest.ExitCode.USAGE_ERROR
    assert any("REQUIRE: lokki: no such name; there are loki, engine" in line for line in printed)
