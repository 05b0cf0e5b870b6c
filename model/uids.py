"""The uids of folders, and of the dashboards that every stack has: alerts link to them, and they to one another."""

from __future__ import annotations

from typing import NewType
from zlib import crc32

DashboardUid = NewType("DashboardUid", str)
"""A dashboard, by the uid in its address, ``/d/<uid>``; those of a system stand beside its rules."""

HOME = DashboardUid("home")
ALERTS = DashboardUid("alerts")
SLOS = DashboardUid("slos")
SLO = DashboardUid("slo")


def runbooks_uid(system: str) -> str:
    """The dashboard of the runbooks of a system's alerts."""
    return f"runbooks-{system}"


def panel_number(title: str) -> int:
    """The number of a panel that links name: it stays when others come and go. Larger than those that are counted."""
    return 1000 + crc32(title.encode()) % 1_000_000


def panel_path(dashboard: str, title: str) -> str:
    """Where such a panel is seen alone, below Grafana's own address."""
    return f"/d/{dashboard}?viewPanel=panel-{panel_number(title)}"


def runbook_title(runbook: str) -> str:
    """The panel that shows a runbook's text."""
    return f"Runbook: {runbook}"


def runbook_path(system: str, runbook: str) -> str:
    """Where whoever is paged reads what to do, below Grafana's own address: the one place where it is said."""
    return panel_path(runbooks_uid(system), runbook_title(runbook))


ALERTS_FOLDER, RUNBOOKS_FOLDER = "Alerts", "Runbooks"
"""Titles of the folders of the alerts that Grafana evaluates, and of what to do about any."""


def folder_uid(title: str) -> str:
    """In Grafana's database folders and dashboards share their uids, and a dashboard may be called like its folder."""
    return f"folder-{title.lower().replace(' ', '-')}"
