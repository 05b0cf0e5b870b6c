"""PromQL for the rules on agents: short labels, one series from several generations, ratios and quantiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from model.quantities import Duration
from rules.histograms import Select, every, judged

PLACE = "cluster, environment, namespace, service, agent"
"""Labels of every series of an agent. ``service`` is its ``service.name``; so is ``agent`` if the agent has no name."""
MODEL = f"{PLACE}, provider, model"

EVERY = Duration.parse("1m")
"""Evaluation interval. It is fixed: the events of a window are the samples of their rate times this interval."""
WINDOW = Duration.parse("30m")
"""Window of the alerts' ratios and quantiles. An agent may run once in two minutes; five minutes would be too short."""
ENOUGH = 20
"""Minimum of events in the window for alerts on ratios and quantiles: 5 % of 20 is one failure."""

# The labels that a short label is copied from. If several exist, the last one wins.
_SOURCES = {
    "namespace": ("k8s_namespace_name",),
    # For a service with a namespace, the job is `namespace/name`. Traces and log lines only have the name.
    "service": ("job", "service_name"),
    "agent": ("job", "service_name", "gen_ai_agent_name"),
    "provider": ("gen_ai_system", "gen_ai_provider_name"),  # the older name first
    # The requested model: authors know this name, and prices have it. The response's name may contain a date.
    "model": ("gen_ai_response_model", "gen_ai_request_model"),
    "operation": ("gen_ai_operation_name",),
    "direction": ("gen_ai_token_type",),
    "tool": ("gen_ai_tool_name",),
    "method": ("mcp_method_name",),
    "kind": ("gen_ai_open_kind",),
    "state": ("a2a_task_state",),
}


def short(vector: str, labels: str) -> str:
    """``vector`` with short ``labels``, copied from the labels of the conventions."""
    for label in labels.split(", "):
        for source in _SOURCES.get(label, ()):
            vector = f'label_replace({vector}, "{label}", "$1", "{source}", "(.+)")'
    return vector


Labelled = Callable[[str], str]
"""A function from short labels to PromQL that has them."""


def newest(labels: str, by: str, *generations: Labelled) -> str:
    """PromQL: the series of the newest generation; ``generations`` are given newest first.

    A process whose newest generation has no series for a value of ``by`` uses the next generation. The choice is per
    process, because during a rolling update some processes have only an older one, and per ``by``, because one process
    may use two libraries.
    """
    wanted = ", ".join(dict.fromkeys([*labels.split(", "), *by.split(", ")]))
    *newer, oldest = generations
    said = oldest(wanted)
    for each in reversed(newer):
        said = f"({each(wanted)} or {said} unless on (cluster, environment, job, instance, {by}) {each(by)})"
    return said


def of_newest(labels: str, by: str, *rates: str) -> str:
    """As `newest`, from rates that do not have the short labels yet."""
    return newest(labels, by, *(partial(short, each) for each in rates))


def counted(rate: str, by: str, window: Duration = WINDOW) -> str:
    """PromQL: number of events within a window, from a recorded rate; gaps count as 0."""
    return f"(sum by ({by}) (sum_over_time({rate}[{window}])) * {EVERY.seconds:.0f})"


def failing(rate: str, by: str, failed: str = 'error_type!=""') -> str:
    """PromQL: ratio of ``failed`` events, from a recorded rate; 0 if none failed, no result without traffic."""
    every, bad = counted(rate, by), counted(f"{rate}{{{failed}}}", by)
    return f"({bad} or {every} * 0) / ({every} > 0)"


def events(buckets: str, by: str) -> str:
    """As `counted`, from recorded buckets."""
    return f"(sum by ({by}) ({every(_within(buckets))}) * {EVERY.seconds:.0f})"


def at_present(buckets: str, by: str) -> str:
    """PromQL: events per second, from recorded buckets."""
    return f"sum by ({by}) ({every(lambda matcher: f'{buckets}{{{matcher}}}')})"


def p95(buckets: str, by: str) -> str:
    """PromQL: 95th percentile over the window, from recorded buckets; no result (not NaN) without traffic.

    ``by`` must separate processes with different buckets: their sum would have no meaning.
    """
    return f"{judged('histogram_quantile(0.95', _within(buckets), by)} >= 0"


def fraction(low: str, high: str, buckets: str, by: str) -> str:
    """PromQL: ratio of events between ``low`` and ``high`` over the window."""
    return judged(f"histogram_fraction({low}, {high}", _within(buckets), by)


def fraction_at_present(low: str, high: str, buckets: str, by: str) -> str:
    return judged(f"histogram_fraction({low}, {high}", lambda matcher: f"{buckets}{{{matcher}}}", by)


def _within(buckets: str) -> Select:
    return lambda matcher: f"sum_over_time({buckets}{{{matcher}}}[{WINDOW}])"
