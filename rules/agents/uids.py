"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import DashboardUid

AGENTS = DashboardUid("agents")
AGENTS_LLM = DashboardUid("agents-llm")
AGENTS_TOOLS = DashboardUid("agents-tools")
AGENTS_A2A = DashboardUid("agents-a2a")
AGENTS_QUALITY = DashboardUid("agents-quality")
AGENTS_CONVERSATION = DashboardUid("agents-conversation")
