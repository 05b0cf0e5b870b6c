"""File systems and disks, by example."""

from __future__ import annotations

from rules.nodes.alerts.disks import GONE, INODES_LOW, RAID_DEGRADED, READ_ONLY, SATURATED, SPACE_LOW, WILL_FILL
from rules.nodes.recordings import DISK_BUSY, DISK_QUEUE, INODES_FREE, SPACE_AVAILABLE, TIME_TO_FULL
from tests.rules.examples import Labels, Series, counters, critical, example, gauges, metric, of, steady, warning
from tests.rules.nodes.subjects import DISK, NODE

_MOUNTED_AGAIN = DISK | {"mountpoint": "/var/lib/containerd"}
_OTHER = DISK | {"device": "/dev/sdb"}
_DEVICE = DISK["device"]


def _space(available: str, *, read_only: int = 0, of_disk: Labels = DISK) -> Series:
    """Of a disk of 1000 bytes."""
    return {
        metric("node_filesystem_avail_bytes", of_disk): available,
        metric("node_filesystem_size_bytes", of_disk): steady(1000, 1500),
        metric("node_filesystem_readonly", of_disk): steady(read_only, 1500),
    }


def _inodes(free: int) -> Series:
    """Of a disk that can hold 100 files."""
    return gauges(
        {
            metric("node_filesystem_files_free", DISK): free,
            metric("node_filesystem_files", DISK): 100,
            metric("node_filesystem_readonly", DISK): 0,
        },
        40,
    )


def _array(active: int, spare: int = 0, inactive: int = 0) -> Series:
    """Of two disks, none of them marked as failed."""
    array = NODE | {"device": "md0"}
    return gauges(
        {
            metric("node_md_disks_required", array): 2,
            metric("node_md_disks", array, state="active"): active,
            metric("node_md_disks", array, state="failed"): 0,
            metric("node_md_disks", array, state="spare"): spare,
            metric("node_md_state", array, state="inactive"): inactive,
        },
        20,
    )


def _disk(queue: int, busy: int) -> Series:
    """So many requests at a time, and so many seconds of a minute with any."""
    return counters(
        {
            metric("node_disk_io_time_weighted_seconds_total", NODE, device="sda"): queue * 60,
            metric("node_disk_io_time_seconds_total", NODE, device="sda"): busy,
        }
    )


def _answering(up: str = "1x320") -> Series:
    return {metric("up", NODE, job="node-exporter"): up}


def _mounted(hours: int, away: int = 1, **where: str) -> Series:
    """A file system that is there for so long, then away, in samples of five minutes."""
    return {
        metric("node_filesystem_size_bytes", DISK, **where): f"_x{300 - hours * 12} 1000x{hours * 12 - 1} _x{away * 12}"
    }


_NOT_MOUNTED = "/data of n-1 was mounted for most of a day and no longer is."

EXAMPLES = (
    example(
        "8 % are left for a quarter of an hour",
        SPACE_LOW,
        series=_space("80x60"),
        at="15m",
        fires=[critical("/dev/sda1 of n-1 has 8% of its space left.", "8%", node="n-1", device=_DEVICE)],
    ),
    example(
        "12 % are left for a quarter of an hour",
        SPACE_LOW,
        series=_space("120x60"),
        at="15m",
        fires=[warning("/dev/sda1 of n-1 has 12% of its space left.", "12%", node="n-1", device=_DEVICE)],
    ),
    example("16 % are left", SPACE_LOW, series=_space("160x60"), at="30m"),
    example("8 % are left, and cleaning may still help", SPACE_LOW, series=_space("80x60"), at="14m"),
    example(
        "the root of a system that is an image is full, as always",
        SPACE_LOW,
        series=_space("0x60", read_only=1),
        at="30m",
    ),
    example(
        "what is left shrinks to nothing within less than four hours",
        WILL_FILL,
        series=_space("600-1x600"),  # a byte a minute
        at="391m",
        fires=[critical("/dev/sda1 of n-1 will be full in 3h 29m 0s.", "3h 29m 0s", node="n-1", device=_DEVICE)],
    ),
    example(
        "what is left shrinks to nothing within more than four hours",
        WILL_FILL,
        series=_space("640-1x640"),
        at="390m",
        fires=[warning("/dev/sda1 of n-1 will be full in 4h 10m 0s.", "4h 10m 0s", node="n-1", device=_DEVICE)],
    ),
    example(
        "what is left shrinks to nothing within less than a day",
        WILL_FILL,
        series=_space("338-0.2x400"),
        at="390m",
        fires=[warning("/dev/sda1 of n-1 will be full in 21h 40m 0s.", "21h 40m 0s", node="n-1", device=_DEVICE)],
    ),
    example("it takes more than a day", WILL_FILL, series=_space("399-0.2x400"), at="390m"),
    example(
        "it would take some hours, but there is more than 40 % left", WILL_FILL, series=_space("800-1x390"), at="390m"
    ),
    example("a new node has pulled its images, and is done", WILL_FILL, series=_space("900-60x9 360x390"), at="90m"),
    example(
        "4 of 100 inodes are left",
        INODES_LOW,
        series=_inodes(4),
        at="15m",
        fires=[critical("/dev/sda1 of n-1 has 4% of its inodes left.", "4%", node="n-1", device=_DEVICE)],
    ),
    example(
        "8 of 100 inodes are left",
        INODES_LOW,
        series=_inodes(8),
        at="15m",
        fires=[warning("/dev/sda1 of n-1 has 8% of its inodes left.", "8%", node="n-1", device=_DEVICE)],
    ),
    example(
        "6 of 100 inodes are left",
        INODES_LOW,
        series=_inodes(6),
        at="15m",
        fires=[warning("/dev/sda1 of n-1 has 6% of its inodes left.", "6%", node="n-1", device=_DEVICE)],
    ),
    example("11 of 100 inodes are left", INODES_LOW, series=_inodes(11), at="30m"),
    example(
        "it makes inodes as it needs them, and says that it has none",
        INODES_LOW,
        series=_inodes(0) | {metric("node_filesystem_files", DISK): "0x40"},
        at="30m",
    ),
    example(
        "a disk had errors five minutes ago, and the kernel writes to it no more",
        READ_ONLY,
        series={metric("node_filesystem_readonly", DISK): "0x90 1x60"},
        at="96m",
        fires=[
            critical(
                "/dev/sda1 of n-1 is no longer writable, often because of disk errors.", node="n-1", device=_DEVICE
            )
        ],
    ),
    example(
        "one of two mounts of a disk is made read-only",
        READ_ONLY,
        series={
            metric("node_filesystem_readonly", DISK): "0x90 1x60",
            metric("node_filesystem_readonly", _MOUNTED_AGAIN): "0x150",
        },
        at="140m",
    ),
    example("it always was", READ_ONLY, series={metric("node_filesystem_readonly", DISK): "1x150"}, at="140m"),
    example(
        "twelve requests wait all the time, for half an hour",
        SATURATED,
        series=_disk(queue=12, busy=60),
        at="35m",
        fires=[warning("sda of n-1 has 12 waiting requests on average.", "12", node="n-1", device="sda")],
    ),
    example("nine requests wait", SATURATED, series=_disk(queue=9, busy=60), at="50m"),
    example("bursts of requests, and rest in between", SATURATED, series=_disk(queue=12, busy=50), at="50m"),
    example(
        "a disk of an array has failed",
        RAID_DEGRADED,
        series={metric("node_md_disks", NODE, device="md0", state="failed"): "1x20"},
        at="5m",
        fires=[critical("md0 of n-1 has lost 1 of its disks.", node="n-1", device="md0")],
    ),
    example(
        "a disk of an array is gone, and nobody has marked it as failed",
        RAID_DEGRADED,
        series=_array(active=1),
        at="5m",
        fires=[critical("md0 of n-1 has lost 1 of its disks.", node="n-1", device="md0")],
    ),
    example(
        "an array does not run, and says that its disks are there",
        RAID_DEGRADED,
        series=_array(active=2, inactive=1),
        at="5m",
        fires=[critical("md0 of n-1 has lost 2 of its disks.", node="n-1", device="md0")],
    ),
    example(
        "an array is no longer there, and the node answers",
        RAID_DEGRADED,
        series=dict.fromkeys(_array(active=2), "2x5 _x30") | {metric("up", NODE, job="node-exporter"): "1x40"},
        at="30m",
        fires=[critical("md0 of n-1 has lost 2 of its disks.", node="n-1", device="md0")],
    ),
    example(
        "an array is no longer there, and its node neither",
        RAID_DEGRADED,
        series=dict.fromkeys(_array(active=2), "2x5 _x30") | {metric("up", NODE, job="node-exporter"): "1x5 0x40"},
        at="30m",
    ),
    example(
        "it was mounted for 14 hours, and has been away for ten minutes",
        GONE,
        series=_mounted(14, mountpoint="/data") | _answering(),
        at="1510m",
        step="5m",
        fires=[warning(_NOT_MOUNTED, node="n-1", mountpoint="/data")],
    ),
    example(
        "it is away, and its node as well", GONE, series=_mounted(14) | _answering("1x300 0x20"), at="1530m", step="5m"
    ),
    example("a backup had it mounted for eight hours", GONE, series=_mounted(8) | _answering(), at="1530m", step="5m"),
    example(
        "a reboot has given it another device",
        GONE,
        series=_mounted(14) | {metric("node_filesystem_size_bytes", _OTHER): "_x300 1000x20"} | _answering(),
        at="1530m",
        step="5m",
    ),
    example(
        "somebody unmounted it half a day ago",
        GONE,
        series=_mounted(20, away=13) | _answering("1x480"),
        at="2250m",
        step="5m",
    ),
    example("a spare is there, and all others are well", RAID_DEGRADED, series=_array(active=2, spare=1), at="15m"),
    example(
        "one disk is mounted twice, and another read-only",
        SPACE_AVAILABLE,
        series={
            **_space("250x60"),
            metric("node_filesystem_avail_bytes", _MOUNTED_AGAIN): "250x60",
            metric("node_filesystem_size_bytes", _MOUNTED_AGAIN): "1000x60",
            metric("node_filesystem_readonly", _MOUNTED_AGAIN): "1x60",
            **_space("0x60", read_only=1, of_disk=_OTHER),
        },
        gives={of(node="n-1", device="/dev/sda1"): 0.25},
    ),
    example(
        "three quarters are free", INODES_FREE, series=_inodes(75), gives={of(node="n-1", device="/dev/sda1"): 0.75}
    ),
    example(
        "6600 bytes are left and one a second goes, and another disk empties",
        TIME_TO_FULL,
        series={
            metric("node_filesystem_avail_bytes", DISK): "7200-60x60",
            metric("node_filesystem_avail_bytes", _OTHER): "7200+60x60",
        },
        gives={of(node="n-1", device="/dev/sda1"): 6600},
    ),
    example("half of the time", DISK_BUSY, series=_disk(queue=2, busy=30), gives={of(node="n-1", device="sda"): 0.5}),
    example(
        "two requests at a time", DISK_QUEUE, series=_disk(queue=2, busy=30), gives={of(node="n-1", device="sda"): 2}
    ),
)
