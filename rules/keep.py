"""Which metrics the stack's scrape jobs keep; unused metrics take no memory and no disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from model.metrics import Metric, Metrics
from model.promql import names
from model.scrape import ScrapeJob

_OF_PROCESSES = frozenset(metric.name for metric in Metrics("").process())


def known(
    jobs: Iterable[ScrapeJob], metrics: Iterable[Metric], asked: Iterable[str], of_people: Iterable[str] = ()
) -> tuple[ScrapeJob, ...]:
    """The jobs, each of the stack's own with the metrics that PromQL asks for.

    ``asked`` is what rules and panels ask: each job keeps what ``metrics`` says that it brings, and what they ask of
    processes. ``of_people`` is what somebody else wrote: which job brings that nobody knows, so every one keeps it.
    """
    of_us = {name for expr in asked for name in names(expr)}
    brought: dict[str, set[str]] = {}
    for metric in metrics:
        brought.setdefault(metric.job, set()).update(of_us.intersection(metric.series))
    everywhere = {name for expr in of_people for name in names(expr)} | (of_us & _OF_PROCESSES)
    return tuple(
        job if job.of_people else replace(job, keeps=tuple(sorted(everywhere | brought.get(job.name, set()))))
        for job in jobs
    )


def also(jobs: Iterable[ScrapeJob], patterns: tuple[str, ...]) -> tuple[ScrapeJob, ...]:
    """The jobs with these names or patterns beside what they keep."""
    return tuple(job if job.keeps is None else replace(job, keeps=(*job.keeps, *patterns)) for job in jobs)
