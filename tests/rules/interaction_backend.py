"""The rules on interaction backends, by example."""

from __future__ import annotations

from collections.abc import Iterator

from model.rules import Alert
from rules.agents.recordings import REQUEST_P95, REQUESTS
from rules.interaction_backend import alerts
from rules.interaction_backend import recordings as recorded
from rules.interaction_backend.contract import VALUES
from tests.rules.examples import (
    Example,
    Labels,
    Series,
    counters,
    critical,
    day_then,
    example,
    gauges,
    histogram,
    metric,
    of,
    shares,
    steady,
    warning,
)

OWNER = "agents"
_PROCESS: Labels = {"job": "backend", "service_name": "backend", "k8s_namespace_name": "interaction"}
_POD = _PROCESS | {"instance": "i-1"}
_SUBJECT: Labels = {"namespace": "interaction", "service": "backend"}
_GUARDRAIL, _CACHE, _TARGET = {"guardrail": "pii"}, {"cache": "answers"}, {"target": "planner"}
_ACME: Labels = {"dimension": "tenant", "value": "acme"}
_FIRST, _LOOKUP, _DELEGATION = (
    "ag_ui_time_to_first_event_seconds",
    "cache_lookup_duration_seconds",
    "a2a_delegation_duration_seconds",
)
_MODEL = _SUBJECT | {"agent": "backend", "provider": "openai", "model": "gpt-4o"}
_DAY = 312
"""Samples of a day and two hours, one in five minutes."""
_QUARTER, _MINUTES = "1460m", "1450m"
"""A quarter of an hour, and five minutes, after the day."""


def _counts(name: str, label: str, labels: Labels | None = None, **per_minute: float) -> Series:
    """A counter's growth by the values of a label."""
    return counters({metric(name, _POD, labels or {}, {label: value}): n for value, n in per_minute.items()})


def _streams(**per_minute: float) -> Series:
    return _counts("ag_ui_streams_total", "outcome", {}, **per_minute)


def _below(end: float, name: str, labels: Labels | None = None, events: int = 100) -> Series:
    """A histogram whose events lie evenly below a bucket's end."""
    every = _POD | (labels or {})
    return histogram(name, every, {f"{end:.12g}": events, "+Inf": events}) | counters(
        {metric(f"{name}_count", every): events}
    )


def _first_event(p99: float, streams: float = 1000) -> Series:
    return _below(p99 / 0.99, _FIRST) | _streams(completed=streams)


def _lookups(name: str, value: str, other: str, labels: Labels, before: float, after: float) -> Series:
    """A recorded rate of one event per second, of which a share has the value."""
    shares_of = {value: day_then(before, after), other: day_then(1 - before, 1 - after)}
    label = "result" if name == recorded.LOOKUPS else "decision"
    return {metric(name, _SUBJECT, labels, {label: each}): values for each, values in shares_of.items()}


def _rises(
    alert: Alert, series: Series, recording: str, labels: Labels, before: float, limit: float, says: str
) -> Iterator[Example]:
    """A recording that was so much the day before, and is a little more or less than ``limit`` times that now."""
    for times, fires in ((limit - 0.1, []), (limit + 0.1, [f"{limit + 0.1:g}"])):
        risen = {metric(recording, labels): day_then(before, before * times)}
        firing = [warning(says.format(value), value, **labels) for value in fires]
        yield example(
            f"it takes {times:g} times as long", alert, series=series | risen, at=_QUARTER, step="5m", fires=firing
        )


_RATIOS = (
    *shares(
        alerts.STREAMS_FAILING,
        "{} of the streams end with an error",
        lambda percent: _streams(error=percent, completed=80 - percent, cancelled=20, refused=900),
        "backend fails {} of its event streams.",
        {1.9: None, 2.1: warning, 4.9: warning, 5.1: critical},
        at="6m",
        **_SUBJECT,
    ),
    example(
        "a few fail at night, all there are",
        alerts.STREAMS_FAILING,
        series=_streams(error=4),
        near=False,
    ),
    *shares(
        alerts.GUARDRAIL_FAILING,
        "{} of the messages cannot be judged",
        lambda percent: _counts(
            "guardrail_evaluations_total", "decision", _GUARDRAIL, error=percent, allow=100 - percent
        ),
        "pii of backend fails on {} of the messages.",
        {4.9: None, 5.1: warning},
        at="6m",
        **_SUBJECT | _GUARDRAIL,
    ),
    *shares(
        alerts.AUTHENTICATION_FAILING,
        "{} are refused",
        lambda percent: _counts("authentication_attempts_total", "outcome", refused=percent, accepted=100 - percent),
        "backend does not accept the identity of {} of the requests.",
        {29: None, 31: warning},
        at="6m",
        **_SUBJECT,
    ),
    *shares(
        alerts.DELEGATIONS_FAILING,
        "{} of the tasks fail",
        lambda percent: (
            _counts(f"{_DELEGATION}_count", "error_type", _TARGET, ERROR_NETWORK=percent)
            | counters({metric(f"{_DELEGATION}_count", _POD, _TARGET): 100 - percent})
        ),
        "planner fails {} of the tasks of backend.",
        {9: None, 11: warning},
        at="6m",
        **_SUBJECT | _TARGET,
    ),
)
_OUTAGES = (
    example(
        "more than five streams have failed within ten minutes, and none succeeded",
        alerts.UNAVAILABLE,
        series=_streams(error=0.6, cancelled=1),
        at="12m",
        fires=[critical("All 5.64 event streams of backend failed in ten minutes.", "5.64", **_SUBJECT)],
    ),
    example("fewer have", alerts.UNAVAILABLE, series=_streams(error=0.48), at="20m"),
    example("one succeeds", alerts.UNAVAILABLE, series=_streams(error=10, completed=0.2), at="20m", near=False),
    example("nobody is there at night", alerts.UNAVAILABLE, series=_streams(error=0, completed=0), near=False),
)
_LATENCIES = (
    *(
        example(
            f"one stream in a hundred waits for {p99:g} s",
            alerts.SLOW_FIRST_EVENT,
            series=_first_event(p99),
            at="6m",
            fires=[
                fires(
                    f"One in a hundred streams of backend has its first event after {p99:g}s.", f"{p99:g}s", **_SUBJECT
                )
                for fires in found
            ],
        )
        for p99, found in ((1.9, []), (2.1, [warning]), (4.8, [warning]), (5.2, [critical]))
    ),
    example("there are few", alerts.SLOW_FIRST_EVENT, series=_first_event(60, 50), near=False),
    *_rises(
        alerts.LATENCY_RISING,
        {metric(recorded.STREAMS, _SUBJECT, outcome="completed"): steady(1, _DAY)},
        recorded.FIRST_P95,
        _SUBJECT,
        0.5,
        2,
        "The first events of backend take {} times as long as the day before.",
    ),
    example(
        "it was as slow a week before",
        alerts.LATENCY_RISING,
        series={
            metric(recorded.STREAMS, _SUBJECT, outcome="completed"): steady(1, 8 * 288 + 24),
            metric(recorded.FIRST_P95, _SUBJECT): f"{steady(1.05, 312)} {steady(0.5, 7 * 288 - 25)} {steady(1.05, 24)}",
        },
        at="11540m",
        step="5m",
        near=False,
    ),
    *_rises(
        alerts.MODEL_LATENCY_RISING,
        {metric(REQUESTS, _MODEL): steady(0.1, _DAY)},
        REQUEST_P95,
        _MODEL,
        6,
        2,
        "gpt-4o (openai) takes {} times as long as the day before to answer backend.",
    ),
    *_rises(
        alerts.CACHE_SLOW,
        {metric(recorded.LOOKUPS, _SUBJECT, _CACHE, result="hit"): steady(1, _DAY)},
        recorded.CACHE_P95,
        _SUBJECT | _CACHE,
        0.1,
        2,
        "Lookups in answers of backend take {} times as long as the day before.",
    ),
    *(
        example(
            f"one task in twenty takes {shown}",
            alerts.DELEGATIONS_SLOW,
            series=_below(p95 / 0.95, _DELEGATION, _TARGET, 10),
            at="19m",
            fires=[
                warning(
                    f"One in twenty tasks of backend takes planner longer than {shown}.", shown, **_SUBJECT | _TARGET
                )
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
            series=_lookups(recorded.GUARDRAILS, "deny", "allow", _GUARDRAIL, 0.1, 0.1 * times),
            at=_MINUTES,
            step="5m",
            fires=[
                warning(
                    f"pii of backend denies {times:g} times as many of the messages as the day before.",
                    f"{times:g}",
                    **_SUBJECT | _GUARDRAIL,
                )
                for _ in range(fired)
            ],
        )
        for times, fired in ((2.9, 0), (3.1, 1))
    ),
    example(
        "none was denied the day before, and hardly any is now",
        alerts.GUARDRAIL_DENIES,
        series=_lookups(recorded.GUARDRAILS, "deny", "allow", _GUARDRAIL, 0, 0.02),
        at=_MINUTES,
        step="5m",
        near=False,
    ),
    *(
        example(
            f"it hits {percent} % as often as the day before",
            alerts.CACHE_HITS_FELL,
            series=_lookups(recorded.LOOKUPS, "hit", "miss", _CACHE, 0.8, 0.008 * percent),
            at=_QUARTER,
            step="5m",
            fires=[
                warning(
                    f"answers of backend hits {percent}% as often as the day before.",
                    f"{percent}%",
                    **_SUBJECT | _CACHE,
                )
                for _ in range(fired)
            ],
        )
        for percent, fired in ((55, 0), (45, 1))
    ),
    example(
        "it never hit",
        alerts.CACHE_HITS_FELL,
        series=_lookups(recorded.LOOKUPS, "hit", "miss", _CACHE, 0.05, 0),
        at=_QUARTER,
        step="5m",
        near=False,
    ),
    *(
        example(
            f"a tool's credentials were missing {times} times",
            alerts.CREDENTIALS_FAILING,
            series=gauges({metric(recorded.NOT_LOADED, _SUBJECT, tool="search"): times}),
            fires=[
                warning(
                    f"backend got no valid credentials for search {times} times in 15 minutes.",
                    f"{times}",
                    **_SUBJECT,
                    tool="search",
                )
                for _ in range(fired)
            ],
        )
        for times, fired in ((2.1, 0), (3, 1))
    ),
)


def _used(ratio: float) -> Series:
    return gauges({metric(recorded.BUDGET_USED, _SUBJECT, _ACME, period="day"): ratio})


_BUDGETS = (
    *shares(
        alerts.NEAR_BUDGET,
        "{} are used",
        lambda percent: _used(percent / 100),
        "backend used {} of the tokens of tenant acme for the last day.",
        {79: None, 81: warning},
        at="5m",
        **_SUBJECT | _ACME,
        period="day",
    ),
    *shares(
        alerts.BUDGET_SPENT,
        "{} are used",
        lambda percent: _used(percent / 100),
        "backend used {} of the tokens of tenant acme for the last day.",
        {99: None, 101: warning},
        at="5m",
        **_SUBJECT | _ACME,
        period="day",
    ),
    *(
        example(
            f"there are {values} tenants",
            alerts.ATTRIBUTION_OVERFLOWS,
            series=gauges({metric(recorded.VALUES_COUNT, _SUBJECT, dimension="tenant"): values}),
            at="15m",
            fires=[
                warning(
                    f"backend counts tokens of {values} values of tenant; all beyond 50 are other.",
                    f"{values}",
                    **_SUBJECT,
                    dimension="tenant",
                )
                for _ in range(fired)
            ],
        )
        for values, fired in ((50, 0), (51, 1))
    ),
)
_TOKENS = "interaction_tokens_total"
_TENANTS = {f"t-{number}": 60 * (number + 1) for number in range(VALUES + 1)}
"""One more than are kept, with the tokens of each minute."""


def _attributed(values: dict[str, int]) -> Series:
    return counters({metric(_TOKENS, _POD, dimension="tenant", value=value): n for value, n in values.items()})


def _tenant(name: str) -> str:
    return of(_SUBJECT, dimension="tenant", value=name)


_RECORDINGS = (
    example(
        "60 end in a minute", recorded.STREAMS, series=_streams(error=60), gives={of(_SUBJECT, outcome="error"): 1}
    ),
    example(
        "a process that is scraped as well counts once",
        recorded.STREAMS,
        series=_streams(error=60) | counters({'ag_ui_streams_total{job="backend", outcome="error"}': 60}),
        gives={of(_SUBJECT, outcome="error"): 1},
    ),
    example(
        "two pods have open streams",
        recorded.OPEN,
        series=gauges({metric("ag_ui_open_streams", _PROCESS, instance=f"i-{number}"): number for number in (3, 4)}),
        gives={of(_SUBJECT): 7},
    ),
    example(
        "60 begin in a minute, in less than a second",
        recorded.FIRST_BUCKETS,
        series=_below(1, _FIRST, events=60),
        gives={of(_SUBJECT, le="1"): 1, of(_SUBJECT, le="+Inf"): 1},
    ),
    example("they lie evenly below a second", recorded.FIRST_P95, series=_below(1, _FIRST), gives={of(_SUBJECT): 0.95}),
    example("they lie evenly below a second", recorded.FIRST_P99, series=_below(1, _FIRST), gives={of(_SUBJECT): 0.99}),
    example(
        "60 messages are judged in a minute",
        recorded.GUARDRAILS,
        series=_counts("guardrail_evaluations_total", "decision", _GUARDRAIL, deny=60),
        gives={of(_SUBJECT, _GUARDRAIL, decision="deny"): 1},
    ),
    example(
        "none is denied",
        recorded.DENIED,
        series=_counts("guardrail_evaluations_total", "decision", _GUARDRAIL, allow=60),
        gives={of(_SUBJECT, _GUARDRAIL): 0},
    ),
    example(
        "60 are accepted in a minute",
        recorded.AUTHENTICATIONS,
        series=_counts("authentication_attempts_total", "outcome", accepted=60),
        gives={of(_SUBJECT, outcome="accepted"): 1},
    ),
    example(
        "60 lookups hit in a minute",
        recorded.LOOKUPS,
        series=_below(1, _LOOKUP, _CACHE | {"result": "hit"}, 60),
        gives={of(_SUBJECT, _CACHE, result="hit"): 1},
    ),
    example(
        "a quarter hits",
        recorded.HITS,
        series=_counts(f"{_LOOKUP}_count", "result", _CACHE, hit=15, miss=30, error=15),
        gives={of(_SUBJECT, _CACHE): 0.25},
    ),
    example(
        "they take less than a second",
        recorded.CACHE_BUCKETS,
        series=_below(1, _LOOKUP, _CACHE | {"result": "hit"}, 60),
        gives={of(_SUBJECT, _CACHE, le="1"): 1, of(_SUBJECT, _CACHE, le="+Inf"): 1},
    ),
    example(
        "they lie evenly below a second",
        recorded.CACHE_P95,
        series=_below(1, _LOOKUP, _CACHE | {"result": "hit"}),
        gives={of(_SUBJECT, _CACHE): 0.95},
    ),
    example(
        "credentials are missing or refused twice a minute",
        recorded.NOT_LOADED,
        series=_counts(
            "credential_loads_total", "outcome", {"gen_ai_tool_name": "search"}, missing=1, refused=1, loaded=9
        ),
        at="20m",
        gives={of(_SUBJECT, tool="search"): 30},
    ),
    example(
        "60 tasks are sent in a minute",
        recorded.DELEGATIONS,
        series=_below(60, _DELEGATION, _TARGET, 60),
        gives={of(_SUBJECT, _TARGET): 1},
    ),
    example(
        "none fails",
        recorded.DELEGATION_ERRORS,
        series=_below(60, _DELEGATION, _TARGET),
        gives={of(_SUBJECT, _TARGET): 0},
    ),
    example(
        "they take less than a minute",
        recorded.DELEGATION_BUCKETS,
        series=_below(60, _DELEGATION, _TARGET, 60),
        gives={of(_SUBJECT, _TARGET, le="60"): 1, of(_SUBJECT, _TARGET, le="+Inf"): 1},
    ),
    example(
        "they lie evenly below a minute",
        recorded.DELEGATION_P95,
        series=_below(60, _DELEGATION, _TARGET),
        gives={of(_SUBJECT, _TARGET): 57},
    ),
    example(
        "the backend itself counts others",
        recorded.VALUES_COUNT,
        series=_attributed({"acme": 60, "other": 60}),
        gives={of(_SUBJECT, dimension="tenant"): 2},
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
        series=gauges({metric(recorded.TOKENS, _SUBJECT, _ACME): 1000}),
        at="8m",
        gives={of(_SUBJECT, _ACME): 540_000},
    ),
    example(
        "two million are a day's budget, and thirty a month's",
        recorded.BUDGET_USED,
        series=gauges({metric(recorded.TOKENS, _SUBJECT, _ACME): 1000}),
        at="8m",
        gives={
            of(_SUBJECT, _ACME, period="day"): 0.27,
            # By whole hours: what the last one has added is not in it yet.
            of(_SUBJECT, _ACME, period="month"): 0.002,
        },
    ),
)
EXAMPLES = (*_RATIOS, *_OUTAGES, *_LATENCIES, *_PARTS, *_BUDGETS, *_RECORDINGS)
