"""The runbooks that are written, one file each: what to do about an alert."""

from __future__ import annotations

from functools import cache
from pathlib import Path

RUNBOOKS = Path(__file__).parents[1] / "docs" / "runbooks"
"""One file per alert, ``<name>.md``."""


@cache
def runbooks() -> frozenset[str]:
    """Names of the runbooks."""
    return frozenset(path.stem for path in RUNBOOKS.glob("*.md"))
