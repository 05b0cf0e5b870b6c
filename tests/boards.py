"""The boards of the whole catalogue, and their queries as a server would get them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from dashboards.boards import boards
from dashboards.model import Board, Panel, Query
from dashboards.uids import RUNBOOKS_FOLDER
from rules.model import RUNBOOKS
from rules.promql import Labels, labels_of
from tests.catalogue import everything

STACK = everything()
BOARDS = boards(STACK.systems_on, STACK.watched)
WRITTEN = tuple(board for board in BOARDS if board.folder != RUNBOOKS_FOLDER)
"""Those that a person has written; the others are made of runbooks."""

RANGES = {"$__rate_interval": "5m", "$__interval": "1m", "$__auto": "1m", "$__range": "6h", "$__range_s": "21600"}
"""What Grafana puts in place of its own variables."""


def prometheus_queries(board: Board) -> list[tuple[Panel, Query]]:
    """Once with each value of a choice that is written in the dashboard."""
    asked = [(p, query) for p in board.panels for query in p.queries if query.datasource.type == "prometheus"]
    for choice in board.choices:
        chosen = f"${{{choice.name}:raw}}"
        asked = [
            (panel, replace(query, expr=query.expr.replace(chosen, value)))
            for panel, query in asked
            for value in (choice.values.values() if chosen in query.expr else [""])
        ]
    return asked


def loki_queries(board: Board) -> list[tuple[Panel, Query]]:
    return [(p, query) for p in board.panels for query in p.queries if query.datasource.type == "loki"]


def queries(runbook: str, language: str = "promql|logql") -> list[str]:
    """What a runbook asks, one expression each."""
    text = (RUNBOOKS / f"{runbook}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```(?:{language})\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)


def filled(expr: str, variables: Mapping[str, str] | None = None) -> str:
    """A query with values for its variables: everything, unless others are given."""
    for name, value in RANGES.items():
        expr = re.sub(re.escape(name) + r"(?!\w)", value, expr)
    chosen = variables or {}
    # $1 and the like are of label_replace.
    return re.sub(r"\$\{?([a-zA-Z]\w*)\}?", lambda found: chosen.get(found[1], ".*"), expr)


def labels(expr: str, known: Mapping[str, Labels]) -> Labels:
    return labels_of(filled(expr), known)
