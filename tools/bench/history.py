"""A cluster's past in a real Prometheus: written as if each sample had come in its time, in minutes instead of days.

By remote write, a slice of time after the other, since Prometheus takes nothing that is an hour older than the newest.
All series of one level and one rate have the same samples, which are encoded once.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.bench.sample import NOW, Series
from tools.local.harness import Process, eventually, free_port, http_text
from tools.servers.find import binary

SLICE = 50 * 60
"""Seconds. In the hour that Prometheus looks back, with some room."""
BATCH = 500
"""Series of one request: about a megabyte, and Prometheus takes 32 decoded."""
JITTER = 0.03
"""By which a gauge moves, so that its samples take the room and the time that measured ones do."""


@dataclass(frozen=True)
class Past:
    """A series, and for how long it has been there."""

    series: Series
    seconds: float


@contextmanager
def prometheus(home: Path) -> Iterator[str]:
    """One that takes what is written to it, and scrapes and evaluates nothing: its address."""
    home.mkdir()
    (home / "prometheus.yml").write_text("{}")
    url = f"127.0.0.1:{free_port()}"
    arguments = [
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        "--storage.tsdb.retention.time=30d",
        f"--web.listen-address={url}",
        "--web.enable-remote-write-receiver",
    ]
    with Process([binary("prometheus"), *arguments], log=home / "log") as process:
        process.ready(lambda: http_text(f"http://{url}/-/ready"))
        yield url


def write(
    url: str, pasts: Sequence[Past], end: float, step: int, progress: Callable[[str], object] = lambda _: None
) -> None:
    """All samples until ``end``, ``step`` seconds apart; returns when Prometheus has put what is old into blocks."""
    longest = max(past.seconds for past in pasts)
    named = [(past, _labels(past.series.text)) for past in pasts]
    with ThreadPoolExecutor(2) as pool:
        for ago in range(int(longest), 0, -SLICE):
            first, last = end - ago, min(end, end - ago + SLICE)
            times = [first + count * step for count in range(round((last - first) / step))]
            samples: dict[tuple[float, float], bytes] = {}
            there = [
                _field(1, labels + _samples(samples, past.series, times, end))
                for past, labels in named
                if past.seconds >= ago
            ]
            batches = (b"".join(there[start : start + BATCH]) for start in range(0, len(there), BATCH))
            # The next slice may come only when this one is there.
            list(pool.map(partial(_send, url), batches))
            if ago // SLICE % 12 == 0:
                progress(f"from {ago / 3600:.0f} hours ago")
    # Every two hours a block is cut, in the background; what is asked meanwhile would wait for it.
    eventually(lambda: _head(url) > end - 4 * 3600, 300, "old samples are in blocks")


def _head(url: str) -> float:
    """The time of the oldest sample that is not yet in a block, in seconds."""
    exposed = http_text(f"http://{url}/metrics")
    (found,) = re.findall(r"^prometheus_tsdb_head_min_time_seconds (\S+)$", exposed, re.MULTILINE)
    return float(found)


def _samples(known: dict[tuple[float, float], bytes], series: Series, times: Iterable[float], end: float) -> bytes:
    key = (series.level, series.rate)
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
        # What counts has counted for a month.
        return series.level + round(series.rate * (at - end + 30 * 86_400), 2)
    # 0 and 1 are states. The last digits of the time are as good as chance.
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
