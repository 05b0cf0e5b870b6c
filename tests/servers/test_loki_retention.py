"""Loki really removes what it should forget, from its disk, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from tools.local.harness import eventually, http_json, http_text
from tools.local.logs import SECOND, Loki
from tools.local.rendered import changed

HOUR = 3600
# A run of the compactor every second or two; it then waits a minute before it works off what it marked, and takes a
# request to delete a minute after it was made. Neither can be shortened.
FORGOTTEN = 150.0
SHORTENED: dict[str, dict[str, str | dict[str, str]]] = {
    "compactor": {
        "compaction_interval": "1s",
        "retention_delete_delay": "1s",  # from 2h
        "delete_request_cancel_period": "1s",  # from 24h
    },
    # Chunks can be read here, to see what is in them.
    "ingester": {"chunk_encoding": "none"},
    # Queries see the index that the compactor wrote, not that of up to five minutes ago.
    "storage_config": {"tsdb_shipper": {"resync_interval": "1s"}},
}
MINE, SHOP = "platform", "shop"
"""Tenants: everything is kept for a day, of the second for three."""


@dataclass(frozen=True)
class Line:
    app: str
    hours: float
    text: str
    tenant: str = MINE
    kept: bool = True


LINES = (
    Line("recent", 1, "of an hour ago"),
    Line("old", 30, "yesterday, nothing else said", kept=False),
    Line("audit", 30, "yesterday, by a stream that is kept for a week"),
    Line("old", 30, "yesterday, by a tenant that keeps three days", SHOP),
    Line("older", 100, "of four days ago, by that tenant", SHOP, kept=False),
    Line("spoken", 2, "our password is hunter2", kept=False),
    Line("spoken", 2, "our password is secret"),
    Line("spoken", 4, "long before, my password is hunter2"),
    Line("other", 2, "its password is hunter2"),
    Line("spoken", 2, "their password is hunter2", SHOP),
)
DELETED = {"query": '{app="spoken"} |= "hunter2"', "start": int(time.time()) - 3 * HOUR, "end": int(time.time())}


class Forgetful:
    """A Loki of the rendered configuration whose compactor does in seconds what takes hours."""

    def __init__(self, home: Path) -> None:
        settings = {
            "retention": "1d",
            "streamRetention": [{"selector": '{app="audit"}', "period": "7d"}],
            "multiTenant": True,
            "tenants": {SHOP: {"retention": "3d"}},
        }
        self.loki = Loki(changed(home, changes={"loki": settings}), home / "home")
        path = self.loki.config
        config: dict[str, Any] = yaml.safe_load(path.read_text())
        for section, values in SHORTENED.items():
            config[section] = {**config.get(section, {}), **values}
        path.write_text(yaml.safe_dump(config))

    @contextmanager
    def running(self) -> Iterator[None]:
        with self.loki.running():
            yield

    def found(self) -> set[tuple[str, str]]:
        """Tenant and text of every line that a query has."""
        return {
            (tenant, entry.line)
            for tenant in (MINE, SHOP)
            for entry in self.loki.entries('{app=~".+"}', tenant=tenant, since=160 * HOUR)
        }

    def on_disk(self, tenant: str) -> bytes:
        """All chunks of a tenant."""
        folder = self.loki.path("/loki/chunks") / tenant
        return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())

    def processed(self) -> bool:
        requests = http_json(f"{self.loki.url}/loki/api/v1/delete", headers={"X-Scope-OrgID": MINE})
        return [request["status"] for request in requests] == ["processed"]


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forgetful]:
    """All lines were stored; after a restart, which puts the index where the compactor looks, it has done its work."""
    forgetful = Forgetful(tmp_path_factory.mktemp("forgetful"))
    loki, now = forgetful.loki, time.time_ns()
    with forgetful.running():
        for line in sorted(LINES, key=lambda line: -line.hours):
            labels = {"cluster": "dev-1", "namespace": "shop", "app": line.app, "container": "main", "level": "info"}
            loki.push(labels, [(now - int(line.hours * HOUR) * SECOND, line.text)], tenant=line.tenant)
        assert forgetful.found() >= {(line.tenant, line.text) for line in LINES if line.hours < 24}
        http_text(f"{loki.url}/loki/api/v1/delete?{urlencode(DELETED)}", method="POST", headers={"X-Scope-OrgID": MINE})
        http_text(f"{loki.url}/flush", method="POST")
        stored = {tenant: lambda tenant=tenant: forgetful.on_disk(tenant) for tenant in (MINE, SHOP)}
        for line in LINES:
            eventually(lambda line=line: line.text.encode() in stored[line.tenant](), 30, f"{line} is on the disk")  # type: ignore[misc]  # mypy types no lambda with a default
    with forgetful.running():
        eventually(forgetful.processed, FORGOTTEN, "the request to delete is worked off")
        gone = [line for line in LINES if not line.kept]

        def removed() -> bool:
            return not any(line.text.encode() in forgetful.on_disk(line.tenant) for line in gone)

        eventually(removed, FORGOTTEN, "what should be forgotten is on no disk")
        yield forgetful


@pytest.mark.parametrize("line", [line for line in LINES if not line.kept], ids=lambda line: line.text)
def test_what_is_past_its_time_or_was_deleted_is_found_no_more(forgetful: Forgetful, line: Line) -> None:
    eventually(lambda: (line.tenant, line.text) not in forgetful.found(), 30, "queries read the index as it is now")
    assert line.text.encode() not in forgetful.on_disk(line.tenant)


@pytest.mark.parametrize("line", [line for line in LINES if line.kept], ids=lambda line: line.text)
def test_everything_else_is_still_found(forgetful: Forgetful, line: Line) -> None:
    assert (line.tenant, line.text) in forgetful.found()
    assert line.text.encode() in forgetful.on_disk(line.tenant)
