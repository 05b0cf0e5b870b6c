"""Alerts on nodes; comments give the reason for each number."""

from __future__ import annotations

from model.quantities import Duration
from model.rules import Group, Inhibition
from rules.nodes.alerts import compute, disks, machine, network
from rules.nodes.recordings import TIME_TO_FULL

GROUPS = (
    Group("nodes-compute", compute.ALERTS),
    Group("nodes-disks", disks.ALERTS),
    Group("nodes-network", network.ALERTS),
    Group("nodes-machine", machine.ALERTS),
    # Their windows are hours, so minutes do not matter. With a longer interval, panels would lose the alerts between
    # evaluations.
    Group(
        "nodes-slow",
        (TIME_TO_FULL, disks.WILL_FILL, disks.GONE, network.BOND_DEGRADED, compute.MEMORY_ERRORS),
        Duration.parse("2m"),
    ),
)
INHIBITIONS = (
    # Low space inhibits the forecast of the same severity. A critical forecast still notifies beside a warning.
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
