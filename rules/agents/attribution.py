"""Tokens, costs and requests by team, tenant, feature and prompt version, and budgets of tokens and costs.

Each dimension is an attribute of what agents push, recorded on its own: dimensions are never crossed. Of each, VALUES
are distinguished, and all others are one. Spans can only be counted: they attribute requests, and no tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from model.metrics import Metric, Unit
from model.rules import Alert, Recording, Severity, decimal
from rules.agents.alerts import SOON, WHILE
from rules.agents.cost import EMITTED, MILLION
from rules.agents.promql import EVERY, newest, of_newest, short
from rules.agents.recordings import CACHED, INFERENCE, tokens_used
from rules.agents.settings import EACH, VALUES, Attribution, Dimension, Price, UseBudget
from rules.agents.uids import AGENTS_LLM
from rules.histograms import with_label
from rules.rates import Scope
from rules.spans import OVERFLOW, requests_by

OTHER = "other"
"""Stands for all values beyond the maximum."""
PRICES = "agent_model:price_usd_per_token:info"
COUNT = "agent_dimension:values:count"
KEPT = "agent_dimension:kept:info"
BY_MODEL = "agent_dimension:model_tokens:rate5m"
BY_EMITTED = "agent_dimension:emitted_cost:rate5m"
USE = "agent_dimension:use:rate5m"
"""By ``measure``: tokens, USD, and requests with a span, each per second."""
USE_OF_HOUR = "agent_dimension:use:sum1h"
BUDGET_USED = "agent_dimension:budget_used:ratio"
"""Share of a budget by ``measure`` and ``period``: the last 24 hours (``day``) or 30 days (``month``)."""
TOKENS, USD, REQUESTS = "tokens", "usd", "requests"

_PLACE = "cluster, environment"
_VALUE = f"{_PLACE}, value"
_OF = f"{_PLACE}, dimension, value"
# Cached tokens are part of the input: their price is what they cost less.
_CACHED = "cached"


@dataclass(frozen=True)
class Attributed(Scope):
    """Series that have a label, which becomes ``value``."""

    label: str = ""

    def of(self, series: str, *matchers: str) -> str:
        return super().of(series, *matchers, f'{self.label}!=""')

    def rate(self, series: str, *matchers: str) -> str:
        return self.named(super().rate(series, *matchers))

    def named(self, vector: str) -> str:
        return f'label_replace({vector}, "value", "$1", "{self.label}", "(.+)")'


def labelled(metrics: tuple[Metric, ...], attribution: Attribution) -> tuple[Metric, ...]:
    """Metrics with the labels that the stack file names."""
    labels = tuple(each.label for each in attribution.values())
    return tuple(replace(metric, labels=(*metric.labels, *labels)) for metric in metrics)


def names(attribution: Attribution) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The attributes and their labels in Prometheus; two dimensions may have one attribute."""
    attributes = tuple(dict.fromkeys(each.attribute for each in attribution.values()))
    return attributes, tuple(dict.fromkeys(each.label for each in attribution.values()))


def recordings(
    scope: Scope, attribution: Attribution, prices: Mapping[str, Price], *, spans: bool
) -> Iterator[Recording]:
    """``spans`` says whether the metrics of spans are scraped."""
    if prices:
        yield Recording(name=PRICES, expr=" or ".join(_prices(prices)), unit=Unit.CURRENCY)
    for name, dimension in attribution.items():
        of_it = Attributed(scope.namespaces, dimension.label)
        for rule in _of_dimension(of_it, name, dimension, spans=spans):
            yield replace(rule, labels={"dimension": name})
        if spans:
            expr = _requests(scope, of_it)
            yield Recording(name=USE, expr=expr, labels={"dimension": name, "measure": REQUESTS})
    tokens = f'sum by ({_OF}) ({BY_MODEL}{{direction!="{_CACHED}"}})'
    yield Recording(name=USE, expr=tokens, labels={"measure": TOKENS})
    of_model = f"{_OF}, model"
    priced = f"sum by ({of_model}) ({BY_MODEL} * on (model, direction) group_left {PRICES})"
    table = f" or {priced} unless on ({of_model}) {BY_EMITTED}" if prices else ""
    yield Recording(name=USE, expr=f"sum by ({_OF}) ({BY_EMITTED}{table})", labels={"measure": USD}, unit=Unit.CURRENCY)


def _prices(prices: Mapping[str, Price]) -> Iterator[str]:
    for model, price in sorted(prices.items()):
        each = {"input": price.input.amount, "output": price.output.amount}
        if price.cache_read is not None:
            each[_CACHED] = price.cache_read.amount - price.input.amount
        for direction, amount in each.items():
            yield with_label(with_label(f"vector({_usd(amount)})", "model", model), "direction", direction)


def _usd(per_million: Decimal) -> str:
    return decimal(per_million / MILLION)


def _requests(scope: Scope, of_it: Attributed) -> str:
    """PromQL: spans of requests by value, in which all but the most frequent VALUES become OTHER."""
    counter, named = requests_by(of_it.label).name, f'{of_it.label}!="{OTHER}"'
    rates = f"sum by ({_VALUE}) ({of_it.rate(counter)})"
    kept = f"topk by ({_PLACE}) ({VALUES}, {_spans_so_far(of_it, named)})"
    uncounted = scope.rate(counter, f'{OVERFLOW}!=""')
    others = f"sum by ({_PLACE}) ({rates} unless {kept} or {uncounted})"
    return f"{rates} and {kept} or {with_label(others, 'value', OTHER)}"


def _spans_so_far(of_it: Attributed, *matchers: str) -> str:
    """PromQL: spans since Jaeger started, which change the order of values seldom."""
    return f"sum by ({_VALUE}) ({of_it.named(of_it.of(requests_by(of_it.label).name, *matchers))})"


def _of_dimension(scope: Attributed, name: str, dimension: Dimension, *, spans: bool) -> Iterator[Recording]:
    def so_far(*matchers: str) -> str:
        """Tokens since the processes started, which change the order of values seldom; of either generation."""
        older, newer = "gen_ai_client_token_usage", "gen_ai_client_inference_usage_input_tokens_total"
        kinds = (
            scope.of(newer, *matchers),
            scope.of(f"{older}_sum", *matchers),
            f"histogram_sum({scope.of(older, *matchers)})",
        )
        either = scope.named(f"({' or '.join(kinds)})")
        return f"sum by ({_VALUE}) ({either})"

    def bounded(vector: str, by: str) -> str:
        """Sum by ``by``, in which values that are not kept become OTHER."""
        kept = f'on ({_VALUE}) {KEPT}{{dimension="{name}"}}'
        others = with_label(f"sum by ({by}) ({vector} unless {kept})", "value", OTHER)
        return f"sum by ({by}, value) ({vector} and {kept}) or {others}"

    every = f"{so_far()} or {_spans_so_far(scope)}" if spans else so_far()
    yield Recording(name=COUNT, expr=f"count by ({_PLACE}) ({every})")
    named = f"topk by ({_PLACE}) ({VALUES}, " + so_far(f'{scope.label}!="{OTHER}"') + ")"
    budgeted = _budgeted(dimension)
    with_budget = (so_far(f'{scope.label}=~"{"|".join(budgeted)}"'),) if budgeted else ()
    yield Recording(name=KEPT, expr=f"group by ({_VALUE}) ({' or '.join((named, *with_budget))})")
    by = f"{_PLACE}, model, direction"
    newer, older, _ = tokens_used(scope)
    cached = with_label(short(scope.rate(CACHED), "model"), "direction", _CACHED)
    used = f"({newest(f'{by}, value', 'model, direction', newer, older)} or {cached})"
    yield Recording(name=BY_MODEL, expr=bounded(used, by))
    emitted = of_newest(f"{_VALUE}, model", "model", *(scope.sum(each, INFERENCE) for each in EMITTED))
    expr = f"({bounded(f'({emitted})', f'{_PLACE}, model')}) > 0"
    yield Recording(name=BY_EMITTED, expr=expr, unit=Unit.CURRENCY)


def of_budgets(attribution: Attribution) -> Iterator[Recording]:
    """Sliding windows: a calendar day would end at midnight of some time zone."""
    yield Recording(name=USE_OF_HOUR, expr=f"sum_over_time({USE}[1h]) * {EVERY.seconds:.0f}")
    for period in ("day", "month"):
        expr = " or ".join(_shares(attribution, period))
        yield Recording(name=BUDGET_USED, expr=expr, labels={"period": period}, unit=Unit.RATIO)


def _shares(attribution: Attribution, period: str) -> Iterator[str]:
    for name, dimension in attribution.items():
        for value, budget in sorted(dimension.budgets.items()):
            of = f'value="{value}"'
            if value == EACH:
                of = f'value!~"{"|".join((*_budgeted(dimension), OTHER))}"'
            for measure, amount in _amounts(budget, period):
                matchers = f'dimension="{name}", {of}, measure="{measure}"'
                # By the hour: all samples of 30 days would be sixty times as many.
                used = (
                    f"sum_over_time({USE}{{{matchers}}}[1d]) * {EVERY.seconds:.0f}"
                    if period == "day"
                    else f"sum_over_time({USE_OF_HOUR}{{{matchers}}}[30d:1h])"
                )
                yield f"{used} / {amount}"


def _budgeted(dimension: Dimension) -> tuple[str, ...]:
    """Regular expressions of the values with a budget of their own."""
    return tuple(value.replace(".", r"\\.") for value in sorted(dimension.budgets) if value != EACH)


def _amounts(budget: UseBudget, period: str) -> Iterator[tuple[str, str]]:
    if budget.tokens:
        yield TOKENS, str(budget.tokens.per_day if period == "day" else budget.tokens.month)
    if budget.money:
        yield USD, decimal(budget.money.day if period == "day" else budget.money.month)


OVERFLOWS = Alert(
    name="AgentAttributionOverflow",
    value=COUNT,
    above={Severity.WARNING: VALUES},
    for_=WHILE,  # processes that are replaced push the values of both for a while
    summary="The use of models is attributed to too many values.",
    description="Agents on {{ $labels.cluster }} name {{ $value }} values of {{ $labels.dimension }}; all beyond"
    f" {VALUES} are {OTHER}.",
    dashboard=AGENTS_LLM,
)
BUDGET_SPENT = Alert(
    name="AgentAttributedBudgetSpent",
    value=BUDGET_USED,
    # At 80 % there is still time to act. It is a ticket: somebody decides by day, and nothing is down.
    above={Severity.INFO: 0.8, Severity.WARNING: 1},
    unit=Unit.RATIO,
    for_=SOON,
    summary="A budget of a team, tenant, feature or prompt version is nearly or fully used.",
    description="{{ $labels.dimension }} {{ $labels.value }} used {{ $value | humanizePercentage }} of its"
    " {{ $labels.measure }} for the last {{ $labels.period }}.",
    dashboard=AGENTS_LLM,
)
