"""The recording rules over agents, models and tools, tried: among them each trap that such series are known for."""

from __future__ import annotations

from collections.abc import Mapping

from rules.agents.examples import ASKS, LONG, PLANNER, PROCESS, SEARCHES, Series, below, growing, histogram, outcomes
from rules.cases import Value

PLACE = 'namespace="agents", service="billing", agent="planner"'
NAMELESS = 'namespace="agents", service="billing", agent="billing"'
MODEL = f'{PLACE}, provider="openai", model="gpt-4o"'
CHAT = f'{MODEL}, operation="chat"'
SEARCH = f'{PLACE}, tool="search"'
FAILED = 'error_type="timeout"'

OPERATION = "gen_ai_client_operation_duration_seconds"
RUN, TOOL = "gen_ai_invoke_agent_duration_seconds", "gen_ai_execute_tool_duration_seconds"
FIRST_TOKEN, FIRST_CHUNK = (
    "gen_ai_server_time_to_first_token_seconds",
    "gen_ai_client_operation_time_to_first_chunk_seconds",
)
PER_TOKEN = "gen_ai_server_time_per_output_token_seconds"  # noqa: S105  the name of a metric
OLDER_RUN = f'{PLANNER}, gen_ai_operation_name="invoke_agent"'
OLDER_TOOL = f'{SEARCHES}, gen_ai_operation_name="execute_tool"'


def _value(of: str, when: str, series: Series, results: Mapping[str, float]) -> Value:
    return Value(of=of, when=when, series=series, at=LONG, results=results)


def _other_process(series: Series) -> Series:
    return {selector.replace('"i-1"', '"i-2"'): values for selector, values in series.items()}


def _used(kind: str, per_minute: float, labels: str = ASKS) -> Series:
    return {f'gen_ai_client_token_usage_sum{{{labels}, gen_ai_token_type="{kind}"}}': growing(per_minute)}


def _used_newer(kind: str, per_minute: float, labels: str = ASKS) -> Series:
    counter = f"gen_ai_client_inference_usage_{kind}_tokens_total"
    return {f'{counter}{{{labels}, gen_ai_token_modality="text"}}': growing(per_minute)}


def _ratio(of: str, series: str, labels: str, result: str) -> tuple[Value, ...]:
    """A share of failures: of some, of none, and of nothing at all."""
    ends = outcomes(f"{series}_count", labels)
    return (
        _value(of, "a quarter fails", ends(60, 15), {result: 0.25}),
        _value(of, "nothing has ever failed", {f"{series}_count{{{labels}}}": growing(60)}, {result: 0}),
        _value(of, "there is no traffic", ends(0, 0), {}),
    )


def _buckets(of: str, series: str, labels: str, result: str) -> Value:
    buckets = histogram(series, labels, {"1": 30, "+Inf": 60})
    return _value(of, "half are within a second", buckets, {f'{result}, le="1"': 0.5, f'{result}, le="+Inf"': 1})


def _p95(of: str, series: str, labels: str, result: str) -> Value:
    return _value(of, "all are within 10 s", below(10, series, labels), {result: 9.5})


REQUESTS = (
    _value(
        "agent:requests:rate5m",
        "a model is asked once a second, and every sixth time in vain",
        outcomes(f"{OPERATION}_count", ASKS)(60, 10),
        {CHAT: 50 / 60, f"{CHAT}, {FAILED}": 10 / 60},
    ),
    _value(
        "agent:requests:rate5m",
        "an older library calls the provider a system, and names neither agent nor the model that it asked for",
        {
            f'{OPERATION}_count{{{PROCESS}, gen_ai_operation_name="chat", gen_ai_system="openai",'
            ' gen_ai_response_model="gpt-4o-2024-08-06"}': growing(60)
        },
        {f'{NAMELESS}, provider="openai", model="gpt-4o-2024-08-06", operation="chat"': 1},
    ),
    _value(
        "agent:requests:rate5m",
        "a library uses the provider's older name beside the newer one",
        {f'{OPERATION}_count{{{ASKS}, gen_ai_system="open_ai"}}': growing(60)},
        {CHAT: 1},
    ),
    _value(
        "agent:requests:rate5m",
        "runs and tool calls are operations, too",
        {f"{OPERATION}_count{{{labels}}}": growing(60) for labels in (ASKS, OLDER_RUN, OLDER_TOOL)},
        {CHAT: 1},
    ),
    _value(
        "agent:requests:rate5m",
        "some run in a namespace that is not watched, and some do not say where",
        {
            f"{OPERATION}_count{{{ASKS}}}": growing(60),
            f"{OPERATION}_count{{{ASKS}}}".replace('"agents"', '"elsewhere"'): growing(120),
            f"{OPERATION}_count{{{ASKS}}}".replace(', k8s_namespace_name="agents"', ""): growing(180),
        },
        {CHAT: 1, CHAT.replace('namespace="agents", ', ""): 3},
    ),
    *_ratio("agent:requests:error_ratio30m", OPERATION, ASKS, MODEL),
    _buckets("agent:request_duration_seconds_bucket:rate5m", OPERATION, ASKS, MODEL),
    _p95("agent:request_duration_seconds:p95_30m", OPERATION, ASKS, MODEL),
    _value(
        "agent:request_duration_seconds:p95_30m",
        "most take longer than the last bucket says",
        histogram(OPERATION, ASKS, {"40.96": 1, "81.92": 2, "+Inf": 60}),
        {MODEL: 81.92},
    ),
    _value(
        "agent:request_duration_seconds:p95_30m",
        "two processes have a p95 of 9.5 and of 95 s, whose sum or mean is nobody's",
        {
            **histogram(OPERATION, ASKS, {"10": 90, "100": 90, "+Inf": 90}),
            **_other_process(histogram(OPERATION, ASKS, {"10": 0, "100": 10, "+Inf": 10})),
        },
        {MODEL: 10 + 90 * 0.5},
    ),
    _value(
        "agent:request_duration_seconds:p95_30m",
        "one process spells the end of a bucket 10, another 10.0",
        {
            **below(10, OPERATION, ASKS),
            **_other_process(histogram(OPERATION, ASKS, {"10.0": 10, "+Inf": 10})),
        },
        {MODEL: 9.5},
    ),
    _buckets("agent:time_to_first_token_seconds_bucket:rate5m", FIRST_TOKEN, ASKS, MODEL),
    _value(
        "agent:time_to_first_token_seconds_bucket:rate5m",
        "the client says so in both generations",
        {f'{name}_bucket{{{ASKS}, le="+Inf"}}': growing(60) for name in (FIRST_TOKEN, FIRST_CHUNK)},
        {f'{MODEL}, le="+Inf"': 1},
    ),
    _p95("agent:time_to_first_token_seconds:p95_30m", FIRST_TOKEN, ASKS, MODEL),
    _buckets("agent:time_per_output_token_seconds_bucket:rate5m", PER_TOKEN, ASKS, MODEL),
    _p95("agent:time_per_output_token_seconds:p95_30m", PER_TOKEN, ASKS, MODEL),
)

RUNS = (
    *(
        _value("agent:runs:rate5m", f"an agent runs, by the {name}", series, {PLACE: 1})
        for name, series in (
            ("newer generation", {f"{RUN}_count{{{PLANNER}}}": growing(60)}),
            ("older generation", {f"{OPERATION}_count{{{OLDER_RUN}}}": growing(60)}),
            (
                "newer and the older generation at once",
                {f"{RUN}_count{{{PLANNER}}}": growing(60), f"{OPERATION}_count{{{OLDER_RUN}}}": growing(60)},
            ),
        )
    ),
    _value(
        "agent:runs:rate5m",
        "one process speaks both generations, and another is not updated yet",
        {
            f"{RUN}_count{{{PLANNER}}}": growing(60),
            f"{OPERATION}_count{{{OLDER_RUN}}}": growing(60),
            **_other_process({f"{OPERATION}_count{{{OLDER_RUN}}}": growing(120)}),
        },
        {PLACE: 3},
    ),
    *_ratio("agent:runs:error_ratio30m", RUN, PLANNER, PLACE),
    _buckets("agent:run_duration_seconds_bucket:rate5m", RUN, PLANNER, PLACE),
    _p95("agent:run_duration_seconds:p95_30m", RUN, PLANNER, PLACE),
    _buckets("agent:inference_calls_bucket:rate5m", "gen_ai_invoke_agent_inference_calls", PLANNER, PLACE),
    _value(
        "service:inference_calls_per_run:ratio30m",
        "twelve requests and two runs a minute",
        {
            f"{OPERATION}_count{{{ASKS}}}": growing(12),
            f"{OPERATION}_count{{{ASKS}}}".replace("chat", "embeddings"): growing(100),
            f"{RUN}_count{{{PLANNER}}}": growing(2),
        },
        {'namespace="agents", service="billing"': 6},
    ),
    _value(
        "service:inference_calls_per_run:ratio30m",
        "a run goes on and on, and none ends",
        {f"{OPERATION}_count{{{ASKS}}}": growing(2), f"{RUN}_count{{{PLANNER}}}": "7x60"},
        {'namespace="agents", service="billing"': 60},
    ),
)

TOOLS = (
    _value(
        "agent:tool_calls:rate5m",
        "a tool is called, and both generations say so",
        {f"{TOOL}_count{{{SEARCHES}}}": growing(60), f"{OPERATION}_count{{{OLDER_TOOL}}}": growing(60)},
        {SEARCH: 1},
    ),
    _value(
        "agent:tool_calls:rate5m",
        "two libraries in one process speak a generation each",
        {
            f"{TOOL}_count{{{SEARCHES}}}": growing(60),
            f"{OPERATION}_count{{{OLDER_TOOL}}}".replace('"search"', '"fetch"'): growing(120),
        },
        {SEARCH: 1, SEARCH.replace('"search"', '"fetch"'): 2},
    ),
    *_ratio("agent:tool_calls:error_ratio30m", TOOL, SEARCHES, SEARCH),
    _buckets("agent:tool_duration_seconds_bucket:rate5m", TOOL, SEARCHES, SEARCH),
    _p95("agent:tool_duration_seconds:p95_30m", TOOL, SEARCHES, SEARCH),
)

_SENT_AND_ANSWERED = {f'{MODEL}, direction="input"': 10.0, f'{MODEL}, direction="output"': 2.0}
TOKENS = (
    _value(
        "agent:tokens:rate5m",
        "there is a total as well, and parts of the input and the output",
        {
            selector: values
            for kind, count in {"input": 600, "output": 120, "total": 720, "cache_read": 300, "reasoning": 60}.items()
            for selector, values in _used(kind, count).items()
        },
        _SENT_AND_ANSWERED,
    ),
    _value(
        "agent:tokens:rate5m",
        "both generations count them, the newer one caches and reasoning as well",
        {
            **_used("input", 600),
            **_used("output", 120),
            **_used_newer("input", 600),
            **_used_newer("output", 120),
            **_used_newer("cache_read_input", 300),
        },
        _SENT_AND_ANSWERED,
    ),
    _value(
        "agent:tokens:rate5m",
        "the newer generation counts them by modality",
        {
            **_used_newer("input", 400),
            f'gen_ai_client_inference_usage_input_tokens_total{{{ASKS}, gen_ai_token_modality="image"}}': growing(200),
            **_used_newer("output", 120),
        },
        _SENT_AND_ANSWERED,
    ),
    _value(
        "agent:tokens:rate5m",
        "a framework counts them for the whole run again",
        {**_used("input", 600), **_used("input", 600, ASKS.replace('"chat"', '"invoke_agent"'))},
        {f'{MODEL}, direction="input"': 10},
    ),
    _value(
        "agent:cached_tokens:rate5m",
        "half of the input was cached",
        {**_used_newer("input", 600), **_used_newer("cache_read_input", 300)},
        {MODEL: 5},
    ),
)

VALUES = (*REQUESTS, *RUNS, *TOOLS, *TOKENS)
