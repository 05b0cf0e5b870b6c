"""Alerts over the machines, each with the reason of its numbers."""

from __future__ import annotations

from rules.model import Group, Inhibition
from rules.nodes.alerts import compute, disks, machine, network

GROUPS = (
    Group("nodes-compute", compute.ALERTS),
    Group("nodes-disks", disks.ALERTS),
    Group("nodes-network", network.ALERTS),
    Group("nodes-machine", machine.ALERTS),
)
INHIBITIONS = (
    Inhibition(
        source={"alertname": disks.SPACE_LOW.name},
        target={"alertname": disks.WILL_FILL.name},
        equal=("cluster", "environment", "node", "device"),
    ),
    Inhibition(
        source={"alertname": machine.CLOCK_SKEW.name},
        target={"alertname": machine.CLOCK_NOT_SYNCHRONISED.name},
        equal=("cluster", "environment", "node"),
    ),
)
