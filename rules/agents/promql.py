"""PromQL of this system's rules: short labels, one series of two generations, ratios and quantiles over a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from model.quantities import Duration
from rules.histograms import Select, every, judged, without_le

PLACE = "cluster, environment, namespace, service, agent"
"""Labels of all that an agent does; ``service`` is its ``service.name``, and ``agent`` as well where it has no name."""
MODEL = f"{PLACE}, provider, model"

# SDKs push once a minute: five samples, so that a push that is missed leaves no gap.
RANGE = Duration.parse("5m")
EVERY = Duration.parse("1m")
"""Time between evaluations; fixed, because the events of a window are the samples of their rate times this."""
WINDOW = Duration.parse("30m")
"""Over which alerts judge: an agent may run once in a minute or two, and five minutes of that say nothing."""
ENOUGH = 20
"""Events in the window, below which alerts on ratios and quantiles are quiet: of 20, 5 % allow one to fail."""

# Where a short label comes from; of several that are there, the last.
_SOURCES = {
    "namespace": ("k8s_namespace_name",),
    # Of a service with a namespace the job is both, which no trace and no line calls it.
    "service": ("job", "service_name"),
    "agent": ("job", "service_name", "gen_ai_agent_name"),
    "provider": ("gen_ai_system", "gen_ai_provider_name"),  # the former is what the latter was called
    # What was asked for: the name that authors know, and that is priced. The answer's may carry a date.
    "model": ("gen_ai_response_model", "gen_ai_request_model"),
    "operation": ("gen_ai_operation_name",),
    "direction": ("gen_ai_token_type",),
    "tool": ("gen_ai_tool_name",),
    "method": ("mcp_method_name",),
}


@dataclass(frozen=True)
class Scope:
    """Whose series are read."""

    namespaces: tuple[str, ...] = ()
    """Of these, and what does not say where it runs: better counted than unseen. Empty for all."""

    def rate(self, series: str, *matchers: str) -> str:
        own = (f'k8s_namespace_name=~"{"|".join(self.namespaces)}|"',) if self.namespaces else ()
        inside = ", ".join((*matchers, *own))
        return f"rate({series}{{{inside}}}[{RANGE}])" if inside else f"rate({series}[{RANGE}])"

    # A histogram has classic series, with fixed buckets, or a native one, or both: then each event is counted once.

    def count(self, histogram: str, *matchers: str) -> str:
        """Events a second."""
        classic = self.rate(f"{histogram}_count", *matchers)
        return f"({classic} or histogram_count({self.rate(histogram, *matchers)}))"

    def sum(self, histogram: str, *matchers: str) -> str:
        """What the events of a second come to."""
        classic = self.rate(f"{histogram}_sum", *matchers)
        return f"({classic} or histogram_sum({self.rate(histogram, *matchers)}))"

    def buckets(self, histogram: str, *matchers: str) -> str:
        """By ``le``, which a native histogram does not have."""
        native = without_le(self.rate(histogram, *matchers))
        classic = self.rate(f"{histogram}_bucket", *matchers)
        return f"({native} or {classic} unless ignoring (le) {self.rate(histogram, *matchers)})"


def short(vector: str, labels: str) -> str:
    """``vector`` with short labels, each made of those that the conventions have for it."""
    for label in labels.split(", "):
        for source in _SOURCES.get(label, ()):
            vector = f'label_replace({vector}, "{label}", "$1", "{source}", "(.+)")'
    return vector


Labelled = Callable[[str], str]
"""PromQL with the short labels that are asked for."""


def newest(labels: str, by: str, *generations: Labelled) -> str:
    """What the newest of the generations says, which are given from the newest on; of processes in which it says
    nothing about a ``by``, what the next one does.

    By process, because in a rolling update some speak an older one alone; by subject, because two libraries may live
    in one process.
    """
    wanted = ", ".join(dict.fromkeys([*labels.split(", "), *by.split(", ")]))
    *newer, oldest = generations
    said = oldest(wanted)
    for each in reversed(newer):
        said = f"({each(wanted)} or {said} unless on (cluster, environment, job, instance, {by}) {each(by)})"
    return said


def of_newest(labels: str, by: str, *rates: str) -> str:
    """The same, of rates that only lack the short labels."""
    return newest(labels, by, *(partial(short, each) for each in rates))


def counted(rate: str, by: str, window: Duration = WINDOW) -> str:
    """Events within a window, from a recorded rate: what was not seen counts none."""
    return f"(sum by ({by}) (sum_over_time({rate}[{window}])) * {EVERY.seconds:.0f})"


def failing(rate: str, by: str, failed: str = 'error_type!=""') -> str:
    """The share of events that are ``failed``, out of a recorded rate: 0 when none is, nothing without traffic."""
    every, bad = counted(rate, by), counted(f"{rate}{{{failed}}}", by)
    return f"({bad} or {every} * 0) / ({every} > 0)"


def events(buckets: str, by: str) -> str:
    """As `counted`, of recorded buckets."""
    return f"(sum by ({by}) ({every(_within(buckets))}) * {EVERY.seconds:.0f})"


def at_present(buckets: str, by: str) -> str:
    """Events a second, of recorded buckets."""
    return f"sum by ({by}) ({every(lambda matcher: f'{buckets}{{{matcher}}}')})"


def p95(buckets: str, by: str) -> str:
    """The 95th percentile over the window, out of recorded buckets; nothing rather than NaN without traffic.

    ``by`` must tell processes with other buckets apart: sums of histograms that are cut differently mean nothing.
    """
    return f"{judged('histogram_quantile(0.95', _within(buckets), by)} >= 0"


def fraction(low: str, high: str, buckets: str, by: str) -> str:
    """The share of events between two numbers, over the window."""
    return judged(f"histogram_fraction({low}, {high}", _within(buckets), by)


def fraction_at_present(low: str, high: str, buckets: str, by: str) -> str:
    return judged(f"histogram_fraction({low}, {high}", lambda matcher: f"{buckets}{{{matcher}}}", by)


def _within(buckets: str) -> Select:
    return lambda matcher: f"sum_over_time({buckets}{{{matcher}}}[{WINDOW}])"
