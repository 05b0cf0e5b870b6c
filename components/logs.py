"""What a log line is found by; the same whoever collected it."""

from __future__ import annotations

LABELS = ("cluster", "namespace", "app", "container", "level")
"""Each combination of their values is a stream, and streams are what Loki's cost grows with: no pod, no trace."""
METADATA = ("pod", "node", "stream", "logger", "trace_id", "span_id")
"""Kept beside each line and searched like labels (`| trace_id="..."`), at no cost in streams."""
