"""One conversation, one trace or one agent, by its id: log records, tokens, cost, tools, errors, spans."""

from __future__ import annotations

from dashboards.conversation import Records, dashboard
from rules.agents.uids import AGENTS, AGENTS_CONVERSATION, AGENTS_LLM, AGENTS_TOOLS

# Records by OTLP have attributes as metadata, by the names of OpenTelemetry's conventions.
_RECORDS = Records(
    found="| trace_id=`$search` or gen_ai_conversation_id=`$search` or gen_ai_agent_id=`$search`",
    input="gen_ai_usage_input_tokens",
    output="gen_ai_usage_output_tokens",
    cost="gen_ai_usage_cost",
    model="gen_ai_request_model",
    tool="gen_ai_tool_name",
)

DASHBOARD = dashboard(
    _RECORDS,
    uid=AGENTS_CONVERSATION,
    title="Agents: one conversation, trace or agent",
    tags=("agents",),
    related=(AGENTS, AGENTS_LLM, AGENTS_TOOLS),
)
