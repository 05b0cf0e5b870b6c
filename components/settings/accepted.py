"""Reasons for changes that a gate of ``make diff`` refuses, as a stack file gives them."""

from __future__ import annotations

from typing import Annotated, Literal

from model.settings import Spelled

Gate = Literal[
    "data-lost",
    "retention-shortened",
    "redaction-weakened",
    "access-widened",
    "receiver-removed",
    "alert-unrouted",
    "alert-removed",
]
"""Kinds of change that ``python -m tools.diff --forbid`` refuses, the most dangerous first."""
Reason = Annotated[str, Spelled(r"\S.{8,298}\S", "one line of 10 to 300 characters, for those who read the change")]
AcceptedSettings = dict[Gate, Reason]
