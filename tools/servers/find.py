"""Find the real servers for tests, benches and the demo.

A binary is searched in this order: the PATH; the folder ``AGENT_OBSERVABILITY_SERVERS``; the cache, with binaries from
the images that the stack deploys (``images``), binaries that a user added (``instruments/bin``), and compiled ones
(``servers``). A missing binary is compiled if its Go module is permissively licensed, or taken from Debian's packages
(``debian``). Others can be taken from their images: ``make servers FROM=images``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from components import images
from tools.servers.build import SERVERS, BuildError, Server, build, built, cache_folder
from tools.servers.debian import unpacked

FOLDER = "AGENT_OBSERVABILITY_SERVERS"
"""Environment variable with a folder of binaries."""

_VERSION_ARGUMENTS = {
    # Programs without --version. kubectl would contact a cluster without this argument.
    "kube-state-metrics": ("version",),
    "kubectl": ("version", "--client"),
    "crane": ("version",),
    "istiod": ("version",),
    "jaeger": ("version",),
    "kube-score": ("version",),
    "pulumi": ("version",),
}


class NotHad(Exception):
    """A server is missing on this machine: what needs it is not tried, which does not mean that it works."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} is missing: {why}")
        self.what = what
        """The name by which it is counted and required, such as ``loki`` or ``engine``."""
        self.why = why
        """Where it was searched, and what to do."""


@dataclass(frozen=True)
class Found:
    """A binary, and its origin."""

    name: str
    path: Path
    place: str

    @property
    def version(self) -> str:
        """The version that it prints; "unknown" if it prints none."""
        argv = [str(self.path), *_VERSION_ARGUMENTS.get(self.name, ("--version",))]
        try:
            done = subprocess.run(  # noqa: S603 - a server of the stack
                argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return "unknown"
        said = re.search(r"\d+\.\d+\.\d+", done.stdout + done.stderr)
        return said[0] if said else "unknown"

    def __str__(self) -> str:
        version = self.version
        image = next((pinned for pinned in images.ALL.values() if self.name in pinned.binaries), None)
        module = _compiled(self.name)
        wanted, how = (image.version, "deployed") if image else (module.release if module else "", "pinned")
        says = {"": "", version: f", as {how}"}.get(wanted, f", {how} as {wanted}")
        return f"{self.name} {version}{says}: {self.path} ({self.place})"


_found: dict[str, Found] = {}


def binary(name: str) -> Path:
    """Path of one binary, for example ``binary("promtool")``; a missing one is compiled if possible.

    Raises KeyError for an unknown name, NotHad for a missing one, BuildError if compiling fails.
    """
    if name not in _found:
        _found[name] = find(name)
    return _found[name].path


def had(name: str) -> bool:
    """Whether this machine has a binary; raises the errors of :func:`binary` except NotHad."""
    try:
        return bool(binary(name))
    except NotHad:
        return False


def there(name: str) -> bool:
    """Whether a binary is on this machine already; nothing is compiled for it."""
    places = [path for _, path in _places(name)]
    if server := _compiled(name):
        with suppress(BuildError):  # without Go, nothing was compiled
            places.append(built(server) / name)
    return any(os.access(path, os.X_OK) for path in places)


def need(what: str, *names: str) -> list[Path]:
    """Paths of the binaries ``names`` of which ``what`` consists. Raises NotHad of ``what`` if any is missing."""
    try:
        return [binary(name) for name in names]
    except NotHad as missing:
        raise NotHad(what, str(missing)) from missing


def used() -> list[Found]:
    """All binaries that were found so far."""
    return list(_found.values())


def find(name: str) -> Found:
    """Find or compile a binary; raises the errors of :func:`binary`."""
    for place, path in _places(name):
        if os.access(path, os.X_OK) and path.is_file():
            return Found(name, path, place)
    if server := _compiled(name):
        return Found(name, build(server) / name, "compiled")
    if any(pinned.binaries.get(name, "").endswith("/python3") for pinned in images.ALL.values()):
        return Found(name, Path(sys.executable), "the Python of the tests")
    if package := unpacked(name):
        return Found(name, package, "Debian")
    deployed = next((server for server, pinned in images.ALL.items() if name in pinned.binaries), None)
    if deployed is None and name not in ELSEWHERE:
        raise KeyError(f"{name}: no server has this binary; there are {', '.join(known())}")
    how = ELSEWHERE.get(name, "`make servers FROM=images` takes it out of the image that the stack deploys")
    raise NotHad(name, f"put `{name}` on the PATH or into a folder that {FOLDER} names; {how}")


_CLI = "the Pulumi CLI brings it: https://www.pulumi.com/docs/install/"
ELSEWHERE = {
    "pulumi": _CLI,
    "pulumi-language-python": _CLI,
    "pulumi-language-python-exec": _CLI,
    "pulumi-language-yaml": _CLI,
    "pulumi-resource-kubernetes": "`pulumi plugin install resource kubernetes`",
    "chromium": "`apt-get install chromium`",
    "mongod": "https://www.mongodb.com/docs/manual/installation",
    "mongosh": "https://www.mongodb.com/docs/mongodb-shell/install",
    "postgres": "`apt-get install postgresql`, whose programs are in /usr/lib/postgresql/<version>/bin",
    "postgrest": "https://docs.postgrest.org/en/stable/explanations/install.html",
    "valkey-server": "`apt-get install valkey-server`",
    "redis-server": "`apt-get install redis-server`, up to version 7.2, or a Valkey under this name",
    "pulumi-resource-grafana": "`pulumi plugin install resource grafana --server github://api.github.com/pulumiverse`",
}
"""Binaries that neither an image of the stack nor a module here has, and how to get them."""


def known() -> list[str]:
    """Names of all known binaries."""
    compiled = (name for server in SERVERS.values() for name in server.packages)
    deployed = (name for pinned in images.ALL.values() for name in pinned.binaries)
    return sorted({*compiled, *deployed, *ELSEWHERE})


def image_folder(server: str) -> Path:
    """Folder of an unpacked image: its files are in ``root``, the links to its programs in ``bin``."""
    return cache_folder() / "images" / server / images.ALL[server].image.tag


def _places(name: str) -> Iterator[tuple[str, Path]]:
    if on_path := shutil.which(name):
        yield "PATH", Path(on_path)
    if folder := os.environ.get(FOLDER):
        yield FOLDER, Path(folder).absolute() / name
    for server, pinned in images.ALL.items():
        if name in pinned.binaries:
            yield "image", image_folder(server) / "bin" / name
    yield "cache", cache_folder() / "instruments" / "bin" / name


def _compiled(name: str) -> Server | None:
    return next((server for server in SERVERS.values() if name in server.packages), None)
