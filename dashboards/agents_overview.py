"""Agents at a glance: runs, errors, latency and cost."""

from __future__ import annotations

from dashboards.agents_panels import (
    PUSHED,
    alert_stat,
    alert_time_series,
    chosen,
    percentiles,
    stacked,
    table,
    variables,
)
from dashboards.annotations import alerts_of, changes
from dashboards.model import Dashboard, Row, stat
from model.metrics import Unit
from model.uids import ALERTS, HOME
from rules.agents import alerts
from rules.agents.cost import COST, SPENT_TODAY
from rules.agents.promql import counted
from rules.agents.recordings import (
    OPERATION,
    REQUEST_ERRORS,
    REQUEST_P95,
    REQUESTS,
    RUN_BUCKETS,
    RUN_ERRORS,
    RUN_P95,
    RUNS,
    TOKENS,
    TOOL_ERRORS,
    TOOL_P95,
)
from rules.agents.uids import AGENTS, AGENTS_A2A, AGENTS_LLM, AGENTS_QUALITY, AGENTS_TOOLS
from rules.logs.uids import LOGS

_PICKED = chosen("cluster", "namespace", "service", "agent")
_AGENT = ("cluster", "namespace", "service", "agent")


def _worst(series: str) -> str:
    return f"max by ({', '.join(_AGENT)}) ({series}{{{_PICKED}}})"


_SIGNALS = Row(
    "Health",
    (
        stat(
            "Active agents",
            "Agents that called a model in the last 5 minutes.",
            f"count(sum by ({', '.join(_AGENT)}) ({REQUESTS}{{{_PICKED}}}) > 0) or vector(0)",
        ),
        alert_stat(
            alerts.RUNS_FAILING,
            "Failing runs",
            "Failing runs of the worst agent over 30 minutes. Check whether its model or a tool fails.",
            f"{RUN_ERRORS}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.SLOW_RUNS,
            "Run duration",
            "95th percentile of the slowest agent. Compare its model's and tools' times.",
            f"{RUN_P95}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.REQUESTS_FAILING,
            "Failing requests to models",
            "Error rate of the worst agent and model. If it is high, runs fail next.",
            f"{REQUEST_ERRORS}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.TOOLS_FAILING,
            "Failing tool calls",
            "Error rate of the worst agent and tool. Agents retry some calls themselves.",
            f"{TOOL_ERRORS}{{{_PICKED}}}",
        ),
        stat(
            "Cost in 24 hours",
            "USD of all agents of the chosen clusters; other variables are ignored. Budgets compare with it.",
            f'sum({SPENT_TODAY}{{cluster=~"$cluster"}})',
            Unit.CURRENCY,
        ),
    ),
)
_RUNS = Row(
    "Runs",
    (
        stacked(
            "Runs by agent",
            "Finished runs per second. If it falls, there are fewer users or runs hang.",
            f"topk(10, sum by (service, agent) ({RUNS}{{{_PICKED}}}))",
            "{{service}}/{{agent}}",
        ),
        alert_time_series(
            alerts.RUNS_FAILING,
            "Failing runs by agent",
            "Share of failing runs over 30 minutes; the ten worst agents.",
            f"{RUN_ERRORS}{{{_PICKED}}}",
            "{{service}}/{{agent}}",
        ),
        alert_time_series(
            alerts.SLOW_RUNS,
            "Run duration by agent",
            "p95 of the ten slowest; p50 and p99 of all. Click a point to open its trace.",
            f"{RUN_P95}{{{_PICKED}}}",
            "{{service}}/{{agent}}",
            *percentiles(
                RUN_BUCKETS,
                _PICKED,
                ("gen_ai_invoke_agent_duration_seconds", PUSHED),
                (OPERATION, f'{PUSHED}, gen_ai_operation_name="invoke_agent"'),
            ),
        ),
    ),
)
_WHO = Row(
    "By agent",
    (
        table(
            "Agents by failures",
            "Share of failing runs, model requests and tool calls over 30 minutes, worst agent first.",
            _AGENT,
            {"Runs": _worst(RUN_ERRORS), "Requests": _worst(REQUEST_ERRORS), "Tools": _worst(TOOL_ERRORS)},
            Unit.RATIO,
            AGENTS_QUALITY,
            judged_by=(alerts.RUNS_FAILING, alerts.REQUESTS_FAILING, alerts.TOOLS_FAILING),
        ),
        table(
            "Slowest agents",
            "95th percentiles. Slow models, slow tools or many calls make a run long.",
            _AGENT,
            {"Run": _worst(RUN_P95), "Request": _worst(REQUEST_P95), "Tool": _worst(TOOL_P95)},
            Unit.SECONDS,
            AGENTS_LLM,
            judged_by=(alerts.SLOW_RUNS, alerts.SLOW_MODEL, alerts.SLOW_TOOLS),
        ),
    ),
)
_SPENDING = Row(
    "Usage",
    (
        stacked(
            "Requests by model",
            "Requests per second of the ten busiest models.",
            f"topk(10, sum by (model) ({REQUESTS}{{{_PICKED}}}))",
            "{{model}}",
        ),
        stacked(
            "Tokens by direction",
            "Tokens per second that models read (input) and write (output).",
            f"sum by (direction) ({TOKENS}{{{_PICKED}}})",
            "{{direction}}",
        ),
        stacked(
            "Cost per hour by agent",
            "USD per hour of the ten most expensive agents. Models without a price are left out.",
            f"topk(10, sum by (service, agent) ({COST}{{{_PICKED}}})) * 3600",
            "{{service}}/{{agent}}",
            Unit.CURRENCY,
        ),
        table(
            "Busiest agents",
            "Runs in the last 30 minutes, and their requests to models.",
            _AGENT,
            {
                "Runs": counted(f"{RUNS}{{{_PICKED}}}", ", ".join(_AGENT)),
                "Requests": counted(f"{REQUESTS}{{{_PICKED}}}", ", ".join(_AGENT)),
            },
            Unit.NONE,
            AGENTS_QUALITY,
            width=24,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=AGENTS,
    title="Agents: overview",
    description="Agents at a glance: runs, errors, latency and cost.",
    tags=("agents",),
    variables=variables(REQUESTS, "cluster", "namespace", "service", "agent"),
    related=(
        HOME,
        AGENTS_LLM,
        AGENTS_TOOLS,
        AGENTS_A2A,
        AGENTS_QUALITY,
        LOGS,
        ALERTS,
    ),
    annotations=(alerts_of("agents"), *changes(chosen("cluster", "namespace"))),
    rows=(_SIGNALS, _RUNS, _WHO, _SPENDING),
)
