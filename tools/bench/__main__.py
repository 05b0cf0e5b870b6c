"""All benches, one after the other."""

from __future__ import annotations

import subprocess
import sys

# Each in a process of its own: the kernel counts this one's memory in its children's peak, which one of them measures.
for part in ("settings", "render", "delivery", "rules", "boards", "telemetry", "logs"):
    print(f"\n--- {part}\n", flush=True)
    subprocess.run([sys.executable, "-m", f"tools.bench.{part}"], check=True)  # noqa: S603  our own modules
