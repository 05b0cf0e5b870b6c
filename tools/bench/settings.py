"""Measures how long it takes to read a stack file and report its mistakes: the whole file, and without each line."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from components.settings.stack import Refused
from tools import stack_file
from tools.recorder import ROOT

GOAL = 2.0
"""Maximum processor seconds that people wait for."""


def mistaken(text: str) -> Iterator[str]:
    """The file, and the file without each of its lines: keys, sections or the ends of lists are missing."""
    lines = text.splitlines(keepends=True)
    yield text
    yield from ("".join(lines[:number] + lines[number + 1 :]) for number in range(len(lines)))


def taken(text: str, path: Path) -> tuple[float, int]:
    """Processor seconds, which a busy machine affects least, and the number of reported problems."""
    path.write_text(text)
    begin = time.process_time()
    try:
        stack_file.settings(path)
    except (Refused, stack_file.Unreadable) as refused:
        return time.process_time() - begin, len(str(refused).splitlines())
    return time.process_time() - begin, 0


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(prog="python -m tools.bench.settings", description=__doc__).parse_args(arguments)
    slowest = 0.0
    print(f"{'stack file':<18} {'files':>6} {'refused':>8} {'median ms':>10} {'slowest ms':>11}")
    with tempfile.TemporaryDirectory() as folder:
        for stack in ("dev", "prod"):
            text = (ROOT / f"Pulumi.{stack}.yaml").read_text()
            seconds, problems = zip(*(taken(each, Path(folder) / stack) for each in mistaken(text)), strict=True)
            slowest = max(slowest, *seconds)
            row = f"{len(seconds):>6} {sum(map(bool, problems)):>8}"
            print(f"{stack:<18} {row} {median(seconds) * 1000:>10.0f} {max(seconds) * 1000:>11.0f}")
    print(f"\nslowest file within {GOAL:.0f} s: {'yes' if slowest <= GOAL else 'no'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
