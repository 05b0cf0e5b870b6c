"""The demo, as somebody starts it: it tells how it went, and leaves nothing but its summary."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools.demo.show import ALERT, CHARTS, SHORTEST
from tools.local.harness import eventually
from tools.recorder import ROOT

MARK = "DEMO_TEST"
"""Set for a demo, and so for everything that it starts."""


@dataclass
class Demo:
    """One, under way or over."""

    process: subprocess.Popen[str]
    printed: Path
    temporary: Path
    out: Path
    mark: str = field(repr=False)

    @property
    def text(self) -> str:
        return self.printed.read_text(encoding="utf-8")

    def left(self) -> list[str]:
        """The processes of it that run."""
        marked = f"{MARK}={self.mark}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and marked in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:  # it has ended since it was listed
                continue
        return found

    def ends(self, within: float) -> int:
        return self.process.wait(within)


@contextmanager
def demo(home: Path, *arguments: str, path: str = "") -> Iterator[Demo]:
    home.mkdir(exist_ok=True)
    temporary, out, printed, mark = home / "temporary", home / "out", home / "printed", uuid.uuid4().hex
    temporary.mkdir()
    env = {**os.environ, MARK: mark, "TMPDIR": str(temporary)}
    if path:
        env["PATH"] = path
    argv = [sys.executable, "-m", "tools.demo", f"--out={out}", *arguments]
    with (
        printed.open("w") as output,
        subprocess.Popen(argv, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT, text=True) as process,
    ):
        try:
            yield Demo(process, printed, temporary, out, mark)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A whole one, unattended, as short as it may be."""
    with demo(tmp_path_factory.mktemp("shown"), f"--seconds={SHORTEST:g}") as made:
        made.ends(within=240)
        yield made


# --- a demo that is let run ---


def test_it_succeeds_when_the_alert_and_its_end_were_delivered(shown: Demo) -> None:
    assert shown.process.returncode == 0, shown.text
    summary = json.loads((shown.out / "summary.json").read_text())
    assert (summary["alert"], summary["delivered"], summary["resolved"]) == (ALERT, True, True)
    titles = [message["title"] for message in summary["messages"]]
    assert [title for title in titles if ALERT in title] == [
        f"FIRING warning: {ALERT} in agents on dev-1",
        f"RESOLVED warning: {ALERT} in agents on dev-1",
    ]


def test_it_says_what_runs_and_how_much_there_is(shown: Demo) -> None:
    for server in ("Prometheus", "Alertmanager", "Loki", "Jaeger", "OpenTelemetry collector", "Promtail", "Grafana"):
        assert re.search(rf"^  {server} ", shown.text, re.MULTILINE), server
    for what in ("targets up", "rules", "runs", "tokens", "USD", "spans", "log lines"):
        numbers = [float(number) for number in re.findall(rf"^ +([\d.]+) {what}$", shown.text, re.MULTILINE)]
        assert numbers
        assert numbers[0] > 0, what


def test_the_agents_fail_while_their_model_is_away_and_recover(shown: Demo) -> None:
    summary = json.loads((shown.out / "summary.json").read_text())
    broken, mended = (event["at"] for event in summary["events"] if event["kind"] in ("broken", "mended"))
    runs = summary["charts"]["Runs of agents, per second"]
    before, after = runs["succeeded"][0][1], runs["succeeded"][-1][1]
    assert min(before, after) > 1, "two are begun each second, and most succeed"
    assert min(value for at, value in runs["succeeded"] if broken < at < mended + 3) < before / 2
    assert max(value for _, value in runs["failed"]) > 1


def test_its_page_needs_nothing_else(shown: Demo) -> None:
    page = (shown.out / "index.html").read_text()
    assert not re.search(
        r"(?:src|href|url\(|@import|https?://(?!127\.0\.0\.1))", re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)
    )
    assert page.count("<svg") == len(CHARTS) + 1
    assert page.count("<polyline") == sum(len(lines) for lines in CHARTS.values())
    for words in ("FIRING warning", "RESOLVED warning", "prefers-color-scheme: dark"):
        assert words in page


def test_it_leaves_nothing_but_its_summary(shown: Demo) -> None:
    assert shown.left() == []
    assert list(shown.temporary.iterdir()) == []
    assert {path.name for path in shown.out.iterdir()} == {"summary.json", "index.html"}


# --- others ---


def test_it_fails_when_nobody_takes_the_message(tmp_path: Path) -> None:
    with demo(tmp_path, f"--seconds={SHORTEST:g}", "--refuse") as made:
        assert made.ends(within=240) == 1, made.text
        assert made.text.rstrip().endswith(f"{ALERT} was not delivered: team-chat refused it")
        assert json.loads((made.out / "summary.json").read_text())["delivered"] is False
        assert made.left() == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda ending: ending.name)
def test_it_ends_at_once_when_told_to_and_leaves_nothing(tmp_path: Path, ending: signal.Signals) -> None:
    with demo(tmp_path) as made:
        eventually(lambda: "\nthe collector ..." in made.text, 60, "servers are starting")
        assert len(made.left()) > 10
        made.process.send_signal(ending)
        assert made.ends(within=20) == 130
        assert made.text.rstrip().endswith("stopped; nothing is left running")
        assert made.left() == []
        assert list(made.temporary.iterdir()) == []
        assert not made.out.exists()


def test_a_tool_that_is_missing_is_named(tmp_path: Path) -> None:
    with demo(tmp_path, path=str(tmp_path / "nothing")) as made:
        assert made.ends(within=20) == 1
        assert "`openssl` is not on the PATH" in made.text
        assert len(made.text.splitlines()) == 1


@pytest.mark.parametrize("wrong", ["5", "soon"])
def test_a_time_that_is_too_short_is_refused(tmp_path: Path, wrong: str) -> None:
    with demo(tmp_path, f"--seconds={wrong}") as made:
        assert made.ends(within=20) == 2
        assert "--seconds" in made.text
