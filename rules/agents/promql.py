"""PromQL of this system's rules: short labels, one series of two generations, ratios and quantiles over a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from model.quantities import Duration

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
    "service": ("job",),
    "agent": ("job", "gen_ai_agent_name"),
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


def short(vector: str, labels: str) -> str:
    """``vector`` with short labels, each made of those that the conventions have for it."""
    for label in labels.split(", "):
        for source in _SOURCES.get(label, ()):
            vector = f'label_replace({vector}, "{label}", "$1", "{source}", "(.+)")'
    return vector


def with_label(vector: str, label: str, value: str) -> str:
    """``vector`` with a label that it does not have yet."""
    return f'label_replace({vector}, "{label}", "{value}", "{label}", "")'


Labelled = Callable[[str], str]
"""PromQL with the short labels that are asked for."""


def newest(newer: Labelled, older: Labelled, labels: str, by: str) -> str:
    """What the newer generation says; of processes in which it says nothing about a ``by``, what the older one does.

    By process, because in a rolling update some speak the older one alone; by subject, because two libraries may live
    in one process.
    """
    return f"({newer(labels)} or {older(labels)} unless on (cluster, environment, job, instance, {by}) {newer(by)})"


def counted(rate: str, by: str, window: Duration = WINDOW) -> str:
    """Events within a window, from a recorded rate: what was not seen counts none."""
    return f"(sum by ({by}) (sum_over_time({rate}[{window}])) * {EVERY.seconds:.0f})"


def failing(rate: str, by: str, failed: str = 'error_type!=""') -> str:
    """The share of events that are ``failed``, out of a recorded rate: 0 when none is, nothing without traffic."""
    every, bad = counted(rate, by), counted(f"{rate}{{{failed}}}", by)
    return f"({bad} or {every} * 0) / ({every} > 0)"


def p95(buckets: str, by: str) -> str:
    """The 95th percentile over the window, out of recorded buckets; nothing rather than NaN without traffic.

    ``by`` must tell processes with other buckets apart: sums of histograms that are cut differently mean nothing.
    """
    return f"histogram_quantile(0.95, sum by ({by}, le) (sum_over_time({buckets}[{WINDOW}]))) >= 0"
