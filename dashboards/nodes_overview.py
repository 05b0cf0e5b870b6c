"""Nodes by utilisation, saturation and errors."""

from __future__ import annotations

from dataclasses import replace

from dashboards.annotations import alerts_of, of_nodes
from dashboards.model import (
    Dashboard,
    Panel,
    Query,
    Row,
    Scale,
    Visualization,
    alert_stat,
    alert_time_series,
    found,
    variable,
)
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert
from model.uids import ALERTS, HOME
from rules.kubernetes.uids import KUBERNETES_CLUSTER
from rules.nodes.alerts import compute, disks, machine, network
from rules.nodes.recordings import (
    CPU_LOAD,
    CPU_UTILISATION,
    DISK_BUSY,
    MEMORY_UTILISATION,
    PRESSURES,
    SPACE_AVAILABLE,
    TRAFFIC,
)
from rules.nodes.uids import NODES

_IN = 'cluster=~"$cluster", node=~"$node"'
_NODE = "{{node}}"
_DEVICE = "{{node}}, {{device}}"


def _worst(alert: Alert, title: str, description: str, legend: str = _NODE, width: int = 6) -> Panel:
    """A time series of an alert's value with its thresholds, for the ten worst nodes or devices."""
    first = "bottomk" if alert.below else "topk"
    expr = f"{first}(10, {narrowed(alert.value, _IN)})"
    return alert_time_series(alert, title, f"{description} The ten {_FIRST[first]}.", expr, legend, width)


_FIRST = {"topk": "highest", "bottomk": "lowest"}


def _largest(recorded: str, *labels: str) -> str:
    return f"max by (cluster, node{''.join(f', {label}' for label in labels)}) ({recorded}{{{_IN}}})"


_FAULTS = (
    alert_stat(
        compute.OOM_KILLS,
        "Out of memory",
        "Nodes that killed processes for lack of memory in 15 minutes: move pods or set requests.",
        found(compute.OOM_KILLS, _IN),
    ),
    alert_stat(
        disks.READ_ONLY,
        "Read-only disks",
        "Disks that became read-only this week, as after disk errors. Move pods, replace the disk.",
        found(disks.READ_ONLY, _IN),
    ),
    alert_stat(
        compute.MEMORY_ERRORS,
        "Memory errors",
        "Nodes with uncorrectable memory errors in a day. Their data may be wrong.",
        found(compute.MEMORY_ERRORS, _IN),
    ),
    alert_stat(
        disks.RAID_DEGRADED,
        "Degraded RAID arrays",
        "RAID arrays with a failed disk. The next failure loses data.",
        found(disks.RAID_DEGRADED, _IN),
    ),
)
_OVERVIEW = Row(
    "Which node?",
    (
        *(replace(each, width=6) for each in _FAULTS),
        Panel(
            title="Nodes",
            description="Share in use of each node's CPU, memory, fullest and busiest disk. Near 1 is a bottleneck."
            " Click a node to select it.",
            visualization=Visualization.TABLE,
            queries=(
                Query(expr=_largest(CPU_UTILISATION.name), legend="CPU", alert=compute.HIGH_CPU.name),
                Query(expr=_largest(MEMORY_UTILISATION.name), legend="Memory", alert=compute.HIGH_MEMORY.name),
                Query(expr=f"1 - min by (cluster, node) ({SPACE_AVAILABLE.name}{{{_IN}}})", legend="Fullest disk"),
                Query(expr=_largest(DISK_BUSY.name), legend="Busiest disk"),
            ),
            unit=Unit.RATIO,
            columns=("cluster", "node"),
            data_link=NODES,
            width=24,
        ),
    ),
)
_UTILISATION = Row(
    "Utilisation",
    (
        _worst(
            compute.HIGH_CPU,
            "CPU in use",
            "Share of a node's CPU that is busy or stolen. Near 1 processes wait: move pods.",
        ),
        _worst(
            compute.HIGH_MEMORY,
            "Memory in use",
            "Share of memory that is not available. Near 1 processes are killed: move pods.",
        ),
        _worst(
            disks.SPACE_LOW,
            "Free disk space",
            "Free share of each file system. Below the line, remove what grows or enlarge it.",
            _DEVICE,
        ),
        Panel(
            title="Network",
            description="Bytes per second received (in) and sent (out); the ten busiest nodes of each.",
            queries=tuple(
                Query(expr=f"topk(10, {traffic.name}{{{_IN}}})", legend=f"{{{{node}}}} {way}")
                for traffic, way in zip(TRAFFIC, ("in", "out"), strict=True)
            ),
            unit=Unit.BYTES_PER_SECOND,
            width=6,
        ),
    ),
)
_SATURATION = Row(
    "Saturation",
    (
        Panel(
            title="Load per core",
            description="Running and waiting processes per core; the ten highest. Above 1 some wait.",
            queries=(Query(expr=f"topk(10, {CPU_LOAD.name}{{{_IN}}})", legend=_NODE),),
            width=6,
        ),
        _worst(
            compute.THRASHING,
            "Major page faults",
            "Page reads from disk per second. Above the line, memory is too small.",
        ),
        _worst(
            disks.SATURATED,
            "Disk queue length",
            "Mean queue length of each disk. Above the line, all that it stores is slow.",
            _DEVICE,
        ),
        _worst(
            network.CONNTRACK_FULL,
            "Conntrack table usage",
            "Share of the connection table in use. At 1 new connections fail.",
        ),
        *(
            Panel(
                title=f"Waiting for {what}",
                description=f"Share of time in which a process waits for {what}. The ten highest.",
                queries=(Query(expr=f"topk(10, {pressure.name}{{{_IN}}})", legend=_NODE),),
                unit=Unit.RATIO,
                scale=Scale.SMALL,
            )
            for pressure, what in zip(PRESSURES, ("processors", "memory", "disks"), strict=True)
        ),
    ),
)
_ERRORS = Row(
    "Errors",
    (
        _worst(
            network.NETWORK_ERRORS,
            "Network errors",
            "Share of packets with errors. Check cable, port and driver.",
            _DEVICE,
            8,
        ),
        _worst(
            network.NETWORK_DROPS,
            "Dropped packets",
            "Share of packets dropped for lack of buffers. Above the line, connections slow down.",
            _DEVICE,
            8,
        ),
        _worst(
            machine.CLOCK_SKEW,
            "Clock skew",
            "Difference from Prometheus' clock, scrape time included. Above the line, check NTP.",
            width=8,
        ),
    ),
)
_RUNNING_OUT = Row(
    "Running out",
    (
        _worst(
            disks.WILL_FILL,
            "Time until disk full",
            "At the rate of the last six hours. Disks that do not fill are left out.",
            _DEVICE,
            8,
        ),
        _worst(
            disks.INODES_LOW,
            "Inodes left",
            "Share of each file system's inodes that is free. At 0 no file can be made.",
            _DEVICE,
            8,
        ),
        _worst(
            machine.FILE_DESCRIPTORS,
            "File descriptors in use",
            "Share of a node's file descriptors that is open. At 1 nothing opens files or connections.",
            width=8,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=NODES,
    title="Nodes",
    description="Nodes by utilisation, saturation and errors.",
    tags=("nodes",),
    variables=(
        variable("cluster", CPU_UTILISATION.name, "Cluster"),
        variable("node", f'{CPU_UTILISATION.name}{{cluster=~"$cluster"}}', "Node"),
    ),
    related=(HOME, KUBERNETES_CLUSTER, ALERTS),
    annotations=(alerts_of("nodes"), *of_nodes(_IN)),
    rows=(_OVERVIEW, _UTILISATION, _SATURATION, _ERRORS, _RUNNING_OUT),
)
