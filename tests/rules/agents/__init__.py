"""Everything about agents, by example."""

from __future__ import annotations

from tests.rules.agents import (
    alerts,
    attribution,
    cost,
    lines,
    progress,
    protocols,
    recordings,
    signals,
    slos,
    upgrades,
)

OWNER = "agents"
EXAMPLES = (
    *alerts.EXAMPLES,
    *attribution.EXAMPLES,
    *cost.EXAMPLES,
    *lines.EXAMPLES,
    *progress.EXAMPLES,
    *protocols.EXAMPLES,
    *signals.EXAMPLES,
    *slos.EXAMPLES,
    *recordings.EXAMPLES,
    *upgrades.EXAMPLES,
)
