"""Metrics as values: the series that exporters expose, and that rules and panels may query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from model.promql import Labels
from model.scrape import ScrapeJob


class Unit(StrEnum):
    """Unit of a number, by which messages and panels format it."""

    NONE = ""
    RATIO = "ratio"
    SECONDS = "seconds"
    BYTES = "bytes"
    PER_SECOND = "per second"
    BYTES_PER_SECOND = "bytes per second"
    TIMESTAMP = "seconds since 1970"
    CURRENCY = "currency"


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric, by its name in Prometheus; names of histograms and summaries have no suffix."""

    name: str
    kind: Kind
    unit: Unit = Unit.NONE
    labels: tuple[str, ...] = ()
    """The metric's own labels, besides the labels of every target of its job."""
    job: str
    """The scrape job that collects it, or PUSHED."""

    @property
    def native(self) -> str:
        """Name of the native histogram; empty for other types and for scraped metrics."""
        return self.name if self.kind is Kind.HISTOGRAM and self.job == PUSHED else ""

    @property
    def series(self) -> dict[str, tuple[str, ...]]:
        """Names of its series, each with its own labels."""
        if self.kind is Kind.HISTOGRAM:
            return {
                f"{self.name}_bucket": (*self.labels, "le"),
                f"{self.name}_sum": self.labels,
                f"{self.name}_count": self.labels,
                **({self.native: self.labels} if self.native else {}),
            }
        if self.kind is Kind.SUMMARY:
            return {
                self.name: (*self.labels, "quantile"),
                f"{self.name}_sum": self.labels,
                f"{self.name}_count": self.labels,
            }
        return {self.name: self.labels}


@dataclass(frozen=True)
class Metrics:
    """Creates the metrics of one scrape job. Labels are one text, separated by spaces."""

    job: str

    def counter(self, name: str, labels: str = "", unit: Unit = Unit.NONE) -> Metric:
        return self._made(name, Kind.COUNTER, labels, unit)

    def gauge(self, name: str, labels: str = "", unit: Unit = Unit.NONE) -> Metric:
        return self._made(name, Kind.GAUGE, labels, unit)

    def histogram(self, name: str, labels: str = "", unit: Unit = Unit.SECONDS) -> Metric:
        return self._made(name, Kind.HISTOGRAM, labels, unit)

    def summary(self, name: str, labels: str = "", unit: Unit = Unit.SECONDS) -> Metric:
        return self._made(name, Kind.SUMMARY, labels, unit)

    def process(self) -> tuple[Metric, ...]:
        """Metrics of the process, which nearly every program exposes."""
        return (
            self.counter("process_cpu_seconds_total", unit=Unit.SECONDS),
            self.gauge("process_resident_memory_bytes", unit=Unit.BYTES),
            self.gauge("process_start_time_seconds", unit=Unit.TIMESTAMP),
        )

    def _made(self, name: str, kind: Kind, labels: str, unit: Unit) -> Metric:
        return Metric(name=name, kind=kind, unit=unit, labels=tuple(labels.split()), job=self.job)


OF_APPLICATIONS = "applications"
"""The job of metrics that any application may have, scraped or pushed. Their definitions name every label that some
application gives them; an application's series has only some of these."""
PUSHED = "(pushed by OTLP)"
"""The job of metrics that applications push. Prometheus sets ``job`` and ``instance`` from the service's attributes."""
WITHOUT_JOB = (OF_APPLICATIONS, PUSHED)
"""Jobs of metrics that no scrape job of the stack is known to collect."""
EVERYWHERE = ("cluster", "environment", "job", "instance")
"""Labels of every series that was scraped or pushed."""
OF_EVERY_TARGET = ("up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling")
"""Series that Prometheus itself adds for each target."""


def target_labels(job: ScrapeJob) -> frozenset[str]:
    """Labels of every target of a job."""
    relabelled = {step.target for step in job.relabel if step.target and not step.target.startswith("__")}
    return frozenset(EVERYWHERE) | relabelled


PROMOTED_RESOURCE_ATTRIBUTES = (
    "cluster",
    "environment",
    "service.name",
    "service.version",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
    "k8s.node.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
)
"""OTLP resource attributes that become labels. ``service.instance.id`` becomes ``instance``, and ``service.namespace``
and ``service.name`` become ``job``. These identify a process, but people need the plain name too."""
_OF_RESOURCES = frozenset(attribute.replace(".", "_") for attribute in PROMOTED_RESOURCE_ATTRIBUTES)


def known_series(metrics: Iterable[Metric], jobs: Iterable[ScrapeJob]) -> dict[str, Labels]:
    """All known series with their labels.

    A metric of several jobs (``process_cpu_seconds_total``) has the labels that it has in all of them.
    """
    scraped = {job.name: target_labels(job) for job in jobs}
    of_job = scraped | {PUSHED: frozenset(EVERYWHERE) | _OF_RESOURCES}
    found: dict[str, frozenset[str]] = {}
    unknown: dict[str, Labels] = {}
    for metric in metrics:
        if metric.job == OF_APPLICATIONS:
            unknown |= dict.fromkeys(metric.series)
            continue
        if metric.job not in of_job:
            raise ValueError(f"{metric.name}: no scrape job {metric.job} is on")
        for name, own in metric.series.items():
            labels = of_job[metric.job] | frozenset(own)
            found[name] = found[name] & labels if name in found else labels
    # Every target has these labels; the other labels differ between jobs.
    meta = frozenset(EVERYWHERE).union(*scraped.values())
    return {**found, **unknown, **dict.fromkeys(OF_EVERY_TARGET, meta)}
