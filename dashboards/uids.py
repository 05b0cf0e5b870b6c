"""The uids of dashboards and folders: alerts link to them, and they to one another."""

from __future__ import annotations

from enum import StrEnum


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


def runbook_uid(runbook: str) -> str:
    """The dashboard that shows a runbook beside the alert's own expression."""
    return f"rb-{runbook.lower()}"


ALERTS_FOLDER, RUNBOOKS_FOLDER = "Alerts", "Runbooks"
"""Titles of the folders of the alerts that Grafana evaluates, and of what to do about any."""


def folder_uid(title: str) -> str:
    """In Grafana's database folders and boards share their uids, and a board may be called like its folder."""
    return f"folder-{title.lower().replace(' ', '-')}"
