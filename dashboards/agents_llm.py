"""Requests of agents to models: rate, errors, latency, tokens, cost."""

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
    where_set,
)
from dashboards.annotations import alerts_of, changes
from dashboards.model import Dashboard, Panel, Query, Row, stat
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS
from rules.agents import alerts, signals
from rules.agents.attribution import REQUESTS as REQUESTS_USED
from rules.agents.attribution import TOKENS as TOKENS_USED
from rules.agents.attribution import USD as USD_USED
from rules.agents.attribution import USE
from rules.agents.cost import COST, UNPRICED
from rules.agents.promql import counted, failing
from rules.agents.recordings import (
    CACHED_TOKENS,
    FIRST_TOKEN,
    INFERENCE,
    OPERATION,
    PER_TOKEN,
    REASONING_TOKENS,
    REQUEST_BUCKETS,
    REQUEST_DURATIONS,
    REQUEST_ERRORS,
    REQUEST_P95,
    REQUESTS,
    TOKENS,
    TPOT_BUCKETS,
    TPOT_P95,
    TTFT_BUCKETS,
    TTFT_P95,
)
from rules.agents.uids import AGENTS, AGENTS_LLM, AGENTS_QUALITY, AGENTS_TOOLS
from rules.logs.uids import LOGS

_PICKED = chosen("cluster", "namespace", "service", "agent", "model")
# Alerts on a model cover all agents that use it.
_MODELS = chosen("cluster", "model")
_CLUSTER = chosen("cluster")
# Some libraries do not report the requested model. Recording rules then use the model of the answer, this query cannot.
_PUSHED = f'{PUSHED}, gen_ai_request_model=~"$model", {INFERENCE}'
_WHO = "{{agent}}, {{model}}"
_ASKER = ("cluster", "namespace", "service", "agent", "model")
_BY_ASKER = ", ".join(_ASKER)
_INPUT, _OUTPUT = (f'{TOKENS}{{direction="{way}", {_PICKED}}}' for way in ("input", "output"))


def _by_value(measure: str, title: str, description: str, times: int = 1, unit: Unit = Unit.PER_SECOND) -> Panel:
    use = f'topk by (dimension) (5, sum by (dimension, value) ({USE}{{measure="{measure}", {_CLUSTER}}}))'
    return Panel(
        title=title,
        description=description,
        queries=(
            Query(expr=f"{use} * {times}" if times > 1 else use, legend="{{dimension}} {{value}}", optional=True),
        ),
        unit=unit,
        unmeasured="not measured",
    )


_SIGNALS = Row(
    "Signals",
    (
        stat(
            "Requests",
            "Requests to models, per second.",
            f"sum({REQUESTS}{{{_PICKED}}})",
            Unit.PER_SECOND,
        ),
        alert_stat(
            alerts.REQUESTS_FAILING,
            "Failing requests",
            "Failing requests of the worst agent and model over 30 minutes. If all agents fail, ask its provider.",
            f"{REQUEST_ERRORS}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.SLOW_MODEL,
            "Response time",
            "95th percentile of the slowest agent and model. If all agents of it are slow, ask its provider.",
            f"{REQUEST_P95}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.SLOW_FIRST_TOKEN,
            "Time to first token",
            "95th percentile of the slowest agent and model: how long users see nothing.",
            f"{TTFT_P95}{{{_PICKED}}}",
        ),
        stat("Tokens", "Tokens per second, read and written.", f"sum({TOKENS}{{{_PICKED}}})", Unit.PER_SECOND),
        stat(
            "Cost per hour",
            "USD per hour at the current rate. Models without a price are left out.",
            f"sum({COST}{{{_PICKED}}}) * 3600",
            Unit.CURRENCY,
        ),
    ),
)
_REQUESTS = Row(
    "Requests and errors",
    (
        stacked(
            "Requests by model",
            "Requests per second of the ten busiest models, errors included.",
            f"topk(10, sum by (provider, model) ({REQUESTS}{{{_PICKED}}}))",
            "{{provider}}, {{model}}",
        ),
        alert_time_series(
            alerts.REQUESTS_FAILING,
            "Failing requests by agent and model",
            "Ten highest error rates over 30 minutes. If all agents of a model fail, check the model.",
            f"{REQUEST_ERRORS}{{{_PICKED}}}",
            _WHO,
        ),
        stacked(
            "Errors by type",
            "Failing requests per second by the error that the client got; the ten most frequent.",
            f'topk(10, sum by (error_type, model) ({REQUESTS}{{error_type!="", {_PICKED}}}))',
            "{{error_type}}, {{model}}",
        ),
        alert_time_series(
            alerts.RATE_LIMITED,
            "Rate-limited requests",
            "Share of all requests to a model that its provider rejects with a rate limit. Spread or raise it.",
            narrowed(failing(REQUESTS, alerts.PROVIDER_MODEL, alerts.LIMITED), _MODELS),
            "{{provider}}, {{model}}",
            width=12,
        ),
        alert_time_series(
            alerts.UNAVAILABLE,
            "Failures in 10 minutes",
            "Failing requests of all agents by model. Above the line with no success, the model is down.",
            narrowed(alerts.UNAVAILABLE.value, _MODELS),
            "{{provider}}, {{model}}",
            width=12,
        ),
        where_set(
            signals.NEARLY_LIMITED.name,
            "Rate limit left",
            "Share of the limit of requests or tokens that is left. At 0 the provider refuses requests.",
            _MODELS,
            "{{service}}, {{model}}, {{resource}}",
            24,
        ),
    ),
)
_LATENCY = Row(
    "Latency",
    (
        alert_time_series(
            alerts.SLOW_MODEL,
            "Response time by agent and model",
            "p95 of the ten slowest; p50 and p99 of all. Click a point to open its trace.",
            f"{REQUEST_P95}{{{_PICKED}}}",
            _WHO,
            *percentiles(REQUEST_BUCKETS, _PICKED, *((name, _PUSHED) for name in (*REQUEST_DURATIONS[:1], OPERATION))),
        ),
        alert_time_series(
            alerts.SLOW_FIRST_TOKEN,
            "Time to first token by agent and model",
            "p95 of the ten slowest; p50 and p99 of all. Long prompts and a busy provider raise it.",
            f"{TTFT_P95}{{{_PICKED}}}",
            _WHO,
            *percentiles(TTFT_BUCKETS, _PICKED, *((name, _PUSHED) for name in FIRST_TOKEN)),
        ),
        Panel(
            title="Time per token by model",
            description="After the first: p95 of the ten slowest; p50 and p99 of all. Some clients count chunks.",
            queries=(
                Query(expr=f"topk(10, {TPOT_P95}{{{_PICKED}}})", legend=_WHO),
                *percentiles(TPOT_BUCKETS, _PICKED, *((name, _PUSHED) for name in PER_TOKEN)),
            ),
            unit=Unit.SECONDS,
        ),
    ),
)
_TOKENS = Row(
    "Tokens and cost",
    (
        stacked(
            "Tokens by direction",
            "Tokens per second that models read (input) and write (output). Output costs more and is slower.",
            f"sum by (direction) ({TOKENS}{{{_PICKED}}})",
            "{{direction}}",
            width=6,
        ),
        stacked(
            "Cost per hour by model",
            "USD per hour of the ten most expensive models, at the current rate.",
            f"topk(10, sum by (model) ({COST}{{{_PICKED}}})) * 3600",
            "{{model}}",
            Unit.CURRENCY,
            width=6,
        ),
        Panel(
            title="Cached input tokens",
            description=(
                "Share of input tokens that the provider had cached and sells for less. If it falls, check for a "
                "prompt whose start changes each time."
            ),
            queries=(
                Query(
                    expr=f"topk(10, sum by (model) ({CACHED_TOKENS}{{{_PICKED}}}) / (sum by (model) ({_INPUT}) > 0))",
                    legend="{{model}}",
                ),
            ),
            unit=Unit.RATIO,
            width=6,
            unmeasured="not measured",
        ),
        Panel(
            title="Reasoning tokens",
            description="Share of output tokens that users never see. They are paid, and delay the answer.",
            queries=(
                Query(
                    expr=(
                        f"topk(10, sum by (model) ({REASONING_TOKENS}{{{_PICKED}}}) / (sum by (model) ({_OUTPUT}) > 0))"
                    ),
                    legend="{{model}}",
                ),
            ),
            unit=Unit.RATIO,
            width=6,
            unmeasured="not measured",
        ),
        table(
            "Most expensive agents and models",
            "USD per hour, mean of the last 30 minutes.",
            _ASKER,
            {"Per hour": f"{counted(f'{COST}{{{_PICKED}}}', _BY_ASKER)} * 2"},
            Unit.CURRENCY,
            AGENTS_QUALITY,
            width=24,
        ),
        Panel(
            title="Tokens per request",
            description=(
                "Input and output over an hour; the ten largest. If it grows, check for a history that is never "
                "cut. An alert fires at three times the day before."
            ),
            queries=(
                Query(
                    expr=(
                        f"topk(10, {counted(f'{TOKENS}{{{_PICKED}}}', 'service, model', alerts.HOUR)}"
                        f" / ({counted(f'{REQUESTS}{{{_PICKED}}}', 'service, model', alerts.HOUR)} > 0))"
                    ),
                    legend="{{service}}, {{model}}",
                ),
            ),
        ),
        alert_time_series(
            UNPRICED,
            "Tokens without a price",
            "Tokens of all agents in an hour by model; the ten most. Costs and budgets leave them out.",
            narrowed(f"({UNPRICED.value} or {counted(TOKENS, alerts.PROVIDER_MODEL, alerts.HOUR)} * 0)", _MODELS),
            "{{provider}}, {{model}}",
        ),
    ),
)
_BUDGET = Row(
    "Budget",
    (
        where_set(
            "AgentBudgetBurnsFast",
            "Daily budget spent in 1 hour",
            "Share that all agents of a cluster spent in the last hour. At 1/24 it lasts the day.",
            _CLUSTER,
            "{{cluster}}",
            8,
        ),
        where_set(
            "AgentDailyBudgetSpent",
            "Daily budget spent in 24 hours",
            "Share that all agents of a cluster spent in the last 24 hours; 1 is all of it.",
            _CLUSTER,
            "{{cluster}}",
            8,
        ),
        where_set(
            "AgentMonthlyBudgetBurnsFast",
            "Monthly budget at this pace",
            "Share that 30 days like the last three would cost. Above 1, find the agent that grew.",
            _CLUSTER,
            "{{cluster}}",
            8,
        ),
        where_set(
            "AgentMonthlyBudgetSpent",
            "Monthly budget spent in 30 days",
            "Share that all agents of a cluster spent in the last 30 days; 1 is all of it.",
            _CLUSTER,
            "{{cluster}}",
            8,
        ),
    ),
)
_ATTRIBUTION = Row(
    "By team, tenant, feature and prompt version",
    (
        _by_value(TOKENS_USED, "Tokens by value", "Tokens per second; of each dimension the five with the most."),
        _by_value(
            USD_USED,
            "Cost per hour by value",
            "USD per hour; of each dimension the five most expensive.",
            3600,
            unit=Unit.CURRENCY,
        ),
        _by_value(
            REQUESTS_USED,
            "Requests by value",
            "Requests per second that have a span; of each dimension the five with the most.",
        ),
        where_set(
            "AgentAttributedBudgetSpent",
            "Budgets used",
            "Share of each budget of the last 24 hours and 30 days; 1 is all of it.",
            _CLUSTER,
            "{{dimension}} {{value}}, {{measure}} of the {{period}}",
            24,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=AGENTS_LLM,
    title="Agents: models",
    description="Requests of agents to models: traffic, latency, errors, tokens and cost.",
    tags=("agents",),
    variables=variables(REQUESTS, "cluster", "namespace", "service", "agent", "model"),
    related=(AGENTS, AGENTS_TOOLS, AGENTS_QUALITY, LOGS, ALERTS),
    annotations=(alerts_of("agents"), *changes(chosen("cluster", "namespace"))),
    rows=(_SIGNALS, _REQUESTS, _LATENCY, _TOKENS, _BUDGET, _ATTRIBUTION),
)
