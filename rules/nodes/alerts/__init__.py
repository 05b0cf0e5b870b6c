"""Alerts over the machines, each with the reason of its numbers."""

from __future__ import annotations

from model.rules import Group, Inhibition
from rules.nodes.alerts import compute, disks, machine, network

GROUPS = (
    Group("nodes-compute", compute.ALERTS),
    Group("nodes-disks", disks.ALERTS),
    Group("nodes-network", network.ALERTS),
    Group("nodes-machine", machine.ALERTS),
)
INHIBITIONS = (
    # That little is left says it all, but only as urgently: that it is gone tonight is news beside a warning.
    *(
        Inhibition(
            source={"alertname": disks.SPACE_LOW.name, "severity": severity},
            target={"alertname": disks.WILL_FILL.name, "severity": severity},
            equal=("cluster", "environment", "node", "device"),
        )
        for severity in disks.WILL_FILL.severities
    ),
    Inhibition(
        source={"alertname": machine.CLOCK_SKEW.name},
        target={"alertname": machine.CLOCK_NOT_SYNCHRONISED.name},
        equal=("cluster", "environment", "node"),
    ),
)
