"""The JSON of the dashboards as files, to be read as text when they change: ``make snapshots`` writes them.

Ten lines of our own: a library's would bear the names of tests, where these bear the uids that people know.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from dashboards.kit import build
from model.uids import runbooks_uid
from tests.dashboards import ALL_DASHBOARDS, STACK, WRITTEN

FOLDER = Path(__file__).parent / "snapshots" / "dashboards"
# Dashboards made of runbooks differ only in what is written elsewhere: one will do, with alerts of both kinds.
TAKEN = (*WRITTEN, *(dashboard for dashboard in ALL_DASHBOARDS if dashboard.uid == runbooks_uid("logs")))


@cache
def snapshots() -> dict[str, str]:
    """File name to content, a value per line."""
    alerts = {alert.name: alert for alert in STACK.watched.alerts}
    return {f"{dashboard.uid}.json": _lines(build(dashboard, alerts)) for dashboard in TAKEN}


def _lines(text: str) -> str:
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.iterdir():
        path.unlink()
    for name, text in snapshots().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
