"""Measures the boards of `prod` on a real Prometheus with 100k series: the slowest panel of each, in seconds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from dashboards.boards import boards
from dashboards.model import Board, View
from tests.boards import filled, prometheus_queries
from tools.bench.rules import evaluations, production, running, say
from tools.local.harness import http_json

SERIES = 100_000
RANGE, STEP = 6 * 3600, 30
"""Seconds that a board shows by default, and between the points of a screen that is 720 wide."""
SETTLED = 70
"""Seconds until the recording rules that panels read have run, those that have a minute among them."""
GOAL = 1.0
"""Seconds: longer, and a person wonders whether something is broken."""


def seconds(url: str, expr: str, view: View) -> float:
    """How long Prometheus takes for a query: the better of two, since the first also warms what both read."""
    now = time.time()
    asked = (
        f"query?{urlencode({'query': expr})}"
        if view in (View.NUMBER, View.RANKING)
        else f"query_range?{urlencode({'query': expr, 'start': now - RANGE, 'end': now, 'step': STEP})}"
    )
    taken = []
    for _ in range(2):
        begin = time.monotonic()
        http_json(f"http://{url}/api/v1/{asked}", timeout=120)
        taken.append(time.monotonic() - begin)
    return min(taken)


def slowest(url: str, board: Board) -> tuple[float, str]:
    """The slowest query of a board, and its panel; everything is chosen, which is the most there is to read."""
    return max(
        (seconds(url, filled(query.expr), panel.view), panel.title) for panel, query in prometheus_queries(board)
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        stack, settings = production(Path(folder))
        with running(SERIES, stack, settings, Path(folder) / "prometheus") as (url, series):
            say("let the recording rules run")
            evaluations(url, SETTLED)
            say("ask")
            asked = [each for each in boards(settings.systems_on, settings.watched) if any(prometheus_queries(each))]
            found = sorted(((*slowest(url, board), board.uid) for board in asked), reverse=True)
    written = [row for row in found if not row[2].startswith("rb-")]
    print(f"{'board, with ' + format(series, ',') + ' series':<40}{'seconds':>9}  slowest panel")
    for taken, panel, uid in written:
        print(f"{uid:<40}{taken:>9.3f}  {panel}")
    taken, panel, uid = max(row for row in found if row[2].startswith("rb-"))
    print(f"{f'{len(found) - len(written)} runbooks':<40}{taken:>9.3f}  {panel} ({uid})")
    print(f"\nslowest panel within {GOAL:.0f} s: {'yes' if found[0][0] <= GOAL else 'no'}")


if __name__ == "__main__":
    main()
