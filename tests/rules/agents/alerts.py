"""The alerts over agents, models and tools, by example."""

from __future__ import annotations

from functools import partial

from rules.agents import alerts
from tests.rules.agents.subjects import (
    ASKED,
    ASKS,
    CALLED,
    FIRST_TOKEN,
    INPUT,
    LONG,
    MODEL,
    OF_MODEL,
    OF_PLANNER,
    OF_SEARCH,
    OF_SERVICE,
    PLANNER,
    RAN,
    SEARCHES,
    USED_TOKENS,
    below,
    outcomes,
)
from tests.rules.agents.thresholds import on_latencies, on_ratios
from tests.rules.examples import Series, counters, critical, example, histogram, metric, warning

RATIOS = (
    *on_ratios(
        alerts.RUNS_FAILING,
        partial(outcomes, f"{RAN}_count", PLANNER),
        OF_PLANNER,
        "planner of billing fails {} of its runs.",
        {4.5: None, 5.5: warning, 19: warning, 21: critical},
    ),
    *on_ratios(
        alerts.REQUESTS_FAILING,
        partial(outcomes, f"{ASKED}_count", ASKS),
        OF_MODEL,
        "{} of the requests of planner to gpt-4o (openai) fail.",
        {4.5: None, 5.5: warning, 19: warning, 21: critical},
    ),
    *on_ratios(
        alerts.TOOLS_FAILING,
        partial(outcomes, f"{CALLED}_count", SEARCHES),
        OF_SEARCH,
        "{} of the calls to search by planner fail.",
        {9: None, 11: warning, 49: warning, 51: critical},
    ),
)
LATENCIES = (
    *on_latencies(
        alerts.SLOW_MODEL,
        partial(below, name=ASKED, labels=ASKS),
        OF_MODEL,
        "One in twenty requests of planner to gpt-4o (openai) takes longer than {}.",
        {28.5: None, 31.35: warning, 57: warning, 62.7: critical},
    ),
    *on_latencies(
        alerts.SLOW_FIRST_TOKEN,
        partial(below, name=FIRST_TOKEN, labels=ASKS),
        OF_MODEL,
        "One in twenty answers of gpt-4o (openai) to planner begins after more than {}.",
        {4.75: None, 5.225: warning},
    ),
    *on_latencies(
        alerts.SLOW_RUNS,
        partial(below, name=RAN, labels=PLANNER),
        OF_PLANNER,
        "One in twenty runs of planner takes longer than {}.",
        {57: None, 62.7: warning},
    ),
    *on_latencies(
        alerts.SLOW_TOOLS,
        partial(below, name=CALLED, labels=SEARCHES),
        OF_SEARCH,
        "One in twenty calls to search by planner takes longer than {}.",
        {28.5: None, 31.35: warning},
    ),
)


def _answers(**per_minute: float) -> Series:
    """Requests by how they ended."""
    ends = {"ok": {}, "limited": {"error_type": "openai.RateLimitError"}, "down": {"error_type": "503"}}
    return counters({metric(f"{ASKED}_count", ASKS, ends[end]): count for end, count in per_minute.items()})


AVAILABILITY = (
    example(
        "more than five requests have failed within ten minutes, and none succeeded",
        alerts.UNAVAILABLE,
        series=_answers(ok=0, down=0.4, limited=0.2),
        at="12m",
        fires=[critical("All 5.64 requests to gpt-4o (openai) failed in ten minutes.", "5.64", **MODEL)],
    ),
    example("four requests have failed within ten minutes", alerts.UNAVAILABLE, series=_answers(down=0.4), at="20m"),
    example("nearly all requests fail", alerts.UNAVAILABLE, series=_answers(ok=0.2, down=10), at="20m"),
    example(
        "more than one in twenty requests is refused for the rate",
        alerts.RATE_LIMITED,
        series=_answers(ok=94, limited=6),
        at="6m",
        fires=[warning("openai rate-limits 6% of the requests to gpt-4o.", "6%", **MODEL)],
    ),
    example(
        "hardly one in twenty is, and others fail for other reasons",
        alerts.RATE_LIMITED,
        series=_answers(ok=85.5, limited=4.5, down=10),
        at=LONG,
    ),
)


def _tokens(afterwards: int) -> Series:
    """Two hours of a request of 1000 tokens a minute, and after a pause requests of more."""
    return {
        metric(f"{ASKED}_count", ASKS): "0+1x120 120x40 120+1x50",
        metric(USED_TOKENS, ASKS, INPUT): f"0+1000x120 120000x40 120000+{afterwards}x50",
    }


TOKENS = (
    example(
        "each request uses more than three times the tokens of before",
        alerts.HIGH_TOKEN_USAGE,
        series=_tokens(3300),
        at="199m",
        fires=[
            warning(
                "A request of billing to gpt-4o uses 3.3 times the tokens of the day before.",
                "3.3",
                **OF_SERVICE,
                model="gpt-4o",
            )
        ],
    ),
    example(
        "each request uses not quite three times the tokens of before",
        alerts.HIGH_TOKEN_USAGE,
        series=_tokens(2900),
        at="208m",
    ),
)

RUNS_LOOPING, CALLS_PER_RUN_HIGH = alerts.loop_guards(32)
_TOO_MANY = "planner has finished runs with more than 32 model calls: {} within 30m.".format


def _calls(over_limit: float) -> Series:
    """A run a minute, of which some call a model more than 32 times."""
    return histogram("gen_ai_invoke_agent_inference_calls", PLANNER, {"32": 1 - over_limit, "64": 1, "+Inf": 1})


def _requests_per_run(requests: int) -> Series:
    return counters({metric(f"{ASKED}_count", ASKS): requests, metric(f"{RAN}_count", PLANNER): 1})


LOOPS = (
    *(
        example(
            f"{runs} runs of half an hour were too long",
            RUNS_LOOPING,
            series=_calls(runs / 30),
            at=LONG,
            fires=[fires(_TOO_MANY(told), value, **OF_PLANNER)] if fires else [],
        )
        for runs, told, value, fires in (
            (5, 5, "5", critical),
            (4, 4, "4", warning),
            # As rates make parts of a run.
            (0.6, 1, "600m", warning),
            (0.45, 0, "450m", None),
        )
    ),
    example("none was, though some took as many calls as they may", RUNS_LOOPING, series=_calls(0), at=LONG),
    example(
        "33 requests are made for each run that ends",
        CALLS_PER_RUN_HIGH,
        series=_requests_per_run(33),
        at="18m",
        fires=[warning("billing makes 33 model calls per finished run.", "33", **OF_SERVICE)],
    ),
    example(
        "31 requests are made for each run that ends",
        CALLS_PER_RUN_HIGH,
        series=_requests_per_run(31),
        at=LONG,
    ),
)

EXAMPLES = (*RATIOS, *LATENCIES, *AVAILABILITY, *TOKENS, *LOOPS)
