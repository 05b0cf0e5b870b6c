"""The runbooks of the alerts, one file each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

RUNBOOKS = Path(__file__).parents[1] / "docs" / "runbooks"
"""Folder of the runbooks, ``<name>.md``."""
PLACEHOLDER = re.compile(r"\{(?:(?P<alert>[A-Za-z]\w*)\.)?(?P<number>[A-Za-z]\w*)\}")
"""Of a number of an alert, in a runbook."""

# Text for an alert that is off, in a sentence such as "longer than {threshold}". A severity that is off is listed
# alone.
_OFF = {"threshold": "its threshold (off)", "for": "its time (off)"}


@cache
def runbooks() -> frozenset[str]:
    """Names of the runbooks."""
    return frozenset(path.stem for path in RUNBOOKS.glob("*.md"))


@cache
def written(name: str) -> str:
    """Text of a runbook file, with placeholders for the alerts' numbers."""
    return (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


def placeholders(name: str) -> frozenset[tuple[str, str]]:
    """The alert and the number of each placeholder of a runbook."""
    return frozenset((found["alert"] or name, found["number"]) for found in PLACEHOLDER.finditer(written(name)))


def code_blocks(text: str, language: str) -> list[tuple[int, str]]:
    """The code blocks of a language, such as the queries of a runbook, each after its position in the text."""
    blocks = re.finditer(rf"^```(?:{language})\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(block.start(1), block[1]) for block in blocks]


def filled(name: str, numbers: Mapping[str, Mapping[str, str]], brought: str | None = None) -> str:
    """A runbook with the numbers of a stack's alerts, keyed by alert. Alerts without an entry are off.

    ``brought`` is the text of a runbook that people bring, where other words in braces stay as they are.
    """

    def number(found: re.Match[str]) -> str:
        known = numbers.get(found["alert"] or name, {})
        if brought is not None and found["number"] not in known:
            return found[0]
        return known.get(found["number"]) or _OFF.get(found["number"], "off")

    return PLACEHOLDER.sub(number, written(name) if brought is None else brought)
