"""Recording rules of requests, runs, tool calls, tokens and latencies, with one name for all generations.

Rates and buckets are recorded with all labels, and panels sum them. Ratios and quantiles cannot be summed: they have
the labels that the alerts need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from model.metrics import Unit
from model.rules import Recording
from rules.agents.promql import (
    MODEL,
    PLACE,
    Labelled,
    counted,
    failing,
    newest,
    of_newest,
    p95,
    short,
)
from rules.histograms import with_label
from rules.rates import Scope

# An agent's run contains its model and tool calls. Only model calls are requests, otherwise tokens would be counted at
# every level. Operations that the conventions do not know count as requests. The newest metrics contain requests only.
OTHER_OPERATIONS = "(create|invoke)_.*|execute_tool|plan|retrieval|fetch_response|.*_memory(_store)?"
INFERENCE = f'gen_ai_operation_name!~"{OTHER_OPERATIONS}"'
_RUN, _TOOL_CALL = 'gen_ai_operation_name="invoke_agent"', 'gen_ai_operation_name="execute_tool"'
# Other values ("total", caches, reasoning) contain input or output tokens, or are part of them.
_IN_OR_OUT = 'gen_ai_token_type=~"input|output"'

OPERATION = "gen_ai_client_operation_duration_seconds"
REQUEST_DURATIONS = ("gen_ai_client_inference_duration_seconds", "gen_ai_client_embeddings_duration_seconds")
"""Durations of requests in the newest generation, which has OPERATION only for other operations."""
# Newest first. Clients before servers, because the client's waiting time matters.
FIRST_TOKEN = (
    "gen_ai_client_inference_time_to_first_chunk_seconds",
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "gen_ai_client_response_time_to_first_token_seconds",  # LiteLLM's own
    "gen_ai_server_time_to_first_token_seconds",
    "llm_openai_chat_completions_streaming_time_to_first_token_seconds",  # OpenLLMetry's, before it used the convention
)
PER_TOKEN = (
    "gen_ai_client_inference_time_per_output_chunk_seconds",
    "gen_ai_client_operation_time_per_output_chunk_seconds",
    "gen_ai_client_response_time_per_output_token_seconds",  # LiteLLM's own
    "gen_ai_server_time_per_output_token_seconds",
)
# OpenLIT up to 1.33 counts successful requests only. Later versions have the metrics of the conventions, some of them
# with these too.
OPENLIT_REQUESTS = "gen_ai_requests_total"
OPENLIT_TOKENS = {"input": "gen_ai_usage_prompt_tokens_total", "output": "gen_ai_usage_completion_tokens_total"}
CACHED = "gen_ai_client_inference_usage_cache_read_input_tokens_total"
Read = Callable[..., str]
"""A method of `Scope` that reads a histogram: from its name and matchers to PromQL."""
TOOL = f"{PLACE}, tool"
SERVICE = "cluster, environment, namespace, service"

REQUESTS = "agent:requests:rate5m"
REQUEST_ERRORS = "agent:requests:error_ratio30m"
REQUEST_BUCKETS = "agent:request_duration_seconds_bucket:rate5m"
REQUEST_P95 = "agent:request_duration_seconds:p95_30m"
TTFT_BUCKETS = "agent:time_to_first_token_seconds_bucket:rate5m"
TTFT_P95 = "agent:time_to_first_token_seconds:p95_30m"
TPOT_BUCKETS = "agent:time_per_output_token_seconds_bucket:rate5m"
TPOT_P95 = "agent:time_per_output_token_seconds:p95_30m"
RUNS = "agent:runs:rate5m"
RUN_ERRORS = "agent:runs:error_ratio30m"
RUN_BUCKETS = "agent:run_duration_seconds_bucket:rate5m"
RUN_P95 = "agent:run_duration_seconds:p95_30m"
TOOL_CALLS = "agent:tool_calls:rate5m"
TOOL_ERRORS = "agent:tool_calls:error_ratio30m"
TOOL_BUCKETS = "agent:tool_duration_seconds_bucket:rate5m"
TOOL_P95 = "agent:tool_duration_seconds:p95_30m"
CALLS_BUCKETS = "agent:inference_calls_bucket:rate5m"
CALLS_PER_RUN = "service:inference_calls_per_run:ratio30m"
TOKENS = "agent:tokens:rate5m"
CACHED_TOKENS = "agent:cached_tokens:rate5m"
REASONING_TOKENS = "agent:reasoning_tokens:rate5m"


def recordings(scope: Scope) -> tuple[Recording, ...]:
    return (*_requests(scope), *_runs(scope), *_tools(scope), *_tokens(scope))


def _requests(scope: Scope) -> Iterator[Recording]:
    def asked(name: str, read: Read, by: str, oldest: str = "") -> Recording:
        newer = f"({' or '.join(read(each) for each in REQUEST_DURATIONS)})"
        said = of_newest(by, "model, operation", newer, read(OPERATION, INFERENCE))
        return Recording(name=name, expr=f"sum by ({by}) ({said}{oldest})")

    def timed(name: str, histograms: tuple[str, ...]) -> Recording:
        return _of_newest(name, f"{MODEL}, le", "model", *(scope.buckets(each) for each in histograms))

    of_openlit = f'label_replace({scope.rate(OPENLIT_REQUESTS)}, "gen_ai_operation_name", "$1", "gen_ai_type", "(.+)")'
    by = f"{MODEL}, operation, error_type"
    oldest = _of_nothing_newer(short(with_label(of_openlit, "error_type", ""), by))
    yield asked(REQUESTS, scope.count, by, oldest)
    yield Recording(name=REQUEST_ERRORS, expr=failing(REQUESTS, MODEL), unit=Unit.RATIO)
    yield asked(REQUEST_BUCKETS, scope.buckets, f"{MODEL}, le")
    yield Recording(name=REQUEST_P95, expr=p95(REQUEST_BUCKETS, MODEL), unit=Unit.SECONDS)
    yield timed(TTFT_BUCKETS, FIRST_TOKEN)
    yield Recording(name=TTFT_P95, expr=p95(TTFT_BUCKETS, MODEL), unit=Unit.SECONDS)
    yield timed(TPOT_BUCKETS, PER_TOKEN)
    yield Recording(name=TPOT_P95, expr=p95(TPOT_BUCKETS, MODEL), unit=Unit.SECONDS)


def _runs(scope: Scope) -> Iterator[Recording]:
    def recorded(name: str, read: Read, by: str) -> Recording:
        newer, older = read("gen_ai_invoke_agent_duration_seconds"), read(OPERATION, _RUN)
        return _of_newest(name, by, "agent", newer, older)

    calls = short(scope.buckets("gen_ai_invoke_agent_inference_calls"), PLACE)
    asked = counted(f'{REQUESTS}{{operation!="embeddings"}}', SERVICE)
    yield recorded(RUNS, scope.count, f"{PLACE}, error_type")
    yield Recording(name=RUN_ERRORS, expr=failing(RUNS, PLACE), unit=Unit.RATIO)
    yield recorded(RUN_BUCKETS, scope.buckets, f"{PLACE}, le")
    yield Recording(name=RUN_P95, expr=p95(RUN_BUCKETS, PLACE), unit=Unit.SECONDS)
    yield Recording(name=CALLS_BUCKETS, expr=f"sum by ({PLACE}, le) ({calls})")
    # By service, because requests of the older generation have no agent label. A run that never ends is in no
    # histogram, but its requests are counted, divided by at least one run.
    yield Recording(name=CALLS_PER_RUN, expr=f"{asked} / clamp_min({counted(RUNS, SERVICE)}, 1)")


def _tools(scope: Scope) -> Iterator[Recording]:
    def recorded(name: str, read: Read, by: str) -> Recording:
        newer, older = read("gen_ai_execute_tool_duration_seconds"), read(OPERATION, _TOOL_CALL)
        return _of_newest(name, by, "tool", newer, older)

    yield recorded(TOOL_CALLS, scope.count, f"{TOOL}, error_type")
    yield Recording(name=TOOL_ERRORS, expr=failing(TOOL_CALLS, TOOL), unit=Unit.RATIO)
    yield recorded(TOOL_BUCKETS, scope.buckets, f"{TOOL}, le")
    yield Recording(name=TOOL_P95, expr=p95(TOOL_BUCKETS, TOOL), unit=Unit.SECONDS)


def tokens_used(scope: Scope) -> tuple[Labelled, Labelled, Labelled]:
    """Tokens per second by ``direction`` from each generation, newest first."""

    def used(direction: str) -> str:
        return scope.rate(f"gen_ai_client_inference_usage_{direction}_tokens_total")

    # Embeddings have a histogram of input tokens instead of a counter, and no output tokens.
    embedded = scope.sum("gen_ai_client_embeddings_operation_input_tokens")
    newest_names = {"input": f"({used('input')} or {embedded})", "output": used("output")}

    def by_name(rates: Mapping[str, str]) -> Labelled:
        def both(labels: str) -> str:
            sides = (with_label(short(rate, labels), "direction", way) for way, rate in rates.items())
            return f"({' or '.join(sides)})"

        return both

    def older(labels: str) -> str:
        return short(scope.sum("gen_ai_client_token_usage", _IN_OR_OUT, INFERENCE), labels)

    return by_name(newest_names), older, by_name({way: scope.rate(name) for way, name in OPENLIT_TOKENS.items()})


def _tokens(scope: Scope) -> Iterator[Recording]:
    newer, older, oldest = tokens_used(scope)
    by = f"{MODEL}, direction"
    # Parts of the input and of the output tokens: never add them.
    parts = {CACHED_TOKENS: CACHED, REASONING_TOKENS: "gen_ai_client_inference_usage_reasoning_output_tokens_total"}
    said = f"{newest(by, 'model, direction', newer, older)}{_of_nothing_newer(oldest(by))}"
    yield Recording(name=TOKENS, expr=f"sum by ({by}) ({said})")
    for name, part in parts.items():
        yield Recording(name=name, expr=f"sum by ({MODEL}) ({short(scope.rate(part), MODEL)})")


def _of_nothing_newer(of_openlit: str) -> str:
    """PromQL that adds the metrics of old OpenLIT versions, for processes without the histogram of the conventions."""
    return f" or {of_openlit} unless on (cluster, environment, job, instance) ({OPERATION}_count or {OPERATION})"


def _of_newest(name: str, by: str, subject: str, *rates: str) -> Recording:
    """A recording rule from one rate per generation, newest first."""
    return Recording(name=name, expr=f"sum by ({by}) ({of_newest(by, subject, *rates)})")
