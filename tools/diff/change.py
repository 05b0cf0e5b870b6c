"""One sentence about a change, where it belongs, and how dangerous it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from components.settings.accepted import Gate

NAMED = 10
"""Names in one sentence; the others are counted."""


class Danger(IntEnum):
    """How much a reviewer must know of it."""

    NOTE = 0
    """Worth a line among the details."""
    CAUTION = 1
    """Something fires later, restarts, or is stored less."""
    LOSS = 2
    """Data, alerts or notifications are lost, or somebody gets access."""


class Section(StrEnum):
    """The questions that a reviewer asks, in this order."""

    TOLD = "Who is notified"
    ALARMED = "What is alarmed"
    KEPT = "What is kept"
    RUN = "What is run"
    SEEN = "What is looked at"
    STATE = "What it means for state"
    SETTINGS = "Other settings"


@dataclass(frozen=True)
class Change:
    """A sentence without a full stop."""

    section: Section
    text: str
    danger: Danger = Danger.NOTE
    gate: Gate | None = None
    """The gate that refuses it."""


def listed(names: Iterable[str], most: int = NAMED) -> str:
    """Names in order: ``A, B and 3 more``."""
    every = list(names)
    if len(every) <= most:
        return ", ".join(every)
    return f"{', '.join(every[:most])} and {len(every) - most} more"


def counted(number: int, noun: str) -> str:
    """``1 alert``, ``2 alerts``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun.removesuffix('y')}ies" if noun.endswith("cy") else f"{number} {noun}s"


def several(noun: str, names: Iterable[str]) -> str:
    """``alert A`` or ``2 alerts: A, B``."""
    every = list(names)
    return f"{noun} {every[0]}" if len(every) == 1 else f"{counted(len(every), noun)}: {listed(every)}"
