"""Figures of a stack: cost of rendering, rules and telemetry, and time to a notification. They are no tests."""
