"""What an application must emit to be watched.

It is the source of the application's rules and samples, of the page for its authors, and of the check of a live
endpoint (``tools.contract``).
"""

from __future__ import annotations

from dataclasses import dataclass

from model.logs import LogField
from model.metrics import Kind, Metric, Unit


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label of an emitted metric."""

    name: str
    meaning: str
    values: tuple[str, ...] = ()
    """All values that it may have; empty if the application chooses them."""
    most: int = 20
    """Maximum number of values that the application may choose, since each makes series of its own."""
    stored: str = ""
    """Its name in Prometheus, if that differs: a label of every target may have the same name."""


@dataclass(frozen=True, kw_only=True)
class Emitted:
    """A metric that an application emits, by its name in Prometheus; names of histograms have no suffix."""

    name: str
    kind: Kind
    meaning: str
    unit: Unit = Unit.NONE
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    """Bounds that a histogram's buckets must have, beside others: the thresholds of rules."""
    optional: bool = False
    """Whether an application may lack it. Then its alerts are quiet, and its panels are empty."""

    def metric(self, job: str) -> Metric:
        """The metric as ``job`` stores it."""
        labels = tuple(label.stored or label.name for label in self.labels)
        return Metric(name=self.name, kind=self.kind, unit=self.unit, labels=labels, job=job)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A program of a platform."""

    job: str
    """Its scrape job, or PUSHED."""
    what: str
    """What it is, and where its metrics are, in one sentence."""
    emits: tuple[Emitted, ...]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(each.metric(self.job) for each in self.emits)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A span that a platform's tracer makes, and what the collector makes of it before it is counted."""

    name: str
    """Regular expression of its whole name. A group ``index`` is a number that becomes an attribute."""
    has: str = ""
    """Attribute that it has, if others with such a name have not."""
    meaning: str
    shown: str
    """Its name for people, like ``agent.OPERATION``."""
    operation: str = ""
    """Its operation in the GenAI conventions, if they have one: then it is renamed."""
    subject: str = ""
    """Attribute of the conventions that follows the operation in the new name."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Attributes of the conventions, each with the span's own attribute that it is copied from."""
    bounded: tuple[Label, ...] = ()
    """Attributes whose other values become ``other``: they are labels of the metrics of spans."""


@dataclass(frozen=True)
class Contract:
    """All that a platform emits, by its parts."""

    parts: tuple[Part, ...]
    log_fields: tuple[LogField, ...] = ()
    """Fields of its JSON lines, beside those of every line (``components.logs``), that queries filter by."""
    spans: tuple[Span, ...] = ()
    """Spans whose names or attributes are its own."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(metric for part in self.parts for metric in part.metrics)
