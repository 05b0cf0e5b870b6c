"""What an application emits, read from an exposition or from OTLP, under Prometheus' names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from prometheus_client.parser import text_string_to_metric_families

from model.metrics import Kind

_JSON: Any = import_module("google.protobuf.json_format")
_UNITS = {"s": "seconds", "ms": "milliseconds", "By": "bytes", "1": "ratio", "%": "percent"}
"""OTLP units that become part of a name in Prometheus. Those in braces are annotations, and do not."""


@dataclass
class Seen:
    """A metric as it is emitted."""

    kind: Kind | None
    """None if the application does not say."""
    labels: dict[str, set[str]] = field(default_factory=dict)
    """Values by label; `le` and `quantile` belong to the kind."""
    bounds: set[float] = field(default_factory=set)
    """Upper bounds of a histogram's buckets."""
    native: bool = False
    """Whether it is a native (exponential) histogram, which has every bound."""
    series: int = 0

    def add(self, labels: Mapping[str, str]) -> None:
        self.series += 1
        for name, value in labels.items():
            self.labels.setdefault(name, set()).add(value)


def read(text: str) -> dict[str, Seen]:
    """Metrics by name. Raises ValueError with a sentence if the text is neither an exposition nor OTLP as JSON."""
    return _otlp(text) if text.lstrip().startswith("{") else _exposition(text)


def _exposition(text: str) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    written = set(re.findall(r"^[A-Za-z_:][\w:]*", text, re.MULTILINE))
    try:
        for family in text_string_to_metric_families(text):
            kind = Kind(family.type) if family.type in list(Kind) else None
            for sample in family.samples:
                name = family.name if kind in (Kind.HISTOGRAM, Kind.SUMMARY) else sample.name
                if name not in written:
                    name = name.removesuffix("_total")  # the library adds it to counters; Prometheus does not
                if sample.name.endswith("_created"):
                    continue
                labels = dict(sample.labels)
                seen = found.setdefault(name, Seen(kind))
                if (bound := labels.pop("le", None)) is not None:
                    seen.bounds.add(float(bound))
                labels.pop("quantile", None)
                seen.add(labels)
    except (ValueError, KeyError, IndexError) as problem:
        raise ValueError(f"no exposition that Prometheus could read: {problem}") from None
    return found


def _otlp(text: str) -> dict[str, Seen]:
    try:
        data = _JSON.Parse(text, MetricsData(), ignore_unknown_fields=True)
    except _JSON.ParseError as problem:
        raise ValueError(f"no OTLP metrics as JSON: {problem}") from None
    scopes = (scope for resource in data.resource_metrics for scope in resource.scope_metrics)
    return dict(_named(metric for scope in scopes for metric in scope.metrics))


def _named(metrics: Iterable[Any]) -> Iterator[tuple[str, Seen]]:
    found: dict[str, Seen] = {}
    for metric in metrics:
        form = metric.WhichOneof("data")
        counts = form == "sum" and metric.sum.is_monotonic
        kind = {"histogram": Kind.HISTOGRAM, "exponential_histogram": Kind.HISTOGRAM, "summary": Kind.SUMMARY}.get(
            form, Kind.COUNTER if counts else Kind.GAUGE
        )
        seen = found.setdefault(_prometheus(metric.name, metric.unit, counter=counts), Seen(kind))
        seen.native = seen.native or form == "exponential_histogram"
        for point in getattr(metric, form).data_points:
            seen.add({_label(each.key): _text(each.value) for each in point.attributes})
            if form == "histogram":
                seen.bounds |= {*point.explicit_bounds, float("inf")}
    yield from found.items()


def _prometheus(name: str, unit: str, *, counter: bool) -> str:
    """The name that Prometheus stores: the collector's own rule."""
    words = _label(name)
    suffix = "" if "{" in unit else _UNITS.get(unit, "")
    if suffix == "ratio" and counter:
        suffix = ""
    if suffix and not words.endswith(f"_{suffix}"):
        words = f"{words.removesuffix('_total')}_{suffix}"
    return f"{words.removesuffix('_total')}_total" if counter else words


def _label(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9_:]", "_", key)


def _text(value: Any) -> str:
    form = value.WhichOneof("value")
    held = getattr(value, form) if form else ""
    return str(held).lower() if isinstance(held, bool) else str(held)
