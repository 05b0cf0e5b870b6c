"""Agents of every generation and library, pushed to the rendered Prometheus: its rules count each event once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pytest

from rules.agents.protocols import A2A_P95
from tests.servers.pushed import Points, process, push, receiving, rule
from tools.local.account import Account
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually
from tools.local.otlp import Counter, Histogram
from tools.local.rendered import Rendered
from tools.local.server import LocalServer

# What each agent does in a minute, whatever it is instrumented with.
REQUESTS, INPUT, OUTPUT, DOLLARS, RUNS, CALLS = 60, 600, 120, 6, 30, 90
SECONDS, FIRST, EACH = 2.0, 0.5, 0.04
"""Of a request, until its first token, and of each token after it."""

PROVIDER, SYSTEM = {"gen_ai.provider.name": "openai"}, {"gen_ai.system": "openai"}
MODEL = {"gen_ai.request.model": "gpt-4o", "gen_ai.operation.name": "chat"}
AGENT = {"gen_ai.agent.name": "planner"}
ASKS, ASKED = MODEL | PROVIDER | AGENT, MODEL | SYSTEM
OLDER_RUN = AGENT | {"gen_ai.operation.name": "invoke_agent"}
OLDER_CALL = AGENT | {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}


def usage(attributes: dict[str, str]) -> list[Histogram]:
    """Tokens, up to 1.37 of the conventions."""
    return [
        Histogram("gen_ai.client.token.usage", times, each, attributes | {"gen_ai.token.type": kind}, "{token}")
        for kind, times, each in (("input", REQUESTS, INPUT / REQUESTS), ("output", REQUESTS, OUTPUT / REQUESTS))
    ]


DURATION = "gen_ai.client.operation.duration"
BY_1_36: tuple[Counter | Histogram, ...] = (
    Histogram(DURATION, REQUESTS, SECONDS, ASKED),
    *usage(ASKED),
    Histogram("gen_ai.server.time_to_first_token", REQUESTS, FIRST, ASKED),
    Histogram("gen_ai.server.time_per_output_token", REQUESTS, EACH, ASKED),
    Histogram(DURATION, RUNS, SECONDS, OLDER_RUN),
    Histogram(DURATION, CALLS, SECONDS, OLDER_CALL),
)
BY_1_37: tuple[Counter | Histogram, ...] = (
    Histogram(DURATION, REQUESTS, SECONDS, ASKS),
    *usage(ASKS),
    Histogram("gen_ai.client.operation.time_to_first_chunk", REQUESTS, FIRST, ASKS),
    Histogram("gen_ai.client.operation.time_per_output_chunk", REQUESTS, EACH, ASKS),
    Histogram("gen_ai.invoke_agent.duration", RUNS, SECONDS, AGENT),
    Histogram("gen_ai.execute_tool.duration", CALLS, SECONDS, AGENT | {"gen_ai.tool.name": "search"}),
)
BY_V0_1_0: tuple[Counter | Histogram, ...] = (
    Histogram("gen_ai.client.inference.duration", REQUESTS, SECONDS, ASKS),
    Histogram("gen_ai.client.inference.time_to_first_chunk", REQUESTS, FIRST, ASKS),
    Histogram("gen_ai.client.inference.time_per_output_chunk", REQUESTS, EACH, ASKS),
    Counter("gen_ai.client.inference.usage.input_tokens", INPUT, ASKS, "{token}"),
    Counter("gen_ai.client.inference.usage.output_tokens", OUTPUT, ASKS, "{token}"),
    # Parts of these.
    Counter("gen_ai.client.inference.usage.cache_read.input_tokens", INPUT // 2, ASKS, "{token}"),
    Counter("gen_ai.client.inference.usage.cache_write.input_tokens", INPUT // 4, ASKS, "{token}"),
    Counter("gen_ai.client.inference.usage.reasoning.output_tokens", OUTPUT // 2, ASKS, "{token}"),
    *BY_1_37[-2:],
)
OF_OPENLIT = {"gen_ai.type": "chat", "gen_ai.request.model": "gpt-4o"} | SYSTEM
BY_OPENLIT = (
    Counter("gen_ai.total.requests", REQUESTS, OF_OPENLIT, "1"),
    Counter("gen_ai.usage.prompt_tokens", INPUT, OF_OPENLIT, "1"),
    Counter("gen_ai.usage.completion_tokens", OUTPUT, OF_OPENLIT, "1"),
    # The sum of both.
    Counter("gen_ai.usage.total_tokens", INPUT + OUTPUT, OF_OPENLIT, "1"),
)
COST = Histogram("gen_ai.usage.cost", DOLLARS, 1, ASKED, "USD")
OF_MODEL = ("requests", "tokens", "first token", "each token")
ALL = (*OF_MODEL, "runs", "calls")


@dataclass(frozen=True)
class Dialect:
    name: str
    a_minute: Sequence[Counter | Histogram]
    """What is counted in a minute."""
    tells: Sequence[str] = ALL
    timed: bool = True
    """Whether it says how long anything takes."""


DIALECTS = (
    Dialect("by-1-36", BY_1_36),
    Dialect("by-1-37", BY_1_37),
    Dialect("by-v0-1-0", BY_V0_1_0),
    Dialect("by-two-generations-at-once", (*BY_1_37, *BY_V0_1_0[:-2])),
    Dialect("by-all-generations-at-once", (*BY_1_36, *BY_V0_1_0)),
    Dialect("openlit-until-1-33", (*BY_OPENLIT, COST), ("requests", "tokens", "cost"), timed=False),
    Dialect(
        "openlit-1-34",
        (
            *BY_1_36,
            BY_OPENLIT[0],
            Counter("gen_ai.usage.input_tokens", INPUT, ASKED, "1"),
            Counter("gen_ai.usage.output_tokens", OUTPUT, ASKED, "1"),
            COST,
        ),
        (*ALL, "cost"),
    ),
    Dialect("openlit-in-two-versions-at-once", (*BY_1_36, *BY_OPENLIT, COST), (*ALL, "cost")),
    Dialect("openlit", (*BY_1_36, COST), (*ALL, "cost")),
    Dialect(
        "litellm",
        (
            *BY_1_36[:3],
            Histogram("gen_ai.client.response.time_to_first_token", REQUESTS, FIRST, ASKED),
            Histogram("gen_ai.client.response.time_per_output_token", REQUESTS, EACH, ASKED),
            # Of the same requests, without the time that LiteLLM takes itself.
            Histogram("gen_ai.client.response.duration", REQUESTS, SECONDS, ASKED),
            Histogram("gen_ai.client.token.cost", DOLLARS, 1, ASKED, "USD"),
        ),
        (*OF_MODEL, "cost"),
    ),
    Dialect(
        "openllmetry",
        (
            *BY_1_36[:3],
            Histogram("llm.openai.chat_completions.streaming_time_to_first_token", REQUESTS, FIRST, ASKED),
            Histogram("llm.openai.chat_completions.streaming_time_to_generate", REQUESTS, SECONDS, ASKED),
        ),
        OF_MODEL[:3],
    ),
)
EXPONENTIAL = tuple(
    replace(
        dialect,
        name=f"{dialect.name}-exponential",
        a_minute=[
            replace(each, exponential=True) if isinstance(each, Histogram) else each for each in dialect.a_minute
        ],
    )
    for dialect in DIALECTS
)
IN_BOTH_KINDS = Dialect("in-both-kinds", (*BY_1_37, *EXPONENTIAL[1].a_minute))
MILLISECONDS = 700
A2A = [
    Histogram(
        "traces.span.metrics.duration",
        REQUESTS,
        MILLISECONDS,
        {"span.kind": "SPAN_KIND_SERVER", "status.code": "STATUS_CODE_UNSET", "a2a.method.name": "message/send"},
        "ms",
        exponential=True,
    )
]
"""What a collector of somebody's own counts of spans, and pushes."""
TRIED = (*DIALECTS, *EXPONENTIAL, IN_BOTH_KINDS)

RATES = {
    "requests": ("agent:requests:rate5m", REQUESTS),
    "tokens": ("agent:tokens:rate5m", INPUT + OUTPUT),
    "cost": ("agent:emitted_cost:rate5m", DOLLARS),
    "runs": ("agent:runs:rate5m", RUNS),
    "calls": ("agent:tool_calls:rate5m", CALLS),
}
"""What they come to in a minute."""
TIMES = {
    "requests": ("agent:request_duration_seconds:p95_30m", SECONDS),
    "first token": ("agent:time_to_first_token_seconds:p95_30m", FIRST),
    "each token": ("agent:time_per_output_token_seconds:p95_30m", EACH),
    "runs": ("agent:run_duration_seconds:p95_30m", SECONDS),
    "calls": ("agent:tool_duration_seconds:p95_30m", SECONDS),
}


def spoken(dialect: Dialect) -> Points:
    def after(minute: int) -> list[Counter | Histogram]:
        return [
            replace(each, count=each.count * minute)
            if isinstance(each, Histogram)
            else replace(each, value=each.value * minute)
            for each in dialect.a_minute
        ]

    return after


@dataclass(frozen=True)
class Prometheus:
    """A running one, and when it was given its samples."""

    local: LocalServer
    at: float

    def of(self, expr: str, service: str, at: float | None = None) -> float | None:
        """The sum of what is recorded of a service."""
        found = [
            float(each["value"][1]) for each in query(self.local, expr, at) if each["metric"]["service"] == service
        ]
        return sum(found) if found else None


@pytest.fixture(scope="module")
def prometheus(
    control_plane: ControlPlane, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """With ten minutes of an agent in each dialect, and its rules evaluated on them."""
    with receiving(rendered("dev"), tmp_path_factory.mktemp("dialects"), Account.admin(control_plane)) as local:
        for dialect in TRIED:
            resource = process(dialect.name, f"{dialect.name}-1", **{"service.namespace": "shop"})
            push(local, resource, {"a-library": spoken(dialect)})
        push(local, process("spans", "spans-1"), {"a-collector": spoken(Dialect("spans", A2A))})
        given = Prometheus(local, time.time())
        # The last of the rules, after those that it reads.
        eventually(lambda: given.of(TIMES["calls"][0], TRIED[-1].name), 150, "the rules have been evaluated")
        yield given


@pytest.mark.parametrize("dialect", TRIED, ids=lambda each: each.name)
def test_each_event_is_counted_once_in_any_dialect(prometheus: Prometheus, dialect: Dialect) -> None:
    local, at = prometheus.local, prometheus.at
    found = {what: prometheus.of(rule(local, name), dialect.name, at) for what, (name, _) in RATES.items()}

    expected = {what: a_minute / 60 for what, (_, a_minute) in RATES.items() if what in dialect.tells}
    assert {what: value for what, value in found.items() if value is not None} == pytest.approx(expected, rel=0.001)


@pytest.mark.parametrize("dialect", TRIED, ids=lambda each: each.name)
def test_times_are_within_their_bucket_in_any_dialect(prometheus: Prometheus, dialect: Dialect) -> None:
    for what in (each for each in dialect.tells if each in TIMES and dialect.timed):
        name, seconds = TIMES[what]
        found = prometheus.of(name, dialect.name)
        assert found is not None, what
        # Explicit buckets double from end to end, exponential ones grow by 9 %.
        assert seconds / 2 <= found <= seconds * 2, what
        if "exponential" in dialect.name:
            assert seconds / 1.1 <= found <= seconds * 1.1, what


def test_times_of_requests_between_agents_are_read_from_exponential_histograms_too(prometheus: Prometheus) -> None:
    # Of its own group, which may be evaluated after the others.
    expr = rule(prometheus.local, A2A_P95)
    found = eventually(lambda: prometheus.of(expr, "spans"), 150, "the rules have been evaluated")

    assert found == pytest.approx(MILLISECONDS / 1000, rel=0.1)


def test_a_service_with_a_namespace_has_the_name_that_its_traces_and_lines_have(prometheus: Prometheus) -> None:
    agents = {each["metric"]["agent"] for each in query(prometheus.local, 'agent:requests:rate5m{service="litellm"}')}

    assert agents == {"litellm"}, "neither is shop/litellm"
