"""What a program exposes, read as Prometheus reads it, and what a definition of the catalogue says otherwise."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches

from model.metrics import PUSHED, Kind, Metric
from tools.local.harness import eventually, http_text

AS_PROMETHEUS = {"Accept": "text/plain;version=1.0.0;escaping=underscores"}
"""What the stack's Prometheus asks for: OpenTelemetry's names without their dots."""
SUFFIXES: dict[Kind | None, tuple[str, ...]] = {
    Kind.HISTOGRAM: ("_bucket", "_sum", "_count"),
    Kind.SUMMARY: ("_sum", "_count", ""),
}
OF_KINDS = {"le", "quantile"}
"""Labels that a histogram and a summary have by their kind."""
NOT_SEEN = {
    PUSHED: "applications emit these: the definitions are the contract",
    "grafana": "no Grafana can be built here",
    "kubelet-probes": "kwok's kubelets probe nothing",
}
"""Jobs whose exposition nobody can see here, and why. What others expose is recorded in tests/expositions."""
EXPOSED_BY = {
    "apiservers": "api_server",
    "kubelet": "kubelet",
    "cadvisor": "containers",
    "kube-state-metrics": "kube_state_metrics",
    "kube-state-metrics-telemetry": "kube_state_metrics_itself",
    "node-exporter": "node_exporter",
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "blackbox-exporter": "blackbox_exporter",
    "probes": "probes",
    "loki": "loki_itself",
    "promtail": "promtail",
    "otel-agent": "agent_itself",
    "otel-collector": "collector_itself",
    "jaeger": "jaeger_itself",
    "jaeger-span-metrics": "span_metrics",
    "istiod": "istiod",
}
"""The fixture of test_exposition that gives what a job scrapes."""


@dataclass(frozen=True)
class Family:
    """A metric as a program exposes it."""

    kind: Kind | None
    """None when the program does not say (``untyped``)."""
    labels: frozenset[str] | None
    """Of all its series; None when there is none yet, and so nobody knows."""
    series: Mapping[str, int] = field(default_factory=dict, compare=False)
    """How many there are, by name; a histogram's with its suffixes."""


Exposition = Mapping[str, Family]
"""By name, a histogram's or summary's without suffix."""


def exposition(text: str) -> dict[str, Family]:
    """Read the text format. Raises ValueError about a line that is none of it."""
    kinds: dict[str, Kind | None] = {}
    labels: dict[str, set[str]] = {}
    series: dict[str, Counter[str]] = {}
    for line in text.splitlines():
        if typed := re.fullmatch(r"# TYPE (\S+) (\w+)", line):
            kinds[typed[1]] = Kind(typed[2]) if typed[2] in list(Kind) else None
        elif line and not line.startswith("#"):
            sample = re.match(r'([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? ', line)
            if sample is None:
                raise ValueError(f"no sample: {line}")
            name = _family(sample[1], kinds)
            found = re.findall(r'(\w+)="(?:[^"\\]|\\.)*"', sample[2] or "")
            labels.setdefault(name, set()).update(found)
            series.setdefault(name, Counter()).update([sample[1]])
    return {
        name: Family(
            kinds.get(name),
            frozenset(labels[name] - OF_KINDS) if name in labels else None,
            series.get(name, {}),
        )
        for name in {*kinds, *labels}
    }


def _family(series: str, kinds: Mapping[str, Kind | None]) -> str:
    for kind, suffixes in SUFFIXES.items():
        for suffix in suffixes:
            if series.endswith(suffix) and kinds.get(series.removesuffix(suffix)) is kind:
                return series.removesuffix(suffix)
    return series


def names(exposed: Exposition) -> frozenset[str]:
    """Names of all series, also of families that have none yet."""
    return frozenset(
        series
        for name, family in exposed.items()
        for series in family.series or [f"{name}{suffix}" for suffix in SUFFIXES.get(family.kind, ("",))]
    )


def difference(metric: Metric, exposed: Exposition) -> str:
    """What is wrong with a definition, by what is really exposed; empty when nothing is."""
    found = exposed.get(metric.name)
    if found is None:
        near = ", ".join(get_close_matches(metric.name, exposed, n=3)) or "nothing"
        return f"{metric.name}: {metric.job} has no such metric; of {len(exposed)} the nearest are {near}"
    if found.kind is None and metric.kind in (Kind.HISTOGRAM, Kind.SUMMARY):
        return f"{metric.name}: defined as {metric.kind}, and {metric.job} exposes a plain number"
    if found.kind not in (None, metric.kind):
        return f"{metric.name}: defined as {metric.kind}, and {metric.job} exposes a {found.kind}"
    if found.labels is None:
        return f"{metric.name}: {metric.job} exposes no series of it, so its labels are not known"
    wrong = ", ".join(sorted(set(metric.labels) - found.labels))
    have = ", ".join(sorted(found.labels)) or "none"
    return f"{metric.name}: defined with {wrong}, and in {metric.job} its labels are {have}" if wrong else ""


def scraped(url: str, *, wanted: Iterable[Metric], within: float = 30.0) -> Exposition:
    """What ``url`` exposes once it has all that is ``wanted``, or after ``within`` seconds: some takes an event."""
    return settled(lambda: exposition(http_text(url, headers=AS_PROMETHEUS)), wanted, within)


def settled(read: Callable[[], Exposition], wanted: Iterable[Metric], within: float) -> Exposition:
    """As :func:`scraped`, of what ``read`` gives."""
    metrics, last = list(wanted), dict[str, Family]()

    def complete() -> bool:
        last.clear()
        last.update(read())
        return not any(difference(metric, last) for metric in metrics)

    with suppress(AssertionError):  # each metric says by itself what is wrong with it
        eventually(complete, within, "all metrics are there")
    return last
