"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import DashboardUid

ELIZA = DashboardUid("eliza")
