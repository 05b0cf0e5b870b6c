"""A cluster's past in a real Prometheus, written in minutes, with samples that appear to have come over days.

It uses remote write, one slice of time after the other, since Prometheus refuses samples that are an hour older than
the newest. All series of one level and one rate have the same samples, which are encoded once. Histories that are
needed repeatedly are kept as blocks in the project's cache.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import struct
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.bench.sample import NOW, Series
from tools.local.harness import Process, eventually, free_port, http_text
from tools.servers.build import cache_folder
from tools.servers.find import binary

SLICE = 50 * 60
"""Seconds of a slice. Prometheus accepts samples of the last hour, and this leaves a margin."""
BATCH = 500
"""Series of one request: about a megabyte, and Prometheus accepts 32 decoded."""
EVERY = 5
"""Seconds between two lines of progress."""
UNUSED = 7 * 86_400
"""Seconds after which an unused history is deleted."""
JITTER = 0.03
"""Relative variation of a gauge, so that its samples take as much space and time as measured ones."""


@dataclass(frozen=True)
class Past:
    """A series, with the seconds since its start and the seconds between its samples."""

    series: Series
    seconds: float
    step: int


@contextmanager
def prometheus(home: Path, blocks: Path | None = None) -> Iterator[str]:
    """The address of a Prometheus that only accepts writes, without scrapes and rules. It starts with a copy of
    ``blocks``.

    The copied blocks do not change.
    """
    home.mkdir()
    if blocks:
        shutil.copytree(blocks, home / "data")
    (home / "prometheus.yml").write_text("{}")
    url = f"127.0.0.1:{free_port()}"
    arguments = [
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        "--storage.tsdb.retention.time=90d",  # longer than any history here
        f"--web.listen-address={url}",
        "--web.enable-remote-write-receiver",
        "--web.enable-admin-api",
    ]
    with Process([binary("prometheus"), *arguments], log=home / "log") as process:
        process.ready(lambda: http_text(f"http://{url}/-/ready"))
        yield url


def blocks(pasts: Sequence[Past], end: float, progress: Callable[[str], object]) -> Path:
    """A folder of blocks with all samples until ``end``; it is created once, and reused for the same series."""
    home = cache_folder() / "histories"
    home.mkdir(parents=True, exist_ok=True)
    for old in home.iterdir():
        if old.stat().st_mtime < time.time() - UNUSED:
            shutil.rmtree(old, ignore_errors=True)
    made = home / digest(pasts, end)
    if not made.is_dir():
        with tempfile.TemporaryDirectory(dir=home) as folder:
            with prometheus(Path(folder) / "server") as url:
                write(url, pasts, end, progress)
                progress("blocks")
                taken = json.loads(http_text(f"http://{url}/api/v1/admin/tsdb/snapshot", method="POST", timeout=300))
            snapshot = Path(folder) / "server/data/snapshots" / taken["data"]["name"]
            if not made.is_dir():  # another bench may have been quicker
                snapshot.rename(made)
    os.utime(made)
    return made


def digest(pasts: Sequence[Past], end: float) -> str:
    """Twelve hex digits over all inputs of the written samples, in any order of the series.

    The last digits of a sum are random: six of them identify a level.
    """
    lines = (
        f"{past.series.text} {past.series.level:.6g} {past.series.rate} {past.seconds} {past.step}" for past in pasts
    )
    state = hashlib.sha256(Path(__file__).read_bytes())
    state.update("\n".join([str(end), *sorted(lines)]).encode())
    return state.hexdigest()[:12]


def write(url: str, pasts: Sequence[Past], end: float, progress: Callable[[str], object] = lambda _: None) -> None:
    """Write all samples, the last at ``end``; returns when Prometheus has put old samples into blocks."""
    slices = math.ceil(max(past.seconds for past in pasts) / SLICE)
    named = [(past, _labels(past.series.text)) for past in pasts]
    said = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        for later in reversed(range(slices)):
            samples: dict[tuple[float, float, int], bytes] = {}
            there = [
                _field(1, labels + _samples(samples, past, times(later, past.step, end), end))
                for past, labels in named
                if past.seconds > later * SLICE
            ]
            batches = (b"".join(there[start : start + BATCH]) for start in range(0, len(there), BATCH))
            # The next slice may come only after this one is stored.
            list(pool.map(partial(_send, url), batches))
            if time.monotonic() > said + EVERY:
                said = time.monotonic()
                progress(f"until {later * SLICE / 3600:.0f} hours ago")
    # Every two hours Prometheus cuts a block in the background, and queries would wait for it.
    eventually(lambda: _head(url) > end - 4 * 3600, 300, "old samples are in blocks")


def times(later: int, step: int, end: float) -> list[float]:
    """Times of a slice's samples, with ``later`` slices after it: every ``step`` seconds, the last at ``end``."""
    newest, oldest = (math.ceil(slices * SLICE / step) for slices in (later, later + 1))
    return [end - step * count for count in reversed(range(newest, oldest))]


def _head(url: str) -> float:
    """Time of the oldest sample that is not yet in a block, in seconds."""
    exposed = http_text(f"http://{url}/metrics")
    (found,) = re.findall(r"^prometheus_tsdb_head_min_time_seconds (\S+)$", exposed, re.MULTILINE)
    return float(found)


def _samples(known: dict[tuple[float, float, int], bytes], past: Past, times: Iterable[float], end: float) -> bytes:
    series = past.series
    key = (series.level, series.rate, past.step)
    if key not in known:
        known[key] = b"".join(
            _field(2, b"\x09" + struct.pack("<d", _value(series, at, end)) + b"\x10" + _varint(round(at * 1000)))
            for at in times
        )
    return known[key]


def _value(series: Series, at: float, end: float) -> float:
    if series.level == NOW:
        return at
    if series.rate:
        # Counters have counted for a month.
        return series.level + round(series.rate * (at - end + 30 * 86_400), 2)
    # 0 and 1 are states. The last digits of the time are random enough.
    return series.level * (1 if series.level in (0, 1) else 1 + JITTER * (int(at) * 7919 % 100 / 100))


# --- remote write's format: protobuf by hand, since nothing here has its schema, and snappy that packs nothing ---


def _labels(text: str) -> bytes:
    name, _, inside = text.partition("{")
    labels = {"__name__": name, **dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', inside))}
    return b"".join(
        _field(1, _field(1, label.encode()) + _field(2, labels[label].encode()))
        for label in sorted(labels)
        if labels[label]
    )


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _send(url: str, request: bytes) -> None:
    # One literal, whose length is in four bytes.
    body = _varint(len(request)) + b"\xfc" + struct.pack("<I", len(request) - 1) + request
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    http_text(f"http://{url}/api/v1/write", body=body, headers=headers, timeout=60)
