"""Helpers for tests with real servers: free ports, polling, processes that end with the tests, and HTTP."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from tools.servers.build import cache_folder

T = TypeVar("T")

_POLL_SECONDS = 0.05, 0.25
"""Shortest and longest pause between two polls."""

# Below node ports (30000 and up) and Linux's range of ports for outgoing connections (32768 and up). A port in that
# range may be taken between the check and the listening.
_PORTS = range(15_000, 30_000)
_handed_out: set[int] = set()


@cache
def _reservations() -> int:
    """A file with a byte per port. A process holds locks on its ports' bytes until it ends."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder / "ports.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _reserved(port: int) -> bool:
    """Whether this process holds the port now and no other does, also before and between listening on it."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def free_port() -> int:
    """A TCP port on which nothing listens, on any address. No process of this user gets the same one twice."""
    for port in (random.choice(_PORTS) for _ in range(1000)):  # noqa: S311 - not a secret
        if port in _handed_out or not _reserved(port):
            continue
        with socket.socket() as attempt:
            try:
                attempt.bind(("0.0.0.0", port))  # noqa: S104 - only checks every address, and never listens
            except OSError:
                continue
        _handed_out.add(port)
        return port
    raise AssertionError(f"of 1000 ports between {_PORTS.start} and {_PORTS.stop} none was free")


# Three test processes and their servers share two cores, and each may wait for the others'. A longer deadline costs
# time only where a test fails.
_PATIENCE = 3


def listens(port: int) -> bool:
    """Whether a port accepts connections; raises the error of one that refuses."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


class ServerDied(AssertionError):
    """A server ended although a test needs it, so waiting longer is useless."""


def eventually(probe: Callable[[], T | Literal[False] | None], within: float, what: str) -> T:
    """Poll ``probe`` until it returns something truthy, and return that.

    ``within`` is in seconds of a machine that does nothing else. An exception means "not yet", except ServerDied.
    Raises AssertionError with ``what`` and the last exception.
    """
    within *= _PATIENCE
    began = time.monotonic()
    deadline = began + within
    shortest, longest = _POLL_SECONDS
    while True:
        failure: Exception | None = None
        try:
            found = probe()
            if found:
                return found
        except ServerDied:
            raise
        except Exception as problem:  # noqa: BLE001 - the last exception is shown
            failure = problem
        if time.monotonic() > deadline:
            because = f": {type(failure).__name__}: {_with_notes(failure)}" if failure else ""
            raise AssertionError(f"not within {within:g} s: {what}{because}") from failure
        # What has waited for seconds can wait for a fortieth more, and polls compete with what they wait for.
        time.sleep(min(longest, max(shortest, (time.monotonic() - began) / 40)))


def _with_notes(problem: Exception) -> str:
    return "\n".join([str(problem), *getattr(problem, "__notes__", [])])


_ENDING = (signal.SIGINT, signal.SIGTERM)

# The child runs it before the server: the kernel then kills the server when the test run ends in any way. A
# `preexec_fn` would run in a fork of the test process, which is not safe with threads.
_BOUND_TO_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):
    sys.exit("the test run ended first")
os.execvp(sys.argv[2], sys.argv[2:])
"""


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Delay the signals that end the tests: otherwise a child that is just starting would be left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread handles them
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda got, _: came.append(got)) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


class Process:
    """A running server, as a context manager. Its output goes to the file ``log``.

    ``env`` is added to the environment of the tests. Enter it from a thread that lives as long as the server: Linux
    ties a child to the thread that started it.
    """

    def __init__(
        self, argv: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self.argv = [str(part) for part in argv]
        self.name = Path(self.argv[0]).name
        self._log = log
        self._env = {**os.environ, **(env or {})}
        self._cwd = cwd
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        bound = (
            [sys.executable, "-I", "-S", "-c", _BOUND_TO_PARENT, str(os.getpid())] if sys.platform == "linux" else []
        )
        try:
            with _undisturbed(), self._log.open("ab") as output:
                self._child = subprocess.Popen(
                    [*bound, *self.argv],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._env,
                    cwd=self._cwd,
                    # pytest handles Ctrl-C, and then ends the servers in order.
                    start_new_session=True,
                )
                atexit.register(self.kill)
        except BaseException:  # interrupted: nobody else knows the child yet
            if self._child is not None:
                self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()

    @property
    def child(self) -> subprocess.Popen[bytes]:
        """The process; raises AssertionError before its start."""
        assert self._child is not None, f"{self.name} was not started: use `with Process(...)`"
        return self._child

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.child.poll() is None

    def log(self) -> str:
        """Its output so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def check(self) -> None:
        """Raise ServerDied, with the end of the log, if it has ended."""
        if not self.alive:
            raise ServerDied(f"{self.name} ended with status {self.child.returncode}\n{self._tail()}")

    def ready(self, probe: Callable[[], T | Literal[False] | None], within: float = 30.0) -> T:
        """Wait until ``probe`` returns something truthy, and return that; ``within`` is in seconds.

        Raises ServerDied at once when the server ends, AssertionError after ``within``; both show the end of the log.
        """

        def probe_the_living() -> T | Literal[False] | None:
            self.check()
            return probe()

        try:
            return eventually(probe_the_living, within, f"{self.name} is ready")
        except ServerDied:
            raise
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self._tail()}") from problem

    def _tail(self) -> str:
        return "\n".join([f"$ {' '.join(self.argv)}", *self.log().splitlines()[-30:]])

    def listens(self) -> set[tuple[str, int]]:
        """Addresses and TCP ports on which it listens (Linux); ``0.0.0.0`` and ``::`` are every address."""
        held = set()
        for handle in Path(f"/proc/{self.child.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed after it was listed
                held.add(str(handle.readlink()))
        found = set()
        for table in ("tcp", "tcp6"):
            for row in Path(f"/proc/{self.child.pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
                _, local, _, state, *_, inode = row.split()[:10]
                if state == "0A" and f"socket:[{inode}]" in held:
                    address, port = local.split(":")
                    found.add((_address(address), int(port, 16)))
        return found

    def reload(self) -> None:
        """Send SIGHUP, for which most servers reload their configuration."""
        self.child.send_signal(signal.SIGHUP)

    def terminate(self, within: float = 10.0) -> int:
        """End it with SIGTERM, or with SIGKILL after ``within``, as in `eventually`; return its exit status."""
        self.child.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(timeout=within * _PATIENCE)
        return self.kill()

    def kill(self) -> int:
        """End it with SIGKILL, as if its machine were lost; return its exit status."""
        self.child.kill()
        atexit.unregister(self.kill)
        return self.child.wait()


def _address(digits: str) -> str:
    """An address from the kernel's tables: 32-bit words in this machine's byte order."""
    words = [bytes.fromhex(digits[start : start + 8]) for start in range(0, len(digits), 8)]
    return str(ip_address(b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)))


# Everything is on this machine, so a proxy in the environment is ignored.
_NO_PROXY = urllib.request.ProxyHandler({})


def http_text(
    url: str,
    *,
    token: str | None = None,
    ca: Path | None = None,
    method: str | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5.0,
) -> str:
    """Body of an HTTP answer; ``timeout`` is in seconds.

    Raises urllib.error.HTTPError for a status of 400 and above, with the answer's body as a note, and OSError without
    an answer.
    """
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(ca) if ca else None))
    try:
        with urllib.request.build_opener(_NO_PROXY, trust).open(request, timeout=timeout) as answer:
            text: str = answer.read().decode()
            return text
    except urllib.error.HTTPError as refusal:
        with refusal:
            refusal.add_note(refusal.read().decode(errors="replace"))
        raise


def http_json(url: str, *, send: object = None, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
    """Decoded JSON of an HTTP answer; ``send`` is posted as JSON. Options and errors are those of :func:`http_text`."""
    if send is not None:
        options["body"] = json.dumps(send).encode()
        headers = {"Content-Type": "application/json", **(headers or {})}
    return json.loads(http_text(url, headers=headers, **options))
