"""The recording rules over agents, models and tools, by example: each trap that such series are known for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.rules.agents.subjects import (
    ASKED,
    ASKS,
    CALLED,
    FAILED,
    FIRST_TOKEN,
    LONG,
    OF_MODEL,
    OF_PLANNER,
    OF_SEARCH,
    OF_SERVICE,
    PLANNER,
    PROCESS,
    RAN,
    SEARCHES,
    USED_TOKENS,
    below,
    outcomes,
)
from tests.rules.examples import Example, Labels, Series, counters, example, growing, histogram, metric, of, steady

CHAT = OF_MODEL | {"operation": "chat"}
FETCH = {"gen_ai_tool_name": "fetch"}
ANOTHER_PROCESS = {"instance": "i-2"}
ELSEWHERE = {"k8s_namespace_name": "elsewhere"}
NOWHERE = {name: value for name, value in ASKS.items() if name != "k8s_namespace_name"}
OLDER_RUN = PLANNER | {"gen_ai_operation_name": "invoke_agent"}
OLDER_TOOL = SEARCHES | {"gen_ai_operation_name": "execute_tool"}

ASKED_TIMES, RAN_TIMES, CALLED_TIMES = f"{ASKED}_count", f"{RAN}_count", f"{CALLED}_count"
FIRST_CHUNK = "gen_ai_client_operation_time_to_first_chunk_seconds"
PER_TOKEN = "gen_ai_server_time_per_output_token_seconds"  # noqa: S105  the name of a metric


def _gives(rule: str, when: str, series: Series, gives: Mapping[str, float]) -> Example:
    return example(when, rule, series=series, at=LONG, gives=gives)


def _used(kind: str, per_minute: float, labels: Labels = ASKS) -> Series:
    return {metric(USED_TOKENS, labels, gen_ai_token_type=kind): growing(per_minute)}


def _used_newer(kind: str, per_minute: float, modality: str = "text") -> Series:
    counter = f"gen_ai_client_inference_usage_{kind}_tokens_total"
    return {metric(counter, ASKS, gen_ai_token_modality=modality): growing(per_minute)}


def _ratio(rule: str, series: str, labels: Labels, result: Labels) -> Iterator[Example]:
    """A share of failures: of some, of none, and of nothing at all."""
    count = f"{series}_count"
    yield _gives(rule, "a quarter fails", outcomes(count, labels, 60, 15), {of(result): 0.25})
    yield _gives(rule, "nothing has ever failed", counters({metric(count, labels): 60}), {of(result): 0})
    yield _gives(rule, "there is no traffic", outcomes(count, labels, 0, 0), {})


def _buckets(rule: str, series: str, labels: Labels, result: Labels) -> Example:
    buckets = histogram(series, labels, {"1": 30, "+Inf": 60})
    return _gives(rule, "half are within a second", buckets, {of(result, le="1"): 0.5, of(result, le="+Inf"): 1})


def _p95(rule: str, series: str, labels: Labels, result: Labels) -> Example:
    return _gives(rule, "all are within 10 s", below(10, series, labels), {of(result): 9.5})


REQUESTS = (
    _gives(
        "agent:requests:rate5m",
        "a model is asked once a second, and every sixth time in vain",
        outcomes(ASKED_TIMES, ASKS, 60, 10),
        {of(CHAT): 50 / 60, of(CHAT, FAILED): 10 / 60},
    ),
    _gives(
        "agent:requests:rate5m",
        "an older library calls the provider a system, and names neither agent nor the model that it asked for",
        counters(
            {
                metric(
                    ASKED_TIMES,
                    PROCESS,
                    gen_ai_operation_name="chat",
                    gen_ai_system="openai",
                    gen_ai_response_model="gpt-4o-2024-08-06",
                ): 60
            }
        ),
        {of(CHAT, agent="billing", model="gpt-4o-2024-08-06"): 1},
    ),
    _gives(
        "agent:requests:rate5m",
        "a library uses the provider's older name beside the newer one",
        counters({metric(ASKED_TIMES, ASKS, gen_ai_system="open_ai"): 60}),
        {of(CHAT): 1},
    ),
    _gives(
        "agent:requests:rate5m",
        "runs and tool calls are operations, too",
        counters({metric(ASKED_TIMES, labels): 60 for labels in (ASKS, OLDER_RUN, OLDER_TOOL)}),
        {of(CHAT): 1},
    ),
    _gives(
        "agent:requests:rate5m",
        "some run in a namespace that is not watched, and some do not say where",
        counters(
            {
                metric(ASKED_TIMES, ASKS): 60,
                metric(ASKED_TIMES, ASKS, ELSEWHERE): 120,
                metric(ASKED_TIMES, NOWHERE): 180,
            }
        ),
        {of(CHAT): 1, of({name: value for name, value in CHAT.items() if name != "namespace"}): 3},
    ),
    *_ratio("agent:requests:error_ratio30m", ASKED, ASKS, OF_MODEL),
    _buckets("agent:request_duration_seconds_bucket:rate5m", ASKED, ASKS, OF_MODEL),
    _p95("agent:request_duration_seconds:p95_30m", ASKED, ASKS, OF_MODEL),
    _gives(
        "agent:request_duration_seconds:p95_30m",
        "most take longer than the last bucket says",
        histogram(ASKED, ASKS, {"40.96": 1, "81.92": 2, "+Inf": 60}),
        {of(OF_MODEL): 81.92},
    ),
    _gives(
        "agent:request_duration_seconds:p95_30m",
        "two processes have a p95 of 9.5 and of 95 s, whose sum or mean is nobody's",
        histogram(ASKED, ASKS, {"10": 90, "100": 90, "+Inf": 90})
        | histogram(ASKED, ASKS | ANOTHER_PROCESS, {"10": 0, "100": 10, "+Inf": 10}),
        {of(OF_MODEL): 10 + 90 * 0.5},
    ),
    _gives(
        "agent:request_duration_seconds:p95_30m",
        "one process spells the end of a bucket 10, another 10.0",
        below(10, ASKED, ASKS) | histogram(ASKED, ASKS | ANOTHER_PROCESS, {"10.0": 10, "+Inf": 10}),
        {of(OF_MODEL): 9.5},
    ),
    _buckets("agent:time_to_first_token_seconds_bucket:rate5m", FIRST_TOKEN, ASKS, OF_MODEL),
    _gives(
        "agent:time_to_first_token_seconds_bucket:rate5m",
        "the client says so in both generations",
        histogram(FIRST_TOKEN, ASKS, {"+Inf": 60}) | histogram(FIRST_CHUNK, ASKS, {"+Inf": 60}),
        {of(OF_MODEL, le="+Inf"): 1},
    ),
    _p95("agent:time_to_first_token_seconds:p95_30m", FIRST_TOKEN, ASKS, OF_MODEL),
    _buckets("agent:time_per_output_token_seconds_bucket:rate5m", PER_TOKEN, ASKS, OF_MODEL),
    _p95("agent:time_per_output_token_seconds:p95_30m", PER_TOKEN, ASKS, OF_MODEL),
)

_BY_THE_NEWER, _BY_THE_OLDER = (
    counters({metric(RAN_TIMES, PLANNER): 60}),
    counters({metric(ASKED_TIMES, OLDER_RUN): 60}),
)
RUNS = (
    *(
        _gives("agent:runs:rate5m", f"an agent runs, by the {name}", series, {of(OF_PLANNER): 1})
        for name, series in (
            ("newer generation", _BY_THE_NEWER),
            ("older generation", _BY_THE_OLDER),
            ("newer and the older generation at once", _BY_THE_NEWER | _BY_THE_OLDER),
        )
    ),
    _gives(
        "agent:runs:rate5m",
        "one process speaks both generations, and another is not updated yet",
        _BY_THE_NEWER | _BY_THE_OLDER | counters({metric(ASKED_TIMES, OLDER_RUN, ANOTHER_PROCESS): 120}),
        {of(OF_PLANNER): 3},
    ),
    *_ratio("agent:runs:error_ratio30m", RAN, PLANNER, OF_PLANNER),
    _buckets("agent:run_duration_seconds_bucket:rate5m", RAN, PLANNER, OF_PLANNER),
    _p95("agent:run_duration_seconds:p95_30m", RAN, PLANNER, OF_PLANNER),
    _buckets("agent:inference_calls_bucket:rate5m", "gen_ai_invoke_agent_inference_calls", PLANNER, OF_PLANNER),
    _gives(
        "service:inference_calls_per_run:ratio30m",
        "twelve requests and two runs a minute",
        counters(
            {
                metric(ASKED_TIMES, ASKS): 12,
                metric(ASKED_TIMES, ASKS, gen_ai_operation_name="embeddings"): 100,
                metric(RAN_TIMES, PLANNER): 2,
            }
        ),
        {of(OF_SERVICE): 6},
    ),
    _gives(
        "service:inference_calls_per_run:ratio30m",
        "a run goes on and on, and none ends",
        {metric(ASKED_TIMES, ASKS): growing(2), metric(RAN_TIMES, PLANNER): steady(7)},
        {of(OF_SERVICE): 60},
    ),
)

TOOLS = (
    _gives(
        "agent:tool_calls:rate5m",
        "a tool is called, and both generations say so",
        counters({metric(CALLED_TIMES, SEARCHES): 60, metric(ASKED_TIMES, OLDER_TOOL): 60}),
        {of(OF_SEARCH): 1},
    ),
    _gives(
        "agent:tool_calls:rate5m",
        "two libraries in one process speak a generation each",
        counters({metric(CALLED_TIMES, SEARCHES): 60, metric(ASKED_TIMES, OLDER_TOOL, FETCH): 120}),
        {of(OF_SEARCH): 1, of(OF_SEARCH, tool="fetch"): 2},
    ),
    *_ratio("agent:tool_calls:error_ratio30m", CALLED, SEARCHES, OF_SEARCH),
    _buckets("agent:tool_duration_seconds_bucket:rate5m", CALLED, SEARCHES, OF_SEARCH),
    _p95("agent:tool_duration_seconds:p95_30m", CALLED, SEARCHES, OF_SEARCH),
)

_SENT_AND_ANSWERED = {of(OF_MODEL, direction="input"): 10.0, of(OF_MODEL, direction="output"): 2.0}
TOKENS = (
    _gives(
        "agent:tokens:rate5m",
        "there is a total as well, and parts of the input and the output",
        _used("input", 600)
        | _used("output", 120)
        | _used("total", 720)
        | _used("cache_read", 300)
        | _used("reasoning", 60),
        _SENT_AND_ANSWERED,
    ),
    _gives(
        "agent:tokens:rate5m",
        "both generations count them, the newer one caches and reasoning as well",
        _used("input", 600)
        | _used("output", 120)
        | _used_newer("input", 600)
        | _used_newer("output", 120)
        | _used_newer("cache_read_input", 300),
        _SENT_AND_ANSWERED,
    ),
    _gives(
        "agent:tokens:rate5m",
        "the newer generation counts them by modality",
        _used_newer("input", 400) | _used_newer("input", 200, "image") | _used_newer("output", 120),
        _SENT_AND_ANSWERED,
    ),
    _gives(
        "agent:tokens:rate5m",
        "a framework counts them for the whole run again",
        _used("input", 600) | _used("input", 600, ASKS | {"gen_ai_operation_name": "invoke_agent"}),
        {of(OF_MODEL, direction="input"): 10},
    ),
    _gives(
        "agent:cached_tokens:rate5m",
        "half of the input was cached",
        _used_newer("input", 600) | _used_newer("cache_read_input", 300),
        {of(OF_MODEL): 5},
    ),
    _gives(
        "agent:reasoning_tokens:rate5m",
        "half of the output was reasoning",
        _used_newer("output", 600) | _used_newer("reasoning_output", 300),
        {of(OF_MODEL): 5},
    ),
)

EXAMPLES = (*REQUESTS, *RUNS, *TOOLS, *TOKENS)
