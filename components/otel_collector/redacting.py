"""Masks telemetry by the patterns of :mod:`components.redaction`."""

from __future__ import annotations

from typing import Any

from components import redaction
from components.otel_collector import parts
from components.otel_collector.ottl import attribute, quoted, transform

_RAW = "redaction.raw"
"""Attribute of a log record while it is masked: the text of its body before parsing."""

ORDER = {
    "metrics": ["redaction", "transform/redact"],
    "traces": ["redaction", "transform/redact"],
    "logs": ["transform/parse", "redaction/logs", "transform/restore"],
}
"""Names of the processors of a signal, in order."""


_KEYS, _VALUES, _TEXT = "masked-keys.yaml", "masked-values.yaml", "masked-text.ottl"
FILES: dict[str, list[str] | str] = {
    _KEYS: [f"(?i)^(?:{'|'.join(redaction.KEYS)})$"],
    _VALUES: [redaction.JSON_VALUE, redaction.ANY_TEXT],
    _TEXT: quoted(redaction.ANY_TEXT),
}
"""Patterns that several processors include, by the name of the file: lists, and a part of statements."""


def made() -> dict[str, Any]:
    """The processors of ORDER."""
    masked = {
        "allow_all_keys": True,
        "redact_all_types": True,  # lists and maps too, which are skipped otherwise
        "ignored_key_patterns": [redaction.IDENTIFIERS],
        "blocked_key_patterns": parts.included(_KEYS),
        "blocked_values": parts.included(_VALUES),
    }
    return {
        "redaction": {**masked, "summary": "silent"},
        "redaction/logs": {**masked, "ignored_keys": [_RAW], "summary": "info"},
        "transform/parse": transform(log_statements=[_parse()]),
        "transform/restore": transform(
            log_statements=[
                ['delete_matching_keys(resource.attributes, "^redaction[.]")'],
                ['delete_matching_keys(scope.attributes, "^redaction[.]")'],
                _restore(),
            ]
        ),
        "transform/redact": transform(trace_statements=[_spans(), _events()], metric_statements=[_exemplars()]),
    }


def _parse() -> list[str]:
    """Parses bodies that are JSON, and masks the messages in events of the older conventions."""
    raw, events = attribute(_RAW, "log"), quoted(redaction.MESSAGE_EVENT)
    is_message = (
        f"(IsMatch(log.event_name, {events}) or "
        f"({attribute('event.name', 'log')} != nil and IsMatch({attribute('event.name', 'log')}, {events})))"
    )
    mask = quoted(redaction.MASK)
    return [
        f"delete_key(log.attributes, {quoted(_RAW)})",
        # The rest of the record is masked as it is; this attribute is only for :func:`_restore`.
        f'set({raw}, log.body) where IsString(log.body) and IsMatch(log.body, "^\\\\s*[{{\\\\[]")',
        f"set(log.body, ParseJSON(log.body)) where {raw} != nil",
        *(
            f"set(log.body[{quoted(name)}], {mask}) where {is_message} and IsMap(log.body) and "
            f"log.body[{quoted(name)}] != nil"
            for name in redaction.MESSAGE_FIELDS
        ),
        f"set(log.body, {mask}) where {is_message} and not IsMap(log.body)",
        f"delete_key(log.attributes, {quoted(_RAW)}) where {is_message}",
    ]


def _restore() -> list[str]:
    """Restores the original text of bodies in which nothing was masked."""
    raw, masked = attribute(_RAW, "log"), attribute("redaction.body.masked.count", "log")
    return [
        f"set(log.body, {raw}) where {raw} != nil and {masked} == nil",
        'delete_matching_keys(log.attributes, "^redaction[.]")',
    ]


def _spans() -> list[str]:
    """Masks the name and the status message of a span."""
    return [_masked(f"span.{text}") for text in ("name", "status.message", "trace_state")]


def _events() -> list[str]:
    """Masks names of events, and messages of the older conventions, which are events."""
    events, mask = quoted(redaction.MESSAGE_EVENT), quoted(redaction.MASK)
    return [
        _masked("spanevent.name"),
        *(
            f"set({attribute(name, 'spanevent')}, {mask}) "
            f"where IsMatch(spanevent.name, {events}) and {attribute(name, 'spanevent')} != nil"
            for name in redaction.MESSAGE_FIELDS
        ),
    ]


def _masked(text: str) -> str:
    return f"replace_pattern({text}, {parts.included(_TEXT)}, {quoted(redaction.MASK)})"


def _exemplars() -> list[str]:
    """Removes an exemplar's attributes, and keeps its trace."""
    return ['delete_matching_keys(exemplar.filtered_attributes, ".*")']
