"""Take permissively licensed servers from Debian's packages, unpacked into the cache: nothing is installed.

They are of a fixed release of Debian, and run on others of its age. It needs apt-get and Debian's keyring.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.servers.build import cache_folder

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Packages:
    """A program in Debian."""

    release: str
    names: tuple[str, ...]
    """The package, and those with libraries that are not everywhere."""
    program: str
    """Its path."""
    libraries: str = ""
    """The release that has the libraries, if it is another."""


PROGRAMS: Mapping[str, Packages] = {
    "postgres-exporter": Packages("trixie", ("prometheus-postgres-exporter",), "usr/bin/prometheus-postgres-exporter"),
    "redis-exporter": Packages("trixie", ("prometheus-redis-exporter",), "usr/bin/prometheus-redis-exporter"),
    # The last release whose Redis is under the BSD licence.
    "redis-server": Packages(
        "bookworm", ("redis-server", "redis-tools", "libjemalloc2", "liblzf1"), "usr/bin/redis-server"
    ),
    "valkey-server": Packages(
        "bookworm-backports",
        ("valkey-server", "valkey-tools", "libjemalloc2", "liblzf1"),
        "usr/bin/valkey-server",
        libraries="bookworm",
    ),
}


def unpacked(name: str) -> Path | None:
    """Path of a program, taken from its packages if it is not in the cache; None if that cannot be done here."""
    packages = PROGRAMS.get(name)
    if packages is None:
        return None
    folder = cache_folder() / "debian" / f"{name}-{packages.release}"
    start = folder / name
    if not start.exists() and shutil.which("apt-get") and Path(_KEYRING).exists():
        _unpack(packages, folder, name)
    return start if start.exists() else None


@cache  # without a network, it waits for one once
def _unpack(packages: Packages, folder: Path, name: str) -> None:
    """Make the folder with the program as ``name``, unless its packages cannot be had."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        made = Path(unfinished) / "made"
        try:
            _fetch(packages, Path(unfinished), made)
        except (subprocess.SubprocessError, OSError):
            return
        libraries = ":".join(str(folder / each.relative_to(made)) for each in made.glob("usr/lib/*-linux-*"))
        (made / name).write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {folder / packages.program} "$@"\n')
        (made / name).chmod(0o755)
        if not folder.exists():
            made.rename(folder)


def _fetch(packages: Packages, home: Path, target: Path) -> None:
    """Download the packages with an apt of our own, whose state is in ``home``, and unpack them."""
    for each in ("state/lists/partial", "cache/archives/partial"):
        (home / each).mkdir(parents=True)
    (home / "status").touch()
    source = home / "sources.list"
    releases = filter(None, (packages.release, packages.libraries))
    source.write_text(
        "".join(f"deb [signed-by={_KEYRING}] http://deb.debian.org/debian {each} main\n" for each in releases)
    )
    own = {
        "Dir::Etc::sourcelist": source,
        "Dir::Etc::sourceparts": "-",
        "Dir::State": home / "state",
        "Dir::State::status": home / "status",
        "Dir::Cache": home / "cache",
        "APT::Sandbox::User": "",
        "Acquire::http::Timeout": 10,
    }
    apt = ["apt-get", "--quiet=2", *(part for key, value in own.items() for part in ("-o", f"{key}={value}"))]
    for command in (["update"], ["download", *packages.names]):
        _run([*apt, *command], home)
    target.mkdir()
    for package in sorted(home.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(target)], home)


def _run(argv: list[str], home: Path) -> None:
    subprocess.run(argv, cwd=home, check=True, capture_output=True, timeout=120)  # noqa: S603 - names come from above
