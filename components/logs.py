"""Constants of log collection that all log collectors use: paths, labels, patterns."""

from __future__ import annotations

from collections.abc import Iterable

from model.logs import LINE_METADATA, STREAM_LABELS, LogField, merged
from model.quantities import Duration

POD_LOGS = "/var/log/pods"
# Docker writes the log files here; the files below POD_LOGS are links to them.
DOCKER_LOGS = "/var/lib/docker/containers"
# Every line waits this long for more lines of its entry, which a program prints at once.
ENTRY_WAIT = Duration.parse("1s")
# The longest stack traces of Java frameworks have some 300 lines.
ENTRY_LINES = 500
# A node has at most 250 pods; each container may write a long line at the same time.
PARTIAL_LINES = 1_000

REPLICA_SET_HASH = "-[0-9a-z]{6,10}"
"""Suffix of the name of a Deployment's ReplicaSet."""
JOB_NUMBER = r"-\d{8,}"
"""Suffix of the name of a CronJob's Job."""

LABELS = STREAM_LABELS
"""Labels. Each combination of values is a stream, and Loki's cost grows with streams: so no pod and no trace."""
METADATA = LINE_METADATA
"""Structured metadata of each line. Queries filter by it (`| trace_id="..."`), and it creates no streams."""
LEVEL_WORDS = {
    "trace": ("trace", "trc", "finest", "10"),
    "debug": ("debug", "dbg", "fine", "finer", "20"),
    "info": ("info", "information", "informational", "notice", "inf", "30"),
    "warn": ("warn", "warning", "wrn", "40"),
    "error": ("error", "err", "severe", "50"),
    "fatal": ("fatal", "critical", "crit", "panic", "emerg", "emergency", "alert", "ftl", "dpanic", "60"),
}
"""Spellings of levels in libraries (the numbers are pino's and bunyan's), to the label's values."""
LEVEL_LETTERS = {"I": "info", "W": "warn", "E": "error", "F": "fatal"}
"""klog's letters for levels."""

JSON_FIELDS = {
    "level": ("level", "severity", "lvl", "levelname", "log.level", "log_level", "severity_text", "severityText"),
    "logger": ("logger", "logger_name", "loggerName", "log.logger", "name", "component"),
    "trace_id": ("trace_id", "traceId", "traceID", "traceid", "trace.id", "otelTraceID", "TraceId"),
    "span_id": ("span_id", "spanId", "spanID", "spanid", "span.id", "otelSpanID", "SpanId"),
}
"""Names of a field in the JSON of common logging libraries; the first existing one counts."""
READ_FIRST = ("level", "trace_id", "span_id")
"""Fields that are read before masking: rules of dropping use levels, and some ids look like numbers of cards. All other
fields are read from the masked line, so that their values are masked as well.
"""
VALUE_CHARACTERS = 256
"""Longest value of a field, after which it is cut. Loki refuses a line with more than 64 KB of metadata."""
MOST_FIELDS = 20
"""Maximum of fields that a stack file adds. With those of every system, metadata stays below Loki's limit."""
RESERVED = (
    *LABELS,
    *METADATA,
    # What OTLP adds to lines, and what Loki does.
    "service_name",
    "service_instance_id",
    "environment",
    "severity_number",
    "severity_text",
    "observed_timestamp",
    "scope_name",
    "detected_level",
)
"""Names that a stack file's fields may not have."""
JSON_LINE = r"^\s*[{]"
"""Matches a line of JSON. Other lines are text."""

_WORDS = sorted((word for words in LEVEL_WORDS.values() for word in words if not word.isdigit()), key=len, reverse=True)
TEXT_LEVEL_GROUPS = ("keyed", "capital", "bracket", "klog")
# level=warn anywhere; a separate word in capitals or brackets near the start; klog's letter.
TEXT_LEVEL = (
    rf"(?i:\b(?:level|lvl|severity)=\"?(?P<keyed>{'|'.join(_WORDS)})\b)"
    rf"|^.{{0,80}}?\b(?P<capital>{'|'.join(word.upper() for word in _WORDS)})\b"
    rf"|^.{{0,80}}?[\[(](?i:(?P<bracket>{'|'.join(_WORDS)}))[\])]"
    rf"|^(?P<klog>[{''.join(LEVEL_LETTERS)}])\d{{4}} "
)
"""Matches the level of a text line, in one of TEXT_LEVEL_GROUPS."""
TEXT_FIELDS = {
    "trace_id": r"(?i)\btrace_?id=\"?(?P<trace_id>[0-9a-f]{16,32})\b",
    "span_id": r"(?i)\bspan_?id=\"?(?P<span_id>[0-9a-f]{16})\b",
    "logger": r"\blogger=\"?(?P<logger>[\w.$-]+)",
}
"""Patterns of the fields of a text line, each with a group of the field's name."""


def json_keys(fields: Iterable[LogField], *, first: bool) -> dict[str, tuple[str, ...]]:
    """Names in JSON of each field that is read before masking (``first``), or after it."""
    known = {name: keys for name, keys in JSON_FIELDS.items() if (name in READ_FIRST) == first}
    return known if first else known | {each.name: each.keys for each in merged(fields)}


def metadata(fields: Iterable[LogField]) -> tuple[str, ...]:
    """Names of the structured metadata of a stack's lines."""
    return (*METADATA, *(each.name for each in merged(fields)))


def level_words(level: str) -> tuple[str, ...]:
    """Every spelling of a level, in lower case."""
    return (*LEVEL_WORDS[level], *(letter.lower() for letter, means in LEVEL_LETTERS.items() if means == level))
