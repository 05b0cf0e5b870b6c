"""docs/coverage.md is true: each item of a source document has a row, and what the row names exists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from model.runbooks import runbooks
from tests.catalogue import whole
from tests.dashboards import ALL_DASHBOARDS
from tests.stack_settings import possible
from tools.recorder import ROOT

ITEMS = {"000": 74, "001": 72, "002": 147, "003": 60, "004": 62}
"""Number of items of each document. Those of a document are numbered from 1."""
ROW = re.compile(r"^\| (?P<item>\d{3}-\d{3}) \| (?P<what>.+) \|$", re.MULTILINE)
NAMED = re.compile(r"(?P<kind>alert|metric|job|objective|panel|setting|runbook|page|file|command) `(?P<name>[^`]+)`")
REASONED = re.compile(r"not built: .{20,}")
ROWS = ROW.findall((ROOT / "docs" / "coverage.md").read_text(encoding="utf-8"))


@cache
def there() -> dict[str, frozenset[str]]:
    """All that exists, by kind."""
    watched, makefile = whole(), (ROOT / "Makefile").read_text(encoding="utf-8")
    panels = {f"{each.title} / {panel.title}" for each in ALL_DASHBOARDS for panel in each.panels}
    return {
        "alert": frozenset(alert.name for alert in watched.alerts),
        "metric": frozenset(name for metric in watched.metrics for name in (metric.name, *metric.series)),
        "job": frozenset(job.name for job in watched.scrape_jobs),
        "objective": frozenset(slo.name for slo in watched.slos),
        "panel": frozenset(panels | {each.title for each in ALL_DASHBOARDS}),
        "setting": frozenset(possible()),
        "runbook": runbooks(),
        "command": frozenset(f"make {name}" for name in re.findall(r"^(\w+):", makefile, re.MULTILINE)),
    }


def wrong(what: str) -> Iterable[str]:
    """What a row names that does not exist."""
    named = NAMED.findall(what)
    if not named and not REASONED.search(what):
        yield "it names nothing that is there, and gives no reason why it is not built"
    for kind, name in named:
        if kind in ("page", "file"):
            if not (ROOT / name.partition("#")[0]).exists():
                yield f"no {kind} {name}"
        elif kind == "command" and name.startswith("python -m "):
            if not (ROOT / name.split()[2].replace(".", "/")).exists():
                yield f"no {kind} {name}"
        elif name not in there()[kind]:
            yield f"no {kind} {name}"


def test_what_a_row_names_exists() -> None:
    assert {item: problems for item, what in ROWS if (problems := list(wrong(what)))} == {}


def test_each_item_of_a_document_has_one_row() -> None:
    begun = sorted({item[:3] for item, _ in ROWS})
    expected = [f"{document}-{number:03}" for document in begun for number in range(1, ITEMS[document] + 1)]
    assert [item for item, _ in ROWS] == expected
