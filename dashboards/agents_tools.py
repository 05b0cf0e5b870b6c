"""The tools that agents call, and the MCP servers behind them."""

from __future__ import annotations

from dashboards.agents_panels import (
    PUSHED,
    alert_stat,
    alert_time_series,
    chosen,
    median,
    outcomes,
    stacked,
    stat,
    table,
    variables,
)
from dashboards.annotations import alerts_of, rollouts
from dashboards.model import Dashboard, Row
from model.metrics import Unit
from model.uids import ALERTS
from rules.agents import alerts, protocols
from rules.agents.protocols import MCP, MCP_ERRORS, MCP_P95
from rules.agents.recordings import OPERATION, TOOL_CALLS, TOOL_ERRORS, TOOL_P95
from rules.agents.uids import AGENTS, AGENTS_A2A, AGENTS_LLM, AGENTS_QUALITY, AGENTS_TOOLS
from rules.logs.uids import LOGS

_PICKED = chosen("cluster", "namespace", "service", "agent", "tool")
# MCP knows no agents; and what lists tools or opens a session is about none.
_MCP = chosen("cluster", "namespace", "service", "tool")
_CALLER = ("cluster", "namespace", "service", "agent", "tool")
_BY_CALLER = ", ".join(_CALLER)
_OPERATION = ("cluster", "namespace", "service", "side", "method", "tool")
_BY_OPERATION = ", ".join(_OPERATION)
_PUSHED = f'{PUSHED}, gen_ai_tool_name=~"$tool"'
_WHAT = "{{method}} {{tool}}, {{side}} {{service}}"

_SIGNALS = Row(
    "Signals",
    (
        stat(
            "Tool calls",
            "Calls of tools by agents, per second.",
            f"sum({TOOL_CALLS}{{{_PICKED}}})",
            Unit.PER_SECOND,
        ),
        alert_stat(
            alerts.TOOLS_FAILING,
            "Failing tool calls",
            "Of the worst pair of agent and tool, the part that fails. Agents mend wrong arguments themselves.",
            f"{TOOL_ERRORS}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.SLOW_TOOLS,
            "Time of a tool call",
            "Of the slowest pair of agent and tool, the time in which 95 % of its calls end.",
            f"{TOOL_P95}{{{_PICKED}}}",
        ),
        stat(
            "MCP operations",
            "Operations per second, as clients count them and as servers do.",
            f"sum({MCP}{{{_MCP}}})",
            Unit.PER_SECOND,
        ),
        alert_stat(
            protocols.MCP_FAILING,
            "Failing MCP operations",
            "Of the worst operation, the part that fails, over half an hour.",
            f"{MCP_ERRORS}{{{_MCP}}}",
        ),
        alert_stat(
            protocols.SLOW_MCP,
            "Time of an MCP operation",
            "Of the slowest operation, the time in which 95 % end.",
            f"{MCP_P95}{{{_MCP}}}",
        ),
    ),
)
_TOOLS = Row(
    "Tools",
    (
        stacked(
            "Calls by tool",
            "Calls per second of the ten most used tools. A tool that rises alone is an agent in a loop.",
            f"topk(10, sum by (tool) ({TOOL_CALLS}{{{_PICKED}}}))",
            "{{tool}}",
        ),
        alert_time_series(
            alerts.TOOLS_FAILING,
            "Failing calls by tool and agent",
            "The part that fails, over half an hour; the ten worst. One agent alone calls it wrong, all: it is down.",
            f"{TOOL_ERRORS}{{{_PICKED}}}",
            "{{tool}}, {{agent}}",
        ),
        alert_time_series(
            alerts.SLOW_TOOLS,
            "Time of a call by tool and agent",
            "In which 95 % end, of the ten slowest; and half of all, with single calls: a click leads to the trace.",
            f"{TOOL_P95}{{{_PICKED}}}",
            "{{tool}}, {{agent}}",
            median(
                ("gen_ai_execute_tool_duration_seconds", _PUSHED),
                (OPERATION, f'{_PUSHED}, gen_ai_operation_name="execute_tool"'),
            ),
        ),
        table(
            "Tools by failures",
            "Failing calls within half an hour, by tool and agent, and all calls that they are of.",
            _CALLER,
            outcomes(TOOL_CALLS, _PICKED, _BY_CALLER, "Calls"),
            Unit.NONE,
            AGENTS,
            width=16,
        ),
        stacked(
            "Errors by type",
            "Failing calls per second, by what the agent was told; the ten most frequent.",
            f'topk(10, sum by (tool, error_type) ({TOOL_CALLS}{{error_type!="", {_PICKED}}}))',
            "{{tool}}, {{error_type}}",
        ),
    ),
)
_MCP_ROW = Row(
    "MCP",
    (
        stacked(
            "Operations by method",
            "Operations per second, by side. A client without a server at its side asks somebody else's.",
            f"topk(10, sum by (side, method) ({MCP}{{{_MCP}}}))",
            "{{method}}, {{side}}",
        ),
        alert_time_series(
            protocols.MCP_FAILING,
            "Failing operations",
            "The part that fails, over half an hour; the ten worst. Only at clients: the way to the server is broken.",
            f"{MCP_ERRORS}{{{_MCP}}}",
            _WHAT,
        ),
        alert_time_series(
            protocols.SLOW_MCP,
            "Time of an operation",
            "In which 95 % end, of the ten slowest; and half of all of clients, with traces.",
            f"{MCP_P95}{{{_MCP}}}",
            _WHAT,
            median(
                ("mcp_client_operation_duration_seconds", _PUSHED),
                ("mcp_server_operation_duration_seconds", _PUSHED),
            ),
        ),
        table(
            "Operations by failures",
            "Failing operations within half an hour, and all operations that they are of.",
            _OPERATION,
            outcomes(MCP, _MCP, _BY_OPERATION, "Operations"),
            Unit.NONE,
            AGENTS,
            width=16,
        ),
        stacked(
            "MCP errors by type",
            "Failing operations per second, by type of error; the ten most frequent.",
            f'topk(10, sum by (method, error_type) ({MCP}{{error_type!="", {_MCP}}}))',
            "{{method}}, {{error_type}}",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=AGENTS_TOOLS,
    title="Agents: tools and MCP",
    description="The tools that agents call and the MCP servers behind them: which fail, which are slow, and for whom.",
    tags=("agents",),
    variables=variables(TOOL_CALLS, "cluster", "namespace", "service", "agent", "tool"),
    related=(
        AGENTS,
        AGENTS_LLM,
        AGENTS_A2A,
        AGENTS_QUALITY,
        LOGS,
        ALERTS,
    ),
    annotations=(alerts_of("agents"), rollouts(chosen("cluster", "namespace"))),
    rows=(_SIGNALS, _TOOLS, _MCP_ROW),
)
