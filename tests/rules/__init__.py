"""Every rule of the catalogue by example: a module per system, in the one vocabulary of `examples`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.rules import agents, kubernetes, logs, monitoring, nodes, slos
from tests.rules.examples import Example

EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "kubernetes": kubernetes.EXAMPLES,
    "nodes": nodes.EXAMPLES,
    "agents": agents.EXAMPLES,
    "logs": logs.EXAMPLES,
    "monitoring": monitoring.EXAMPLES,
    "slos": slos.EXAMPLES,
}
"""By system: everything that its alerts and recording rules are tried with."""
