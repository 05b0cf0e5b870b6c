"""The rules over Istio, by example."""

from __future__ import annotations

from tests.rules.istio import alerts, recordings

OWNER = "platform"
EXAMPLES = (*alerts.EXAMPLES, *recordings.EXAMPLES)
