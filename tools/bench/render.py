"""Measures a render: wall time and peak memory for both stacks, and their growth with additional scrape jobs."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import yaml

# It imports nothing of the program: the kernel counts the memory of this process in its children's peak.
ROOT = Path(__file__).parents[2]
JOBS = (10, 100, 500)
SECONDS = 2.0
MEGABYTES = 200
"""Maximum memory of a render of prod on two cores."""


@dataclass(frozen=True)
class Figure:
    """Figures of the runs of one stack file."""

    name: str
    seconds: float
    """Median of the durations."""
    slowest: float
    cpu: float
    """Minimum processor seconds of a run, which a busy machine affects least, so it is used for the growth."""
    megabytes: float
    """Maximum peak."""


def run(stack: str, path: Path, out: Path) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak megabytes of one render; raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", "tools.render", stack, "--stack-file", str(path), "--out", str(out)]
    started = time.perf_counter()
    # wait4 returns the peak of this one child; RUSAGE_CHILDREN would return the largest of all children so far. A
    # render's output is discarded; a failed render is named below, to be run by hand.
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, stdout=quiet, stderr=quiet)  # noqa: S603  our own module
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    kilobytes = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss / 1024
    return seconds, usage.ru_utime + usage.ru_stime, kilobytes / 1000


def measure(name: str, stack: str, path: Path, times: int) -> Figure:
    """The figure of one stack file, after a first run that is not counted: it compiles and fills the disk's cache."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        run(stack, path, out)
        runs = [run(stack, path, out) for _ in range(times)]
    seconds, cpu, peaks = zip(*runs, strict=True)
    return Figure(name, median(seconds), max(seconds), min(cpu), max(peaks))


def with_jobs(stack: str, jobs: int, folder: Path) -> Path:
    """The stack's file with additional scrape jobs."""
    content = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    content["config"]["agent-observability:prometheus"]["scrapeJobs"] = [
        {"name": f"extra-{number:03}", "targets": [f"host-{number:03}.example.com:9100"]} for number in range(jobs)
    ]
    path = folder / f"Pulumi.{stack}-{jobs}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.render", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="runs per figure; the median is shown (default: 5)")
    times = parser.parse_args(arguments).times
    print(f"{'stack':<18} {'median s':>9} {'slowest s':>10} {'CPU s':>7} {'peak MB':>8} {'CPU ms per job':>17}")
    figures = [measure(stack, stack, ROOT / f"Pulumi.{stack}.yaml", times) for stack in ("dev", "prod")]
    prod = figures[-1]
    for figure in figures:
        print(_row(figure, ""))
    with tempfile.TemporaryDirectory() as folder:
        for jobs in JOBS:
            figure = measure(f"prod + {jobs} jobs", "prod", with_jobs("prod", jobs, Path(folder)), times)
            print(_row(figure, f"{(figure.cpu - prod.cpu) * 1000 / jobs:.2f}"))
    met = prod.seconds <= SECONDS and prod.megabytes <= MEGABYTES
    print(f"\nprod within {SECONDS} s and {MEGABYTES} MB: {'yes' if met else 'no'} (on {os.cpu_count()} cores)")
    return 0


def _row(figure: Figure, growth: str) -> str:
    times = f"{figure.seconds:>9.2f} {figure.slowest:>10.2f} {figure.cpu:>7.2f}"
    return f"{figure.name:<18} {times} {figure.megabytes:>8.0f} {growth:>17}"


if __name__ == "__main__":
    sys.exit(main())
