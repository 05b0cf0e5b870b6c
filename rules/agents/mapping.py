"""Settings of signals that the conventions leave open: under which names agents have them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge, Len
from pydantic import model_validator

from model.settings import LabelName, Many, MetricName, Model, Spelled, misfit

EVALUATIONS, LEFT, OLDEST = (
    "guardrail_evaluations_total",
    "gen_ai_client_rate_limit_left_ratio",
    "gen_ai_agent_oldest_open_seconds",
)
"""The names of docs/agents.md, which are read without an entry: decisions of guardrails, rate limits, open work."""
Decision = Annotated[str, Spelled("[A-Za-z0-9_ -]{1,64}", "a value of the label, of letters, digits, - and _")]


class GuardrailLabels(Model):
    """Labels of decisions; those of docs/agents.md by default."""

    guardrail: LabelName | None = None
    """The name of the guardrail."""
    decision: LabelName | None = None
    """What it decided."""


class GuardrailSource(Model):
    """A counter of messages that guardrails have judged."""

    evaluations: MetricName
    """The counter."""
    labels: GuardrailLabels = GuardrailLabels()
    """Which labels hold what."""
    denied: Annotated[Many[Decision], Len(min_length=1)] = ("deny",)
    """Decisions that stop a message, such as `[BLOCKED, intervened]`."""
    failed: Many[Decision] = ("error",)
    """Decisions for which the guardrail could not judge."""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if both := sorted({*self.denied} & {*self.failed}):
            raise misfit("failed", both[0], "a decision that is not denied as well")
        return self


class RateLimitLabels(Model):
    """Labels of rate limits; those of the conventions by default."""

    provider: LabelName | None = None
    """The provider."""
    model: LabelName | None = None
    """The model."""


class RateLimitSource(Model):
    """What is left of the rate limit of models, as a number of requests or tokens."""

    remaining: MetricName
    """The gauge of what is left."""
    limit: MetricName | None = None
    """The gauge of the limit, with the same labels."""
    maximum: Annotated[int, Ge(1)] | None = None
    """The limit as a number, where no gauge has it."""
    of: Literal["requests", "tokens"] = "requests"
    """What the provider limits."""
    labels: RateLimitLabels = RateLimitLabels()
    """Which labels hold what."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if (self.limit is None) == (self.maximum is None):
            raise ValueError("limit or maximum, not both")
        return self


class OpenWorkLabels(Model):
    """Labels of open work; those of docs/agents.md by default."""

    agent: LabelName | None = None
    """The agent."""
    state: LabelName | None = None
    """The state of an A2A task."""


class OpenWorkSource(Model):
    """How long the oldest open work of a kind has not proceeded."""

    oldest: MetricName
    """The gauge, in seconds."""
    kind: Literal["run", "approval", "a2a_task"]
    """Kind of the work."""
    labels: OpenWorkLabels = OpenWorkLabels()
    """Which labels hold what."""


class Signals(Model):
    """Metrics for which the conventions have no names yet. Those of docs/agents.md need no entry."""

    guardrails: Annotated[Many[GuardrailSource], Len(max_length=10)] = ()
    """Decisions of guardrails under names of their own."""
    rate_limits: Annotated[Many[RateLimitSource], Len(max_length=10)] = ()
    """Rate limits of models under names of their own, such as a proxy's."""
    open_work: Annotated[Many[OpenWorkSource], Len(max_length=10)] = ()
    """Open runs, approvals and A2A tasks under names of their own."""

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        given = [(f"guardrails[{at}].evaluations", each.evaluations) for at, each in enumerate(self.guardrails)]
        given += [(f"rateLimits[{at}].remaining", each.remaining) for at, each in enumerate(self.rate_limits)]
        given += [(f"openWork[{at}].oldest", each.oldest) for at, each in enumerate(self.open_work)]
        for position, (path, name) in enumerate(given):
            if name in (EVALUATIONS, LEFT, OLDEST):
                raise misfit(path, name, "another name: this one is read without an entry")
            if name in (earlier for _, earlier in given[:position]):
                raise misfit(path, name, "a metric that no other entry has")
        return self
