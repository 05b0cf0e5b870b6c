"""What agents spend, from their instrumentation or a table of prices, and alerts on the budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Recording, Severity, decimal
from rules.agents.promql import EVERY, MODEL, counted, of_newest
from rules.agents.recordings import CACHED_TOKENS, INFERENCE, RUNS, SERVICE, TOKENS
from rules.agents.settings import Budget, Price
from rules.agents.uids import AGENTS_LLM
from rules.rates import Scope

# The conventions define no metric of cost. These are OpenLIT's and LiteLLM's own.
EMITTED = ("gen_ai_usage_cost_USD", "gen_ai_client_token_cost_USD")
EMITTED_COST = "agent:emitted_cost:rate5m"
COST = "agent:cost:rate5m"
UNPRICED_TOKENS = "agent:unpriced_tokens:rate5m"
TOTAL_COST = "cluster:agent_cost:rate5m"
SPENT_TODAY = "cluster:agent_spend:sum1d"
SPENT_THIS_MONTH = "cluster:agent_spend:sum30d"
COST_PER_RUN = "service:cost_per_successful_run:ratio1h"

MILLION = Decimal(1_000_000)
# A run's tokens are counted while it runs, and its success is counted at its end. An hour contains both.
RUN_COST_WINDOW = Duration.parse("1h")
SUCCEEDED = f'{RUNS}{{error_type=""}}'
BY_MODEL = f"{SERVICE}, provider, model"


def recordings(scope: Scope, prices: Mapping[str, Price]) -> tuple[Recording, ...]:
    emitted = of_newest(MODEL, "model", *(scope.sum(each, INFERENCE) for each in EMITTED))
    of_service = "cluster, environment, namespace, service, model"
    table = f" or {priced(prices)} unless on ({of_service}) {EMITTED_COST}" if prices else ""
    spent, succeeded = (
        counted(COST, SERVICE, RUN_COST_WINDOW),
        counted(SUCCEEDED, SERVICE, RUN_COST_WINDOW),
    )
    return (
        # Instrumentations report a cost of 0 for models that they do not know. The table has the price of these.
        Recording(name=EMITTED_COST, expr=f"sum by ({MODEL}) ({emitted}) > 0", unit=Unit.CURRENCY),
        Recording(name=COST, expr=f"{EMITTED_COST}{table}", unit=Unit.CURRENCY),
        Recording(name=UNPRICED_TOKENS, expr=f"sum by ({BY_MODEL}) ({TOKENS} unless on ({of_service}) {COST})"),
        Recording(name=COST_PER_RUN, expr=f"{spent} / ({succeeded} > 0)", unit=Unit.CURRENCY),
        Recording(name=TOTAL_COST, expr=f"sum by (cluster, environment) ({COST})", unit=Unit.CURRENCY),
        _spent(SPENT_TODAY, "1d"),
    )


def _spent(name: str, window: str) -> Recording:
    """USD within a sliding ``window``, such as the last 24 hours.

    A calendar day would start at 0 at midnight of some time zone, and overspending would be seen late.
    """
    return Recording(name=name, expr=f"sum_over_time({TOTAL_COST}[{window}]) * {EVERY.seconds:.0f}", unit=Unit.CURRENCY)


OF_MONTH = _spent(SPENT_THIS_MONTH, "30d")


def priced(prices: Mapping[str, Price]) -> str:
    """PromQL: USD per second by MODEL, from a table of prices.

    It has one term per model and direction, joined by ``or``, so a model with tokens in only one direction has a cost.
    """
    terms = " or ".join(term for model in sorted(prices) for term in _terms(model, prices[model]))
    return f"sum by ({MODEL}) ({terms})"


def _terms(model: str, price: Price) -> Iterator[str]:
    for direction, of in (("input", price.input), ("output", price.output)):
        yield f'{TOKENS}{{model="{model}", direction="{direction}"}} * {decimal(of.amount / MILLION)}'
    if price.cache_read is not None:
        # The input term counts cached tokens at the full price. This term subtracts the difference.
        cheaper = (price.input.amount - price.cache_read.amount) / MILLION
        yield f'{CACHED_TOKENS}{{model="{model}"}} * -{decimal(cheaper)}'


UNPRICED = Alert(
    name="ModelUnpriced",
    value=counted(UNPRICED_TOKENS, "cluster, environment, provider, model", Duration.parse("1h")),
    above={Severity.WARNING: 10_000},  # per hour; fewer tokens are a trial, and cost cents at any known price
    for_=Duration.parse("10m"),  # a process pushes its first tokens and its first cost a minute apart
    keep_firing_for=Duration.parse("1h"),  # a model that is used rarely does not fire anew each time
    summary="A model in use has no price.",
    description="{{ $labels.model }} of {{ $labels.provider }} has no price: {{ $value | humanize }} tokens per hour"
    " are missing from costs and budgets.",
    dashboard=AGENTS_LLM,
)


def budget_alerts(budget: Budget) -> tuple[Alert, ...]:
    """Two alerts on the daily budget, then two on the monthly budget."""

    def alert(
        name: str,
        value: str,
        above: Mapping[Severity, float],
        summary: str,
        description: str,
        verb: str = "spent",
    ) -> Alert:
        return Alert(
            name=name,
            value=value,
            above=above,
            unit=Unit.RATIO,
            for_=Duration.parse("5m"),  # a burst of pushes after a network partition is not a trend
            summary=summary,
            description=f"Agents on {{{{ $labels.cluster }}}} {verb} {{{{ $value | humanizePercentage }}}} of"
            f" {description}",
            dashboard=AGENTS_LLM,
            runbook="AgentBudgetSpent",
        )

    day, month = decimal(budget.day), decimal(budget.month)

    def at_pace(spent: str) -> str:
        return f"{spent} * 30 / {month}"

    # At 80 % there is still time to act. At 100 % somebody must decide.
    parts = {Severity.WARNING: 0.8, Severity.CRITICAL: 1}
    return (
        alert(
            "AgentBudgetBurnsFast",
            f"sum_over_time({TOTAL_COST}[1h]) * {EVERY.seconds:.0f} / {day}",
            # The budget would last four hours, or two. A working day of even use takes eight.
            {Severity.WARNING: 0.25, Severity.CRITICAL: 0.5},
            "Agents spend the daily budget within hours.",
            f"the day's {day} USD within the last hour.",
        ),
        alert(
            "AgentDailyBudgetSpent",
            f"{SPENT_TODAY} / {day}",
            parts,
            "The daily budget for models is nearly or fully spent.",
            f"the day's {day} USD within the last 24 hours.",
        ),
        replace(
            alert(
                "AgentMonthlyBudgetBurnsFast",
                at_pace(f"avg_over_time({SPENT_TODAY}[3d])"),
                # Five working days may spend a week's budget, which is 7/5 of an even pace. At three times the pace it
                # lasts ten days.
                {Severity.WARNING: 1.5, Severity.CRITICAL: 3},
                "At this pace agents exceed the monthly budget.",
                f"the month's {month} USD if the next 30 days cost as much as the last three.",
                "will spend",
            ),
            and_=f"{at_pace(SPENT_TODAY)} > $threshold",  # not any more once the spending has stopped
        ),
        alert(
            "AgentMonthlyBudgetSpent",
            f"{SPENT_THIS_MONTH} / {month}",
            parts,
            "The monthly budget for models is nearly or fully spent.",
            f"the month's {month} USD within the last 30 days.",
        ),
    )
