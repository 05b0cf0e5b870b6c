"""What a log line is found by; the same whoever collected it."""

from __future__ import annotations

LABELS = ("cluster", "namespace", "app", "container", "level")
"""Each combination of their values is a stream, and streams are what Loki's cost grows with: no pod, no trace."""
METADATA = ("pod", "node", "stream", "logger", "trace_id", "span_id")
"""Kept beside each line and searched like labels (`| trace_id="..."`), at no cost in streams."""
LEVEL_WORDS = {
    "trace": ("trace", "trc", "finest", "10"),
    "debug": ("debug", "dbg", "fine", "finer", "20"),
    "info": ("info", "information", "informational", "notice", "inf", "30"),
    "warn": ("warn", "warning", "wrn", "40"),
    "error": ("error", "err", "severe", "50"),
    "fatal": ("fatal", "critical", "crit", "panic", "emerg", "emergency", "alert", "ftl", "dpanic", "60"),
}
"""Levels as libraries spell them (the numbers are pino's and bunyan's), to the label's values."""
