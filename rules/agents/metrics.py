"""Metrics that agents push by OpenTelemetry's conventions for GenAI and MCP.

No exporter of the stack makes these metrics; docs/agents.md defines them for agents. The conventions have several
generations, and an instrumentation may use any of them, or several at once.
"""

from __future__ import annotations

from model.metrics import PUSHED, Metrics, Unit
from rules.agents import progress
from rules.agents.cost import EMITTED
from rules.agents.recordings import FIRST_TOKEN, OPENLIT_REQUESTS, OPENLIT_TOKENS, PER_TOKEN, REQUEST_DURATIONS

_PUSHED = Metrics(PUSHED)

_AGENT = "gen_ai_agent_name"
_MODEL = f"{_AGENT} gen_ai_operation_name gen_ai_provider_name gen_ai_system gen_ai_request_model gen_ai_response_model"
_TOOL = "gen_ai_tool_name"
_MCP = f"mcp_method_name {_TOOL} error_type"

METRICS = (
    # Every operation. In the older generation, agent runs and tool calls are operations too.
    _PUSHED.histogram("gen_ai_client_operation_duration_seconds", f"{_MODEL} {_TOOL} error_type"),
    *(_PUSHED.histogram(name, f"{_MODEL} error_type") for name in REQUEST_DURATIONS),
    _PUSHED.histogram("gen_ai_invoke_agent_duration_seconds", f"{_AGENT} error_type"),
    _PUSHED.histogram("gen_ai_invoke_agent_inference_calls", _AGENT, Unit.NONE),
    _PUSHED.histogram("gen_ai_execute_tool_duration_seconds", f"{_AGENT} {_TOOL} error_type"),
    *(_PUSHED.histogram(name, _MODEL) for name in (*FIRST_TOKEN, *PER_TOKEN)),
    _PUSHED.histogram("gen_ai_client_token_usage", f"{_MODEL} gen_ai_token_type", Unit.NONE),
    _PUSHED.counter("gen_ai_client_inference_usage_input_tokens_total", f"{_MODEL} gen_ai_token_modality"),
    _PUSHED.counter("gen_ai_client_inference_usage_output_tokens_total", f"{_MODEL} gen_ai_token_modality"),
    _PUSHED.histogram("gen_ai_client_embeddings_operation_input_tokens", _MODEL, Unit.NONE),
    # These are part of the input tokens, and of the output tokens: never add them.
    _PUSHED.counter("gen_ai_client_inference_usage_cache_read_input_tokens_total", f"{_MODEL} gen_ai_token_modality"),
    _PUSHED.counter("gen_ai_client_inference_usage_reasoning_output_tokens_total", _MODEL),
    *(_PUSHED.counter(name, f"{_MODEL} gen_ai_type") for name in (OPENLIT_REQUESTS, *OPENLIT_TOKENS.values())),
    *(_PUSHED.histogram(name, _MODEL, Unit.CURRENCY) for name in EMITTED),
    *progress.METRICS,
    _PUSHED.histogram("mcp_client_operation_duration_seconds", _MCP),
    _PUSHED.histogram("mcp_server_operation_duration_seconds", _MCP),
)
