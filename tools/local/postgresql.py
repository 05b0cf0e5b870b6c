"""PostgreSQL servers on this machine: a primary with TLS and its streaming replica."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools.local.certificate import Certificate
from tools.local.harness import Process, eventually, free_port
from tools.servers.find import binary

# PostgreSQL refuses to run as root. The kernel forgets who ends a process with its parent when its user changes.
_AS_NOBODY = (
    ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--pdeathsig=KILL"] if os.geteuid() == 0 else []
)
MONITOR = "monitor"
"""Role of the exporter."""
SLOT = "replica"
CONNECTIONS, RESERVED = 20, 3
_CONFIG = f"""
listen_addresses = '127.0.0.1'
max_connections = {CONNECTIONS}
superuser_reserved_connections = {RESERVED}
shared_preload_libraries = 'pg_stat_statements'
fsync = off
deadlock_timeout = 10ms
ssl = on
"""


def program(name: str) -> str:
    """One of PostgreSQL's programs, which are in one folder; raises NotHad without PostgreSQL."""
    return str(binary("postgres").resolve().parent / name)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of the servers' user, which cannot enter those of pytest."""
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        if _AS_NOBODY:
            shutil.chown(name, "nobody", "nogroup")
        yield Path(name)


@dataclass
class Postgres:
    """One server; its data outlives its process."""

    home: Path
    name: str
    port: int = field(default_factory=free_port)
    process: Process | None = None

    @property
    def data(self) -> Path:
        return self.home / self.name

    def create(self, certificate: Certificate) -> None:
        """A new database cluster, to which the exporter's role connects over TLS only."""
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "--no-sync")
        for file, name in ((certificate.public, "server.crt"), (certificate.key, "server.key")):
            shutil.copyfile(file, self.data / name)
            (self.data / name).chmod(0o600)
            if _AS_NOBODY:
                shutil.chown(self.data / name, "nobody", "nogroup")
        with (self.data / "postgresql.conf").open("a") as config:
            config.write(_CONFIG)
        (self.data / "pg_hba.conf").write_text(
            f"hostssl all {MONITOR} all scram-sha-256\nhost all {MONITOR} all reject\n"
            "host all all all trust\nhost replication all all trust\nlocal all all trust\n"
        )

    def monitored(self, password: str, database: str) -> None:
        """Make a database, and the exporter's role as docs/databases.md grants it."""
        self.sql(
            f"create database {database}",
            f"create role {MONITOR} login password '{password}'",
            f"grant pg_monitor to {MONITOR}",
        )
        self.sql("create extension pg_stat_statements", database=database)

    def copy(self, primary: Postgres) -> None:
        """Become a replica, with a slot."""
        source = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres")
        slot = ("--write-recovery-conf", "--create-slot", f"--slot={SLOT}")
        self._run("pg_basebackup", "-D", str(self.data), *source, *slot, "--checkpoint=fast", "--no-sync")

    def start(self) -> None:
        argv = [program("postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.home)]
        self.process = Process([*_AS_NOBODY, *argv], log=self.home / f"{self.name}.log").__enter__()
        self.process.ready(lambda: self.sql("select 1"))

    def stop(self) -> None:
        """Without waiting for its clients."""
        if self.process and self.process.alive:
            self.process.child.send_signal(signal.SIGINT)
            eventually(lambda: self.process and not self.process.alive, 20, f"{self.name} has ended")

    def kill(self) -> None:
        assert self.process
        self.process.kill()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Its postmaster hangs, and so starts no session; those that are there go on."""
        assert self.process
        self.process.child.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.child.send_signal(signal.SIGCONT)

    def sql(self, *statements: str, database: str = "postgres") -> str:
        given = (part for statement in statements for part in ("-c", statement))
        return self._run("psql", *self._at(), "-tA", "-d", database, *given)

    def bench(self, *arguments: str, database: str = "orders") -> list[str]:
        """The command of a load that pgbench makes."""
        return [*_AS_NOBODY, program("pgbench"), *self._at(), "-n", *arguments, database]

    @contextmanager
    def sessions(self, number: int, *statements: str) -> Iterator[None]:
        """So many clients that are busy with the statements until they are ended."""
        with tempfile.NamedTemporaryFile("w", dir=self.home, suffix=".sql") as script:
            script.write(";\n".join(statements) + ";\n")
            script.flush()
            Path(script.name).chmod(0o644)
            load = self.bench("-c", str(number), "-T", "60", "-f", script.name)
            with Process(load, log=self.home / "sessions.log") as process:
                yield
                process.kill()
                ends = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgbench'"
                self.sql(ends)

    def _at(self) -> tuple[str, ...]:
        return ("-h", str(self.home), "-p", str(self.port), "-U", "postgres")

    def _run(self, name: str, *arguments: str) -> str:
        done = subprocess.run(
            [*_AS_NOBODY, program(name), *arguments], capture_output=True, text=True, check=False, cwd=self.home
        )
        assert done.returncode == 0, f"{name}: {done.stderr}"
        return done.stdout
