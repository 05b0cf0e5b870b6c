"""A small server that receives OTLP logs in place of Loki, for tests of log collectors.

It stores acknowledged lines in a file, across restarts, and stores duplicates once, as Loki does. Tests of stream
labels, limits and queries need a real Loki.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.local.harness import Process, free_port, http_text
from tools.local.logs import Entry
from tools.recorder import ROOT

_MATCHER = re.compile(r'\s*(\w+)="([^"]*)"\s*')
_QUERY = re.compile(r'\{(.*?)\}(?: \|= "([^"]*)")?')


class LogReceiver:
    """A receiver with its data below ``home``. It has the methods of a Loki."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home, self._port, self._runs = home, free_port(), 0
        self.url = f"http://127.0.0.1:{self._port}"
        self._file = home / "lines"
        self._file.touch()
        self._read = 0
        self._entries: dict[tuple[Any, ...], Entry] = {}
        """Entries by the fields that make duplicates."""

    def process(self) -> Process:
        self._runs += 1
        argv = [sys.executable, "-m", "tools.local.log_server", str(self._port), str(self._file)]
        return Process(argv, log=self._home / f"log-{self._runs}", cwd=ROOT)

    @contextmanager
    def running(self) -> Iterator[Process]:
        """Started and ready; ended on exit."""
        with self.process() as process:
            process.ready(self.is_ready)
            yield process

    def is_ready(self) -> bool:
        return http_text(f"{self.url}/ready") == "ready"

    def entries(self, query: str) -> list[Entry]:
        """The lines of a query, oldest first. A query has matchers with ``=`` and at most one ``|=``."""
        asked = _QUERY.fullmatch(query)
        assert asked, f"{query}: more than is understood here"
        wanted = {match[1]: match[2] for match in map(_MATCHER.fullmatch, asked[1].split(",")) if match}
        assert len(wanted) == len(asked[1].split(",")), f"{query}: more than is understood here"
        found = (
            entry
            for entry in self._stored()
            if wanted.items() <= dict(entry.labels).items() and (asked[2] or "") in entry.line
        )
        return sorted(found, key=lambda entry: entry.time)

    def count(self, query: str) -> int:
        """Number of lines of a query."""
        return len(self.entries(query))

    def _stored(self) -> list[Entry]:
        """All acknowledged entries. It reads the whole lines that were added since the last call."""
        with self._file.open("rb") as file:
            file.seek(self._read)
            new = file.read().rpartition(b"\n")[0]
        self._read += len(new) + bool(new)
        for line in new.splitlines():
            labels, metadata, at, text = json.loads(line)
            entry = Entry(tuple(sorted(labels.items())), metadata, at, text)
            self._entries.setdefault((entry.labels, at, text), entry)
        return list(self._entries.values())
