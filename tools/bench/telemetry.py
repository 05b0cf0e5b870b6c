"""Measures what the collector and the stores of a stack can take: rates, bytes on the disk, memory.

One replica of each server, as rendered for `dev` and for `prod`, runs on this machine together with the senders. The
rate of each signal grows step by step, until telemetry is refused, late, or left in a queue.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from model.quantities import Bytes
from tools.bench.rules import say
from tools.local import otlp
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, http_text
from tools.local.logs import Loki
from tools.local.otlp import Counter, Log, Span
from tools.local.pods import Pod
from tools.local.rendered import Rendered, render_text
from tools.local.telemetry import Platform
from tools.recorder import PROJECT, ROOT

ALONE: Mapping[str, Mapping[str, Any]] = {
    "collector": {"replicas": 1},
    "jaeger": {"replicas": 1},
    "loki": {"replicas": 1, "storage": {"filesystem": {"size": "20Gi"}}, "serviceAccountAnnotations": {}},
    "prometheus": {"replicas": 1},
}
"""Changes of the stack files: a second replica would only halve the two cores, and there is no bucket."""
SENDERS = 4
BATCH = 200
"""Lines, spans or samples in a request. SDKs send up to 512 by default."""
FACTOR = 1.5
"""Growth of the rate from one step to the next."""
ON_TIME = 1.1
"""Maximum duration of sending, relative to the step. If it takes longer, the senders wait for the collector."""
SETTLED = 1.0
"""Maximum rest of the queue at the end, in seconds of the rate: batches that are being sent."""
RESOURCE = {"service.name": "planner", "service.instance.id": "planner-1", "k8s.container.name": "main"}


@dataclass(frozen=True)
class Signal:
    name: str
    first: int
    """First rate, a second, which any machine can take."""
    exporter: str
    """Prefix of the name of the collector's exporter."""
    request: Callable[[random.Random, int, int], otlp.Request]
    """Makes a request of a size, at a time in nanoseconds."""


def spans(chance: random.Random, size: int, _: int) -> otlp.Request:
    """Spans with eight attributes, ten to a trace."""
    made = []
    for number in range(size):
        if number % 10 == 0:
            trace = chance.randbytes(16)
        said = {f"attribute.{n}": f"value {chance.randrange(100)}" for n in range(5)}
        model = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "model-x", "gen_ai.usage.input_tokens": 412}
        made.append(Span(trace, chance.randbytes(8), attributes=said | model))
    return otlp.traces(RESOURCE, *made)


def lines(chance: random.Random, size: int, at: int) -> otlp.Request:
    """JSON lines of some 150 bytes."""

    def text() -> str:
        step, run = chance.randrange(1000), chance.randbytes(8).hex()
        told = f"step {step} of the plan took {chance.randrange(5000)} ms"
        return json.dumps({"message": told, "run": run, "tool": f"search-{step % 7}", "retries": 0, "cached": False})

    return otlp.logs(RESOURCE, *(Log(text(), at + number) for number in range(size)))


def samples(chance: random.Random, size: int, at: int) -> otlp.Request:
    """Counters with twenty names and ten values of a label: always the same two hundred series."""
    counters = [Counter(f"agent.steps.{n % 20}", at // 10**6, {"tool": f"tool-{n // 20}"}) for n in range(size)]
    chance.random()
    return otlp.metrics(RESOURCE, *counters)


SIGNALS = (
    Signal("spans", 1000, "otlp_grpc/jaeger", spans),
    Signal("lines", 1000, "otlp_http/loki", lines),
    Signal("samples", 4000, "otlp_http/prometheus-0", samples),
)


def at_rate(platform: Platform, signal: Signal, rate: int, seconds: float, chance: random.Random) -> str:
    """The problem of a step at a rate; empty if everything was accepted and sent on in time."""
    requests = [signal.request(chance, BATCH, time.time_ns() + n * BATCH) for n in range(int(rate * seconds) // BATCH)]
    path, bodies = otlp.path(requests[0]), [made.SerializeToString() for made in requests]
    numbers, lock, began = count(), threading.Lock(), time.monotonic()

    def send() -> int:
        """The number of refused requests."""
        connection, refused = otlp.Connection(platform.collector.url), 0
        while True:
            with lock:
                number = next(numbers)
            if number >= len(bodies):
                connection.close()
                return refused
            time.sleep(max(0, began + number * BATCH / rate - time.monotonic()))
            refused += connection.send(path, bodies[number]) != 200

    with ThreadPoolExecutor(SENDERS) as senders:
        refused = sum(future.result() for future in [senders.submit(send) for _ in range(SENDERS)])
    took = time.monotonic() - began
    waits = platform.collector.metric("otelcol_exporter_queue_size", exporter=signal.exporter)
    if refused:
        return f"{refused} of {len(bodies)} requests were refused"
    if took > ON_TIME * seconds:
        return f"sending took {took:.1f} s instead of {seconds:.1f}"
    if waits > SETTLED * sum(map(len, bodies)) / seconds:
        return f"{waits / 2**20:.1f} MiB are left in the queue"
    return ""


def highest(platform: Platform, signal: Signal, seconds: float, times: int) -> int:
    """The highest rate without a problem, a second."""
    chance, rate, taken = random.Random(signal.name), signal.first, 0  # noqa: S311  not a secret
    while True:
        wrong = ""
        for _ in range(times):
            wrong = at_rate(platform, signal, rate, seconds, chance)
            drained = partial(platform.collector.metric, "otelcol_exporter_queue_size", exporter=signal.exporter)
            eventually(lambda drained=drained: drained() == 0, 120, "the queue is worked off")  # type: ignore[misc]  # mypy types no lambda with a default
            if not wrong:
                break
        say(f"{rate} {signal.name} a second: {wrong or 'accepted'}")
        if wrong:
            return taken
        taken, rate = rate, int(rate * FACTOR)


@dataclass(frozen=True)
class Figures:
    rates: Mapping[str, int]
    line_bytes: float
    span_bytes: float
    memory: Mapping[str, tuple[int, Bytes]]
    """Maximum memory of each server in MiB, and its limit."""


def on_disk(folder: Path, *patterns: str) -> int:
    """Bytes of files on the disk."""
    found = {path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()}
    return sum(path.stat().st_blocks * 512 for path in found)


def peak(process: Process) -> int:
    """Maximum memory in MiB."""
    status = Path(f"/proc/{process.child.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def measure(stack: Rendered, home: Path, plane: ControlPlane, seconds: float, times: int) -> Figures:
    loki = Loki(stack, home / "loki")
    platform = Platform(stack, home, plane, loki)
    say("start the servers")
    with platform.started():
        rates = {signal.name: highest(platform, signal, seconds, times) for signal in SIGNALS}
        memory = {
            server: (peak(process), Bytes.parse(_limit(stack, server.removesuffix("-0"))))
            for server, process in platform.running.items()
        }
        say("let the stores write their data")
        stored_lines = loki.metric("loki_distributor_lines_received_total")
        http_text(f"{loki.url}/flush", method="POST", timeout=60)
        eventually(lambda: loki.metric("loki_ingester_memory_chunks") == 0, 120, "all chunks are written")
        stored_spans = platform.jaeger.metric("otelcol_exporter_sent_spans_total", exporter="jaeger_storage_exporter")
        platform.running["jaeger"].terminate(60)
        return Figures(
            rates,
            on_disk(loki.path("/loki/chunks/fake"), "*") / stored_lines,
            on_disk(platform.jaeger.path("/badger"), "*.sst", "*.vlog") / stored_spans,
            memory,
        )


def _limit(stack: Rendered, server: str) -> str:
    return str(Pod(stack, server).container["resources"]["limits"]["memory"])


def alone(stack: str, folder: Path) -> Rendered:
    """A stack of this checkout with one replica of each server."""
    content = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    for section, changes in ALONE.items():
        content["config"].setdefault(f"{PROJECT}:{section}", {}).update(changes)
    return render_text(stack, folder, json.dumps(content))


def show(figures: Mapping[str, Figures]) -> None:
    for stack, found in figures.items():
        rates = ", ".join(f"{rate:,} {name}" for name, rate in found.rates.items())
        print(f"{stack}: {rates} a second, each alone (on {os.cpu_count()} cores, with the senders)")
        print(f"{stack}: {found.line_bytes:.0f} bytes a line in Loki, {found.span_bytes:.0f} a span in Jaeger's badger")
        for server, (most, limit) in found.memory.items():
            print(f"{stack}: {server:<15} {most:>6} MiB at most, of {limit}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.telemetry", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6, help="seconds of a step (default: 6)")
    parser.add_argument("--times", type=int, default=2, help="tries of a step before it counts as failed (default: 2)")
    given = parser.parse_args(arguments)
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with ControlPlane(home / "control-plane") as plane:
            for stack in ("dev", "prod"):
                say(f"{stack}:")
                rendered = alone(stack, home / stack)
                figures[stack] = measure(rendered, home / stack / "servers", plane, given.seconds, given.times)
    show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
