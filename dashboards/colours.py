"""Colours of severities and of good values (docs/decisions/0020)."""

from __future__ import annotations

from model.rules import Severity

COLOURS = {Severity.INFO: "blue", Severity.WARNING: "orange", Severity.CRITICAL: "red"}
"""Colour of a value beyond a threshold, by severity: Grafana's names, which are darker in its light theme."""
GOOD, NEUTRAL = "#a7c4b5", "text"
"""Colours of a value within its thresholds, and of a value without thresholds. Grafana's green is the red of people who
cannot tell red from green."""
