"""The alerts and recording rules over the machines, by example."""

from __future__ import annotations

from tests.rules.nodes import compute, disks, machine, network

OWNER = "platform"
EXAMPLES = (*compute.EXAMPLES, *disks.EXAMPLES, *network.EXAMPLES, *machine.EXAMPLES)
