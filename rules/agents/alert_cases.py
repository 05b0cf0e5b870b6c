"""The alerts over agents, models and tools, tried."""

from __future__ import annotations

from model.quantities import Duration
from model.rules import Severity
from rules.agents import alerts
from rules.agents.examples import (
    ASKS,
    LONG,
    OF_MODEL,
    OF_PLANNER,
    OF_SEARCH,
    OF_SERVICE,
    PLANNER,
    SEARCHES,
    Series,
    below,
    growing,
    histogram,
    on_latencies,
    on_ratios,
    outcomes,
)
from rules.cases import Case, Firing

ASKED = "gen_ai_client_operation_duration_seconds"
RAN = "gen_ai_invoke_agent_duration_seconds"
CALLED = "gen_ai_execute_tool_duration_seconds"
FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds"  # noqa: S105  the name of a metric

RATIOS = (
    *on_ratios(
        alerts.RUNS_FAILING,
        outcomes(f"{RAN}_count", PLANNER),
        OF_PLANNER,
        lambda share: f"planner of billing fails {share} of its runs.",
    ),
    *on_ratios(
        alerts.REQUESTS_FAILING,
        outcomes(f"{ASKED}_count", ASKS),
        OF_PLANNER | OF_MODEL,
        lambda share: f"{share} of the requests of planner to gpt-4o (openai) fail.",
    ),
    *on_ratios(
        alerts.TOOLS_FAILING,
        outcomes(f"{CALLED}_count", SEARCHES),
        OF_SEARCH,
        lambda share: f"{share} of the calls of search by planner fail.",
    ),
)
LATENCIES = (
    *on_latencies(
        alerts.SLOW_MODEL,
        lambda end: below(end, ASKED, ASKS),
        OF_PLANNER | OF_MODEL,
        lambda time: f"One in twenty requests of planner to gpt-4o (openai) takes longer than {time}.",
    ),
    *on_latencies(
        alerts.SLOW_FIRST_TOKEN,
        lambda end: below(end, FIRST_TOKEN, ASKS),
        OF_PLANNER | OF_MODEL,
        lambda time: f"One in twenty answers of gpt-4o (openai) to planner begins after more than {time}.",
    ),
    *on_latencies(
        alerts.SLOW_RUNS,
        lambda end: below(end, RAN, PLANNER),
        OF_PLANNER,
        lambda time: f"One in twenty runs of planner takes longer than {time}.",
    ),
    *on_latencies(
        alerts.SLOW_TOOLS,
        lambda end: below(end, CALLED, SEARCHES),
        OF_SEARCH,
        lambda time: f"One in twenty calls of search by planner takes longer than {time}.",
    ),
)


def _answers(**per_minute: float) -> Series:
    """Requests by how they ended."""
    ends = {"ok": "", "limited": ', error_type="openai.RateLimitError"', "down": ', error_type="503"'}
    return {f"{ASKED}_count{{{ASKS}{ends[end]}}}": growing(count) for end, count in per_minute.items()}


AVAILABILITY = (
    Case(
        alert="ModelUnavailable",
        when="ten requests have failed within ten minutes, and none succeeded",
        series=_answers(ok=0, down=0.75, limited=0.25),
        at=Duration.parse("20m"),
        firing=(
            Firing(
                severity=Severity.CRITICAL,
                labels=OF_MODEL,
                description="All 10 requests of ten minutes to gpt-4o (openai) have failed.",
                value="10",
            ),
        ),
    ),
    Case(
        alert="ModelUnavailable",
        when="four requests have failed within ten minutes",
        series=_answers(down=0.4),
        at=Duration.parse("20m"),
        quiet=(Severity.CRITICAL,),
    ),
    Case(
        alert="ModelUnavailable",
        when="nearly all requests fail",
        series=_answers(ok=0.2, down=10),
        at=Duration.parse("20m"),
        quiet=(Severity.CRITICAL,),
    ),
    Case(
        alert="ModelRateLimited",
        when="more than one in twenty requests is refused for the rate",
        series=_answers(ok=94, limited=6),
        at=LONG,
        firing=(
            Firing(
                severity=Severity.WARNING,
                labels=OF_MODEL,
                description="openai refuses 6% of the requests to gpt-4o for their rate.",
                value="6%",
            ),
        ),
    ),
    Case(
        alert="ModelRateLimited",
        when="hardly one in twenty is, and others fail for other reasons",
        series=_answers(ok=86, limited=4, down=10),
        at=LONG,
        quiet=(Severity.WARNING,),
    ),
)


def _tokens(afterwards: int) -> Series:
    """Two hours of a request of 1000 tokens a minute, and after a pause requests of more."""
    return {
        f"{ASKED}_count{{{ASKS}}}": "0+1x120 120x40 120+1x50",
        f'gen_ai_client_token_usage_sum{{{ASKS}, gen_ai_token_type="input"}}': (
            f"0+1000x120 120000x40 120000+{afterwards}x50"
        ),
    }


TOKENS = (
    Case(
        alert="HighTokenUsage",
        when="each request uses four times the tokens of before",
        series=_tokens(4000),
        at=Duration.parse("208m"),
        firing=(
            Firing(
                severity=Severity.WARNING,
                labels=OF_SERVICE | {"model": "gpt-4o"},
                description="A request of billing to gpt-4o uses 4 times the tokens of the day before.",
                value="4",
            ),
        ),
    ),
    Case(
        alert="HighTokenUsage",
        when="each request uses not quite three times the tokens of before",
        series=_tokens(2900),
        at=Duration.parse("208m"),
        quiet=(Severity.WARNING,),
    ),
)


def _calls(over_limit: float) -> Series:
    """A run a minute, of which some call a model more than 32 times."""
    return histogram("gen_ai_invoke_agent_inference_calls", PLANNER, {"32": 1 - over_limit, "64": 1, "+Inf": 1})


def _looping(severity: Severity, runs: int) -> Firing:
    return Firing(
        severity=severity,
        labels=OF_PLANNER,
        description=f"planner has finished runs with more than 32 calls of a model: {runs} within 30m.",
        value=str(runs),
    )


def _requests_per_run(requests: int) -> Series:
    return {f"{ASKED}_count{{{ASKS}}}": growing(requests), f"{RAN}_count{{{PLANNER}}}": growing(1)}


LOOPS = (
    Case(
        alert="AgentRunsLooping",
        when="six runs of half an hour were too long",
        series=_calls(0.2),
        at=LONG,
        firing=(_looping(Severity.CRITICAL, 6), _looping(Severity.WARNING, 6)),
    ),
    Case(
        alert="AgentRunsLooping",
        when="three were",
        series=_calls(0.1),
        at=LONG,
        firing=(_looping(Severity.WARNING, 3),),
        quiet=(Severity.CRITICAL,),
    ),
    Case(
        alert="AgentRunsLooping",
        when="none was, though some took as many calls as they may",
        series=_calls(0),
        at=LONG,
        quiet=(Severity.WARNING,),
    ),
    Case(
        alert="AgentCallsPerRunHigh",
        when="33 requests are made for each run that ends",
        series=_requests_per_run(33),
        at=LONG,
        firing=(
            Firing(
                severity=Severity.WARNING,
                labels=OF_SERVICE,
                description="billing calls models 33 times per run that it finishes.",
                value="33",
            ),
        ),
    ),
    Case(
        alert="AgentCallsPerRunHigh",
        when="31 requests are made for each run that ends",
        series=_requests_per_run(31),
        at=LONG,
        quiet=(Severity.WARNING,),
    ),
)

CASES = (*RATIOS, *LATENCIES, *AVAILABILITY, *TOKENS, *LOOPS)
