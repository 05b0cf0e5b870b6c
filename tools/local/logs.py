"""Loki and the log collectors of a rendered stack on this machine, with queries for the tests."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tools.local.account import Account
from tools.local.harness import http_json, http_text
from tools.local.rendered import Rendered
from tools.local.server import LocalServer

SECOND = 10**9
PAGE = 1000
"""Lines of one answer: the fewest that a recorded stack allows."""


@dataclass(frozen=True)
class Entry:
    """A line in Loki."""

    labels: tuple[tuple[str, str], ...]
    metadata: Mapping[str, str]
    time: int
    line: str


_AT_ONCE = (
    "-ingester.min-ready-duration=0s",
    "-frontend.scheduler-dns-lookup-period=1s",
    "-querier.dns-lookup-period=1s",
)
"""Arguments with which Loki is ready in 2 s, not 16: it slows rollouts down, and looks for its own parts every 10 s."""


class Loki(LocalServer):
    """A rendered Loki that does not slow its start down."""

    def __init__(self, stack: Rendered, home: Path, **options: Any) -> None:
        super().__init__(stack, "loki", home, faster=_AT_ONCE, **options)

    def push(
        self, labels: Mapping[str, str], lines: Sequence[tuple[int, str]], tenant: str | None = None, **metadata: str
    ) -> None:
        """Push lines with their times, in nanoseconds; returns when they are acknowledged."""
        values = [[str(at), line, *([metadata] if metadata else [])] for at, line in lines]
        headers = {"X-Scope-OrgID": tenant} if tenant else {}
        body = json.dumps({"streams": [{"stream": dict(labels), "values": values}]}).encode()
        headers["Content-Type"] = "application/json"
        http_text(f"{self.url}/loki/api/v1/push", body=body, headers=headers, timeout=30)

    def entries(self, query: str, *, tenant: str | None = None, since: float = 3600) -> list[Entry]:
        """Every line of a query, oldest first, in pages; a line that is stored twice comes twice."""
        headers = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}
        headers |= {"X-Scope-OrgID": tenant} if tenant else {}
        found: list[Entry] = []
        start, end = time.time_ns() - int(since * SECOND), time.time_ns() + 60 * SECOND
        while True:
            asked = _url(
                f"{self.url}/loki/api/v1/query_range",
                query=query,
                start=start,
                end=end,
                limit=PAGE,
                direction="forward",
            )
            streams = http_json(asked, headers=headers, timeout=60)["data"]["result"]
            page = sorted(
                (
                    Entry(tuple(sorted(stream["stream"].items())), _metadata(value), int(value[0]), value[1])
                    for stream in streams
                    for value in stream["values"]
                ),
                key=lambda entry: entry.time,
            )
            if len(page) < PAGE:
                return found + page
            last = page[-1].time
            found += [entry for entry in page if entry.time < last]
            start = last

    def count(self, query: str, since: str = "1h", tenant: str | None = None) -> int:
        """Number of lines of a query, as Loki counts them."""
        asked = _url(f"{self.url}/loki/api/v1/query", query=f"sum(count_over_time({query} [{since}]))")
        result = http_json(asked, headers={"X-Scope-OrgID": tenant} if tenant else None, timeout=60)["data"]["result"]
        return int(float(result[0]["value"][1])) if result else 0

    def series(self, matcher: str) -> list[dict[str, str]]:
        """The label sets of all streams that match."""
        asked = _url(f"{self.url}/loki/api/v1/series", **{"match[]": matcher})
        return list(http_json(asked)["data"])


def _metadata(value: Sequence[Any]) -> Mapping[str, str]:
    rest = value[2] if len(value) > 2 else {}
    return dict(rest.get("structuredMetadata", {}))


def _url(base: str, **parameters: object) -> str:
    return f"{base}?{urlencode(parameters)}"


class LogReader(LocalServer):
    """A rendered Promtail or node collector of one node, with the folder ``node`` of its home as the node's root."""

    def __init__(self, stack: Rendered, server: str, home: Path, account: Account, node: str, **options: Any) -> None:
        super().__init__(stack, server, home, account, node=node, host=home / "node", **options)
        self.pods = self.path("/var/log/pods")

    def file(self, pod: Mapping[str, Any], container: str = "main") -> LogFile:
        """The log file of a container of a pod, at the kubelet's path."""
        return log_file(self.pods, pod, container)


@dataclass(frozen=True)
class LogFile:
    """A container's log in containerd's format."""

    path: Path

    def write(self, *lines: str, stream: str = "stderr", at: int | None = None, flag: str = "F") -> None:
        """Append lines, each with its own time: ``at`` (nanoseconds), or now."""
        now = at or time.time_ns()
        with self.path.open("a", encoding="utf-8") as log:
            log.writelines(f"{stamp(now + number)} {stream} {flag} {line}\n" for number, line in enumerate(lines))


def log_file(pods: Path, pod: Mapping[str, Any], container: str = "main") -> LogFile:
    """The log file of a container of a pod below the folder ``pods``, at the kubelet's path."""
    about = pod["metadata"]
    # A static pod's folder is named after its manifest.
    uid = about.get("annotations", {}).get("kubernetes.io/config.hash", about["uid"])
    folder = pods / f"{about['namespace']}_{about['name']}_{uid}" / container
    folder.mkdir(parents=True, exist_ok=True)
    return LogFile(folder / "0.log")


def stamp(at: int) -> str:
    """A time in RFC 3339 with nanoseconds."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at // SECOND))}.{at % SECOND:09d}Z"
