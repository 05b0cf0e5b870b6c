"""Settings through the real program: what a wrong stack file does to a deployment, and to a render."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.alertmanager.component import TELLS_NOBODY
from components.promtail.component import END_OF_LIFE
from tools import recorder, render
from tools.recorder import PROJECT, ROOT, Recorder, record

DEV: dict[str, Any] = {
    "cluster": {"name": "dev-1", "environment": "dev", "context": "kind-dev", "flavour": "kind"},
    "systems": {"kubernetes": {}, "nodes": {}},
}
WEBHOOK = {"receivers": [{"name": "team", "webhook": {"urlSecret": "hookUrl"}}]}


@pytest.fixture
def recorders(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Recorder]]:
    """Every recorder that a run makes, so that what a failed one registered can be asked for."""
    made: list[Recorder] = []

    class Kept(Recorder):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr(recorder, "Recorder", Kept)
    yield made
    gc.collect()


def refusal(config: dict[str, Any], secrets: dict[str, str] | None = None) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        record("dev", config, secrets or {})
    return str(refused.value)


def test_a_valid_stack_registers_resources(recorders: list[Recorder]) -> None:
    record("dev", DEV | {"notifications": WEBHOOK}, {"hookUrl": "https://hooks.example.com/x"})
    (made,) = recorders
    assert made.resources_seen, "or the absence below proves nothing"


SECTIONS = (
    "one of cluster, prometheus, alertmanager, grafana, collector, jaeger, loki, logs, systems, alerts, "
    "owners, notifications, slos, content, accepted"
)
HOOK = 'notifications.receivers[0].webhook.urlSecret: "hookUrl":'
UNSET = f"{HOOK} no such secret in this stack: set it with pulumi config set --secret hookUrl"
IN_PLAIN = f"{HOOK} is in plain text in the stack file: set it with pulumi config set --secret hookUrl"


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"prometheus": {"replicas": "two"}}, ['prometheus.replicas: "two": a whole number']),
        (
            {"prometheus": {"replicas": 0}, "thanos": {}},
            ["prometheus.replicas: 0: at least 1", f"thanos: unknown key: {SECTIONS}"],
        ),
        ({"cluster": "kind"}, ['cluster: "kind": a mapping']),
        ({"alertmanager": None}, ["alertmanager: null: a mapping"]),
        ({"slos": "none"}, ['slos: "none": a list']),
        ({"notifications": WEBHOOK}, [UNSET]),
        ({"notifications": WEBHOOK, "hookUrl": "https://hooks.example.com/t0ken"}, [IN_PLAIN]),
    ],
)
def test_a_wrong_stack_is_refused_with_exactly_its_problems_and_registers_nothing(
    changes: dict[str, Any], lines: list[str], recorders: list[Recorder]
) -> None:
    assert refusal(DEV | changes).splitlines() == lines
    assert [made.resources_seen for made in recorders] == [[]]


def test_a_stack_without_settings_asks_for_its_cluster(recorders: list[Recorder]) -> None:
    assert refusal({}) == "cluster: is required"
    assert [made.resources_seen for made in recorders] == [[]]


def test_a_section_that_holds_a_secret_is_refused_without_a_word_of_it(recorders: list[Recorder]) -> None:
    # What Pulumi makes of a {secure: ...} inside a structured value: the whole of it is decrypted, and a secret.
    section = json.dumps({"receivers": [{"name": "team", "webhook": {"urlSecret": "hunter2"}}]})
    assert refusal(DEV, {"notifications": section}) == (
        "notifications: (hidden): holds a secret: give that a top-level key of its own, and name the key here"
    )
    assert [made.resources_seen for made in recorders] == [[]]


def test_a_secret_reaches_the_engine_only_as_a_secret() -> None:
    made = record("dev", DEV | {"notifications": WEBHOOK}, {"hookUrl": "t0ken"})
    assert "t0ken" not in repr(made.resources_seen)
    assert "t0ken" not in repr(made.outputs)


def arguments(folder: Path, text: str) -> list[str]:
    path = folder / "Pulumi.test.yaml"
    path.write_text(text)
    return ["test", "--stack-file", str(path), "--out", str(folder / "out")]


def rendered(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "tools.render", *arguments(folder, text)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def stack_text(config: dict[str, Any]) -> str:
    return json.dumps({"config": {f"{PROJECT}:{key}": value for key, value in config.items()}})  # JSON is YAML


EXTERNAL = {"prometheus": {"externalLabels": {"cluster": "x"}}}
ENCRYPTED = {"notifications": {"receivers": [{"name": "a", "webhook": {"urlSecret": {"secure": "v1:x"}}}]}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cluster: is required"),
        ("config: {}", "cluster: is required"),
        ("encryptionsalt: v1:abc", "cluster: is required"),
        (f"config: {{{PROJECT}:cluster: }}", "cluster: null: a mapping"),
        (stack_text(DEV | {"prometheus": {"replicas": "two"}}), 'prometheus.replicas: "two": a whole number'),
        (stack_text(DEV | EXTERNAL), 'prometheus.externalLabels.cluster: "x": a label that the stack does not set'),
        (stack_text(DEV | ENCRYPTED), "notifications.receivers[0].webhook.urlSecret: (hidden): holds a secret"),
    ],
)
def test_a_render_of_a_wrong_stack_file_says_what_is_wrong_and_writes_nothing(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render.main(arguments(tmp_path, text)) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith(said)
    assert not (tmp_path / "out").exists()


def test_a_render_says_all_problems_one_line_each(tmp_path: Path) -> None:
    wrong = {"prometheus": {"replicas": 9, "scrapeIntervall": "30s"}, "alerts": {"TargetDwn": False}, "thanoss": {}}
    run = rendered(tmp_path, stack_text(DEV | wrong))
    assert (run.returncode, run.stdout, run.stderr.splitlines()) == (
        1,
        "",
        [
            "prometheus.replicas: 9: at most 4",
            "prometheus.scrapeIntervall: unknown key: did you mean scrapeInterval?",
            "alerts.TargetDwn: unknown alert of the systems that are on: did you mean TargetDown?",
            f"thanoss: unknown key: {SECTIONS}",
        ],
    )


def test_a_valid_stack_file_renders_without_a_warning(tmp_path: Path) -> None:
    run = rendered(tmp_path, stack_text(DEV))
    # Components speak when they are made, and none waits for the other.
    assert (run.returncode, sorted(run.stderr.strip().splitlines())) == (0, sorted((TELLS_NOBODY, END_OF_LIFE))), (
        "nothing is said but what must be"
    )
