"""The tools that agents call, and the MCP servers behind them."""

from __future__ import annotations

from dashboards.agents_panels import (
    PUSHED,
    alert_stat,
    alert_time_series,
    chosen,
    outcomes,
    percentiles,
    stacked,
    table,
    variables,
)
from dashboards.annotations import alerts_of, changes
from dashboards.model import Dashboard, Row, stat
from model.metrics import Unit
from model.uids import ALERTS
from rules.agents import alerts, protocols
from rules.agents.protocols import MCP, MCP_BUCKETS, MCP_ERRORS, MCP_P95
from rules.agents.recordings import OPERATION, TOOL_BUCKETS, TOOL_CALLS, TOOL_ERRORS, TOOL_P95
from rules.agents.uids import AGENTS, AGENTS_A2A, AGENTS_LLM, AGENTS_QUALITY, AGENTS_TOOLS
from rules.logs.uids import LOGS

_PICKED = chosen("cluster", "namespace", "service", "agent", "tool")
# MCP metrics have no agent. Operations such as listing tools have no tool.
_MCP = chosen("cluster", "namespace", "service", "tool")
_CALLER = ("cluster", "namespace", "service", "agent", "tool")
_BY_CALLER = ", ".join(_CALLER)
_OPERATION = ("cluster", "namespace", "service", "side", "tool", "method")
_BY_OPERATION = ", ".join(_OPERATION)
_PUSHED = f'{PUSHED}, gen_ai_tool_name=~"$tool"'
_WHAT = "{{method}} {{tool}}, {{side}} {{service}}"

_SIGNALS = Row(
    "Signals",
    (
        stat(
            "Tool calls",
            "Tool calls per second.",
            f"sum({TOOL_CALLS}{{{_PICKED}}})",
            Unit.PER_SECOND,
        ),
        alert_stat(
            alerts.TOOLS_FAILING,
            "Failing tool calls",
            "Error rate of the worst agent and tool. Agents correct wrong arguments themselves.",
            f"{TOOL_ERRORS}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.SLOW_TOOLS,
            "Tool call duration",
            "95th percentile of the slowest agent and tool. Its traces show where time goes.",
            f"{TOOL_P95}{{{_PICKED}}}",
        ),
        stat(
            "MCP operations",
            "Operations per second, counted by clients and by servers.",
            f"sum({MCP}{{{_MCP}}})",
            Unit.PER_SECOND,
        ),
        alert_stat(
            protocols.MCP_FAILING,
            "Failing MCP operations",
            "Error rate of the worst operation over 30 minutes. Check the MCP server's log.",
            f"{MCP_ERRORS}{{{_MCP}}}",
        ),
        alert_stat(
            protocols.SLOW_MCP,
            "MCP operation duration",
            "95th percentile of the slowest operation. Compare what clients and servers measure.",
            f"{MCP_P95}{{{_MCP}}}",
        ),
    ),
)
_TOOLS = Row(
    "Tools",
    (
        stacked(
            "Calls by tool",
            "Calls per second of the ten busiest tools. If one rises alone, check for a looping agent.",
            f"topk(10, sum by (tool) ({TOOL_CALLS}{{{_PICKED}}}))",
            "{{tool}}",
        ),
        alert_time_series(
            alerts.TOOLS_FAILING,
            "Failing calls by tool and agent",
            "Ten highest error rates over 30 minutes. One agent: wrong calls. All: the tool is down.",
            f"{TOOL_ERRORS}{{{_PICKED}}}",
            "{{tool}}, {{agent}}",
        ),
        alert_time_series(
            alerts.SLOW_TOOLS,
            "Call duration by tool and agent",
            "p95 of the ten slowest; p50 and p99 of all. Click a point to open its trace.",
            f"{TOOL_P95}{{{_PICKED}}}",
            "{{tool}}, {{agent}}",
            *percentiles(
                TOOL_BUCKETS,
                _PICKED,
                ("gen_ai_execute_tool_duration_seconds", _PUSHED),
                (OPERATION, f'{_PUSHED}, gen_ai_operation_name="execute_tool"'),
            ),
        ),
        table(
            "Tools by failures",
            "Failing calls and all calls in 30 minutes by tool and agent.",
            _CALLER,
            outcomes(TOOL_CALLS, _PICKED, _BY_CALLER, "Calls"),
            Unit.NONE,
            AGENTS,
            width=16,
        ),
        stacked(
            "Errors by type",
            "Failing calls per second by the error that the agent got; the ten most frequent.",
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
            "Operations per second by side. A client without a server calls an external one.",
            f"topk(10, sum by (side, method) ({MCP}{{{_MCP}}}))",
            "{{method}}, {{side}}",
        ),
        alert_time_series(
            protocols.MCP_FAILING,
            "Failing operations",
            "Ten highest error rates over 30 minutes. If only clients see errors, check the network.",
            f"{MCP_ERRORS}{{{_MCP}}}",
            _WHAT,
        ),
        alert_time_series(
            protocols.SLOW_MCP,
            "Operation duration",
            "p95 of the ten slowest; p50 and p99 of all. Click a point to open its trace.",
            f"{MCP_P95}{{{_MCP}}}",
            _WHAT,
            *percentiles(
                MCP_BUCKETS,
                _MCP,
                ("mcp_client_operation_duration_seconds", _PUSHED),
                ("mcp_server_operation_duration_seconds", _PUSHED),
            ),
        ),
        table(
            "Operations by failures",
            "Failing operations and all operations in 30 minutes.",
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
    description="Tools that agents call and MCP servers: traffic, errors and latency.",
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
    annotations=(alerts_of("agents"), *changes(chosen("cluster", "namespace"))),
    rows=(_SIGNALS, _TOOLS, _MCP_ROW),
)
