"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import DashboardUid

MONITORING = DashboardUid("monitoring")
MONITORING_COST = DashboardUid("monitoring-cost")
MONITORING_JOB = DashboardUid("monitoring-job")
