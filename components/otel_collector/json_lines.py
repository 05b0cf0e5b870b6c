"""Statements that read the fields of JSON lines."""

from __future__ import annotations

from collections.abc import Mapping

from components.logs import JSON_LINE, VALUE_CHARACTERS
from components.otel_collector.ottl import Where, attribute, quoted

_LONG = f"(?s)^(.{{{VALUE_CHARACTERS}}}).+$"
"""Matches a value that is too long; its group is what stays."""


def read(fields: Mapping[str, tuple[str, ...]], *, new: bool = False) -> Where:
    """Sets an attribute for each of ``fields``, which has the names of each in JSON; the first existing one counts.

    With ``new``, an attribute that the line has already stays as it is.
    """

    def values(field: str, keys: tuple[str, ...]) -> list[str]:
        path = attribute(field, "log")
        found = [f'log.cache["json"][{quoted(key)}]' for key in keys]
        if new:
            return [f"set({path}, String({each})) where {path} == nil and not IsEmpty({each})" for each in found]
        # Later statements overwrite earlier ones.
        return [f"set({path}, String({each})) where not IsEmpty({each})" for each in reversed(found)]

    text = f"IsString(log.body) and IsMatch(log.body, {quoted(JSON_LINE)})"
    # A body of JSON in which something was masked is a map by then, and so is what some senders send.
    parsed = ['set(log.cache["json"], log.body) where IsMap(log.body)'] if new else []
    return Where(
        f"IsMap(log.body) or ({text})" if new else text,
        [
            *parsed,
            f'set(log.cache["json"], ParseJSON(log.body)){" where IsString(log.body)" if new else ""}',
            *(statement for field, keys in fields.items() for statement in values(field, keys)),
        ],
    )


def cut(name: str) -> str:
    """Cuts a long value of an attribute."""
    return f'replace_pattern({attribute(name, "log")}, {quoted(_LONG)}, "${{1}}")'
