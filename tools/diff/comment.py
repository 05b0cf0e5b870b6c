"""Makes a comment of ``python -m tools.diff --format json``.

The JSON may come from a pull request's own code, so nothing of it is trusted: every text is escaped again, and the
comment says whose code wrote it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.diff.change import Change, Danger, Section
from tools.diff.compare import GATES, Difference
from tools.diff.formats import markdown
from tools.diff.renders import Unusable

MARK = "<!-- agent-observability: diff -->"
"""First line of the comment, by which it is found again."""
_LONGEST = 60_000
"""Characters; GitHub refuses more than 65,536."""
_LARGEST = 5_000_000
"""Bytes of the JSON; that of all stacks, each new in every line, has some 200,000."""
_WHOSE = "*What this change does, as the code of the pull request says it. `make diff` shows the same.*"
_TOO_LONG = "*The details are too long for a comment: they are in the artifact of the workflow's run.*"


def comment(path: Path) -> str:
    """The comment without its mark. Raises Unusable for anything but such JSON."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("too large")  # noqa: TRY301  told like any other
        found = [_difference(each) for each in json.loads(path.read_text(encoding="utf-8"))["stacks"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
        raise Unusable(f"{path.name}: no comparison of stacks: {type(wrong).__name__}") from None
    text = f"{_WHOSE}\n\n{markdown(found, GATES)}"
    if len(text) > _LONGEST:
        text = f"{_WHOSE} {_TOO_LONG}\n\n{markdown(found, GATES, details=False)}"
    return text[:_LONGEST]


def _difference(made: dict[str, Any]) -> Difference:
    return Difference(
        stack=_line(made["stack"]),
        changes=tuple(_change(each) for each in made["changes"]),
        notes=tuple(map(_line, made["notes"])),
        reasons={str(gate): _line(reason) for gate, reason in made["reasons"].items()},
    )


def _change(made: dict[str, Any]) -> Change:
    gate = made["gate"]
    if gate is not None and gate not in GATES:
        raise ValueError("gate")
    return Change(Section(made["section"]), _line(made["text"]), Danger[made["danger"].upper()], gate)


def _line(text: Any) -> str:
    return " ".join(str(text).split())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.diff.comment", description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="output of python -m tools.diff --format json")
    parser.add_argument("--mark", action="store_true", help="begin with the line by which the comment is found again")
    chosen = parser.parse_args(arguments)
    try:
        text = comment(chosen.file)
    except Unusable as wrong:
        print(wrong, file=sys.stderr)
        return 1
    sys.stdout.write(f"{MARK}\n{text}" if chosen.mark else text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
