"""Rates in PromQL of what applications count: counters, and histograms of both kinds."""

from __future__ import annotations

from dataclasses import dataclass

from model.quantities import Duration
from rules.histograms import without_le

# SDKs push once a minute. Five samples leave no gap after a missed push.
RANGE = Duration.parse("5m")


@dataclass(frozen=True)
class Scope:
    """The namespaces whose series are read."""

    namespaces: tuple[str, ...] = ()
    """Series of these namespaces, and series without a namespace label. Empty reads all."""

    def of(self, series: str, *matchers: str) -> str:
        """The selector of these series."""
        own = (f'k8s_namespace_name=~"{"|".join(self.namespaces)}|"',) if self.namespaces else ()
        inside = ", ".join((*matchers, *own))
        return f"{series}{{{inside}}}" if inside else series

    def rate(self, series: str, *matchers: str) -> str:
        return f"rate({self.of(series, *matchers)}[{RANGE}])"

    # A histogram is classic (fixed buckets), native, or both. If it is both, each event is counted once.

    def count(self, histogram: str, *matchers: str) -> str:
        """Events a second."""
        classic = self.rate(f"{histogram}_count", *matchers)
        return f"({classic} or histogram_count({self.rate(histogram, *matchers)}))"

    def sum(self, histogram: str, *matchers: str) -> str:
        """Sum of the observed values per second."""
        classic = self.rate(f"{histogram}_sum", *matchers)
        return f"({classic} or histogram_sum({self.rate(histogram, *matchers)}))"

    def buckets(self, histogram: str, *matchers: str) -> str:
        """Rates of the buckets by ``le``; a native histogram has no ``le``."""
        native = without_le(self.rate(histogram, *matchers))
        classic = self.rate(f"{histogram}_bucket", *matchers)
        return f"({native} or {classic} unless ignoring (le) {self.rate(histogram, *matchers)})"
