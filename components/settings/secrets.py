"""Which secrets of the stack a set of settings names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from components.settings.base import ConfigSecret, Problem


def references(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every reference in ``value``: its path in the stack file, and the top-level key that it names."""
    if isinstance(value, ConfigSecret):
        yield path, value.key
    elif isinstance(value, BaseModel):
        for name, part in value:
            yield from references(part, f"{path}.{to_camel(name)}".lstrip("."))
    elif isinstance(value, tuple):
        for position, part in enumerate(value):
            yield from references(part, f"{path}[{position}]")
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from references(part, f"{path}.{name}")


def unanswered(named: Mapping[str, str], plain: Collection[str], secret: Collection[str] | None) -> list[Problem]:
    """Problems of references (path to key): the key stands in ``plain``, or not among the ``secret`` ones (None: unknown)."""
    found = []
    for path, key in named.items():
        if key in plain:
            found.append(
                f'{path}: "{key}": stands in plain in the stack file: set it with pulumi config set --secret {key}'
            )
        elif secret is not None and key not in secret:
            found.append(f'{path}: "{key}": no such secret in this stack: set it with pulumi config set --secret {key}')
    return found
