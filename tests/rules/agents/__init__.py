"""Everything about agents, by example."""

from __future__ import annotations

from tests.rules.agents import alerts, cost, progress, protocols, recordings, slos, upgrades

OWNER = "agents"
EXAMPLES = (
    *alerts.EXAMPLES,
    *cost.EXAMPLES,
    *progress.EXAMPLES,
    *protocols.EXAMPLES,
    *slos.EXAMPLES,
    *recordings.EXAMPLES,
    *upgrades.EXAMPLES,
)
