"""OTTL, the collector's language for changing telemetry: its statements as text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Where:
    """Statements for what meets a condition."""

    condition: str
    statements: list[str]


def transform(**statements: Iterable[list[str] | Where]) -> dict[str, Any]:
    """A ``transform`` processor, with groups of statements for each signal.

    A group is applied to what its lowest path names, each span or each event: statements about both in one group would
    pass by spans without events.
    """
    groups = {signal: [_group(group) for group in given] for signal, given in statements.items()}
    # A statement that cannot be applied to a record, such as parsing what is no JSON, leaves it as it is.
    return {"error_mode": "silent", **groups}


def _group(group: list[str] | Where) -> dict[str, Any]:
    if isinstance(group, Where):
        return {"conditions": [group.condition], "statements": group.statements}
    return {"statements": group}


def quoted(value: str) -> str:
    """A string."""
    return json.dumps(value, ensure_ascii=False)


def attribute(name: str, of: str = "resource") -> str:
    """The path of an attribute."""
    return f"{of}.attributes[{quoted(name)}]"
