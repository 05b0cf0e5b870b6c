"""Recording rules of each node's utilisation and saturation."""

from __future__ import annotations

from model.metrics import Unit
from model.rules import Group, Recording

BY_NODE = "(cluster, environment, node)"
BY_DEVICE = "(cluster, environment, node, device)"
# A bond repeats the traffic of its members, and loopback is no network.
PHYSICAL = 'device!~"lo|bond.+"'

CPU_UTILISATION = Recording(
    name="node:cpu_utilisation:ratio_rate5m",
    # Time that the hypervisor steals counts as used, because the node cannot use it.
    expr=f'1 - avg by {BY_NODE} (sum without (mode) (rate(node_cpu_seconds_total{{mode=~"idle|iowait"}}[5m])))',
    unit=Unit.RATIO,
)
CPU_LOAD = Recording(
    name="node:load5:per_core",
    expr=f'max by {BY_NODE} (node_load5) / count by {BY_NODE} (node_cpu_seconds_total{{mode="idle"}})',
)
# Huge pages are reserved for programs that request them, whether used or not. A kernel may be built without them.
_HUGE_PAGES = "node_memory_HugePages_Total * node_memory_Hugepagesize_bytes"
MEMORY = f"max by {BY_NODE} (node_memory_MemTotal_bytes - {_HUGE_PAGES} or node_memory_MemTotal_bytes)"
"""PromQL: bytes of memory by node, without huge pages."""
# ZFS frees its cache down to a minimum, but the kernel does not count it as available.
_ZFS_CACHE = "clamp_min(node_zfs_arc_size - node_zfs_arc_c_min, 0)"
AVAILABLE = f"(node_memory_MemAvailable_bytes + {_ZFS_CACHE} or node_memory_MemAvailable_bytes)"
"""PromQL: bytes of memory that programs can still use, by target."""
MEMORY_UTILISATION = Recording(
    name="node:memory_utilisation:ratio",
    expr=f"1 - max by {BY_NODE} {AVAILABLE} / {MEMORY}",
    unit=Unit.RATIO,
)
PRESSURES = tuple(
    # Kernels without pressure stall information have no such series, so no alert depends on them.
    Recording(
        name=f"node:{resource}_pressure:ratio_rate5m",
        expr=f"max by {BY_NODE} (rate(node_pressure_{resource}_waiting_seconds_total[5m]))",
        unit=Unit.RATIO,
    )
    for resource in ("cpu", "memory", "io")
)


def _of_file_systems(left: str, all_of_it: str) -> str:
    # By device, because a file system may be mounted in several places. File systems that are read-only by design, such
    # as the root of an image-based system, are always full.
    writable = f"max by {BY_DEVICE} (1 - node_filesystem_readonly) == 1"
    # File systems without a known size, or with dynamic inodes, report 0.
    return f"min by {BY_DEVICE} ({left} / ({all_of_it} > 0)) and {writable}"


SPACE_AVAILABLE = Recording(
    name="node_device:filesystem_available:ratio",
    expr=_of_file_systems("node_filesystem_avail_bytes", "node_filesystem_size_bytes"),
    unit=Unit.RATIO,
)
INODES_FREE = Recording(
    name="node_device:filesystem_inodes_free:ratio",
    expr=_of_file_systems("node_filesystem_files_free", "node_filesystem_files"),
    unit=Unit.RATIO,
)
TIME_TO_FULL = Recording(
    name="node_device:filesystem_avail_bytes:seconds_to_zero6h",
    # At the rate of the last six hours, which averages bursts and deletions. No result if the disk does not fill. One
    # sample in five minutes is enough for a line through six hours.
    expr=f"min by {BY_DEVICE} (node_filesystem_avail_bytes / (-deriv(node_filesystem_avail_bytes[6h:5m]) > 0))",
    unit=Unit.SECONDS,
)
DISK_BUSY = Recording(
    name="node_device:disk_busy:ratio_rate5m",
    expr=f"max by {BY_DEVICE} (rate(node_disk_io_time_seconds_total[5m]))",
    unit=Unit.RATIO,
)
DISK_QUEUE = Recording(
    name="node_device:disk_queue:rate5m",
    # Seconds of waiting per second, which is the mean number of requests that wait or are served.
    expr=f"max by {BY_DEVICE} (rate(node_disk_io_time_weighted_seconds_total[5m]))",
)
TRAFFIC = tuple(
    Recording(
        name=f"node:network_{direction}_bytes:rate5m",
        expr=f"sum by {BY_NODE} (rate(node_network_{direction}_bytes_total{{{PHYSICAL}}}[5m]))",
        unit=Unit.BYTES_PER_SECOND,
    )
    for direction in ("receive", "transmit")
)

GROUP = Group(
    "nodes-recordings",
    (
        CPU_UTILISATION,
        CPU_LOAD,
        MEMORY_UTILISATION,
        *PRESSURES,
        SPACE_AVAILABLE,
        INODES_FREE,
        DISK_BUSY,
        DISK_QUEUE,
        *TRAFFIC,
    ),
)
