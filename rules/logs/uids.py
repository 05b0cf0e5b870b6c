"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import DashboardUid

LOGS = DashboardUid("logs")
LOGS_ERRORS = DashboardUid("logs-errors")
LOGS_AUDIT = DashboardUid("logs-audit")
