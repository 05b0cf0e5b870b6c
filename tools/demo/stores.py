"""Stores that the demo watches if it is asked to: real servers with some load, each behind its rendered exporter."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from rules.postgres.scrape import POSTGRES_EXPORTER
from rules.redis.scrape import REDIS_EXPORTER
from tools.local.certificate import made as certificate
from tools.local.harness import Process, eventually
from tools.local.postgresql import MONITOR, Postgres, folder
from tools.local.redis_server import Redis, say
from tools.local.rendered import Rendered
from tools.local.server import LocalServer

PASSWORD = secrets.token_hex(16)
_SECRET = {"passwordSecret": {"name": "demo", "key": "password"}}


@dataclass(frozen=True)
class Shown:
    """A server of a system, as it runs."""

    address: str
    """On this machine."""
    planted: Mapping[str, str] = field(default_factory=dict)
    """Secrets of its exporter, by file or variable."""


@dataclass(frozen=True)
class Store:
    """A system of stores that the demo can show."""

    programs: Sequence[str]
    """What it needs, besides its exporter."""
    exporter: str
    server: str
    """The server's name in the stack file."""
    address: str
    settings: Mapping[str, Any]
    """Those of the server, besides its address."""
    busy: str
    """Query of its operations per second."""
    start: Callable[[Path], AbstractContextManager[Shown]]
    """Runs it below a folder."""


@contextmanager
def _postgres(home: Path) -> Iterator[Shown]:
    trusted = certificate(home)
    with folder() as data:
        server = Postgres(data, "orders")
        server.create(trusted)
        try:
            server.start()
            server.monitored(PASSWORD, "orders")
            with Process(server.bench("-i", "-q"), log=home / "tables.log") as made:
                eventually(lambda: not made.alive, 60, "PostgreSQL has tables")
            load = server.bench("-c", "2", "--rate", "20", "-T", "86400")
            with Process(load, log=home / "load.log"):
                yield Shown(
                    f"127.0.0.1:{server.port}", {"password": PASSWORD, "ca": trusted.public.read_text(encoding="utf-8")}
                )
        finally:
            server.stop()


@contextmanager
def _redis(home: Path) -> Iterator[Shown]:
    server, over = Redis(home, "sessions", PASSWORD), Event()

    def use() -> None:
        with server.connection() as connected:
            number = 0
            while not over.wait(0.05):
                number += 1
                say(connected, "SET", f"session-{number % 200}", "x" * 500, "EX", "60")
                say(connected, "GET", f"session-{number % 250}")

    server.start()
    load = Thread(target=use)
    load.start()
    try:
        yield Shown(server.address, {"REDIS_PASSWORD": PASSWORD})
    finally:
        over.set()
        load.join()
        server.kill()


STORES: Mapping[str, Store] = {
    "postgres": Store(
        programs=("postgres",),
        exporter=POSTGRES_EXPORTER,
        server="orders",
        address="orders.shop.svc:5432",
        settings={"user": MONITOR, "database": "orders", "caSecret": {"name": "demo", "key": "ca"}, **_SECRET},
        busy='sum(rate(pg_stat_database_xact_commit{datname="orders"}[10s]))',
        start=_postgres,
    ),
    "redis": Store(
        programs=("redis-server",),
        exporter=REDIS_EXPORTER,
        server="sessions",
        address="sessions.shop.svc:6379",
        settings=_SECRET,
        busy="sum(rate(redis_commands_processed_total[10s]))",
        start=_redis,
    ),
}
"""By the key of the system."""


def settings(systems: Sequence[str]) -> dict[str, Any]:
    """Section `systems` of a stack file with these."""
    return {
        key: {"servers": {store.server: {"address": store.address, **store.settings}}}
        for key, store in ((key, STORES[key]) for key in systems)
    }


@contextmanager
def running(systems: Sequence[str], stack: Rendered, home: Path) -> Iterator[list[LocalServer]]:
    """The servers of these systems, running, and their exporters, laid out but not started."""
    with ExitStack() as exits:
        exporters = []
        for key in systems:
            store, place = STORES[key], home / key
            place.mkdir(parents=True)
            shown = exits.enter_context(store.start(place))
            exporters.append(
                LocalServer(
                    stack,
                    f"{store.exporter}-{store.server}",
                    place / "exporter",
                    addresses={store.address: shown.address},
                    planted=shown.planted,
                )
            )
        yield exporters
