"""The rules on interaction backends, by example."""

from __future__ import annotations

from tests.rules.interaction_backend import alerts, recordings

OWNER = "agents"
EXAMPLES = (*alerts.EXAMPLES, *recordings.EXAMPLES)
