"""Service level objectives, as a stack file describes them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Self

import promql_parser
from annotated_types import Ge
from pydantic import model_validator

from model.objective import By, MaximumValues, Objective, Window
from model.quantities import Duration, Quantity, Unacceptable
from model.rules import decimal
from model.settings import DnsLabel, Model, Spelled, Team, misfit
from model.slo import EVERY, SHORT, USUAL, VALUES, Slo, Symptom, events_of_gauge, rate, rate_in_time

# Narrower than a DNS label, so that no two names become the same alert name ("pay-2" and "pay2" would).
SloName = Annotated[
    str,
    Spelled(
        r"(?=.{1,63}$)[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*",
        "a name of at most 63 lower-case letters, digits and dashes, with a letter first and after each dash",
    ),
]
LONGEST_SELECTOR = 2_000
"""Characters: many times what a selector has."""


@dataclass(frozen=True)
class Counter(Quantity):
    """The selector of one counter. Ranges, rates and sums are added here, so that errors and events always match."""

    selector: str

    EXPECTED = 'the selector of one counter, without functions, range or offset, like http_requests_total{code=~"5.."}'
    PATTERN = r"^\s*[a-zA-Z_:]"

    @classmethod
    def parse(cls, raw: object) -> Self:
        # Thousands of nested brackets would crash the parser, and this process with it.
        tree = promql_parser.parse(raw) if isinstance(raw, str) and len(raw) <= LONGEST_SELECTOR else None
        if not isinstance(raw, str) or not isinstance(tree, promql_parser.VectorSelector) or not tree.name:
            raise ValueError
        if tree.matchers.or_matchers:  # the parser knows another dialect as well
            raise ValueError
        if tree.name.endswith("_bucket") and all(matcher.name != "le" for matcher in tree.matchers.matchers):
            raise Unacceptable(f'one bucket of the histogram, like {tree.name}{{le="0.5"}}: each event is in many')
        counter = cls(raw.strip())
        promql_parser.parse(rate(counter.selector))  # an offset or a comment cannot be followed by a range
        return counter

    def __str__(self) -> str:
        return self.selector


@dataclass(frozen=True)
class Series(Quantity):
    """The selector of one gauge or of one histogram (its name without suffix)."""

    selector: str

    EXPECTED = 'the selector of one metric, without functions, range or offset, like queue_age_seconds{queue="mail"}'
    PATTERN = r"^\s*[a-zA-Z_:]"

    @classmethod
    def parse(cls, raw: object) -> Self:
        return cls(str(Counter.parse(raw)))

    def of(self, suffix: str = "", matcher: str = "") -> str:
        """The selector with a suffix of the name and one more matcher."""
        name, brace, matchers = self.selector.partition("{")
        inside = ", ".join(part for part in (matchers.rstrip().removesuffix("}").rstrip().rstrip(","), matcher) if part)
        return f"{name.rstrip()}{suffix}" + (f"{{{inside}}}" if brace or matcher else "")

    def __str__(self) -> str:
        return self.selector


class Latency(Model):
    """A latency objective: an event is good if its duration is at most the bound. Needs a histogram in seconds."""

    histogram: Series
    """The histogram, without suffix, like `http_request_duration_seconds{job="shop"}`."""
    at_most: Duration
    """Longest good duration. One of a classic histogram's buckets must end there."""


class Gauge(Model):
    """A gauge objective: each minute of each series in which the gauge is within its bound is good."""

    metric: Series
    """The gauge, like `queue_age_seconds{queue="mail"}`."""
    at_most: float | None = None
    """The largest good value; this or `atLeast`."""
    at_least: float | None = None
    """The smallest good value; this or `atMost`."""

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("atMost or atLeast: exactly one of them")
        return self


class SloSettings(Model):
    """An objective of your own service: the percentage of its events that must be good."""

    name: SloName
    """Name of the objective, unique. It is the label `slo` and, in CamelCase, the start of its alerts' names."""
    objective: Objective
    """Percentage of events that must be good, 50 to 99.999."""
    window: Window | None = None
    """Time over which the objective holds, 7d to 90d, and at most `prometheus.retention.time`. The default is 30d, or
    the retention where that is shorter."""
    by: By = ()
    """Labels of the counters, like `[agent]` or `[namespace, route]`: each of their values has the objective for
    itself, with its own budget and alerts."""
    maximum_values: MaximumValues = VALUES
    """Maximum of values of `by` with an own budget, each with 36 series. Those with the most events in the window stay,
    all others are counted together as `other`, and an alert says so."""
    total: Counter | None = None
    """Counter of all events, with `errors` or `good`: requests, runs, or a histogram's `_count`."""
    errors: Counter | None = None
    """Counter of the bad events."""
    good: Counter | None = None
    """Counter of the good events."""
    latency: Latency | None = None
    """A latency objective, instead of counters."""
    gauge: Gauge | None = None
    """A gauge objective, instead of counters."""
    namespace: DnsLabel | None = None
    """Namespace of the service, the label `namespace` of its alerts."""
    service: Team | None = None
    """Service of the objective: the label `service` of its alerts and of `slo:objective:info`, where the default is the
    objective's name. A critical burn mutes other alerts on the same symptom of the same service."""
    owner: Team
    """Team that owns the objective: the label `owner` of its alerts."""
    minimum_events: Annotated[int, Ge(1)] | None = None
    """Minimum of events in an alert's long window; with fewer it does not fire. A single failed event never fires it.
    The default is 5, and 30 for a gauge, which has one event per minute."""

    @model_validator(mode="after")
    def _one_indicator(self) -> Self:
        counters = (self.total, self.errors, self.good)
        given = [any(counters), self.latency is not None, self.gauge is not None]
        if given.count(True) != 1:
            raise ValueError("total with errors or good, or latency, or gauge: exactly one of them")
        if any(counters) and (self.total is None or (self.errors is None) == (self.good is None)):
            raise ValueError("total, and errors or good: exactly one of them, as a counter selector")
        return self

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for label, text in (("namespace", self.namespace), ("service", self.service)):
            if text and label in self.by:
                raise misfit(label, text, f"none where `by` names {label}")
        return self

    @property
    def slo(self) -> Slo:
        """The objective, in PromQL."""
        events, bad, good = self._indicator()
        native = self.latency.histogram.of() if self.latency else ""
        by = self.by
        all_, in_time = rate(events, by), rate(good, by) if good else ""
        if self.latency:
            seconds = decimal(Decimal(self.latency.at_most.milliseconds) / 1000)
            all_, in_time = rate_in_time(self.latency.histogram.of(), events, good, seconds, by)
        return Slo(
            name=self.name,
            objective=self.objective.ratio,
            window=self.window or USUAL,
            by=by,
            values=self.maximum_values,
            events=events_of_gauge(events, by) if self.gauge else all_,
            errors=(events_of_gauge(bad, by) if self.gauge else rate(bad, by)) if bad else "",
            good=in_time,
            owner=self.owner,
            minimum_events=self.minimum_events or (30 if self.gauge else 5),
            namespace=self.namespace or "",
            service=self.service or "",
            symptom=self._symptom(),
            span=EVERY if self.gauge else SHORT,
            metrics=tuple(
                dict.fromkeys(part.partition("{")[0].split()[0] for part in (events, bad, good, native) if part)
            ),
        )

    def _symptom(self) -> Symptom | None:
        if self.gauge:
            return None
        return Symptom.LATENCY if self.latency else Symptom.ERRORS

    def _indicator(self) -> tuple[str, str, str]:
        """PromQL of all, of bad and of good events; the last two may be empty."""
        if self.latency:
            histogram = self.latency.histogram
            in_time = histogram.of("_bucket", f'le=~"{_bucket(self.latency.at_most)}"')
            return histogram.of("_count"), "", in_time
        if self.gauge:
            gauge, highest = self.gauge.metric.of(), self.gauge.at_most
            return gauge, f"{gauge} > {highest}" if highest is not None else f"{gauge} < {self.gauge.at_least}", ""
        return str(self.total), str(self.errors or ""), str(self.good or "")


def _bucket(limit: Duration) -> str:
    """A bucket's end in both spellings: pushed histograms say ``1`` where scraped ones say ``1.0``."""
    seconds = decimal(Decimal(limit.milliseconds) / 1000)
    return seconds.replace(".", r"\\.") if "." in seconds else rf"{seconds}(\\.0)?"
