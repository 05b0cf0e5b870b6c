"""File systems and disks. A file system is told by its device, since it may be mounted in several places."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.nodes.recordings import BY_DEVICE, DISK_BUSY, DISK_QUEUE, INODES_FREE, SPACE_AVAILABLE, TIME_TO_FULL
from rules.nodes.scrape import NODE_EXPORTER

SPACE_LOW = Alert(
    name="DiskSpaceRunningLow",
    value=SPACE_AVAILABLE.name,
    # The kubelet begins to delete unused images at 15 % free, and to evict pods at 10 %.
    below={Severity.WARNING: 0.15, Severity.CRITICAL: 0.1},
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # images are cleaned every five minutes: it did not help, twice
    keep_firing_for=Duration.parse("5m"),
    summary="A disk is almost full.",
    description="{{ $labels.device }} of {{ $labels.node }} has {{ $value | humanizePercentage }} of its space left.",
)
WILL_FILL = Alert(
    name="DiskWillFill",
    value=TIME_TO_FULL.name,
    # A day is time to plan; four hours are less than a night.
    below={Severity.WARNING: 24 * 3600, Severity.CRITICAL: 4 * 3600},
    # The last hour agrees, since a new machine pulls its images at once and then no more; and what is more than 40 %
    # free is watched when it is not.
    and_=(
        f"min by {BY_DEVICE} (predict_linear(node_filesystem_avail_bytes[1h:2m], $threshold)) < 0"
        f" and {SPACE_AVAILABLE.name} < 0.4"
    ),
    unit=Unit.SECONDS,
    for_=Duration.parse("30m"),  # a large copy that ends by itself
    keep_firing_for=Duration.parse("15m"),
    summary="A disk will be full soon.",
    description="{{ $labels.device }} of {{ $labels.node }} will be full in {{ $value | humanizeDuration }}.",
    runbook="DiskSpaceRunningLow",
)
INODES_LOW = Alert(
    name="DiskInodesRunningLow",
    value=INODES_FREE.name,
    # The kubelet evicts pods at 5 %; twice that leaves time to find who makes the files.
    below={Severity.WARNING: 0.1, Severity.CRITICAL: 0.05},
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # as with space
    keep_firing_for=Duration.parse("5m"),
    summary="A disk is almost out of inodes.",
    description="{{ $labels.device }} of {{ $labels.node }} can hold {{ $value | humanizePercentage }} more files.",
)
_READ_ONLY = f"min by {BY_DEVICE} (node_filesystem_readonly)"
READ_ONLY = Alert(
    name="NodeFilesystemReadOnly",
    # Some are so by design: it must have been writable within the week, of which one look an hour is enough.
    value=f"{_READ_ONLY} == 1 and min_over_time({_READ_ONLY}[7d:1h]) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # longer than a check at boot
    summary="A disk has become read-only.",
    description="{{ $labels.device }} of {{ $labels.node }} can no longer be written, as after errors of the disk.",
)
SATURATED = Alert(
    name="NodeDiskSaturated",
    value=DISK_QUEUE.name,
    # A cloud volume serves few requests at once: with ten waiting, each takes ten times as long.
    above={Severity.WARNING: 10},
    and_=f"{DISK_BUSY.name} > 0.9",  # a disk that rests in between is slow for nobody
    for_=Duration.parse("30m"),  # backups and compactions end within that
    keep_firing_for=Duration.parse("10m"),
    summary="A disk cannot keep up.",
    description="{{ $labels.device }} of {{ $labels.node }} has {{ $value | humanize }} requests waiting all the time.",
)
_BY_MOUNT = "(cluster, environment, node, mountpoint)"
_MOUNTED = f"max by {_BY_MOUNT} (count_over_time(node_filesystem_size_bytes[1d:1h]))"
GONE = Alert(
    name="NodeFilesystemGone",
    # Mounted for half of a day, by a look each hour, and not now: no metric is left that could say so. What is mounted
    # for some hours, as for a backup, comes and goes; what somebody has unmounted is told of for half a day at most.
    # By its place, since a reboot may give it another device.
    value=(
        f"{_MOUNTED} > 12 unless max by {_BY_MOUNT} (node_filesystem_size_bytes)"
        f' and on (cluster, node) up{{job="{NODE_EXPORTER}"}} == 1'
    ),
    severity=Severity.WARNING,  # a disk that failed, or a person: what misses it says how urgent it is
    for_=Duration.parse("10m"),  # longer than a boot, and than a file system that does not answer while it is busy
    summary="A file system is no longer mounted.",
    description="{{ $labels.mountpoint }} of {{ $labels.node }} was mounted for most of a day, and is no longer.",
)
_REQUIRED = f"max by {BY_DEVICE} (node_md_disks_required)"
RAID_DEGRADED = Alert(
    name="NodeRaidDegraded",
    # By what an array must have: a disk that is gone altogether is not counted as failed. One that does not run, or was
    # there within a day on a node that still answers, has lost all.
    value=(
        f'{_REQUIRED} and max by {BY_DEVICE} (node_md_state{{state="inactive"}}) == 1'
        f' or {_REQUIRED} - max by {BY_DEVICE} (node_md_disks{{state="active"}}) > 0'
        f' or max by {BY_DEVICE} (node_md_disks{{state="failed"}}) > 0'
        f" or max by {BY_DEVICE} (max_over_time(node_md_disks_required[1d:1h])) unless {_REQUIRED}"
        f' and on (cluster, node) up{{job="{NODE_EXPORTER}"}} == 1'
    ),
    severity=Severity.CRITICAL,  # the next failure loses data
    for_=Duration.parse("5m"),  # while a disk is exchanged by hand
    summary="A RAID array has lost a disk.",
    description="{{ $labels.device }} of {{ $labels.node }} has lost {{ $value }} of its disks.",
)

ALERTS = (SPACE_LOW, INODES_LOW, READ_ONLY, SATURATED, RAID_DEGRADED)
