"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import Dashboard

MONITORING = Dashboard("monitoring")
MONITORING_COST = Dashboard("monitoring-cost")
MONITORING_JOB = Dashboard("monitoring-job")
