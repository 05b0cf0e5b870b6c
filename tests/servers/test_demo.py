"""The demo, as somebody starts it: it reports how it went, and leaves nothing but its summary."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import pytest
import yaml

from rules.systems import SYSTEMS
from tools.demo.show import ALERT, CHARTS, SHORTEST
from tools.demo.stack import LOGGING
from tools.demo.stores import STORES
from tools.local.harness import ServerDied, eventually
from tools.local.platforms import PLATFORMS
from tools.recorder import ROOT
from tools.servers.find import binary, had

SHOWN = ("progressive", "interaction_backend")
"""Platforms: several programs that are scraped, and one that pushes."""
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

    def says(self, text: str) -> bool:
        """Whether it has printed this; raises ServerDied if it ended without."""
        ended = self.process.poll() is not None
        if text in self.text:
            return True
        if ended:
            raise ServerDied(self.text)
        return False

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
def demo(home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Demo]:
    home.mkdir(exist_ok=True)
    out, printed, mark = home / "out", home / "printed", uuid.uuid4().hex
    argv = [sys.executable, "-m", "tools.demo", f"--out={out}", *arguments]
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as temporary,
        printed.open("w") as output,
        subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, MARK: mark, "TMPDIR": temporary, **(env or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        Path(temporary).chmod(0o711)  # PostgreSQL's user, which is not root, enters it; it could not enter pytest's
        try:
            yield Demo(process, printed, Path(temporary), out, mark)
        finally:
            process.kill()


GRAFANA = f"""#!{sys.executable}
import configparser, http.server, os, shutil, sys
assert sys.argv[1] == "server"
given = dict(each.removeprefix("cfg:").lstrip("-").split("=", 1) for each in sys.argv[2:])
ini = configparser.RawConfigParser()
ini.read(given["config"])
seen, provisioning = os.environ["SEEN"], given["paths.provisioning"]
shutil.copytree(provisioning, seen)
shutil.copytree(os.path.join(os.path.dirname(provisioning), "dashboards"), os.path.join(seen, "copied"))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/api/health", "/healthz", "/metrics") else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"" if self.path == "/metrics" else b"ok")
http.server.HTTPServer((given["server.http_addr"], ini.getint("server", "http_port")), Handler).serve_forever()
"""
"""A program that shows what a Grafana is given, on a machine that may have none."""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A whole one, unattended, as short as it may be, on a machine that has a `grafana`."""
    home = tmp_path_factory.mktemp("shown")
    grafana = home / "bin" / "grafana"
    grafana.parent.mkdir()
    grafana.write_text(GRAFANA)
    grafana.chmod(0o755)
    defaults = home / "conf" / "defaults.ini"  # by which its folder is known
    defaults.parent.mkdir()
    defaults.touch()
    env = {"PATH": f"{grafana.parent}:{os.environ['PATH']}", "SEEN": str(home / "seen")}
    with demo(home, f"--seconds={SHORTEST:g}", *_stores(), f"--platforms={','.join(SHOWN)}", env=env) as made:
        made.ends(within=240)
        yield made


def _stores() -> tuple[str, ...]:
    """Asks for the stores whose programs there are."""
    keys = [key for key, store in STORES.items() if all(had(each) for each in (*store.programs, store.exporter))]
    return (f"--systems={','.join(keys)}",) if keys else ()


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
    for what in ("targets up", "rules", "runs", "tokens", "USD", "spans"):
        assert counted(shown, what) > 0, what


def counted(shown: Demo, what: str) -> float:
    """How much there was of something when everything was ready."""
    found = re.search(rf"^ +([\d.]+) {what}$", shown.text, re.MULTILINE)
    assert found, f"nothing is said of {what}"
    return float(found[1])


def test_it_has_logs_where_there_is_a_loki(shown: Demo) -> None:
    for name in LOGGING:
        binary(name)

    assert counted(shown, "log lines") > 0


@pytest.mark.parametrize("key", STORES)
def test_it_watches_the_stores_that_it_is_asked_for(shown: Demo, key: str) -> None:
    for name in (*STORES[key].programs, STORES[key].exporter):
        binary(name)

    busy = json.loads((shown.out / "summary.json").read_text())["stores"]
    assert busy[key] > 20, "operations per second: the exporter alone makes 13 of PostgreSQL, 4 of Redis"


@pytest.mark.parametrize("key", SHOWN)
def test_it_shows_the_platforms_that_it_is_asked_for_at_work_and_well(shown: Demo, key: str) -> None:
    found = json.loads((shown.out / "summary.json").read_text())["platforms"][key]
    assert found["per second"] > 1, "each is used at least twice a second"
    assert found["alerts"] == []
    (system,) = (each for each in SYSTEMS if each.key == key)
    dashboard = rf"^  {system.title} dashboard +http://127\.0\.0\.1:\d+/d/{system.dashboard}$"
    assert re.search(dashboard, shown.text, re.MULTILINE)
    for program in PLATFORMS[key].programs:
        assert re.search(rf"^  {program.name} +http://127\.0\.0\.1:\d+$", shown.text, re.MULTILINE)


def test_the_agents_fail_while_their_model_is_away_and_recover(shown: Demo) -> None:
    summary = json.loads((shown.out / "summary.json").read_text())
    broken, mended = (event["at"] for event in summary["events"] if event["kind"] in ("broken", "mended"))
    runs = summary["charts"]["Runs of agents, per second"]
    before, after = (mean(value for _, value in part) for part in (runs["succeeded"][:5], runs["succeeded"][-5:]))
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


def test_a_grafana_gets_the_datasources_and_the_dashboards_of_the_stack(shown: Demo) -> None:
    assert re.search(r"^  Grafana +http://127\.0\.0\.1:\d+$", shown.text, re.MULTILINE)
    seen = shown.out.parent / "seen"
    (provisioned,) = (yaml.safe_load(path.read_text()) for path in (seen / "datasources").iterdir())
    urls = json.loads((shown.out / "summary.json").read_text())["urls"]
    at = {"prometheus": "Prometheus", "alertmanager": "Alertmanager", "loki": "Loki", "jaeger": "Jaeger"}
    given = {source["uid"]: source["url"] for source in provisioned["datasources"]}
    assert given.keys() == at.keys()
    running = [uid for uid in at if urls[at[uid]].startswith("http")]
    assert [given[uid] for uid in running] == [urls[at[uid]] for uid in running]
    assert set(at) - {"loki"} <= set(running)
    (dashboards,) = (yaml.safe_load(path.read_text()) for path in (seen / "dashboards").iterdir())
    assert [provider["options"]["path"].rpartition("/")[2] for provider in dashboards["providers"]] == ["dashboards"]
    assert {"agents", "agents-llm", "runbooks-monitoring"} <= {
        json.loads(path.read_text())["uid"] for path in (seen / "copied").iterdir()
    }


# --- others ---


def test_it_fails_when_nobody_takes_the_message(tmp_path: Path) -> None:
    with demo(tmp_path, f"--seconds={SHORTEST:g}", "--refuse") as made:
        assert made.ends(within=240) == 1, made.text
        assert made.text.rstrip().endswith(f"{ALERT} was not delivered: team-chat refused it")
        assert json.loads((made.out / "summary.json").read_text())["delivered"] is False
        assert made.left() == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda ending: ending.name)
def test_it_ends_at_once_on_a_signal_and_leaves_nothing(tmp_path: Path, ending: signal.Signals) -> None:
    with demo(tmp_path, "--platforms=eliza") as made:
        eventually(lambda: made.says("\nevery target and every store ..."), 240, "the last ones are starting")
        assert any("tests.platforms.eliza" in each for each in made.left())
        made.process.send_signal(ending)
        assert made.ends(within=20) == 130
        assert made.text.rstrip().endswith("stopped; nothing is left running")
        assert made.left() == []
        assert list(made.temporary.iterdir()) == []
        assert not made.out.exists()


@pytest.mark.parametrize("missing", ["openssl", "go"])
def test_a_tool_that_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    (tmp_path / "bin").mkdir()
    for tool in {"openssl", "go"} - {missing}:
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    with demo(tmp_path, env={"PATH": str(tmp_path / "bin")}) as made:
        assert made.ends(within=20) == 1
        assert f"`{missing}` is not on the PATH" in made.text
        assert "install" in made.text
        assert len(made.text.splitlines()) == 1


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ("--systems=postgres,nodes", "'nodes': the demo shows postgres, redis"),
        ("--platforms=eliza,elisa", f"'elisa': the demo shows {', '.join(sorted(PLATFORMS))}"),
        ("--platforms=", "'': the demo shows agent_hive, "),
    ],
)
def test_a_system_that_it_cannot_show_is_refused(tmp_path: Path, asked: str, refusal: str) -> None:
    with demo(tmp_path, asked) as made:
        assert made.ends(within=20) == 2
        assert refusal in made.text


@pytest.mark.parametrize("wrong", ["5", "soon"])
def test_a_time_that_is_too_short_is_refused(tmp_path: Path, wrong: str) -> None:
    with demo(tmp_path, f"--seconds={wrong}") as made:
        assert made.ends(within=20) == 2
        assert "--seconds" in made.text
