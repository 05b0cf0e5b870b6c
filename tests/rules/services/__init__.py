"""Everything about services, by example."""

from __future__ import annotations

from tests.rules.services import alerts, availability, calls, edge, objectives, past, probes, requests, sources

OWNER = "services"
EXAMPLES = (
    *sources.EXAMPLES,
    *requests.EXAMPLES,
    *calls.EXAMPLES,
    *edge.EXAMPLES,
    *past.EXAMPLES,
    *availability.EXAMPLES,
    *alerts.EXAMPLES,
    *objectives.EXAMPLES,
    *probes.EXAMPLES,
)
