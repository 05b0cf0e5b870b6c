"""The uid of every dashboard: alerts link to them, and they to one another."""

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
