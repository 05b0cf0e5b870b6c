"""The machines, by utilisation, saturation and errors: which one is too small, too slow or broken."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import (
    Annotation,
    Dashboard,
    Panel,
    Query,
    Row,
    Visualization,
    alert_stat,
    alert_time_series,
    found,
    variable,
)
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert, Severity
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
    """The ten nodes or devices that are nearest to an alert's line, or furthest beyond it."""
    first = "bottomk" if alert.below else "topk"
    expr = f"{first}(10, {narrowed(alert.value, _IN)})"
    return alert_time_series(alert, title, f"{description} The ten {_FIRST[first]}.", expr, legend, width)


_FIRST = {"topk": "highest", "bottomk": "lowest"}


def _largest(recorded: str, *labels: str) -> str:
    return f"max by (cluster, node{''.join(f', {label}' for label in labels)}) ({recorded}{{{_IN}}})"


_OVERVIEW = Row(
    "Which node?",
    (
        Panel(
            title="Nodes",
            description="Of each node the part that is used: processors, memory, its fullest and its busiest disk."
            " Whichever is near 1 is what it lacks; a click narrows this dashboard to it.",
            visualization=Visualization.TABLE,
            queries=(
                Query(expr=_largest(CPU_UTILISATION.name), legend="CPU"),
                Query(expr=_largest(MEMORY_UTILISATION.name), legend="Memory"),
                Query(expr=f"1 - min by (cluster, node) ({SPACE_AVAILABLE.name}{{{_IN}}})", legend="Fullest disk"),
                Query(expr=_largest(DISK_BUSY.name), legend="Busiest disk"),
            ),
            unit=Unit.RATIO,
            columns=("cluster", "node"),
            data_link=NODES,
            width=16,
        ),
        alert_stat(
            compute.OOM_KILLS,
            "Out of memory",
            "Nodes that killed processes within a quarter of an hour because they had no memory left.",
            found(compute.OOM_KILLS, _IN),
        ),
        alert_stat(
            disks.READ_ONLY,
            "Disks now read-only",
            "Disks that could be written within the week, and cannot now, as after errors of the disk.",
            found(disks.READ_ONLY, _IN),
        ),
        alert_stat(
            compute.MEMORY_ERRORS,
            "Memory errors",
            "Nodes with memory errors within a day that could not be corrected: their data may be wrong.",
            found(compute.MEMORY_ERRORS, _IN),
        ),
        alert_stat(
            disks.RAID_DEGRADED,
            "Arrays without a disk",
            "RAID arrays that have lost a disk: the next failure loses data.",
            found(disks.RAID_DEGRADED, _IN),
        ),
    ),
)
_UTILISATION = Row(
    "Utilisation",
    (
        _worst(compute.HIGH_CPU, "CPU in use", "The part of a node's processors that works, or is stolen."),
        _worst(compute.HIGH_MEMORY, "Memory in use", "The part of memory that nothing else can have."),
        _worst(disks.SPACE_LOW, "Disk space left", "The part of each file system that is free.", _DEVICE),
        Panel(
            title="Network",
            description="Bytes per second that nodes receive (in) and send (out); the ten busiest of each.",
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
            description="Processes that run or wait, per core. Above 1 some wait. The ten highest.",
            queries=(Query(expr=f"topk(10, {CPU_LOAD.name}{{{_IN}}})", legend=_NODE),),
            width=6,
        ),
        _worst(compute.THRASHING, "Major page faults", "Reads of what memory had to drop, a second."),
        _worst(disks.SATURATED, "Requests waiting for a disk", "The mean length of each disk's queue.", _DEVICE),
        _worst(network.CONNTRACK_FULL, "Connections tracked", "The part of the table of connections in use."),
        *(
            Panel(
                title=f"Waiting for {what}",
                description=f"The part of the time in which something waits for {what}, whatever is used of it."
                " The ten highest.",
                queries=(Query(expr=f"topk(10, {pressure.name}{{{_IN}}})", legend=_NODE),),
                unit=Unit.RATIO,
            )
            for pressure, what in zip(PRESSURES, ("processors", "memory", "disks"), strict=True)
        ),
    ),
)
_ERRORS = Row(
    "Errors",
    (
        _worst(network.NETWORK_ERRORS, "Damaged packets", "The part of packets with errors.", _DEVICE, 8),
        _worst(network.NETWORK_DROPS, "Dropped packets", "The part of packets that nobody had room for.", _DEVICE, 8),
        _worst(
            machine.CLOCK_SKEW,
            "Clock skew",
            "How far clocks are from that of Prometheus; a scrape's time is in it.",
            width=8,
        ),
    ),
)
_RUNNING_OUT = Row(
    "Running out",
    (
        _worst(
            disks.WILL_FILL,
            "Time until disks are full",
            "At the pace of the last six hours; what does not fill is not shown.",
            _DEVICE,
            8,
        ),
        _worst(disks.INODES_LOW, "Inodes left", "The part of each file system's files to come.", _DEVICE, 8),
        _worst(machine.FILE_DESCRIPTORS, "File descriptors in use", "The part that is open on a node.", width=8),
    ),
)

DASHBOARD = Dashboard(
    uid=NODES,
    title="Nodes",
    description="Which node is too small, too slow or broken: utilisation, saturation and errors.",
    tags=("nodes",),
    variables=(
        variable("cluster", CPU_UTILISATION.name, "Cluster"),
        variable("node", f'{CPU_UTILISATION.name}{{cluster=~"$cluster"}}', "Node"),
    ),
    related=(HOME, KUBERNETES_CLUSTER, ALERTS),
    annotations=(
        alerts_of("nodes"),
        Annotation(name="Reboots", expr=narrowed(machine.REBOOTED.value, _IN), text="{{node}}", severity=Severity.INFO),
    ),
    rows=(_OVERVIEW, _UTILISATION, _SATURATION, _ERRORS, _RUNNING_OUT),
)
