"""The uids of dashboards and folders: alerts link to them, and they to one another."""

from __future__ import annotations

from enum import StrEnum
from zlib import crc32


class Dashboard(StrEnum):
    """A dashboard, by the uid in its address, ``/d/<uid>``."""

    HOME = "home"
    ALERTS = "alerts"
    SLOS = "slos"
    SLO = "slo"
    KUBERNETES_CLUSTER = "kubernetes-cluster"
    KUBERNETES_API = "kubernetes-api"
    KUBERNETES_NAMESPACE = "kubernetes-namespace"
    KUBERNETES_WORKLOAD = "kubernetes-workload"
    NODES = "nodes"
    MONITORING = "monitoring"
    MONITORING_COST = "monitoring-cost"
    MONITORING_JOB = "monitoring-job"
    AGENTS = "agents"
    AGENTS_LLM = "agents-llm"
    AGENTS_TOOLS = "agents-tools"
    AGENTS_A2A = "agents-a2a"
    AGENTS_QUALITY = "agents-quality"
    LOGS = "logs"
    LOGS_ERRORS = "logs-errors"
    LOGS_AUDIT = "logs-audit"


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
    """In Grafana's database folders and boards share their uids, and a board may be called like its folder."""
    return f"folder-{title.lower().replace(' ', '-')}"
