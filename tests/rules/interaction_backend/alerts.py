"""Alerts on interaction backends, by example."""

from __future__ import annotations

from rules.agents.recordings import REQUEST_P95, REQUESTS
from rules.interaction_backend import alerts
from rules.interaction_backend import recordings as recorded
from tests.rules.examples import (
    Series,
    counters,
    critical,
    example,
    gauges,
    metric,
    shares,
    steady,
    warning,
)
from tests.rules.interaction_backend.shapes import (
    ACME,
    CACHE,
    DAY,
    DELEGATION,
    GUARDRAIL,
    MINUTES,
    MODEL,
    POD,
    QUARTER,
    SUBJECT,
    TARGET,
    below,
    counts,
    first_event,
    lookups,
    rises,
    streams,
)

_RATIOS = (
    *shares(
        alerts.STREAMS_FAILING,
        "{} of the streams end with an error",
        lambda percent: streams(error=percent, completed=80 - percent, cancelled=20, refused=900),
        "backend fails {} of its event streams.",
        {1.9: None, 2.1: warning, 4.9: warning, 5.1: critical},
        at="6m",
        **SUBJECT,
    ),
    example(
        "a few fail at night, all there are",
        alerts.STREAMS_FAILING,
        series=streams(error=4),
        near=False,
    ),
    *shares(
        alerts.GUARDRAIL_FAILING,
        "{} of the messages cannot be judged",
        lambda percent: counts(
            "guardrail_evaluations_total", "decision", GUARDRAIL, error=percent, allow=100 - percent
        ),
        "pii of backend fails on {} of the messages.",
        {4.9: None, 5.1: warning},
        at="6m",
        **SUBJECT | GUARDRAIL,
    ),
    *shares(
        alerts.AUTHENTICATION_FAILING,
        "{} are refused",
        lambda percent: counts("authentication_attempts_total", "outcome", refused=percent, accepted=100 - percent),
        "backend does not accept the identity of {} of the requests.",
        {29: None, 31: warning},
        at="6m",
        **SUBJECT,
    ),
    *shares(
        alerts.DELEGATIONS_FAILING,
        "{} of the tasks fail",
        lambda percent: (
            counts(f"{DELEGATION}_count", "error_type", TARGET, ERROR_NETWORK=percent)
            | counters({metric(f"{DELEGATION}_count", POD, TARGET): 100 - percent})
        ),
        "planner fails {} of the tasks of backend.",
        {9: None, 11: warning},
        at="6m",
        **SUBJECT | TARGET,
    ),
)
_OUTAGES = (
    example(
        "more than five streams have failed within ten minutes, and none succeeded",
        alerts.UNAVAILABLE,
        series=streams(error=0.6, cancelled=1),
        at="12m",
        fires=[critical("All 5.64 event streams of backend failed in ten minutes.", "5.64", **SUBJECT)],
    ),
    example("fewer have", alerts.UNAVAILABLE, series=streams(error=0.48), at="20m"),
    example("one succeeds", alerts.UNAVAILABLE, series=streams(error=10, completed=0.2), at="20m", near=False),
    example("nobody is there at night", alerts.UNAVAILABLE, series=streams(error=0, completed=0), near=False),
)
_LATENCIES = (
    *(
        example(
            f"one stream in a hundred waits for {p99:g} s",
            alerts.SLOW_FIRST_EVENT,
            series=first_event(p99),
            at="6m",
            fires=[
                fires(
                    f"One in a hundred streams of backend has its first event after {p99:g}s.", f"{p99:g}s", **SUBJECT
                )
                for fires in found
            ],
        )
        for p99, found in ((1.9, []), (2.1, [warning]), (4.8, [warning]), (5.2, [critical]))
    ),
    example("there are few", alerts.SLOW_FIRST_EVENT, series=first_event(60, 50), near=False),
    *rises(
        alerts.LATENCY_RISING,
        {metric(recorded.STREAMS, SUBJECT, outcome="completed"): steady(1, DAY)},
        recorded.FIRST_P95,
        SUBJECT,
        0.5,
        2,
        "The first events of backend take {} times as long as the day before.",
    ),
    example(
        "it was as slow a week before",
        alerts.LATENCY_RISING,
        series={
            metric(recorded.STREAMS, SUBJECT, outcome="completed"): steady(1, 8 * 288 + 24),
            metric(recorded.FIRST_P95, SUBJECT): f"{steady(1.05, 312)} {steady(0.5, 7 * 288 - 25)} {steady(1.05, 24)}",
        },
        at="11540m",
        step="5m",
        near=False,
    ),
    *rises(
        alerts.MODEL_LATENCY_RISING,
        {metric(REQUESTS, MODEL): steady(0.1, DAY)},
        REQUEST_P95,
        MODEL,
        6,
        2,
        "gpt-4o (openai) takes {} times as long as the day before to answer backend.",
    ),
    *rises(
        alerts.CACHE_SLOW,
        {metric(recorded.LOOKUPS, SUBJECT, CACHE, result="hit"): steady(1, DAY)},
        recorded.CACHE_P95,
        SUBJECT | CACHE,
        0.1,
        2,
        "Lookups in answers of backend take {} times as long as the day before.",
    ),
    *(
        example(
            f"one task in twenty takes {shown}",
            alerts.DELEGATIONS_SLOW,
            series=below(p95 / 0.95, DELEGATION, TARGET, 10),
            at="19m",
            fires=[
                warning(f"One in twenty tasks of backend takes planner longer than {shown}.", shown, **SUBJECT | TARGET)
                for _ in range(fired)
            ],
        )
        for p95, shown, fired in ((57, "57s", 0), (62.7, "1m 2s", 1))
    ),
)
_PARTS = (
    *(
        example(
            f"{times:g} times as many are denied as the day before",
            alerts.GUARDRAIL_DENIES,
            series=lookups(recorded.GUARDRAILS, "deny", "allow", GUARDRAIL, 0.1, 0.1 * times),
            at=MINUTES,
            step="5m",
            fires=[
                warning(
                    f"pii of backend denies {times:g} times as many of the messages as the day before.",
                    f"{times:g}",
                    **SUBJECT | GUARDRAIL,
                )
                for _ in range(fired)
            ],
        )
        for times, fired in ((2.9, 0), (3.1, 1))
    ),
    example(
        "none was denied the day before, and hardly any is now",
        alerts.GUARDRAIL_DENIES,
        series=lookups(recorded.GUARDRAILS, "deny", "allow", GUARDRAIL, 0, 0.02),
        at=MINUTES,
        step="5m",
        near=False,
    ),
    *(
        example(
            f"it hits {percent} % as often as the day before",
            alerts.CACHE_HITS_FELL,
            series=lookups(recorded.LOOKUPS, "hit", "miss", CACHE, 0.8, 0.008 * percent),
            at=QUARTER,
            step="5m",
            fires=[
                warning(
                    f"answers of backend hits {percent}% as often as the day before.",
                    f"{percent}%",
                    **SUBJECT | CACHE,
                )
                for _ in range(fired)
            ],
        )
        for percent, fired in ((55, 0), (45, 1))
    ),
    example(
        "it never hit",
        alerts.CACHE_HITS_FELL,
        series=lookups(recorded.LOOKUPS, "hit", "miss", CACHE, 0.05, 0),
        at=QUARTER,
        step="5m",
        near=False,
    ),
    *(
        example(
            f"a tool's credentials were missing {times} times",
            alerts.CREDENTIALS_FAILING,
            series=gauges({metric(recorded.NOT_LOADED, SUBJECT, tool="search"): times}),
            fires=[
                warning(
                    f"backend got no valid credentials for search {times} times in 15 minutes.",
                    f"{times}",
                    **SUBJECT,
                    tool="search",
                )
                for _ in range(fired)
            ],
        )
        for times, fired in ((2.1, 0), (3, 1))
    ),
)


def _used(ratio: float) -> Series:
    return gauges({metric(recorded.BUDGET_USED, SUBJECT, ACME, period="day"): ratio})


_BUDGETS = (
    *shares(
        alerts.NEAR_BUDGET,
        "{} are used",
        lambda percent: _used(percent / 100),
        "backend used {} of the tokens of tenant acme for the last day.",
        {79: None, 81: warning},
        at="5m",
        **SUBJECT | ACME,
        period="day",
    ),
    *shares(
        alerts.BUDGET_SPENT,
        "{} are used",
        lambda percent: _used(percent / 100),
        "backend used {} of the tokens of tenant acme for the last day.",
        {99: None, 101: warning},
        at="5m",
        **SUBJECT | ACME,
        period="day",
    ),
    *(
        example(
            f"there are {values} tenants",
            alerts.ATTRIBUTION_OVERFLOWS,
            series=gauges({metric(recorded.VALUES_COUNT, SUBJECT, dimension="tenant"): values}),
            at="15m",
            fires=[
                warning(
                    f"backend counts tokens of {values} values of tenant; all beyond 50 are other.",
                    f"{values}",
                    **SUBJECT,
                    dimension="tenant",
                )
                for _ in range(fired)
            ],
        )
        for values, fired in ((50, 0), (51, 1))
    ),
)
EXAMPLES = (*_RATIOS, *_OUTAGES, *_LATENCIES, *_PARTS, *_BUDGETS)
