"""Statements of OTTL, the collector's language for changing telemetry, as text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Where:
    """Statements with a condition."""

    condition: str
    statements: list[str]


def transform(**statements: Iterable[list[str] | Where]) -> dict[str, Any]:
    """A ``transform`` processor, with groups of statements for each signal.

    A group runs for each item of its lowest path, such as each span or each event. In a group with statements for both,
    spans without events would be left out.
    """
    groups = {signal: [_group(group) for group in given] for signal, given in statements.items()}
    # A statement that fails for a record, such as parsing text as JSON, leaves the record unchanged.
    return {"error_mode": "silent", **groups}


def _group(group: list[str] | Where) -> dict[str, Any]:
    if isinstance(group, Where):
        return {"conditions": [group.condition], "statements": group.statements}
    return {"statements": group}


def quoted(value: str) -> str:
    """A string literal."""
    return json.dumps(value, ensure_ascii=False)


def attribute(name: str, of: str = "resource") -> str:
    """The path of an attribute."""
    return f"{of}.attributes[{quoted(name)}]"
