"""Files have one subject, and lists of files name files that are there."""

from __future__ import annotations

import tomllib

from tests.servers.conftest import LONGEST
from tools.recorder import ROOT

LINES = 430
"""Maximum of one file: the longest, which is deployed as a script and so cannot be split, has 424."""
TYPED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]["files"]


def test_a_file_is_short_enough_to_have_one_subject() -> None:
    files = [path for name in TYPED for path in (sorted((ROOT / name).rglob("*.py")) or [ROOT / name])]
    lines = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n") for path in files}
    assert len(lines) > 500
    assert {path: count for path, count in lines.items() if count > LINES} == {}, "split it by subject"


def test_the_files_that_conformance_begins_first_are_there() -> None:
    there = {path.stem for path in (ROOT / "tests" / "servers").glob("test_*.py")}
    assert [name for name in LONGEST if name not in there] == []
