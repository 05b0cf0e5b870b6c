"""Figures of a stack: what rendering, its rules and its telemetry take, how soon people are told. Nothing is a test."""
