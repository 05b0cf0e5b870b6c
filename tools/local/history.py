"""What a Prometheus remembers when it starts."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tools.servers.find import binary


def remember(samples: Path, data: Path) -> None:
    """Write ``samples``, a text in OpenMetrics' format with timestamps, as blocks of a Prometheus that does not run."""
    # It reads the whole file once for each block: of blocks of two hours, a hundred times for some days.
    blocks = ("create-blocks-from", "--max-block-duration=200h", "openmetrics")
    subprocess.run(
        [str(binary("promtool")), "tsdb", *blocks, samples, data],
        check=True,
        capture_output=True,
        timeout=300,
    )
