"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import DashboardUid

INTERACTION = DashboardUid("interaction-backend")
CONVERSATION = DashboardUid("interaction-conversation")
