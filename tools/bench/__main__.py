"""Runs benches, one after the other; `python -m tools.bench.PART --help` describes one."""

from __future__ import annotations

import argparse
import subprocess
import sys

from tools.servers.find import NotHad, need

PARTS = (
    "settings",
    "render",
    "engine",
    "delivery",
    "rules",
    "samples",
    "services",
    "dashboards",
    "telemetry",
    "logs",
)
NEEDS = {"telemetry": ("loki",), "logs": ("loki", "promtail")}
"""Servers that some machines lack, by the bench that needs them."""


def _part(text: str) -> str:
    if text not in PARTS:
        raise argparse.ArgumentTypeError(f"{text}: no bench; there are {', '.join(PARTS)}")
    return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", type=_part, default=PARTS, metavar="PART", help=", ".join(PARTS))
    failed = []
    # Each bench runs in its own process: the kernel counts the memory of this process in its children's peak, which one
    # bench measures.
    for part in parser.parse_args(arguments).parts:
        print(f"\n--- {part}\n", flush=True)
        try:
            need(part, *NEEDS.get(part, ()))
        except NotHad as missing:
            print(f"not measured: {missing.why}", flush=True)
            continue
        done = subprocess.run([sys.executable, "-m", f"tools.bench.{part}"], check=False)  # noqa: S603  our own modules
        if done.returncode:
            failed.append(part)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
