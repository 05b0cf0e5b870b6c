"""The dashboards of the whole catalogue, and their queries as a server would get them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dashboards import kit
from dashboards.listed import dashboards
from dashboards.model import Dashboard
from dashboards.queries import filled, written
from model.promql import Labels, labels_of
from model.runbooks import RUNBOOKS
from model.uids import HOME, RUNBOOKS_FOLDER
from rules.agents.uids import AGENTS
from rules.kubernetes.uids import KUBERNETES_CLUSTER
from rules.services.uids import SERVICES
from tests.catalogue import everything
from tools.recorder import ROOT

STACK = everything()
ALL_DASHBOARDS = dashboards(STACK.systems_on, STACK.watched, STACK.cluster)
WRITTEN = tuple(dashboard for dashboard in ALL_DASHBOARDS if dashboard.folder != RUNBOOKS_FOLDER)
"""Those that a person has written; the others are made of runbooks."""
CATALOGUE = {each.name: each for each in STACK.watched.alerts}
NOT_RECORDED: dict[str, Labels] = dict.fromkeys(("ALERTS", "ALERTS_FOR_STATE"))
"""What Prometheus makes of the alerts themselves."""
IN_THE_README, SMALL_PICTURES = (HOME, SERVICES, AGENTS, KUBERNETES_CLUSTER), ROOT / "docs" / "images"
"""Dashboards of which `WRITE=1` lets tests/servers/test_browser.py record a small picture, and where."""


def queries(runbook: str, language: str = "promql|logql") -> list[str]:
    """What a runbook asks, one expression each."""
    text = (RUNBOOKS / f"{runbook}.md").read_text(encoding="utf-8")
    return written(text, language)


def labels(expr: str, known: Mapping[str, Labels]) -> Labels:
    return labels_of(filled(expr), known)


def made(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard's JSON."""
    read_back: dict[str, Any] = json.loads(kit.build(dashboard, CATALOGUE))
    return read_back
