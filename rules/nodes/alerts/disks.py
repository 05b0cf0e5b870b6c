"""File systems and disks. The label of a file system is its device, since it may be mounted in several places."""

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
    for_=Duration.parse("15m"),  # the kubelet deletes images every five minutes; two attempts did not help
    keep_firing_for=Duration.parse("5m"),
    summary="A disk is almost full.",
    description="{{ $labels.device }} of {{ $labels.node }} has {{ $value | humanizePercentage }} of its space left.",
)
WILL_FILL = Alert(
    name="DiskWillFill",
    value=TIME_TO_FULL.name,
    # A day is enough time to plan. Four hours are less than a night.
    below={Severity.WARNING: 24 * 3600, Severity.CRITICAL: 4 * 3600},
    # The rate of the last hour must agree, since a new machine pulls its images once. A disk that is more than 40 %
    # free can wait.
    and_=(
        f"min by {BY_DEVICE} (predict_linear(node_filesystem_avail_bytes[1h:2m], $threshold)) < 0"
        f" and {SPACE_AVAILABLE.name} < 0.4"
    ),
    unit=Unit.SECONDS,
    for_=Duration.parse("30m"),  # longer than a large copy
    keep_firing_for=Duration.parse("15m"),
    summary="A disk will be full soon.",
    description="{{ $labels.device }} of {{ $labels.node }} will be full in {{ $value | humanizeDuration }}.",
    runbook="DiskSpaceRunningLow",
)
INODES_LOW = Alert(
    name="DiskInodesRunningLow",
    value=INODES_FREE.name,
    # The kubelet evicts pods at 5 %. Twice that leaves time to find the program that creates files.
    below={Severity.WARNING: 0.1, Severity.CRITICAL: 0.05},
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # the same as for space
    keep_firing_for=Duration.parse("5m"),
    summary="A disk is almost out of inodes.",
    description="{{ $labels.device }} of {{ $labels.node }} has {{ $value | humanizePercentage }} of its inodes left.",
)
_READ_ONLY = f"min by {BY_DEVICE} (node_filesystem_readonly)"
READ_ONLY = Alert(
    name="NodeFilesystemReadOnly",
    # Some are read-only by design, so it must have been writable within a week. One sample per hour is enough.
    value=f"{_READ_ONLY} == 1 and min_over_time({_READ_ONLY}[7d:1h]) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # longer than a file system check at boot
    summary="A disk has become read-only.",
    description="{{ $labels.device }} of {{ $labels.node }} is no longer writable, often because of disk errors.",
)
SATURATED = Alert(
    name="NodeDiskSaturated",
    value=DISK_QUEUE.name,
    # A cloud volume serves few requests at once. With ten waiting, each takes ten times as long.
    above={Severity.WARNING: 10},
    and_=f"{DISK_BUSY.name} > 0.9",  # a disk with idle time in between is not slow
    for_=Duration.parse("30m"),  # longer than backups and compactions
    keep_firing_for=Duration.parse("10m"),
    summary="A disk is overloaded.",
    description="{{ $labels.device }} of {{ $labels.node }} has {{ $value | humanize }} waiting requests on average.",
)
_BY_MOUNT = "(cluster, environment, node, mountpoint)"
_MOUNTED = f"max by {_BY_MOUNT} (count_over_time(node_filesystem_size_bytes[1d:1h]))"
GONE = Alert(
    name="NodeFilesystemGone",
    # Mounted in more than 12 of the last 24 hourly samples, and not now. Mounts of some hours, as for a backup, do not
    # count. If somebody has unmounted it, the alert ends after half a day. By mount point, since the device may change
    # with a reboot.
    value=(
        f"{_MOUNTED} > 12 unless max by {_BY_MOUNT} (node_filesystem_size_bytes)"
        f' and on (cluster, node) up{{job="{NODE_EXPORTER}"}} == 1'
    ),
    severity=Severity.WARNING,  # a failed disk, or a person; alerts on the programs that need it are more urgent
    for_=Duration.parse("10m"),  # longer than a boot, or a busy file system that does not answer
    summary="A file system is no longer mounted.",
    description="{{ $labels.mountpoint }} of {{ $labels.node }} was mounted for most of a day and no longer is.",
)
_REQUIRED = f"max by {BY_DEVICE} (node_md_disks_required)"
RAID_DEGRADED = Alert(
    name="NodeRaidDegraded",
    # Required minus active disks, because a removed disk does not count as failed. An inactive array has lost all
    # disks, and so has one that existed within a day and is missing on a node that answers.
    value=(
        f'{_REQUIRED} and max by {BY_DEVICE} (node_md_state{{state="inactive"}}) == 1'
        f' or {_REQUIRED} - max by {BY_DEVICE} (node_md_disks{{state="active"}}) > 0'
        f' or max by {BY_DEVICE} (node_md_disks{{state="failed"}}) > 0'
        f" or max by {BY_DEVICE} (max_over_time(node_md_disks_required[1d:1h])) unless {_REQUIRED}"
        f' and on (cluster, node) up{{job="{NODE_EXPORTER}"}} == 1'
    ),
    severity=Severity.CRITICAL,  # the next failure loses data
    for_=Duration.parse("5m"),  # longer than the replacement of a disk by hand
    summary="A RAID array has lost a disk.",
    description="{{ $labels.device }} of {{ $labels.node }} has lost {{ $value }} of its disks.",
)

ALERTS = (SPACE_LOW, INODES_LOW, READ_ONLY, SATURATED, RAID_DEGRADED)
