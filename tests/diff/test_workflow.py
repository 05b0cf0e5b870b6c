"""The scripts of the workflows: a pull request in a bare repository, and a stand-in for GitHub's command."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.diff.told import rendered
from tools.diff import comment, compare
from tools.diff.formats import as_json
from tools.diff.renders import Unusable
from tools.recorder import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
CHANGE = {"section": "Who is notified", "danger": "note", "text": "text", "gate": None}
RENDERER = """
import json, pathlib, sys
stack, out = sys.argv[1], pathlib.Path(sys.argv[3])
(out / "manifests").mkdir(parents=True)
(out / "summary.json").write_text(json.dumps({"stack": stack}))
(out / "catalogue.json").write_text(pathlib.Path("catalogue.json").read_text())
"""
"""In place of tools/render.py, which takes seconds and has tests of its own."""
GH = """
import json, os, pathlib, shutil, sys
folder = pathlib.Path(os.environ["FAKE"])
given = sys.argv[1:]
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(given) + "\\n")
if given[:2] == ["run", "download"]:
    shutil.copytree(folder / "artifact", given[given.index("--dir") + 1])
elif "--method" in given:
    body = next(each for each in given if each.startswith("body=@")).removeprefix("body=@")
    (folder / "posted").write_text(pathlib.Path(body).read_text())
else:
    print((folder / ("comments" if given[-1].endswith("/comments") else "pulls")).read_text())
"""


def git(folder: Path, *arguments: str) -> None:
    run = shutil.which("git")
    assert run
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "protocol.file.allow=always")
    subprocess.run([run, *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def merge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout that GitHub makes of a pull request: its merge, two commits deep, from a bare repository."""
    tmp_path = tmp_path_factory.mktemp("merge")
    work, bare, checkout = (tmp_path / name for name in ("work", "origin.git", "checkout"))
    for name in ("components", "dashboards", "model", "rules", "tools", ".ci"):
        ignored = shutil.ignore_patterns("__pycache__", "servers", "exposed.txt")
        shutil.copytree(ROOT / name, work / name, ignore=ignored)
    shutil.copy(ROOT / "uv.lock", work)
    (work / "tools" / "render.py").write_text(RENDERER)
    (work / "Pulumi.prod.yaml").touch()
    (work / "catalogue.json").write_text(json.dumps(rendered().catalogue))
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    git(work, "init", "--quiet", "--initial-branch", "main")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "base")
    git(work, "switch", "--quiet", "--create", "change")
    (work / "catalogue.json").write_text(json.dumps(rendered(loki={"retention": "14d"}).catalogue))
    git(work, "commit", "--quiet", "--all", "--message", "change")
    git(work, "switch", "--quiet", "main")
    (work / "note").touch()
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "main moves on")
    git(work, "merge", "--quiet", "--no-ff", "--message", "merge", "change")
    git(work, "push", "--quiet", str(bare), "main:refs/pull/1/merge")
    git(tmp_path, "init", "--quiet", str(checkout))
    git(checkout, "fetch", "--quiet", "--depth", "2", f"file://{bare}", "refs/pull/1/merge")
    git(checkout, "checkout", "--quiet", "FETCH_HEAD")
    return checkout


def run(script: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHON": sys.executable, **variables}
    env.pop("PYTHONPATH", None)
    return subprocess.run([str(script), *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_pull_request_is_compared_with_the_branch_it_goes_to(merge: Path) -> None:
    """The checkout is shallow, as in the workflow, and the gate fails the job once both files are written."""
    done = run(merge / ".ci" / "preview", "out")
    assert done.returncode == 3, done.stderr
    text = (merge / "out" / "diff.md").read_text()
    assert "- loki.retention: 30d -&gt; 14d: older lines are deleted" in text
    assert "refused by retention-shortened" in text
    assert json.loads((merge / "out" / "diff.json").read_text())["stacks"][0]["stack"] == "prod"


def test_a_pull_request_that_cannot_be_rendered_has_no_comparison(merge: Path) -> None:
    (merge / "tools" / "render.py").write_text("raise SystemExit('loki.retention: 7 days: a duration')")
    try:
        done = run(merge / ".ci" / "preview", "broken")
    finally:
        (merge / "tools" / "render.py").write_text(RENDERER)
    assert done.returncode == 1
    assert "loki.retention: 7 days: a duration" in done.stderr
    assert not (merge / "broken" / "diff.md").exists()


@pytest.fixture
def github(tmp_path: Path) -> Path:
    """What the stand-in answers: a pull request of a fork, without comments yet, and its artifact."""
    for name in ("bin", "artifact"):
        (tmp_path / name).mkdir()
    command = tmp_path / "bin" / "gh"
    command.write_text(f"#!{sys.executable}\n{GH}")
    command.chmod(0o755)
    (tmp_path / "pulls").write_text(json.dumps([{"number": 7, "head": {"sha": "abc"}}]))
    (tmp_path / "comments").write_text("[]")
    found = compare.difference("prod", rendered(), rendered(loki={"retention": "14d"}))
    (tmp_path / "artifact" / "diff.json").write_text(as_json([found], compare.GATES))
    return tmp_path


def posts(github: Path, sha: str = "abc", branch: str = "change") -> subprocess.CompletedProcess[str]:
    return run(
        ROOT / ".ci" / "comment",
        FAKE=str(github),
        PATH=f"{github / 'bin'}:{os.environ['PATH']}",
        REPOSITORY="us/stack",
        RUN_ID="5",
        HEAD_OWNER="fork",
        HEAD_BRANCH=branch,
        HEAD_SHA=sha,
    )


def calls(github: Path) -> list[list[str]]:
    return [json.loads(line) for line in (github / "calls").read_text().splitlines()]


def test_the_first_comment_is_posted(github: Path) -> None:
    done = posts(github)
    assert done.returncode == 0, done.stderr
    assert calls(github)[-1][:4] == ["api", "--method", "POST", "repos/us/stack/issues/7/comments"]
    text = (github / "posted").read_text()
    assert text.startswith(comment.MARK)
    assert "- loki.retention: 30d -&gt; 14d: older lines are deleted" in text


def test_a_later_comment_replaces_the_first(github: Path) -> None:
    """One of somebody else that looks like it stays."""
    mine, other = ({"login": name} for name in ("github-actions[bot]", "mallory"))
    body = f"{comment.MARK}\nearlier"
    found = [
        {"id": 1, "user": other, "body": body},
        {"id": 2, "user": mine, "body": "x"},
        {"id": 3, "user": mine, "body": body},
    ]
    (github / "comments").write_text(json.dumps(found))
    assert posts(github).returncode == 0
    assert calls(github)[-1][:4] == ["api", "--method", "PATCH", "repos/us/stack/issues/comments/3"]


def test_a_pull_request_that_has_moved_on_gets_no_comment(github: Path) -> None:
    done = posts(github, sha="older")
    assert (done.returncode, "nothing to comment on" in done.stdout) == (0, True)
    assert len(calls(github)) == 1


def test_a_branch_of_any_name_is_no_command(github: Path) -> None:
    assert posts(github, branch='x&state=closed;$(touch "$FAKE/owned")').returncode == 0
    asked = calls(github)[0][-1]
    assert asked.startswith("repos/us/stack/pulls?state=open&head=fork:x%26state%3Dclosed")
    assert not (github / "owned").exists()


@pytest.mark.parametrize(
    "made",
    [
        "[]",
        "[" * 100_000,
        json.dumps({"stacks": [{"stack": "prod"}]}),
        json.dumps(
            {"stacks": [{"stack": "p", "changes": [{"section": "x", "danger": "note", "text": "", "gate": None}]}]}
        ),
    ],
)
def test_an_artifact_that_is_no_comparison_is_not_posted(github: Path, made: str) -> None:
    """The pull request's own code has written it."""
    (github / "artifact" / "diff.json").write_text(made)
    with pytest.raises(Unusable, match=r"diff\.json: no comparison of stacks"):
        comment.comment(github / "artifact" / "diff.json")


def test_what_an_artifact_says_is_escaped(tmp_path: Path) -> None:
    change = {**CHANGE, "text": "a\n\n# @everyone <b>"}
    made = {"stack": "p\n@all", "changes": [change], "notes": ["[x](https://e.example.com)"], "reasons": {}}
    (tmp_path / "diff.json").write_text(json.dumps({"stacks": [made]}))
    text = comment.comment(tmp_path / "diff.json")
    assert not re.search(r"@(everyone|all)|<b>|\n# |https://e|^\[x\]", text)


def test_a_comment_is_as_long_as_github_takes(tmp_path: Path) -> None:
    change = {"section": "Who is notified", "danger": "note", "text": "x" * 500, "gate": None}
    made = {
        "stack": "prod",
        "changes": [{**change, "text": f"{n} {'x' * 500}"} for n in range(500)],
        "notes": [],
        "reasons": {},
    }
    (tmp_path / "diff.json").write_text(json.dumps({"stacks": [made]}))
    text = comment.comment(tmp_path / "diff.json")
    assert len(text) < 10_000
    assert "The details are too long for a comment" in text


def workflow(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    return found


def test_a_fork_gets_no_secret_and_no_right() -> None:
    made = workflow("preview.yml")
    text = (WORKFLOWS / "preview.yml").read_text(encoding="utf-8")
    assert made["permissions"] == {"contents": "read"}
    assert list(made[True]) == ["pull_request"], "with pull_request_target a fork's code would have our token"
    assert "secrets." not in text
    assert all("permissions" not in job for job in made["jobs"].values())


def test_who_may_comment_runs_code_of_the_default_branch() -> None:
    made = workflow("comment.yml")
    (job,) = made["jobs"].values()
    (checkout,) = (step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@"))
    assert made["permissions"] == {}
    assert job["permissions"] == {"actions": "read", "contents": "read", "pull-requests": "write"}
    assert checkout["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    assert all("${{" not in step["run"] for step in job["steps"] if "run" in step), "names of branches are anybody's"


@pytest.mark.parametrize("name", ["preview.yml", "comment.yml"])
def test_actions_are_pinned_by_commit(name: str) -> None:
    used = re.findall(r"uses: (\S+) # (v\S+)", (WORKFLOWS / name).read_text(encoding="utf-8"))
    assert len(used) == (WORKFLOWS / name).read_text(encoding="utf-8").count("uses:")
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action, _ in used)
