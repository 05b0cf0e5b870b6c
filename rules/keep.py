"""The metrics that scrape jobs store: unused ones would take memory and disk."""

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
    """The jobs, each with the names of the metrics to store; jobs of users' own programs store all.

    ``asked`` is the PromQL of rules and panels: a job stores the metrics in it that ``metrics`` lists for this job, and
    metrics of processes. ``of_people`` is PromQL that users wrote. The job of its metrics is unknown, so every job
    stores them.
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
    """The jobs, which also store the metrics with these names or regular expressions."""
    return tuple(job if job.keeps is None else replace(job, keeps=(*job.keeps, *patterns)) for job in jobs)
