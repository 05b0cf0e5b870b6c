"""The objectives of a stack file by example."""

from __future__ import annotations

from tests.rules.slos import indicators, values
from tests.rules.slos.settings import SETTINGS

__all__ = ["EXAMPLES", "OWNER", "SETTINGS"]
OWNER = "shop"

EXAMPLES = (*indicators.EXAMPLES, *values.EXAMPLES)
