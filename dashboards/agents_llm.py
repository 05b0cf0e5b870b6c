"""What agents ask of models: rate, errors, latency, tokens, and what they cost."""

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
    where_set,
)
from dashboards.annotations import alerts_of, rollouts
from dashboards.model import Dashboard, Panel, Query, Row
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS
from rules.agents import alerts
from rules.agents.cost import COST, UNPRICED
from rules.agents.promql import counted, failing
from rules.agents.recordings import (
    CACHED_TOKENS,
    FIRST_TOKEN,
    INFERENCE,
    OPERATION,
    PER_TOKEN,
    REQUEST_DURATIONS,
    REQUEST_ERRORS,
    REQUEST_P95,
    REQUESTS,
    TOKENS,
    TPOT_P95,
    TTFT_P95,
)
from rules.agents.uids import AGENTS, AGENTS_LLM, AGENTS_QUALITY, AGENTS_TOOLS
from rules.logs.uids import LOGS

_PICKED = chosen("cluster", "namespace", "service", "agent", "model")
# Alerts about a model are about all who ask it.
_MODELS = chosen("cluster", "model")
_CLUSTER = chosen("cluster")
# Of a library that does not say what it asked for, the model of the answer: that is in recordings alone.
_PUSHED = f'{PUSHED}, gen_ai_request_model=~"$model", {INFERENCE}'
_WHO = "{{agent}}, {{model}}"
_ASKER = ("cluster", "namespace", "service", "agent", "model")
_BY_ASKER = ", ".join(_ASKER)
_INPUT = f'{TOKENS}{{direction="input", {_PICKED}}}'

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
            "Of the worst pair of agent and model, the part that fails, over half an hour.",
            f"{REQUEST_ERRORS}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.SLOW_MODEL,
            "Time of an answer",
            "Of the slowest pair of agent and model, the time in which 95 % of its requests end.",
            f"{REQUEST_P95}{{{_PICKED}}}",
        ),
        alert_stat(
            alerts.SLOW_FIRST_TOKEN,
            "Time to first token",
            "Of the slowest pair of agent and model: how long people see nothing, in 95 % of its requests.",
            f"{TTFT_P95}{{{_PICKED}}}",
        ),
        stat("Tokens", "Tokens per second, read and written.", f"sum({TOKENS}{{{_PICKED}}})", Unit.PER_SECOND),
        stat(
            "Cost",
            "USD an hour at the present pace. Models without a price are missing.",
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
            "Requests per second, failing ones included; the ten most used models.",
            f"topk(10, sum by (provider, model) ({REQUESTS}{{{_PICKED}}}))",
            "{{provider}}, {{model}}",
        ),
        alert_time_series(
            alerts.REQUESTS_FAILING,
            "Failing requests by agent and model",
            "The part that fails, over half an hour; the ten worst. If a model fails all, it is not the agents.",
            f"{REQUEST_ERRORS}{{{_PICKED}}}",
            _WHO,
        ),
        stacked(
            "Errors by type",
            "Failing requests per second, by what the client was told; the ten most frequent.",
            f'topk(10, sum by (error_type, model) ({REQUESTS}{{error_type!="", {_PICKED}}}))',
            "{{error_type}}, {{model}}",
        ),
        alert_time_series(
            alerts.RATE_LIMITED,
            "Refused for their rate",
            "The part of all agents' requests to a model that its provider refuses because there are too many.",
            narrowed(failing(REQUESTS, alerts.PROVIDER_MODEL, alerts.LIMITED), _MODELS),
            "{{provider}}, {{model}}",
            width=12,
        ),
        alert_time_series(
            alerts.UNAVAILABLE,
            "Failures within ten minutes",
            "Failing requests of all agents, by model. The line counts where none succeeds: then the model is gone.",
            narrowed(alerts.UNAVAILABLE.value, _MODELS),
            "{{provider}}, {{model}}",
            width=12,
        ),
    ),
)
_LATENCY = Row(
    "Latency",
    (
        alert_time_series(
            alerts.SLOW_MODEL,
            "Time of an answer by agent and model",
            "In which 95 % end, of the ten slowest; and half of all, with single requests: a click leads to the trace.",
            f"{REQUEST_P95}{{{_PICKED}}}",
            _WHO,
            median(*((name, _PUSHED) for name in (*REQUEST_DURATIONS[:1], OPERATION))),
        ),
        alert_time_series(
            alerts.SLOW_FIRST_TOKEN,
            "Time to first token by agent and model",
            "In which 95 % begin, and half of all, with traces. Long prompts raise it, and a provider that is busy.",
            f"{TTFT_P95}{{{_PICKED}}}",
            _WHO,
            median(*((name, _PUSHED) for name in FIRST_TOKEN)),
        ),
        Panel(
            title="Time per token by model",
            description="After the first, in 95 % of answers: how fast a model writes. Clients may count chunks.",
            queries=(
                Query(expr=f"topk(10, {TPOT_P95}{{{_PICKED}}})", legend=_WHO),
                median(*((name, _PUSHED) for name in PER_TOKEN)),
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
            "Tokens per second that models read (input) and write (output). Output is the dearer one, and the slower.",
            f"sum by (direction) ({TOKENS}{{{_PICKED}}})",
            "{{direction}}",
        ),
        stacked(
            "Cost by model",
            "USD an hour at the present pace, of the ten dearest models.",
            f"topk(10, sum by (model) ({COST}{{{_PICKED}}})) * 3600",
            "{{model}}",
            Unit.CURRENCY,
        ),
        Panel(
            title="Input from the cache",
            description=(
                "The part of the tokens that a model reads which its provider had cached, and sells for less. A fall is"
                " a prompt whose beginning changes each time."
            ),
            queries=(
                Query(
                    expr=f"topk(10, sum by (model) ({CACHED_TOKENS}{{{_PICKED}}}) / (sum by (model) ({_INPUT}) > 0))",
                    legend="{{model}}",
                ),
            ),
            unit=Unit.RATIO,
        ),
        Panel(
            title="Tokens per request",
            description=(
                "Read and written, over an hour; the ten largest. Growth is a history that is never cut; what is three"
                " times the day before is an alert."
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
        table(
            "Dearest agents and models",
            "USD an hour, averaged over the last half hour.",
            _ASKER,
            {"An hour": f"{counted(f'{COST}{{{_PICKED}}}', _BY_ASKER)} * 2"},
            Unit.CURRENCY,
            AGENTS_QUALITY,
            width=8,
        ),
        alert_time_series(
            UNPRICED,
            "Tokens without a price",
            "Within an hour, of all agents, by model; the ten most. Costs and budgets do not know them.",
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
            "Of a day's budget, within an hour",
            "What all agents of a cluster spent within the last hour. At 1/24 a day's budget lasts the day.",
            _CLUSTER,
            "{{cluster}}",
            8,
        ),
        where_set(
            "AgentDailyBudgetSpent",
            "Of a day's budget, within 24 hours",
            "What all agents of a cluster spent within the last 24 hours, whatever the hour; 1 is all of it.",
            _CLUSTER,
            "{{cluster}}",
            8,
        ),
        where_set(
            "AgentMonthlyBudgetSpent",
            "Of a month's budget, within 30 days",
            "What all agents of a cluster spent within the last 30 days; 1 is all of it.",
            _CLUSTER,
            "{{cluster}}",
            8,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=AGENTS_LLM,
    title="Agents: models",
    description="What agents ask of models: how much, how fast, what fails, and what it costs.",
    tags=("agents",),
    variables=variables(REQUESTS, "cluster", "namespace", "service", "agent", "model"),
    related=(AGENTS, AGENTS_TOOLS, AGENTS_QUALITY, LOGS, ALERTS),
    annotations=(alerts_of("agents"), rollouts(chosen("cluster", "namespace"))),
    rows=(_SIGNALS, _REQUESTS, _LATENCY, _TOKENS, _BUDGET),
)
