"""References to secrets of the stack in its settings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping

from pydantic import BaseModel

from model.settings import HIDDEN, ConfigSecret, Problem, problem


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every leaf of ``value``, with its path in the stack file. A reference to a secret is one leaf."""
    if isinstance(value, BaseModel) and not isinstance(value, ConfigSecret):
        for name, field in type(value).model_fields.items():
            yield from leaves(getattr(value, name), f"{path}.{field.alias or name}".lstrip("."))
    elif isinstance(value, tuple | list):
        for position, part in enumerate(value):
            yield from leaves(part, f"{path}[{position}]")
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from leaves(part, f"{path}.{name}")
    else:
        yield path, value


def references(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every reference in ``value``: its path in the stack file to the top-level key."""
    return ((where, leaf.key) for where, leaf in leaves(value, path) if isinstance(leaf, ConfigSecret))


def encrypted(value: object, path: str) -> Iterator[str]:
    """Paths of encrypted values inside a structured value; Pulumi would encrypt the whole of it."""
    if isinstance(value, dict) and value.keys() == {"secure"}:
        yield path
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from encrypted(part, f"{path}.{name}")
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from encrypted(part, f"{path}[{position}]")


def unanswered(named: Mapping[str, str], plain: Collection[str], secret: Collection[str] | None) -> list[Problem]:
    """Problems of references (path to key) whose key is in ``plain``, or not in ``secret`` (None: unknown)."""
    found = []
    for path, key in named.items():
        if key in plain:
            reason = f"is in plain text in the stack file: set it with pulumi config set --secret {key}"
            found.append(problem(path, key, reason))
        elif secret is not None and key not in secret:
            found.append(_missing(path, key, secret))
    return found


def _missing(path: str, key: str, secret: Collection[str]) -> Problem:
    close = difflib.get_close_matches(key, sorted(secret), n=1)
    if close:
        return f"{path}: {HIDDEN}: no such secret in this stack: did you mean {close[0]}?"
    # A value that does not look like the name of a key may be the secret itself.
    if re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", key):
        return problem(path, key, f"no such secret in this stack: set it with pulumi config set --secret {key}")
    return f"{path}: {HIDDEN}: no such secret in this stack: the name of one set with pulumi config set --secret"
