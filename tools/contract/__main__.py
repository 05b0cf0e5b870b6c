"""Checks what a running application emits against the contract of its platform."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import httpx

from rules.systems import SYSTEMS
from tools.contract.check import problems
from tools.contract.reading import read

CONTRACTS = {system.key: system.contract for system in SYSTEMS if system.contract}
"""By key of the system."""
_AS_PROMETHEUS = {"Accept": "text/plain;version=0.0.4"}


def _text(source: str) -> str:
    """Raises OSError or httpx.HTTPError."""
    if not source.startswith(("http://", "https://")):
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    return httpx.get(source, headers=_AS_PROMETHEUS, timeout=10, follow_redirects=True).raise_for_status().text


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 if all is well, 1 with a line for each problem, 2 if the application could not be read."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.contract",
        description=f"{__doc__} docs/platforms has the contracts. Emit everything once before, also failures.",
    )
    parser.add_argument("system", choices=sorted(CONTRACTS), help="key of the platform in a stack file")
    parser.add_argument("source", metavar="URL|FILE", help="an exposition, or OTLP metrics as JSON; - reads stdin")
    given = parser.parse_args(arguments)
    try:
        seen = read(_text(given.source))
    except (OSError, httpx.HTTPError, ValueError) as problem:
        print(f"{given.source}: {problem}", file=sys.stderr)
        return 2
    found = list(problems(CONTRACTS[given.system], seen))
    print("\n".join(found) or f"{given.source}: {len(seen)} metrics, as the contract of {given.system} says")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
