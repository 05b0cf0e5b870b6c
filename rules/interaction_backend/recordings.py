"""Recording rules on what backends push, under the labels of their services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from model.contract import Emitted
from model.metrics import Unit
from model.rules import Recording
from rules.agents.promql import EVERY, failing, p95
from rules.agents.settings import TokenBudget
from rules.histograms import judged, with_label
from rules.interaction_backend import contract
from rules.interaction_backend.contract import OTHER, VALUES
from rules.interaction_backend.settings import EACH, TokenBudgets
from rules.rates import Scope
from rules.services.labels import SERVICE, renamed, sent

STREAMS = "interaction:streams:rate5m"
OPEN = "interaction:open_streams:sum"
FIRST_BUCKETS = "interaction:first_event_seconds_bucket:rate5m"
FIRST_P95 = "interaction:first_event_seconds:p95_5m"
FIRST_P99 = "interaction:first_event_seconds:p99_5m"
GUARDRAILS = "interaction_guardrail:evaluations:rate5m"
DENIED = "interaction_guardrail:denied:ratio5m"
AUTHENTICATIONS = "interaction:authentications:rate5m"
LOOKUPS = "interaction_cache:lookups:rate5m"
CACHE_BUCKETS = "interaction_cache:lookup_seconds_bucket:rate5m"
HITS = "interaction_cache:hits:ratio5m"
CACHE_P95 = "interaction_cache:lookup_seconds:p95_5m"
DELEGATIONS = "interaction_target:delegations:rate5m"
DELEGATION_BUCKETS = "interaction_target:delegation_seconds_bucket:rate5m"
DELEGATION_ERRORS = "interaction_target:delegations:error_ratio30m"
DELEGATION_P95 = "interaction_target:delegation_seconds:p95_30m"
NOT_LOADED = "interaction_tool:credentials_not_loaded:increase15m"
TOKENS = "interaction_dimension:tokens:rate5m"
VALUES_COUNT = "interaction_dimension:values:count"
"""Number of values that tokens are attributed to, with OTHER."""
TOKENS_OF_HOUR = "interaction_dimension:tokens:sum1h"
BUDGET_USED = "interaction_dimension:token_budget_used:ratio"
"""Share of a budget, by ``period``: the last 24 hours (``day``) or 30 days (``month``)."""

BY_GUARDRAIL, BY_CACHE, BY_TARGET = (f"{SERVICE}, {label}" for label in ("guardrail", "cache", "target"))
BY_DIMENSION = f"{SERVICE}, dimension"
BY_VALUE = f"{BY_DIMENSION}, value"
# Only series that were pushed have this label: a process that is scraped as well does not count twice.
PUSHED_ALONE = 'service_name!=""'


def share(rate: str, by: str, matched: str, of: str = "") -> str:
    """PromQL: share of a recorded rate that is ``matched``; 0 if none is, no result without events."""
    every = f"sum by ({by}) ({rate}{{{of}}})" if of else f"sum by ({by}) ({rate})"
    return f"(sum by ({by}) ({rate}{{{matched}}}) or {every} * 0) / ({every} > 0)"


def recordings(scope: Scope) -> tuple[Recording, ...]:
    def summed(name: str, vector: str, by: str = SERVICE) -> Recording:
        return Recording(name=name, expr=f"sum by ({by}) ({sent(vector)})")

    def counted(name: str, emitted: Emitted, by: str) -> Recording:
        return summed(name, scope.rate(emitted.name, PUSHED_ALONE), by)

    def quantile(name: str, number: str, buckets: str, by: str) -> Recording:
        judge = judged(f"histogram_quantile({number}", lambda kind: f"{buckets}{{{kind}}}", by)
        return Recording(name=name, expr=f"{judge} >= 0", unit=Unit.SECONDS)

    def buckets(name: str, emitted: Emitted, by: str) -> Recording:
        return summed(name, scope.buckets(emitted.name, PUSHED_ALONE), f"{by}, le")

    failed = scope.of(contract.CREDENTIALS.name, PUSHED_ALONE, 'outcome!="loaded"')
    delegated = scope.count(contract.DELEGATIONS.name, PUSHED_ALONE)
    return (
        counted(STREAMS, contract.STREAMS, f"{SERVICE}, outcome"),
        summed(OPEN, scope.of(contract.OPEN_STREAMS.name, PUSHED_ALONE)),
        buckets(FIRST_BUCKETS, contract.FIRST_EVENT, SERVICE),
        quantile(FIRST_P95, "0.95", FIRST_BUCKETS, SERVICE),
        quantile(FIRST_P99, "0.99", FIRST_BUCKETS, SERVICE),
        counted(GUARDRAILS, contract.GUARDRAILS, f"{BY_GUARDRAIL}, decision"),
        Recording(name=DENIED, expr=share(GUARDRAILS, BY_GUARDRAIL, 'decision="deny"'), unit=Unit.RATIO),
        counted(AUTHENTICATIONS, contract.AUTHENTICATIONS, f"{SERVICE}, outcome"),
        summed(LOOKUPS, scope.count(contract.CACHE.name, PUSHED_ALONE), f"{BY_CACHE}, result"),
        Recording(name=HITS, expr=share(LOOKUPS, BY_CACHE, 'result="hit"'), unit=Unit.RATIO),
        buckets(CACHE_BUCKETS, contract.CACHE, BY_CACHE),
        quantile(CACHE_P95, "0.95", CACHE_BUCKETS, BY_CACHE),
        summed(NOT_LOADED, renamed(f"increase({failed}[15m])", "tool", "gen_ai_tool_name"), f"{SERVICE}, tool"),
        summed(DELEGATIONS, delegated, f"{BY_TARGET}, error_type"),
        Recording(name=DELEGATION_ERRORS, expr=failing(DELEGATIONS, BY_TARGET), unit=Unit.RATIO),
        buckets(DELEGATION_BUCKETS, contract.DELEGATIONS, BY_TARGET),
        Recording(name=DELEGATION_P95, expr=p95(DELEGATION_BUCKETS, BY_TARGET), unit=Unit.SECONDS),
    )


def of_tokens(scope: Scope, budgets: TokenBudgets) -> Iterator[Recording]:
    """Tokens per second by value: those with a budget, and the VALUES with the most tokens since their processes
    started, a choice that seldom changes. All others are one.
    """

    def by_value(vector: str) -> str:
        return f"sum by ({BY_VALUE}) ({sent(vector)})"

    def so_far(*matchers: str) -> str:
        return by_value(scope.of(contract.TOKENS.name, PUSHED_ALONE, *matchers))

    yield Recording(name=VALUES_COUNT, expr=f"count by ({BY_DIMENSION}) ({so_far()})")
    named = so_far(f'value!="{OTHER}"')
    with_budget = (
        so_far(f'dimension="{dimension}"', f'value=~"{_named(given)}"') for dimension, given in budgets.given.items()
    )
    kept = " or ".join((f"topk by ({BY_DIMENSION}) ({VALUES}, {named})", *with_budget))
    rate = by_value(scope.rate(contract.TOKENS.name, PUSHED_ALONE))
    others = with_label(f"sum by ({BY_DIMENSION}) ({rate} unless on ({BY_VALUE}) ({kept}))", "value", OTHER)
    yield Recording(name=TOKENS, expr=f"{rate} and on ({BY_VALUE}) ({kept}) or {others}")


def of_budgets(budgets: TokenBudgets) -> Iterator[Recording]:
    """Sliding windows: a calendar day would end at midnight of some time zone."""
    yield Recording(name=TOKENS_OF_HOUR, expr=f"sum_over_time({TOKENS}[1h]) * {EVERY.seconds:.0f}")
    for period in ("day", "month"):
        shares = (_shares(dimension, given, period) for dimension, given in budgets.given.items())
        expr = " or ".join(term for terms in shares for term in terms)
        yield Recording(name=BUDGET_USED, expr=expr, labels={"period": period}, unit=Unit.RATIO)


def _shares(dimension: str, given: Mapping[str, TokenBudget], period: str) -> Iterator[str]:
    for value, budget in sorted(given.items()):
        of = f'value!~"{_named(given)}|{OTHER}"' if value == EACH else f'value="{value}"'
        matchers = f'dimension="{dimension}", {of}'
        if period == "day":
            yield f"sum_over_time({TOKENS}{{{matchers}}}[1d]) * {EVERY.seconds:.0f} / {budget.per_day}"
        else:
            # By the hour: all samples of 30 days would be sixty times as many.
            yield f"sum_over_time({TOKENS_OF_HOUR}{{{matchers}}}[30d:1h]) / {budget.month}"


def _named(given: Mapping[str, TokenBudget]) -> str:
    """The values with a budget of their own, as a regular expression."""
    return "|".join(value.replace(".", r"\\.") for value in sorted(given) if value != EACH)
