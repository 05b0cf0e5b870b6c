"""Compile the permissively licensed servers from the Go modules pinned in the folders beside this file.

The binaries are outside git, in one folder per state of a pin, and nothing is built twice:
``${AGENT_OBSERVABILITY_CACHE:-${XDG_CACHE_HOME:-~/.cache}/agent-observability}/servers``. The name of a set is its
folder, its packages are the ``tool`` lines of its go.mod, and its version is the one that go.mod requires: there is no
second list. A folder with its own Go code is built from that code.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PINS = Path(__file__).parent

_ENVIRONMENT = {
    "CGO_ENABLED": "0",  # needs no C compiler, and the binary runs on every distribution
    "GOFLAGS": "-mod=readonly",  # a build never changes a pin
    "GOWORK": "off",  # a workspace around the checkout would override the pins
}
_FLAGS = ("-trimpath",)  # the same bytes for every folder of the checkout
_STRIP = "-s -w"  # no symbol tables: half the size

_COMMON = {"github.com/prometheus/common/version.Version": "{release}"}
_STAMPS: Mapping[str, Mapping[str, str]] = {
    # Release builds set these variables with the linker; a plain `go build` leaves them empty.
    "alertmanager": _COMMON,
    "blackbox-exporter": _COMMON,
    "crane": {"github.com/google/go-containerregistry/cmd/crane/cmd.Version": "{release}"},
    "istiod": {f"istio.io/istio/pkg/version.build{what}": "{release}" for what in ("Tag", "Version")},
    "jaeger": {"github.com/jaegertracing/jaeger/internal/version.latestVersion": "v{release}"},
    "kube-score": {"main.version": "{release}"},
    "kube-state-metrics": _COMMON,
    "kubernetes": {
        "k8s.io/component-base/version.gitVersion": "v{release}",
        "k8s.io/component-base/version.gitMajor": "{major}",
        "k8s.io/component-base/version.gitMinor": "{minor}",
    },
    "node-exporter": _COMMON,
    "otel-collector": {"main.version": "{release}"},
    "prometheus": _COMMON,
}


_CORES = {"otel-collector": "go.opentelemetry.io/collector/otelcol"}
"""Sets that are built from code beside their go.mod, with the module that defines their version."""


class BuildError(Exception):
    """A server could not be built; the message names the module, the command and the end of its output."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """One set of binaries that come from one pinned module."""

    name: str
    module: str
    version: str
    """The module's version without its ``v``."""
    packages: Mapping[str, str]
    """Go package of each binary."""

    @property
    def pin(self) -> Path:
        """The folder that holds go.mod and go.sum."""
        return PINS / self.name

    @property
    def release(self) -> str:
        """The project's version of the release, which is the tag of its images."""
        major, minor, patch = self.version.split(".", 2)
        if self.name == "prometheus":  # keeps its module below v1: 0.315.0 is the release 3.15.0
            return f"{minor[:-2]}.{int(minor[-2:])}.{patch}"
        if self.name == "jaeger":  # publishes 1.63+n and 2.n from one commit, and tags only the first as a module
            return f"2.{int(minor) - 63}.{patch}"
        return f"{major}.{minor}.{patch}"

    @property
    def flags(self) -> tuple[str, ...]:
        """Arguments of ``go build``."""
        major, minor, _ = self.release.split(".", 2)
        values = {"release": self.release, "major": major, "minor": minor}
        stamps = (f"-X {symbol}={value.format(**values)}" for symbol, value in _STAMPS.get(self.name, {}).items())
        return (*_FLAGS, f"-ldflags={' '.join((_STRIP, *stamps))}")


def read_pin(pin: Path) -> Server:
    """Read the go.mod in the folder ``pin``. Raises BuildError if it pins no server."""
    text = re.sub(r"\s*//.*", "", (pin / "go.mod").read_text(encoding="utf-8"))
    core = _CORES.get(pin.name)
    tools = ["."] if core else _directive("tool", text)
    required = dict(line.split()[:2] for line in _directive("require", text))
    provider = core or max((m for m in required if tools and f"{tools[0]}/".startswith(f"{m}/")), key=len, default=None)
    if provider is None:
        raise BuildError(f"{pin.name}: its go.mod must have a `tool` line and require the module of that tool")
    # Go names a binary after its package, which would be "server" for etcd: a single binary gets the name of its set.
    packages = {pin.name: tools[0]} if len(tools) == 1 else {tool.rpartition("/")[2]: tool for tool in tools}
    return Server(name=pin.name, module=provider, version=required[provider].removeprefix("v"), packages=packages)


def _directive(keyword: str, text: str) -> list[str]:
    """All arguments of a go.mod directive, in its one-line and its block form."""
    blocks = re.findall(rf"^{keyword} \(\n(.*?)^\)", text, re.MULTILINE | re.DOTALL)
    lines = re.findall(rf"^{keyword} ([^(\n]+)$", text, re.MULTILINE)
    return [line.strip() for line in [*lines, *"".join(blocks).splitlines()] if line.strip()]


SERVERS: Mapping[str, Server] = {pin.parent.name: read_pin(pin.parent) for pin in sorted(PINS.glob("*/go.mod"))}


def version(server: str) -> str:
    """The pinned version of a server's Go module, for example ``version("prometheus") == "0.315.0"``."""
    return SERVERS[server].version


def built(server: Server) -> Path:
    """The folder of a server's binaries, there or not."""
    return cache_folder() / "servers" / f"{server.name}-{_digest(server)}"


def build(server: Server, place: str = "1 of 1") -> Path:
    """Build a server unless it is cached; return the folder of its binaries. ``place`` is shown as progress."""
    done = built(server)
    home = done.parent
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home / f"{server.name}.lock", server):
        if not done.is_dir():
            # This process holds the lock, so the folder was left by a build that was killed.
            unfinished = home / f"{server.name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            try:
                _compile(server, unfinished, place)
                unfinished.rename(done)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
            for old in home.iterdir():
                if old != done and re.fullmatch(rf"{re.escape(server.name)}-[0-9a-f]{{12}}", old.name):
                    shutil.rmtree(old)
    return done


def cache_folder() -> Path:
    """The folder for files outside git; compiled servers are in ``servers``."""
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agent-observability"
    return Path(os.environ.get("AGENT_OBSERVABILITY_CACHE") or user).absolute()


def _digest(server: Server) -> str:
    """Twelve hex digits over all inputs of a build."""
    state = hashlib.sha256()
    for part in (
        (server.pin / "go.mod").read_bytes(),
        (server.pin / "go.sum").read_bytes(),
        *(code.read_bytes() for code in sorted(server.pin.glob("*.go"))),
        repr((server.flags, sorted(_ENVIRONMENT.items()))).encode(),
        _go_version(server).encode(),
    ):
        state.update(hashlib.sha256(part).digest())
    return state.hexdigest()[:12]


def _go_version(server: Server) -> str:
    # Run in the module's folder: Go may switch to the toolchain of go.mod.
    try:
        asked = subprocess.run(
            ["go", "version"],  # noqa: S607 - the developer's own Go
            cwd=server.pin,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise BuildError(
            f"{server.name} {server.version}: `go` is not on the PATH; install Go 1.26 or later (https://go.dev/dl)"
        ) from None
    if asked.returncode:
        raise BuildError(f"{server.name} {server.version}: `go version` failed:\n{_last_lines(asked.stderr)}")
    return asked.stdout


def _environment() -> dict[str, str]:
    return {**os.environ, **_ENVIRONMENT}


@contextmanager
def _only_one(lock: Path, server: Server) -> Iterator[None]:
    """Hold the lock of one set: a second caller waits, and then finds it built."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"{server.name} {server.version}: waiting for another build of it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _compile(server: Server, target: Path, place: str) -> None:
    # With a folder as target Go names the binaries, which is right for several.
    output = f"{target}/" if len(server.packages) > 1 else str(target / server.name)
    command = ["go", "build", *server.flags, "-o", output, *server.packages.values()]
    title = f"{server.name} {server.version}"
    log = target / "build.log"
    # A terminal gets one line that counts. A log file gets a line every half minute, which shows that the build is
    # running.
    every, end = (1, "\r") if sys.stderr.isatty() else (30, "\n")
    started = time.monotonic()
    with log.open("w") as lines:
        process = subprocess.Popen(  # noqa: S603 - the arguments come from the pins
            command, cwd=server.pin, env=_environment(), stdout=lines, stderr=subprocess.STDOUT
        )
    try:
        while process.returncode is None:
            _say(f"{title}: building ({place}) ... {time.monotonic() - started:.0f} s", end)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=every)
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise BuildError(
            f"{title}: could not build {server.module} v{server.version}; in {server.pin}\n"
            f"  {' '.join(command)}\nfailed with status {process.returncode}:\n"
            f"{_last_lines(log.read_text(encoding='utf-8', errors='replace'))}"
        )
    log.unlink()
    _say(f"{title}: built ({place}) in {time.monotonic() - started:.0f} s" + " " * 8)


def _last_lines(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines()[-20:])


def _say(message: str, end: str = "\n") -> None:
    print(message, end=end, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the named servers, or all of them; print the path of each on standard output."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.servers.build", description="Build the real servers for the tests."
    )
    known = ", ".join(f"{server.name} ({', '.join(server.packages)})" for server in SERVERS.values())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"servers to build (default: all): {known}")
    names: list[str] = parser.parse_args(arguments).names
    unknown = [name for name in names if name not in SERVERS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such server; there are {', '.join(SERVERS)}")
    wanted = [SERVERS[name] for name in names or SERVERS]
    try:
        for number, server in enumerate(wanted, start=1):
            folder = build(server, f"{number} of {len(wanted)}")
            print(f"{server.name} {server.release} {folder}", flush=True)
    except BuildError as problem:
        _say(str(problem))
        return 1
    except KeyboardInterrupt:
        _say("\nstopped; what was built is kept")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
