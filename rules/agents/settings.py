"""Settings of the `agents` system."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator, model_validator

from model.objective import Objective
from model.quantities import Duration, Quantity, Unacceptable
from model.rules import decimal
from model.settings import DnsLabel, Many, Model, Spelled, misfit
from rules.agents.mapping import Signals

ModelName = Annotated[
    str,
    Spelled(
        r"[A-Za-z0-9][-A-Za-z0-9._:/@+]{0,199}",
        "the name of a model as agents ask for it, like gpt-4o or anthropic/claude-sonnet-4",
    ),
]

# Upper bound of the last bucket of durations in the older generation. Longer durations cannot be distinguished.
LONGEST_LATENCY = Duration(81_920)


@dataclass(frozen=True, order=True)
class Usd(Quantity):
    """An amount of US dollars, exact: 0.15 in YAML is 0.15."""

    amount: Decimal

    EXPECTED = "an amount of USD like 2.5 or 0"
    PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,9})?$"
    JSON_TYPES = ("string", "number")

    @classmethod
    def parse(cls, raw: object) -> Self:
        text = str(raw)
        if isinstance(raw, float) and "e" in text:  # how Python spells small numbers
            text = decimal(Decimal(text))
        if isinstance(raw, bool) or not isinstance(raw, str | int | float) or not re.fullmatch(cls.PATTERN, text):
            raise ValueError
        return cls(Decimal(text))

    def __str__(self) -> str:
        return decimal(self.amount)


def _more_than_nothing(amount: Usd) -> Usd:
    if not amount.amount:
        raise Unacceptable("more than 0")
    return amount


def _per_million(price: Usd) -> Usd:
    # A smaller number is the price of one token; a larger one is a mistake.
    if price.amount and not Decimal("0.001") <= price.amount <= 10_000:
        raise Unacceptable("USD per million tokens, between 0.001 and 10000, or 0 for a model that costs nothing")
    return price


Spending = Annotated[Usd, AfterValidator(_more_than_nothing)]
PerMillion = Annotated[Usd, AfterValidator(_per_million)]


class Price(Model):
    """What a model costs, in USD per million tokens."""

    input: PerMillion
    """Tokens sent to the model."""
    output: PerMillion
    """Tokens of the answer, reasoning included; 0 for embedding models."""
    cache_read: PerMillion | None = None
    """Sent tokens that the provider had cached; the price of `input` by default."""

    @model_validator(mode="after")
    def _cached_is_cheaper(self) -> Self:
        if self.cache_read is not None and self.cache_read > self.input:
            raise misfit("cacheRead", str(self.cache_read), f"at most input, {self.input}")
        return self


class Budget(Model):
    """Spending limits for models, for all agents together."""

    per_day: Spending
    """USD within any 24 hours."""
    per_month: Spending | None = None
    """USD within any 30 days; 30 times `perDay` by default."""
    currency: Literal["USD"] = "USD"
    """USD, the currency in which instrumentations count costs."""

    @model_validator(mode="after")
    def _a_month_is_more_than_a_day(self) -> Self:
        if self.per_month is not None and self.per_month < self.per_day:
            raise misfit("perMonth", str(self.per_month), f"at least perDay, {self.per_day}")
        return self

    @property
    def day(self) -> Decimal:
        return self.per_day.amount

    @property
    def month(self) -> Decimal:
        return self.per_month.amount if self.per_month else 30 * self.day


VALUES = 50
"""Maximum of values of a dimension. More have no line of their own that anybody reads."""
EACH = "each"
"""Stands for every value without a budget of its own."""

Value = Annotated[
    str,
    Spelled(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", "a name as agents send it, or each for all others"),
]
AttributeName = Annotated[
    str, Spelled(r"[a-z][a-z0-9_]*([.][a-z0-9_]+){0,7}", "the name of an attribute, like team or app.team")
]


DimensionName = Annotated[str, Spelled(r"[a-z][a-z0-9_]{0,31}", "a short name like team or prompt_version")]


class TokenBudget(Model):
    """How many tokens may be used, input and output together."""

    per_day: Annotated[int, Ge(1)]
    """Tokens within any 24 hours."""
    per_month: Annotated[int, Ge(1)] | None = None
    """Tokens within any 30 days; 30 times `perDay` by default."""

    @model_validator(mode="after")
    def _a_month_is_more_than_a_day(self) -> Self:
        if self.per_month is not None and self.per_month < self.per_day:
            raise misfit("perMonth", self.per_month, f"at least perDay, {self.per_day}")
        return self

    @property
    def month(self) -> int:
        return self.per_month or 30 * self.per_day


class UseBudget(Model):
    """What one team, tenant, feature or prompt version may use."""

    tokens: TokenBudget | None = None
    """In tokens."""
    money: Budget | None = None
    """In USD. It needs costs, from instrumentations or from `prices`."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.tokens is None and self.money is None:
            raise ValueError("tokens, money or both")
        return self


class Dimension(Model):
    """One way to attribute tokens and costs."""

    attribute: AttributeName
    """Attribute of the metrics of tokens and costs, of the spans of requests, or of their resource. Dots become
    underscores in Prometheus."""
    budgets: Annotated[dict[Value, UseBudget], Len(max_length=VALUES)] = {}
    """Budgets by value; `each` is that of every value without one of its own."""

    @property
    def label(self) -> str:
        return self.attribute.replace(".", "_")


Attribution = Annotated[dict[DimensionName, Dimension], Len(max_length=6)]


def _within_buckets(limit: Duration) -> Duration:
    if not Duration(0) < limit <= LONGEST_LATENCY:
        raise ValueError(f"a duration of at most {LONGEST_LATENCY}, where the buckets of the conventions end")
    return limit


class RunLatency(Model):
    """A run is good when it ends in time."""

    objective: Objective
    """Percentage of runs, 50 to 99.999."""
    at_most: Annotated[Duration, AfterValidator(_within_buckets)] = Duration.parse("60s")
    """How long a run may take, at most 81.92 s: the older conventions' last bucket ends there."""


class CostPerRun(Model):
    """A minute of a service is good when a successful run costs no more than this."""

    objective: Objective
    """Percentage of minutes, 50 to 99.999."""
    at_most: Spending
    """USD per successful run, over an hour."""


class Objectives(Model):
    """Objectives over 30 days; none by default, since an objective without events raises an alert."""

    availability: Objective | None = None
    """Percentage of agents' runs that must succeed."""
    latency: RunLatency | None = None
    """How fast runs must end."""
    tool_success: Objective | None = None
    """Percentage of tool calls that must succeed."""
    cost_per_run: CostPerRun | None = None
    """What a successful run may cost."""


class AgentsSettings(Model):
    """The `agents` system: any agent that speaks OpenTelemetry's GenAI conventions."""

    namespaces: Many[DnsLabel] = ()
    """Namespaces whose agents are watched; all by default. Metrics without a namespace count as well."""
    budget: Budget | None = None
    """Spending limits; none by default. They need costs, from instrumentations or from `prices`."""
    prices: Annotated[dict[ModelName, Price], Len(max_length=200)] = {}
    """Maps a model, by its requested name, to USD per million tokens: `{input: 2.5, output: 10}`, and `cacheRead`.
    Used where the instrumentation emits no cost. Empty by default, because prices change."""
    attribution: Attribution = {}
    """By what tokens, costs and requests are attributed, such as `team`, `tenant`, `feature` or `prompt_version`; at
    most 6. Of each, at most 50 values are distinguished."""
    records: bool = False
    """Whether agents send log records of tool calls, of MCP servers' tools, and of evaluations (docs/agents.md). Alerts
    on loops of tools, changed tools and falling scores read them."""
    signals: Signals | None = None
    """Decisions of guardrails and rate limits of models, which the conventions leave open, and names of your own for
    these, for approvals and for A2A tasks. `{}` reads the names of docs/agents.md. Off by default."""
    max_inference_calls: Annotated[int, Ge(2), Le(128)] = 32
    """Model calls per run; an agent with more counts as looping. Frameworks stop at 10 to 25 by default."""
    objectives: Objectives = Objectives()
    """Service level objectives of all agents together."""


EXAMPLE = AgentsSettings.model_validate(
    {
        "namespaces": ["agents", "agents-eu"],
        "records": True,
        "signals": {
            "guardrails": [
                {
                    "evaluations": "shop_guard_checks_total",
                    "labels": {"guardrail": "rail", "decision": "outcome"},
                    "denied": ["BLOCKED"],
                    "failed": ["TIMEOUT"],
                },
                {"evaluations": "gateway_guardrail_checks_total", "denied": ["block"]},
            ],
            "rateLimits": [
                {
                    "remaining": "litellm_remaining_requests_metric",
                    "maximum": 10_000,
                    "labels": {"provider": "api_provider", "model": "litellm_model_name"},
                },
                {"remaining": "shop_tokens_left", "limit": "shop_tokens_limit", "of": "tokens"},
            ],
            "openWork": [
                {
                    "oldest": "shop_task_age_seconds",
                    "kind": "a2a_task",
                    "labels": {"agent": "bot", "state": "task_state"},
                }
            ],
        },
        "budget": {"perDay": 50, "perMonth": 1000},
        "prices": {
            "gpt-4o": {"input": 2.5, "output": 10, "cacheRead": 1.25},
            "embed-small": {"input": 0.02, "output": 0},
        },
        "attribution": {
            "team": {
                "attribute": "app.team",
                "budgets": {
                    "payments": {
                        "tokens": {"perDay": 2_000_000, "perMonth": 30_000_000},
                        "money": {"perDay": 20, "perMonth": 300, "currency": "USD"},
                    },
                    "each": {"tokens": {"perDay": 500_000}},
                },
            },
            "tenant": {"attribute": "app.tenant"},
            "feature": {"attribute": "app.feature"},
            "prompt_version": {"attribute": "gen_ai.prompt.version"},
        },
        "objectives": {
            "availability": 99,
            "latency": {"objective": 95, "atMost": "60s"},
            "toolSuccess": 95,
            "costPerRun": {"objective": 90, "atMost": 0.5},
        },
    }
)
