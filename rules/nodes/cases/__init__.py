"""The alerts and recording rules over the machines, tried."""

from __future__ import annotations

from rules.nodes.cases import compute, disks, machine, network

CASES = (*compute.CASES, *disks.CASES, *network.CASES, *machine.CASES)
VALUES = (*compute.VALUES, *disks.VALUES, *network.VALUES)
