"""The metrics that a stack stores, one per line, so that a comparison of two renders shows which metrics are lost.

``exposed.txt`` records the metrics that the real exporters expose; tests/servers/test_exposition.py writes it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from components.prometheus.config import scrape_jobs
from components.settings.stack import Settings
from dashboards.listed import dashboards
from dashboards.queries import expressions
from model.scrape import ScrapeJob

EXPOSED = Path(__file__).with_name("exposed.txt")
EVERYTHING = ".*"
UNASKED = "  # nothing asks for it"


@cache
def exposed() -> dict[str, frozenset[str]]:
    """Names of the exposed metrics, by scrape job."""
    found: dict[str, set[str]] = {}
    for line in EXPOSED.read_text(encoding="utf-8").splitlines():
        job, metric = line.split()
        found.setdefault(job, set()).add(metric)
    return {job: frozenset(metrics) for job, metrics in found.items()}


def table(settings: Settings) -> str:
    """Lines ``job metric``, in order, with a mark at those that ``keep: known`` would not store."""
    watched = settings.watched
    asked = tuple(expressions(watched, dashboards(settings.systems_on, watched, settings.cluster)))
    jobs = scrape_jobs(settings.prometheus, settings.cluster, watched, asked)
    of_known = settings.prometheus.model_copy(update={"keep": "known"})
    asked_for = {job.name: stored(job) for job in scrape_jobs(of_known, settings.cluster, watched, asked)}
    lines = (
        f"{job.name} {metric}{'' if metric in asked_for[job.name] else UNASKED}"
        for job in jobs
        for metric in stored(job)
    )
    return "".join(f"{line}\n" for line in sorted(lines))


def stored(job: ScrapeJob) -> frozenset[str]:
    """Names of the metrics that a job stores; patterns of them if no exposition is recorded."""
    keeps = (EVERYTHING,) if job.keeps is None else job.keeps
    offered = exposed().get(job.name)
    if offered is None:
        return frozenset(keeps)
    return frozenset(metric for metric in offered for each in keeps if re.fullmatch(each, metric))
