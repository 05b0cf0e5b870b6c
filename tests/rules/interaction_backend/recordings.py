"""Recordings of interaction backends, by example."""

from __future__ import annotations

from rules.interaction_backend import recordings as recorded
from rules.interaction_backend.contract import VALUES
from tests.rules.examples import (
    Series,
    counters,
    example,
    gauges,
    metric,
    of,
)
from tests.rules.interaction_backend.shapes import (
    ACME,
    CACHE,
    DELEGATION,
    FIRST,
    GUARDRAIL,
    LOOKUP,
    POD,
    PROCESS,
    SUBJECT,
    TARGET,
    below,
    counts,
    streams,
)

_TOKENS = "interaction_tokens_total"
_TENANTS = {f"t-{number}": 60 * (number + 1) for number in range(VALUES + 1)}
"""One more than are kept, with the tokens of each minute."""


def _attributed(values: dict[str, int]) -> Series:
    return counters({metric(_TOKENS, POD, dimension="tenant", value=value): n for value, n in values.items()})


def _tenant(name: str) -> str:
    return of(SUBJECT, dimension="tenant", value=name)


EXAMPLES = (
    example("60 end in a minute", recorded.STREAMS, series=streams(error=60), gives={of(SUBJECT, outcome="error"): 1}),
    example(
        "a process that is scraped as well counts once",
        recorded.STREAMS,
        series=streams(error=60) | counters({'ag_ui_streams_total{job="backend", outcome="error"}': 60}),
        gives={of(SUBJECT, outcome="error"): 1},
    ),
    example(
        "two pods have open streams",
        recorded.OPEN,
        series=gauges({metric("ag_ui_open_streams", PROCESS, instance=f"i-{number}"): number for number in (3, 4)}),
        gives={of(SUBJECT): 7},
    ),
    example(
        "60 begin in a minute, in less than a second",
        recorded.FIRST_BUCKETS,
        series=below(1, FIRST, events=60),
        gives={of(SUBJECT, le="1"): 1, of(SUBJECT, le="+Inf"): 1},
    ),
    example("they lie evenly below a second", recorded.FIRST_P95, series=below(1, FIRST), gives={of(SUBJECT): 0.95}),
    example("they lie evenly below a second", recorded.FIRST_P99, series=below(1, FIRST), gives={of(SUBJECT): 0.99}),
    example(
        "60 messages are judged in a minute",
        recorded.GUARDRAILS,
        series=counts("guardrail_evaluations_total", "decision", GUARDRAIL, deny=60),
        gives={of(SUBJECT, GUARDRAIL, decision="deny"): 1},
    ),
    example(
        "none is denied",
        recorded.DENIED,
        series=counts("guardrail_evaluations_total", "decision", GUARDRAIL, allow=60),
        gives={of(SUBJECT, GUARDRAIL): 0},
    ),
    example(
        "60 are accepted in a minute",
        recorded.AUTHENTICATIONS,
        series=counts("authentication_attempts_total", "outcome", accepted=60),
        gives={of(SUBJECT, outcome="accepted"): 1},
    ),
    example(
        "60 lookups hit in a minute",
        recorded.LOOKUPS,
        series=below(1, LOOKUP, CACHE | {"result": "hit"}, 60),
        gives={of(SUBJECT, CACHE, result="hit"): 1},
    ),
    example(
        "a quarter hits",
        recorded.HITS,
        series=counts(f"{LOOKUP}_count", "result", CACHE, hit=15, miss=30, error=15),
        gives={of(SUBJECT, CACHE): 0.25},
    ),
    example(
        "they take less than a second",
        recorded.CACHE_BUCKETS,
        series=below(1, LOOKUP, CACHE | {"result": "hit"}, 60),
        gives={of(SUBJECT, CACHE, le="1"): 1, of(SUBJECT, CACHE, le="+Inf"): 1},
    ),
    example(
        "they lie evenly below a second",
        recorded.CACHE_P95,
        series=below(1, LOOKUP, CACHE | {"result": "hit"}),
        gives={of(SUBJECT, CACHE): 0.95},
    ),
    example(
        "credentials are missing or refused twice a minute",
        recorded.NOT_LOADED,
        series=counts(
            "credential_loads_total", "outcome", {"gen_ai_tool_name": "search"}, missing=1, refused=1, loaded=9
        ),
        at="20m",
        gives={of(SUBJECT, tool="search"): 30},
    ),
    example(
        "60 tasks are sent in a minute",
        recorded.DELEGATIONS,
        series=below(60, DELEGATION, TARGET, 60),
        gives={of(SUBJECT, TARGET): 1},
    ),
    example(
        "none fails",
        recorded.DELEGATION_ERRORS,
        series=below(60, DELEGATION, TARGET),
        gives={of(SUBJECT, TARGET): 0},
    ),
    example(
        "they take less than a minute",
        recorded.DELEGATION_BUCKETS,
        series=below(60, DELEGATION, TARGET, 60),
        gives={of(SUBJECT, TARGET, le="60"): 1, of(SUBJECT, TARGET, le="+Inf"): 1},
    ),
    example(
        "they lie evenly below a minute",
        recorded.DELEGATION_P95,
        series=below(60, DELEGATION, TARGET),
        gives={of(SUBJECT, TARGET): 57},
    ),
    example(
        "the backend itself counts others",
        recorded.VALUES_COUNT,
        series=_attributed({"acme": 60, "other": 60}),
        gives={of(SUBJECT, dimension="tenant"): 2},
    ),
    example(
        "there is one tenant too many, and one with a budget uses the least",
        recorded.TOKENS,
        series=_attributed(_TENANTS | {"acme": 6, "other": 60}),
        gives={_tenant("acme"): 0.1, _tenant("other"): 2}
        | {_tenant(name): tokens / 60 for name, tokens in _TENANTS.items() if name != "t-0"},
    ),
    example(
        "1000 a second were used for nine minutes",
        recorded.TOKENS_OF_HOUR,
        series=gauges({metric(recorded.TOKENS, SUBJECT, ACME): 1000}),
        at="8m",
        gives={of(SUBJECT, ACME): 540_000},
    ),
    example(
        "two million are a day's budget, and thirty a month's",
        recorded.BUDGET_USED,
        series=gauges({metric(recorded.TOKENS, SUBJECT, ACME): 1000}),
        at="8m",
        gives={
            of(SUBJECT, ACME, period="day"): 0.27,
            # By whole hours: what the last one has added is not in it yet.
            of(SUBJECT, ACME, period="month"): 0.002,
        },
    ),
)
