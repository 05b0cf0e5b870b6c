"""Everything about agents, tried."""

from __future__ import annotations

from rules.agents import alert_cases, cost_cases, protocol_cases, slo_cases, values

CASES = (*alert_cases.CASES, *cost_cases.CASES, *protocol_cases.CASES, *slo_cases.CASES)
VALUES = (*values.VALUES, *cost_cases.VALUES, *protocol_cases.VALUES, *slo_cases.VALUES)
