"""The uids of folders, and of the dashboards of every stack, which links of alerts and dashboards use."""

from __future__ import annotations

from typing import NewType
from zlib import crc32

DashboardUid = NewType("DashboardUid", str)
"""Uid of a dashboard in its address, ``/d/<uid>``. A system's are defined with its rules."""

HOME = DashboardUid("home")
ALERTS = DashboardUid("alerts")
INCIDENT = DashboardUid("incident")
ALERT_QUALITY = DashboardUid("alert-quality")
SLOS = DashboardUid("slos")
SLO = DashboardUid("slo")
SAVED_QUERIES = DashboardUid("saved-queries")


def runbooks_uid(system: str) -> str:
    """The dashboard of the runbooks of a system's alerts."""
    return f"runbooks-{system}"


def panel_number(title: str) -> int:
    """The id of a panel that links refer to. It does not change with other panels, and is larger than their ids."""
    return 1000 + crc32(title.encode()) % 1_000_000


def panel_path(dashboard: str, title: str) -> str:
    """Path of such a panel in full view, without Grafana's address."""
    return f"/d/{dashboard}?viewPanel=panel-{panel_number(title)}"


def runbook_title(runbook: str) -> str:
    """Title of the panel that shows a runbook."""
    return f"Runbook: {runbook}"


def runbook_path(system: str, runbook: str) -> str:
    """Path of a runbook, without Grafana's address. ``runbook_url`` is defined here only."""
    return panel_path(runbooks_uid(system), runbook_title(runbook))


ALERTS_FOLDER, RUNBOOKS_FOLDER = "Alerts", "Runbooks"
"""Titles of the folders of Grafana's alerts and of the runbooks' dashboards."""


def folder_uid(title: str) -> str:
    """The uid of a folder. Grafana's database has folders and dashboards in one table; both may have the same name."""
    return f"folder-{title.lower().replace(' ', '-')}"
