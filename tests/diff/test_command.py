"""``python -m tools.diff``: folders and revisions, formats, gates, and what the engine says."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import stack_settings
from tests.diff.told import edited, rendered, said
from tools.catalogue import catalogue
from tools.diff import compare, engine
from tools.diff.__main__ import main
from tools.diff.change import Change, Danger, Section
from tools.diff.compare import Difference
from tools.diff.formats import FORMATS
from tools.diff.renders import Render, Unusable
from tools.diff.revisions import rendered as renders
from tools.diff.revisions import sides, stacks_of
from tools.recorder import ROOT
from tools.render import write

REASON = "The data protection officer allows 14 days."


def folder(path: Path, stack: str, **changes: Any) -> Path:
    """A render, with its catalogue alone."""
    made = rendered(stack, **changes).catalogue
    path.mkdir(parents=True)
    write(path, [], {}, {"stack": stack})
    (path / "manifests").mkdir()
    (path / "catalogue.json").write_text(json.dumps(made))
    return path


def test_two_folders_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = folder(tmp_path / "old", "prod"), folder(tmp_path / "new", "prod", loki={"retention": "14d"})
    assert main([str(old), str(new)]) == 0
    assert capsys.readouterr().out.splitlines()[:5] == [
        "prod",
        "  loki.retention: 30d -> 14d: older lines are deleted",
        "",
        "  What is kept",
        "    !! loki.retention: 30d -> 14d: older lines are deleted",
    ]


def test_folders_of_several_stacks_are_compared_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for side, retention in (("old", "30d"), ("new", "14d")):
        folder(tmp_path / side / "a", "dev")
        folder(tmp_path / side / "b", "prod", loki={"retention": retention})
    assert main([str(tmp_path / "old"), str(tmp_path / "new"), "--format", "json"]) == 0
    said = {each["stack"]: each["summary"] for each in json.loads(capsys.readouterr().out)["stacks"]}
    assert said == {"dev": ["no change"], "prod": ["loki.retention: 30d -> 14d: older lines are deleted"]}


def test_a_stack_that_nobody_has_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = folder(tmp_path / "old", "prod")
    assert main([str(old), str(old), "--stack", "staging"]) == 1
    assert capsys.readouterr().err == f"staging: no such stack in {old} or {old}: prod\n"


def test_a_folder_without_a_render_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), str(tmp_path)]) == 1
    assert "neither it nor a folder in it has summary.json" in capsys.readouterr().err


def test_a_word_that_is_neither_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Also one that git would take for an option."""
    for word in ("no-such-revision", "--output=x"):
        assert main(["--", word]) == 1
        assert capsys.readouterr().err == f"{word}: neither a folder nor a revision of this repository\n"


@pytest.mark.parametrize("gate", ["retention-shortened", "all"])
def test_a_gate_refuses_without_a_reason(tmp_path: Path, gate: str, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = folder(tmp_path / "old", "prod"), folder(tmp_path / "new", "prod", loki={"retention": "14d"})
    assert main([str(old), str(new), "--forbid", gate]) == 3
    assert "refused by retention-shortened: loki.retention: 30d -> 14d" in capsys.readouterr().out
    assert main([str(old), str(new), "--forbid", "data-lost"]) == 0


def test_a_new_reason_in_the_stack_file_opens_a_gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    accepted = {"retention-shortened": REASON}
    old = folder(tmp_path / "old", "prod")
    new = folder(tmp_path / "new", "prod", loki={"retention": "14d"}, accepted=accepted)
    assert main([str(old), str(new), "--forbid", "all"]) == 0
    assert f"retention-shortened is accepted: {REASON}" in capsys.readouterr().out


def test_the_reason_of_an_earlier_change_opens_no_gate(tmp_path: Path) -> None:
    """Otherwise the first reason would allow all later changes."""
    accepted = {"retention-shortened": REASON}
    old = folder(tmp_path / "old", "prod", accepted=accepted)
    new = folder(tmp_path / "new", "prod", loki={"retention": "14d"}, accepted=accepted)
    assert main([str(old), str(new), "--forbid", "all"]) == 3


def test_the_same_input_gives_the_same_bytes() -> None:
    for form in FORMATS.values():
        once, again = (form([compare.difference("x", rendered("dev"), rendered("prod"))], compare.GATES) for _ in "ab")
        assert once == again


def test_a_comment_neither_links_nor_mentions_nor_breaks_out() -> None:
    """Names come from whoever proposes the change, and the comment is posted with rights of the repository."""
    text = "receiver <img src=x> @everyone [x](https://evil.example.com) `code` | </details>"
    found = Difference(stack="x", changes=(Change(Section.TOLD, text, Danger.NOTE),))
    shown = FORMATS["markdown"]([found], ())
    for word in ("<img", "@everyone", "[x]", "https://", "`code`", " | ", "</details>\n\n</details>"):
        assert word not in shown
    assert shown.count("<details>") == shown.count("</details>") == 1


def test_details_are_folded_and_the_summary_is_in_sight() -> None:
    found = compare.difference("prod", rendered(), rendered(loki={"retention": "14d"}))
    assert FORMATS["markdown"]([found], ["retention-shortened"]).splitlines() == [
        "### prod",
        "",
        "- loki.retention: 30d -&gt; 14d: older lines are deleted",
        "- **refused by retention-shortened: loki.retention: 30d -&gt; 14d: older lines are deleted**",
        "",
        "<details><summary>What is kept (1)</summary>",
        "",
        "- **loki.retention: 30d -&gt; 14d: older lines are deleted**",
        "",
        "</details>",
    ]


def test_no_secret_of_a_stack_is_in_its_catalogue() -> None:
    for name in stack_settings.RECORDED:
        text = json.dumps(
            catalogue(stack_settings.settings(name), dict.fromkeys(stack_settings.secrets(name), "x" * 40))
        )
        assert [each for each in stack_settings.secrets(name).values() if each in text] == []
        assert "x" * 40 not in text


def step(op: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    secret = {"inputs": {"stringData": {"password": "hunter2"}}}
    urn = f"urn:pulumi:prod::agent-observability::observability:index:X$kubernetes:apps/v1:{kind}::{name}"
    return {"op": op, "urn": urn, "oldState": secret, "newState": secret, **more}


def test_the_engines_replacements_and_deletions_are_joined(tmp_path: Path) -> None:
    steps = [
        step("same", "Service", "loki"),
        step("update", "ConfigMap", "loki-config"),
        step("create", "Service", "new"),
        step("replace", "StatefulSet", "loki-pods", replaceReasons=["spec.selector"]),
        step("create-replacement", "StatefulSet", "loki-pods"),
        step("delete-replaced", "StatefulSet", "loki-pods"),
        step("delete", "Secret", "old"),
        step("delete", "PersistentVolumeClaim", "grafana-data"),
    ]
    path = tmp_path / "preview.json"
    path.write_text(json.dumps({"steps": steps, "changeSummary": {}}))
    same = rendered()
    found = compare.difference("prod", same, edited(same), engine.steps(path))
    assert said(found) == [
        "!! the engine deletes PersistentVolumeClaim grafana-data [data-lost]",
        "!! the engine replaces StatefulSet loki-pods, because of spec.selector [data-lost]",
        "! the engine deletes Secret old",
        "the engine will create 1 resource, update 1 resource",
    ]
    assert "hunter2" not in FORMATS["json"]([found], ())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"steps": [{"op": "same"}]}', '{"steps": [1]}'])
def test_another_file_than_a_preview_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "preview.json").write_text(text)
    with pytest.raises(Unusable, match=r"preview\.json: not the output of `pulumi preview --json`"):
        engine.steps(tmp_path / "preview.json")


STAND_IN = """
import json, pathlib, sys
stack, out = sys.argv[1], pathlib.Path(sys.argv[3])
(out / "manifests").mkdir(parents=True)
(out / "summary.json").write_text(json.dumps({"stack": stack}))
(out / "catalogue.json").write_text(pathlib.Path("catalogue.json").read_text())
"""
"""A renderer that takes no time; the real one is tried by tests/test_render.py."""


def git(repository: Path, *arguments: str) -> None:
    run = shutil.which("git")
    assert run
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run([run, *who, *arguments], cwd=repository, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout with two commits, and a change that is not committed."""
    root = tmp_path / "checkout"
    (root / "tools" / "render").mkdir(parents=True)
    (root / "tools" / "__init__.py").touch()
    (root / "tools" / "render" / "__init__.py").touch()
    (root / "tools" / "render" / "__main__.py").write_text(STAND_IN)
    (root / "Pulumi.prod.yaml").touch()
    shutil.copy(ROOT / "uv.lock", root / "uv.lock")
    git(root, "init", "--quiet")
    for retention in ("30d", "14d", "7d"):
        (root / "catalogue.json").write_text(json.dumps(rendered(loki={"retention": retention}).catalogue))
        if retention != "7d":
            git(root, "add", ".")
            git(root, "commit", "--quiet", "--message", retention)
    return root


def of(repository: Path, old: str, new: str | None) -> list[str]:
    with sides(old, new, repository, lambda _: None) as (before, after):
        stacks = stacks_of(before, after, [])
        pairs = renders(before, after, stacks)
    return [
        sentence
        for stack, pair in zip(stacks, pairs, strict=True)
        for sentence in said(compare.difference(stack, *pair))
    ]


def test_revisions_are_rendered_by_their_own_code(repository: Path) -> None:
    gate = "older lines are deleted [retention-shortened]"
    assert of(repository, "HEAD~1", "HEAD") == [f"!! loki.retention: 30d -> 14d: {gate}"]
    assert of(repository, "HEAD~1", None) == [f"!! loki.retention: 30d -> 7d: {gate}"]
    assert of(repository, "HEAD", "HEAD") == []


def test_a_comparison_leaves_the_checkout_as_it_was(repository: Path) -> None:
    def state() -> Mapping[Path, bytes]:
        return {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}

    before = state()
    of(repository, "HEAD~1", None)
    assert {path.name for path in state().keys() ^ before.keys() if "__pycache__" not in path.parts} == set()
    assert {path: text for path, text in state().items() if path in before} == before


def test_a_revision_that_cannot_be_rendered_says_why(repository: Path) -> None:
    (repository / "tools" / "render" / "__main__.py").write_text(
        "import sys; sys.exit('loki.retention: 7 days: a duration')"
    )
    with pytest.raises(Unusable, match=r"this checkout: stack prod cannot be rendered:\n  loki\.retention: 7 days"):
        of(repository, "HEAD", None)


def test_a_stack_on_one_side_is_new_or_gone(repository: Path) -> None:
    (repository / "Pulumi.prod.yaml").rename(repository / "Pulumi.staging.yaml")
    assert of(repository, "HEAD", None) == [
        "!! the stack file is gone: `pulumi destroy` deletes what runs, with its data [data-lost]",
        "the stack is new",
    ]


def test_a_render_without_anything_is_no_change() -> None:
    assert said(compare.difference("x", Render(), Render())) == []
