"""How well agents work: what succeeds, what stops them, what goes in circles, and which objectives hold."""

from __future__ import annotations

from dashboards.agents_panels import alert_stat, alert_time_series, chosen, stacked, stat, table, variables, where_set
from dashboards.annotations import alerts_of, rollouts
from dashboards.model import Dashboard, Panel, Query, Row
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS, SLOS
from rules.agents import alerts
from rules.agents.cost import COST_PER_RUN
from rules.agents.promql import PLACE, counted, failing, p95
from rules.agents.recordings import CALLS_BUCKETS, CALLS_PER_RUN, REQUESTS, RUN_ERRORS, RUNS
from rules.agents.uids import AGENTS, AGENTS_LLM, AGENTS_QUALITY, AGENTS_TOOLS
from rules.logs.uids import LOGS

_PICKED = chosen("cluster", "namespace", "service", "agent")
# What is recorded by service, because requests do not always say which agent asks.
_SERVICES = chosen("cluster", "namespace", "service")
_CLUSTER = chosen("cluster")
_AGENT = ("cluster", "namespace", "service", "agent")
_BY_AGENT = ", ".join(_AGENT)
_NAME = "{{service}}/{{agent}}"
# As providers and guardrails call an answer that they withhold; the conventions leave it to them.
_WITHHELD = 'error_type=~"(?i).*(moderation|guard.?rail|content.?filter|content.?policy|safety|blocked|refus).*"'
_ALL_RUNS = counted(f"{RUNS}{{{_PICKED}}}", "cluster")
_GOOD_RUNS = counted(f'{RUNS}{{error_type="", {_PICKED}}}', "cluster")

_SIGNALS = Row(
    "How good is the work?",
    (
        stat(
            "Runs that succeed",
            "Of all runs within half an hour; of several clusters, the worst.",
            f"min(({_GOOD_RUNS} or {_ALL_RUNS} * 0) / ({_ALL_RUNS} > 0))",
            Unit.RATIO,
        ),
        alert_stat(
            alerts.RUNS_FAILING,
            "Failing runs",
            "Of the agent that fails most, the part of its runs within half an hour.",
            f"{RUN_ERRORS}{{{_PICKED}}}",
        ),
        stat(
            "Calls per run",
            "Calls of a model per run that ends, of the service with the most. Above the line agents go in circles.",
            f"max({CALLS_PER_RUN}{{{_SERVICES}}})",
            alert="AgentCallsPerRunHigh",
        ),
        stat(
            "Withheld answers",
            "Requests within half an hour that a guardrail or a provider's policy stopped.",
            f"sum({counted(f'{REQUESTS}{{{_WITHHELD}, {_PICKED}}}', 'cluster')}) or vector(0)",
        ),
        stat(
            "Runs",
            "Runs that ended within half an hour. Of less than twenty, a single failure is more than an alert allows.",
            f"sum({_ALL_RUNS})",
        ),
        stat(
            "Cost of a run",
            "USD per run that succeeds, over an hour, of the dearest service. It rises as runs fail, too.",
            f"max({COST_PER_RUN}{{{_SERVICES}}})",
            Unit.CURRENCY,
        ),
    ),
)
_FAILURES = Row(
    "What fails?",
    (
        alert_time_series(
            alerts.RUNS_FAILING,
            "Failing runs by agent",
            "The part of an agent's runs that fail, over half an hour; the ten worst.",
            f"{RUN_ERRORS}{{{_PICKED}}}",
            _NAME,
        ),
        stacked(
            "Failing runs by type",
            "Failing runs per second, by type of error: the first thing to ask of an agent that fails.",
            f'topk(10, sum by (error_type) ({RUNS}{{error_type!="", {_PICKED}}}))',
            "{{error_type}}",
        ),
        Panel(
            title="Withheld answers by agent",
            description=(
                "The part of requests to models that a guardrail or a provider's policy stopped. A jump is an attack, a"
                " new prompt, or a rule that is too strict; only errors say so, not answers that decline."
            ),
            queries=(Query(expr=f"topk(10, {narrowed(failing(REQUESTS, PLACE, _WITHHELD), _PICKED)})", legend=_NAME),),
            unit=Unit.RATIO,
        ),
        table(
            "Errors of runs",
            "Runs that failed within half an hour, by agent and type of error.",
            (*_AGENT, "error_type"),
            {"Runs": counted(f'{RUNS}{{error_type!="", {_PICKED}}}', f"{_BY_AGENT}, error_type")},
            Unit.NONE,
            AGENTS_LLM,
            width=24,
        ),
    ),
)
_LOOPS = Row(
    "What goes in circles?",
    (
        where_set(
            "AgentRunsLooping",
            "Runs in circles",
            "Runs within half an hour that called a model more often than a run should. Only those that have ended.",
            _PICKED,
            _NAME,
            8,
        ),
        Panel(
            title="Calls per run by service",
            description=(
                "Calls of a model per run that ends; the ten highest. A run that never ends shows here, and nowhere"
                " else."
            ),
            queries=(
                Query(
                    expr=f"topk(10, {CALLS_PER_RUN}{{{_SERVICES}}})",
                    legend="{{service}}",
                ),
            ),
            alert="AgentCallsPerRunHigh",
        ),
        Panel(
            title="Calls in a long run",
            description="Of each agent, the calls of a model that 95 % of its runs stay below; the ten highest.",
            queries=(
                Query(
                    expr=(f"topk(10, {narrowed(p95(CALLS_BUCKETS, 'service, agent'), _PICKED)})"),
                    legend=_NAME,
                ),
            ),
        ),
    ),
)
_OBJECTIVES = Row(
    "Objectives",
    tuple(
        where_set(
            f"{alert}ErrorBudgetSpent", title, f"{shown} At 1 the objective is broken.", _CLUSTER, "{{cluster}}", 6
        )
        for alert, title, shown in (
            ("AgentRuns", "Budget spent: success", "The part of the runs that may fail within the period which has."),
            (
                "AgentLatency",
                "Budget spent: time",
                "The part of the runs that may be slow within the period which were.",
            ),
            (
                "AgentTools",
                "Budget spent: tools",
                "The part of the tool calls that may fail within the period which has.",
            ),
            (
                "AgentCost",
                "Budget spent: cost",
                "The part of the minutes that may be dear within the period which were.",
            ),
        )
    ),
)

DASHBOARD = Dashboard(
    uid=AGENTS_QUALITY,
    title="Agents: quality",
    description="How well agents work: what succeeds, what stops them, what goes in circles, which objectives hold.",
    tags=("agents",),
    variables=variables(RUNS, "cluster", "namespace", "service", "agent"),
    related=(
        AGENTS,
        AGENTS_LLM,
        AGENTS_TOOLS,
        SLOS,
        LOGS,
        ALERTS,
    ),
    annotations=(alerts_of("agents"), rollouts(chosen("cluster", "namespace"))),
    rows=(_SIGNALS, _FAILURES, _LOOPS, _OBJECTIVES),
)
