"""Agents at a glance: do they do their work, how fast, and what does it cost."""

from __future__ import annotations

from dashboards.agents_panels import (
    PUSHED,
    alert_stat,
    alert_time_series,
    chosen,
    median,
    stacked,
    stat,
    table,
    variables,
)
from dashboards.annotations import alerts_of, rollouts
from dashboards.model import Dashboard, Row
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
    "Do they work?",
    (
        stat(
            "Agents at work",
            "Agents that have asked a model within five minutes.",
            f"count(sum by ({', '.join(_AGENT)}) ({REQUESTS}{{{_PICKED}}}) > 0) or vector(0)",
        ),
        alert_stat(
            alerts.RUNS_FAILING,
            "Failing runs",
            "Of the agent that fails most, the part of its runs within half an hour.",
            f"{RUN_ERRORS}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.SLOW_RUNS,
            "Time of a run",
            "Of the slowest agent, the time in which 95 % of its runs end.",
            f"{RUN_P95}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.REQUESTS_FAILING,
            "Failing requests to models",
            "Of the worst pair of agent and model, the part that fails. Where it is high, runs follow.",
            f"{REQUEST_ERRORS}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.TOOLS_FAILING,
            "Failing tool calls",
            "Of the worst pair of agent and tool, the part that fails. Agents mend some of it themselves.",
            f"{TOOL_ERRORS}{{{_PICKED}}}",
        ),
        stat(
            "Spent in 24 hours",
            "By all agents of the chosen clusters, whichever others are chosen: this is what a budget is held against.",
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
            "Runs that end, per second. A fall is fewer users, or an agent whose runs no longer end.",
            f"topk(10, sum by (service, agent) ({RUNS}{{{_PICKED}}}))",
            "{{service}}/{{agent}}",
        ),
        alert_time_series(
            alerts.RUNS_FAILING,
            "Failing runs by agent",
            "The part of an agent's runs that fail, over half an hour; the ten worst.",
            f"{RUN_ERRORS}{{{_PICKED}}}",
            "{{service}}/{{agent}}",
        ),
        alert_time_series(
            alerts.SLOW_RUNS,
            "Time of a run by agent",
            "In which 95 % end, of the ten slowest; and half of all, with single runs: a click leads to the trace.",
            f"{RUN_P95}{{{_PICKED}}}",
            "{{service}}/{{agent}}",
            median(
                ("gen_ai_invoke_agent_duration_seconds", PUSHED),
                (OPERATION, f'{PUSHED}, gen_ai_operation_name="invoke_agent"'),
            ),
        ),
    ),
)
_WHO = Row(
    "Whose?",
    (
        table(
            "Agents that fail",
            "Parts of half an hour's runs, requests to models and tool calls, the agents whose runs fail most first.",
            _AGENT,
            {"Runs": _worst(RUN_ERRORS), "Requests": _worst(REQUEST_ERRORS), "Tools": _worst(TOOL_ERRORS)},
            Unit.RATIO,
            AGENTS_QUALITY,
        ),
        table(
            "Agents that are slow",
            "Times in which 95 % end. What makes a run long is its model or its tools, or their number.",
            _AGENT,
            {"Run": _worst(RUN_P95), "Request": _worst(REQUEST_P95), "Tool": _worst(TOOL_P95)},
            Unit.SECONDS,
            AGENTS_LLM,
        ),
    ),
)
_SPENDING = Row(
    "What do they use?",
    (
        stacked(
            "Requests by model",
            "Requests to models, per second; the ten most used.",
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
            "Cost by agent",
            "USD an hour at the present pace, of the ten dearest. Models without a price are missing.",
            f"topk(10, sum by (service, agent) ({COST}{{{_PICKED}}})) * 3600",
            "{{service}}/{{agent}}",
            Unit.CURRENCY,
        ),
        table(
            "Busiest agents",
            "Runs within the last half hour, and requests to models that they took.",
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
    description="Whether agents do their work, how fast, and what it costs.",
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
    annotations=(alerts_of("agents"), rollouts(chosen("cluster", "namespace"))),
    rows=(_SIGNALS, _RUNS, _WHO, _SPENDING),
)
