"""The dashboards of the whole catalogue, and their queries as a server would get them."""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.listed import dashboards
from dashboards.queries import filled, written
from model.promql import Labels, labels_of
from model.runbooks import RUNBOOKS
from model.uids import RUNBOOKS_FOLDER
from tests.catalogue import everything

STACK = everything()
ALL_DASHBOARDS = dashboards(STACK.systems_on, STACK.watched, STACK.cluster)
WRITTEN = tuple(dashboard for dashboard in ALL_DASHBOARDS if dashboard.folder != RUNBOOKS_FOLDER)
"""Those that a person has written; the others are made of runbooks."""


def queries(runbook: str, language: str = "promql|logql") -> list[str]:
    """What a runbook asks, one expression each."""
    text = (RUNBOOKS / f"{runbook}.md").read_text(encoding="utf-8")
    return written(text, language)


def labels(expr: str, known: Mapping[str, Labels]) -> Labels:
    return labels_of(filled(expr), known)
