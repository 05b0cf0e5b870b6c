"""What the pages on databases say to write is taken, and notifies those whom they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.routing import receivers_for, tree
from components.settings.stack import Settings, read
from tests import stack_settings
from tools.local.rendered import loaded
from tools.recorder import ROOT

STACK = {"cluster": {"name": "c-1", "environment": "staging", "context": "c-1", "flavour": "kind"}}
PREFIX = "agent-observability:"


def blocks(page: str) -> Iterator[dict[str, Any]]:
    """The parts of a stack file on a page."""
    for block in re.findall(r"```yaml\n(.+?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL):
        yield {key.removeprefix(PREFIX): value for key, value in loaded(block).items()}


def routes() -> tuple[dict[str, Any], Settings]:
    (written,) = (block["notifications"] for block in blocks("databases.md") if "notifications" in block)
    return written, read({**STACK, "notifications": written})


@pytest.mark.parametrize(("page", "parts"), [("databases.md", 2), ("cloud-stores.md", 2), ("supabase.md", 1)])
def test_a_part_of_a_stack_file_is_taken_as_it_is_written(page: str, parts: int) -> None:
    taken = [read({**STACK, **block}) for block in blocks(page)]
    assert len(taken) == parts


@pytest.mark.parametrize(
    ("system", "owner", "severity", "receivers"),
    [
        ("postgres", "database", "critical", ("database-critical",)),
        ("mongodb", "database", "warning", ("database-chat",)),
        ("supabase", "database", "critical", ("database-critical",)),
        ("supabase", "database", "warning", ("supabase-chat",)),
        ("redis", "shop", "critical", ("on-call", "chat")),
        ("nodes", "platform", "warning", ("chat",)),
    ],
)
def test_an_alert_of_a_store_reaches_the_database_team(
    system: str, owner: str, severity: str, receivers: tuple[str, ...]
) -> None:
    _, settings = routes()
    labels = {"alertname": "Any", "system": system, "owner": owner, "severity": severity}
    assert receivers_for(tree(settings.notifications), labels) == receivers


def test_the_route_of_the_database_team_is_tried_on_both_trees_in_a_recorded_stack() -> None:
    written, _ = routes()
    (of_team,) = (route for route in written["routes"] if route.get("owner") == ["database"])
    assert of_team in stack_settings.config("everything")["notifications"]["routes"]
