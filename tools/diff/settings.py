"""Settings of a catalogue as paths, so that two can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Flat = dict[str, Any]
"""Path of a setting, as in messages about a stack file, to its value; lists of plain values are values."""
_NAMES = ("name", "selector", "key", "url")
"""Keys by which an entry of a list is found again when others come or go."""
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")


def flat(value: Any, where: str = "") -> Flat:
    """The leaves of a setting."""
    return dict(_leaves(value, where))


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _leaves(part, f"{where}.{name}" if where else str(name))
    elif isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
        for position, part in enumerate(value):
            named = next((str(part[key]) for key in _NAMES if isinstance(part.get(key), str)), str(position))
            yield from _leaves(part, f"{where}[{named}]")
    else:
        yield where, None if value in ({}, []) else value


def entries(leaves: Flat, other: Flat) -> dict[str, Flat]:
    """The entries of lists that only the first has, with their leaves that are set."""
    theirs = {entry for path in other for entry in _within(path)}
    found: dict[str, Flat] = {}
    for path, value in leaves.items():
        outer = next((entry for entry in _within(path) if entry not in theirs), None)
        if outer is not None:
            found.setdefault(outer, {})
            if value is not None:
                found[outer][path.removeprefix(outer).lstrip(".")] = value
    return found


def _within(path: str) -> Iterator[str]:
    """The entries of lists that a path goes through, the outermost first."""
    yield from (path[: end.end()] for end in re.finditer(r"\](?=\.|\[|$)", path))


def unnamed(path: str) -> str:
    """A path without the names of entries: ``prometheus.remoteWrite.url``."""
    return re.sub(r"\[.*?\](?=\.|$)", "", path)


def shown(value: Any) -> str:
    """A value in a sentence. A URL loses its login, which only a stack file that is refused could give it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _PASSWORD.sub("", ", ".join(map(str, value)) if isinstance(value, list) else str(value))
