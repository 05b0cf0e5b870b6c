"""The runbooks that are written, one file each: what to do about an alert."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

RUNBOOKS = Path(__file__).parents[1] / "docs" / "runbooks"
"""One file per alert, ``<name>.md``."""
_PLACEHOLDER = re.compile(r"\{(?:(?P<alert>[A-Za-z]\w*)\.)?(?P<number>[A-Za-z]\w*)\}")

# Of an alert that is off, in a sentence such as "longer than {threshold}"; a severity that is off stands alone.
_OFF = {"threshold": "its threshold (off)", "for": "its time (off)"}


@cache
def runbooks() -> frozenset[str]:
    """Names of the runbooks."""
    return frozenset(path.stem for path in RUNBOOKS.glob("*.md"))


@cache
def written(name: str) -> str:
    """A runbook as its file has it, with placeholders for the alerts' numbers."""
    return (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")


def placeholders(name: str) -> frozenset[tuple[str, str]]:
    """The alert and the number that each placeholder of a runbook names."""
    return frozenset((found["alert"] or name, found["number"]) for found in _PLACEHOLDER.finditer(written(name)))


def filled(name: str, numbers: Mapping[str, Mapping[str, str]]) -> str:
    """A runbook with the numbers of a stack's alerts, by name; an alert that is not among them is off there."""

    def number(found: re.Match[str]) -> str:
        known = numbers.get(found["alert"] or name, {})
        return known.get(found["number"]) or _OFF.get(found["number"], "off")

    return _PLACEHOLDER.sub(number, written(name))
