"""Kinds of log collectors, levels of lines, and fields of lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

LogCollector = Literal["promtail", "otel"]
LogRuntime = Literal["cri", "docker"]
Level = Literal["trace", "debug", "info", "warn", "error", "fatal"]
LEVELS: tuple[Level, ...] = ("trace", "debug", "info", "warn", "error", "fatal")
"""The values of the label `level`, least severe first."""
STREAM_LABELS = ("cluster", "namespace", "app", "container", "level")
LINE_METADATA = ("pod", "node", "stream", "logger", "trace_id", "span_id")


@dataclass(frozen=True, kw_only=True)
class LogField:
    """A field of JSON lines that becomes structured metadata."""

    name: str
    """Name of the metadata."""
    meaning: str = ""
    keys: tuple[str, ...] = ()
    """Names of the field in JSON, of which the first existing one counts; the metadata's name if empty."""


def merged(fields: Iterable[LogField]) -> tuple[LogField, ...]:
    """One field for each name, with the keys of all of them, in the order of the first."""
    known: dict[str, LogField] = {}
    for each in fields:
        keys = each.keys or (each.name,)
        there = known.get(each.name, replace(each, keys=()))
        known[each.name] = replace(there, keys=tuple(dict.fromkeys((*there.keys, *keys))))
    return tuple(known.values())
