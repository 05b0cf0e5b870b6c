"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import Dashboard

AGENTS = Dashboard("agents")
AGENTS_LLM = Dashboard("agents-llm")
AGENTS_TOOLS = Dashboard("agents-tools")
AGENTS_A2A = Dashboard("agents-a2a")
AGENTS_QUALITY = Dashboard("agents-quality")
