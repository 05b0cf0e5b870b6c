"""Runs all benches, one after the other."""

from __future__ import annotations

import subprocess
import sys

from tools.servers.find import NotHad, need

NEEDS = {"telemetry": ("loki",), "logs": ("loki", "promtail")}
"""Servers that some machines lack, by the bench that needs them."""

failed = []
# Each bench runs in its own process: the kernel counts the memory of this process in its children's peak, which one
# bench measures.
for part in (
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
):
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
    sys.exit(f"\nfailed: {', '.join(failed)}")
