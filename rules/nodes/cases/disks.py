"""File systems and disks, tried."""

from __future__ import annotations

from rules.nodes.alerts.disks import INODES_LOW, RAID_DEGRADED, READ_ONLY, SATURATED, SPACE_LOW, WILL_FILL
from rules.nodes.cases.tried import CRITICAL, DISK, NODE, WARNING, gives, tried
from rules.nodes.recordings import DISK_BUSY, DISK_QUEUE, INODES_FREE, SPACE_AVAILABLE, TIME_TO_FULL

_MOUNTED_AGAIN = DISK.replace('mountpoint="/"', 'mountpoint="/var/lib/containerd"')
_DEVICE = "/dev/sda1"


def _space(available: str, *, read_only: int = 0) -> dict[str, str]:
    """Of a disk of 1000 bytes."""
    return {
        f"node_filesystem_avail_bytes{{{DISK}}}": available,
        f"node_filesystem_size_bytes{{{DISK}}}": "1000x1500",
        f"node_filesystem_readonly{{{DISK}}}": f"{read_only}x1500",
    }


def _inodes(free: int) -> dict[str, str]:
    """Of a disk that can hold 100 files."""
    return {
        f"node_filesystem_files_free{{{DISK}}}": f"{free}x40",
        f"node_filesystem_files{{{DISK}}}": "100x40",
        f"node_filesystem_readonly{{{DISK}}}": "0x40",
    }


def _disk(queue: int, busy: int) -> dict[str, str]:
    """So many requests at a time, and so many seconds of a minute with any."""
    return {
        f'node_disk_io_time_weighted_seconds_total{{{NODE}, device="sda"}}': f"0+{queue * 60}x60",
        f'node_disk_io_time_seconds_total{{{NODE}, device="sda"}}': f"0+{busy}x60",
    }


CASES = (
    tried(
        SPACE_LOW,
        "8 % are left for a quarter of an hour",
        _space("80x60"),
        "15m",
        fires=(CRITICAL, WARNING),
        says="/dev/sda1 of n-1 has 8% of its space left.",
        value="8%",
        device=_DEVICE,
    ),
    tried(
        SPACE_LOW,
        "12 % are left for a quarter of an hour",
        _space("120x60"),
        "15m",
        fires=(WARNING,),
        says="/dev/sda1 of n-1 has 12% of its space left.",
        value="12%",
        device=_DEVICE,
    ),
    tried(SPACE_LOW, "16 % are left", _space("160x60"), "30m"),
    tried(SPACE_LOW, "8 % are left, and cleaning may still help", _space("80x60"), "14m"),
    tried(SPACE_LOW, "the root of a system that is an image is full, as always", _space("0x60", read_only=1), "30m"),
    tried(
        WILL_FILL,
        "what is left shrinks to nothing within two hours and a half",
        _space("540-1x540"),  # a byte a minute
        "390m",
        fires=(CRITICAL, WARNING),
        says="/dev/sda1 of n-1 will be full in 2h 30m 0s.",
        value="2h 30m 0s",
        device=_DEVICE,
    ),
    tried(
        WILL_FILL,
        "what is left shrinks to nothing within five hours",
        _space("690-1x690"),
        "390m",
        fires=(WARNING,),
        says="/dev/sda1 of n-1 will be full in 5h 0m 0s.",
        value="5h 0m 0s",
        device=_DEVICE,
    ),
    tried(WILL_FILL, "it takes more than a day", _space("399-0.2x400"), "390m"),
    tried(WILL_FILL, "it would take some hours, but there is more than 40 % left", _space("800-1x390"), "390m"),
    tried(WILL_FILL, "a new node has pulled its images, and is done", _space("900-60x9 360x390"), "90m"),
    tried(
        INODES_LOW,
        "4 of 100 inodes are left",
        _inodes(4),
        "15m",
        fires=(CRITICAL, WARNING),
        says="/dev/sda1 of n-1 can hold 4% more files.",
        value="4%",
        device=_DEVICE,
    ),
    tried(
        INODES_LOW,
        "8 of 100 inodes are left",
        _inodes(8),
        "15m",
        fires=(WARNING,),
        says="/dev/sda1 of n-1 can hold 8% more files.",
        value="8%",
        device=_DEVICE,
    ),
    tried(INODES_LOW, "11 of 100 inodes are left", _inodes(11), "30m"),
    tried(
        READ_ONLY,
        "a disk had errors five minutes ago, and the kernel writes to it no more",
        {f"node_filesystem_readonly{{{DISK}}}": "0x90 1x60"},
        "96m",
        fires=(CRITICAL,),
        says="/dev/sda1 of n-1 can no longer be written, as after errors of the disk.",
        device=_DEVICE,
    ),
    tried(
        READ_ONLY,
        "one of two mounts of a disk is made read-only",
        {
            f"node_filesystem_readonly{{{DISK}}}": "0x90 1x60",
            f"node_filesystem_readonly{{{_MOUNTED_AGAIN}}}": "0x150",
        },
        "140m",
    ),
    tried(READ_ONLY, "it always was", {f"node_filesystem_readonly{{{DISK}}}": "1x150"}, "140m"),
    tried(
        SATURATED,
        "twelve requests wait all the time, for half an hour",
        _disk(queue=12, busy=60),
        "35m",
        fires=(WARNING,),
        says="sda of n-1 has 12 requests waiting all the time.",
        value="12",
        device="sda",
    ),
    tried(SATURATED, "nine requests wait", _disk(queue=9, busy=60), "50m"),
    tried(SATURATED, "bursts of requests, and rest in between", _disk(queue=12, busy=50), "50m"),
    tried(
        RAID_DEGRADED,
        "a disk of an array has failed",
        {f'node_md_disks{{{NODE}, device="md0", state="failed"}}': "1x20"},
        "5m",
        fires=(CRITICAL,),
        says="md0 of n-1 has lost 1 of its disks.",
        device="md0",
    ),
    tried(
        RAID_DEGRADED,
        "a spare is there, and all others are well",
        {
            f'node_md_disks{{{NODE}, device="md0", state="failed"}}': "0x20",
            f'node_md_disks{{{NODE}, device="md0", state="spare"}}': "1x20",
        },
        "15m",
    ),
)
VALUES = (
    gives(
        SPACE_AVAILABLE,
        "one disk is mounted twice, and another read-only",
        {
            **_space("250x60"),
            f"node_filesystem_avail_bytes{{{_MOUNTED_AGAIN}}}": "250x60",
            f"node_filesystem_size_bytes{{{_MOUNTED_AGAIN}}}": "1000x60",
            f"node_filesystem_readonly{{{_MOUNTED_AGAIN}}}": "1x60",
            **{name.replace("sda1", "sdb"): values for name, values in _space("0x60", read_only=1).items()},
        },
        {'node="n-1", device="/dev/sda1"': 0.25},
    ),
    gives(INODES_FREE, "three quarters are free", _inodes(75), {'node="n-1", device="/dev/sda1"': 0.75}),
    gives(
        TIME_TO_FULL,
        "6600 bytes are left and one a second goes, and another disk empties",
        {
            f"node_filesystem_avail_bytes{{{DISK}}}": "7200-60x60",
            f"node_filesystem_avail_bytes{{{DISK.replace('sda1', 'sdb')}}}": "7200+60x60",
        },
        {'node="n-1", device="/dev/sda1"': 6600},
    ),
    gives(DISK_BUSY, "half of the time", _disk(queue=2, busy=30), {'node="n-1", device="sda"': 0.5}),
    gives(DISK_QUEUE, "two requests at a time", _disk(queue=2, busy=30), {'node="n-1", device="sda"': 2}),
)
