"""A machine with what the one that runs the tests may lack."""

from __future__ import annotations

from pathlib import Path


def machine(folder: Path) -> tuple[Path, Path]:
    """A copy of /proc and /sys, with what the kernel says of an array, of a memory controller, of a bond and of ZFS."""
    proc, sys = folder / "proc", folder / "sys"
    _mirrored(Path("/proc"), proc, "mdstat")
    (proc / "mdstat").write_text(
        "Personalities : [raid1]\nmd0 : active raid1 sdb1[1] sda1[0]\n      1024 blocks super 1.2 [2/2] [UU]\n\n"
        "unused devices: <none>\n"
    )
    _mirrored(Path("/sys"), sys, "devices")
    _mirrored(Path("/sys/devices"), sys / "devices", "system")
    _mirrored(Path("/sys/devices/system"), sys / "devices" / "system", "edac")
    controller = sys / "devices" / "system" / "edac" / "mc" / "mc0"
    controller.mkdir(parents=True)
    for file in ("ce_count", "ce_noinfo_count", "ue_count", "ue_noinfo_count"):
        (controller / file).write_text("0\n")
    (sys / "class").unlink()
    _mirrored(Path("/sys/class"), sys / "class", "net")
    net = sys / "class" / "net"
    bond = net / "bond0"
    member = bond / "lower_eth0" / "bonding_slave"
    for place, file, text in (
        (net, "bonding_masters", "bond0"),
        (bond / "bonding", "slaves", "eth0"),
        (member, "mii_status", "up"),
    ):
        place.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(f"{text}\n")
    zfs = proc / "spl" / "kstat" / "zfs"
    zfs.mkdir(parents=True)
    (zfs / "arcstats").write_text("6 1 0x01 2 544 1 1\nname type data\nc_min 4 10\nsize 4 100\n")
    return proc, sys


def _mirrored(folder: Path, mirror: Path, without: str) -> None:
    mirror.mkdir(parents=True, exist_ok=True)
    for entry in folder.iterdir():
        if entry.name != without:
            (mirror / entry.name).symlink_to(entry)
