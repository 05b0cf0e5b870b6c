"""Kinds of log collectors, and levels of lines."""

from __future__ import annotations

from typing import Literal

LogCollector = Literal["promtail", "otel"]
LogRuntime = Literal["cri", "docker"]
Level = Literal["trace", "debug", "info", "warn", "error", "fatal"]
LEVELS: tuple[Level, ...] = ("trace", "debug", "info", "warn", "error", "fatal")
"""The values of the label `level`, least severe first."""
