"""Measures log collectors: processor and memory at a steady rate, and the speed on a backlog.

Pods of a node print lines as programs do, half of them JSON. Promtail sends them to Loki. Then the node collector sends
them through the collector. Other processes on the way are measured too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually
from tools.local.log_nodes import COLLECTORS, SPACE, Node, named, pod, rendered
from tools.local.logs import LogFile, Loki

PODS = 50
TICKS = os.sysconf("SC_CLK_TCK")


def line(number: int) -> str:
    """A line of some 150 bytes; every other one is JSON."""
    told = f"order {number} was paid within {number % 700} ms by the customer of shop {number % 90}"
    if number % 2:
        return f"2026-11-20 12:00:00,000 INFO [worker-{number % 16}] shop.Orders trace_id={number:032x} - {told}"
    return json.dumps({"level": "info", "logger": "shop.orders", "trace_id": f"{number:032x}", "msg": told})


@dataclass(frozen=True)
class Used:
    """Resources that a process has used so far."""

    cpu: float
    """Processor seconds."""
    memory: float
    """Current memory in MiB."""

    @classmethod
    def of(cls, process: Process) -> Used:
        folder = Path(f"/proc/{process.child.pid}")
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        pages = int((folder / "statm").read_text().split()[1])
        return cls((int(fields[11]) + int(fields[12])) / TICKS, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)


def steadily(processes: Mapping[str, Process], logs: list[LogFile], rate: int, seconds: int) -> Iterator[str]:
    """Each process's share of a core, and its maximum memory."""
    before, most = {name: Used.of(process) for name, process in processes.items()}, dict.fromkeys(processes, 0.0)
    number, began = 0, time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        due = int(passed * rate)
        for log in logs:
            number, some = number + max(due - number, 0) // len(logs), number
            log.write(*(line(each) for each in range(some, number)))
        for name, process in processes.items():
            most[name] = max(most[name], Used.of(process).memory)
        time.sleep(0.2)
    for name, process in processes.items():
        share = (Used.of(process).cpu - before[name].cpu) / number * 1000
        yield f"  {name:<15}{share:>8.3f} cores for 1000 lines/s {most[name]:>8.0f} MiB"


def measure(collector: str, loki: Loki, cluster: ControlPlane, home: Path, args: argparse.Namespace) -> None:
    node = Node(collector, rendered(home / "stack", collector), home, cluster, loki.url.removeprefix("http://"))
    logs = [node.log(pod(cluster, f"bench-{number}", labels=named(f"bench-{number}"))) for number in range(PODS)]
    for log in logs:
        log.write(*(line(number) for number in range(args.backlog // PODS)))
    query = f'{{cluster="by-{collector}"}}'
    with node.passing_on() as gateway, node.reader.process() as reader:
        began = time.monotonic()
        eventually(lambda: loki.count(query) >= args.backlog // PODS * PODS, 600, "the backlog arrives")
        passed = time.monotonic() - began
        used = Used.of(reader)
        print(
            f"{collector}: {args.backlog / passed:.0f} lines/s of a backlog, {used.memory:.0f} MiB after it", flush=True
        )
        processes = {collector: reader, **({"the collector": gateway} if gateway else {})}
        for said in steadily(processes, logs, args.rate, args.seconds):
            print(said, flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.logs", description=__doc__)
    parser.add_argument("--rate", type=int, default=1000, help="lines a second of all pods of the node (default: 1000)")
    parser.add_argument("--seconds", type=int, default=60, help="duration of the steady rate (default: 60)")
    parser.add_argument("--backlog", type=int, default=100_000, help="lines of the backlog (default: 100000)")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-logs-") as folder:
        home = Path(folder)
        with ControlPlane(home / "cluster") as cluster:
            cluster.namespace(SPACE)
            loki = Loki(rendered(home / "stack", "promtail"), home / "loki")
            with loki.running():
                for collector in COLLECTORS:
                    print(f"{collector} ...", file=sys.stderr, flush=True)
                    measure(collector, loki, cluster, home / collector, args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
