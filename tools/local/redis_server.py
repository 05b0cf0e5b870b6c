"""Redis and Valkey servers on this machine, and as much of a client as the tests need."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools.local.certificate import Certificate
from tools.local.harness import Process, free_port
from tools.servers.find import binary


@dataclass
class Redis:
    """One server; its data outlive its process."""

    home: Path
    name: str
    password: str
    more: Sequence[str] = ()
    """Further arguments."""
    program: str = "redis-server"
    """Or `valkey-server`."""
    port: int = field(default_factory=free_port)
    process: Process | None = None

    @property
    def data(self) -> Path:
        return self.home / self.name

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self.data.mkdir(exist_ok=True)
        own = {"port": self.port, "bind": "127.0.0.1", "dir": self.data, "save": "", "enable-protected-configs": "yes"}
        login = {"requirepass": self.password, "masterauth": self.password}
        given = [each for key, value in {**own, **login}.items() for each in (f"--{key}", str(value))]
        self.process = Process(
            [binary(self.program), *given, *self.more], log=self.home / f"{self.name}.log"
        ).__enter__()
        self.process.ready(lambda: self.ask("PING") == "+PONG")

    def kill(self) -> None:
        assert self.process
        self.process.kill()

    def ask(self, *command: str) -> str:
        """The first line of the answer."""
        with self.connection() as connected:
            return say(connected, *command)

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connected:
            say(connected, "AUTH", self.password)
            yield connected

    @contextmanager
    def clients(self, number: int) -> Iterator[None]:
        """So many connections that stay open."""
        with ExitStack() as held:
            for _ in range(number):
                held.enter_context(self.connection())
            yield


@dataclass
class Sentinel(Redis):
    """A sentinel, which watches a server and rewrites its own configuration. Two have to agree."""

    watches: Redis = field(kw_only=True)

    def start(self) -> None:
        self.data.mkdir(exist_ok=True)
        config = self.data / "sentinel.conf"
        if not config.exists():
            config.write_text(
                f"port {self.port}\nbind 127.0.0.1\ndir {self.data}\n"
                f"requirepass {self.password}\nsentinel sentinel-pass {self.password}\n"
                f"sentinel monitor mymaster 127.0.0.1 {self.watches.port} 2\n"
                f"sentinel auth-pass mymaster {self.watches.password}\n"
                "sentinel down-after-milliseconds mymaster 1000\n"
            )
        argv: list[str | Path] = [binary(self.program), config, "--sentinel"]
        self.process = Process(argv, log=self.home / f"{self.name}.log").__enter__()
        self.process.ready(lambda: self.ask("PING") == "+PONG")


def say(connected: socket.socket, *command: str) -> str:
    """Send a command, and return the first line of the answer."""
    parts = "".join(f"${len(part)}\r\n{part}\r\n" for part in command)
    connected.sendall(f"*{len(command)}\r\n{parts}".encode())
    return connected.recv(65536).decode().partition("\r\n")[0]


def with_tls(certificate: Certificate, port: int) -> Sequence[str]:
    """Arguments of a server that also takes TLS, on another port."""
    files = {"cert": certificate.public, "key": certificate.key, "ca-cert": certificate.public}
    given = [each for use, file in files.items() for each in (f"--tls-{use}-file", str(file))]
    return ("--tls-port", str(port), "--tls-auth-clients", "no", *given)
