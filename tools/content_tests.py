"""Runs the promtool tests that people keep beside their rules."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from model.marked_yaml import documents, plain
from model.settings import Problem
from model.yaml_text import text as yaml_text
from rules.content.folders import RULES, Files, is_test, kind_of
from rules.content.rule_files import groups
from tools.servers.find import binary


def tried(folder: str, files: Files) -> dict[str, str]:
    """What promtool says against each test file of a content folder; nothing if its tests pass."""
    inside = {path: text for path, text in files.items() if kind_of(folder, path) == RULES}
    with tempfile.TemporaryDirectory() as home:
        for path, text in inside.items():
            file = Path(home) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text if is_test(path) else _as_promtool_reads(path, text), encoding="utf-8")
        return {path: _verdict(Path(home) / path) for path in inside if is_test(path)}


def _as_promtool_reads(path: str, text: str) -> str:
    """The groups of a rule file, since promtool reads no object of Kubernetes."""
    found: list[Problem] = []
    read: Iterator[object] = (plain(group.part) for group in groups(path, text, found))
    return text if not documents(path, text, found) else yaml_text({"groups": list(read)})


def _verdict(test: Path) -> str:
    run = subprocess.run(  # noqa: S603  promtool, on files that were just written
        [binary("promtool"), "test", "rules", test.name],
        cwd=test.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return "" if run.returncode == 0 else (run.stdout + run.stderr).strip()
