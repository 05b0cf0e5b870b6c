"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import Dashboard

LOGS = Dashboard("logs")
LOGS_ERRORS = Dashboard("logs-errors")
LOGS_AUDIT = Dashboard("logs-audit")
