"""Which metrics a stack stores, a line each, so that the difference between two renders names what is lost.

What the exporters have to offer is recorded in ``exposed.txt`` from the real ones, by tests/servers/test_exposition.py.
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
    """By scrape job, the names of what it is offered."""
    found: dict[str, set[str]] = {}
    for line in EXPOSED.read_text(encoding="utf-8").splitlines():
        job, metric = line.split()
        found.setdefault(job, set()).add(metric)
    return {job: frozenset(metrics) for job, metrics in found.items()}


def table(settings: Settings) -> str:
    """``job metric``, in order; what ``keep: known`` would not store is marked."""
    watched = settings.watched
    asked = tuple(expressions(watched, dashboards(settings.systems_on, watched, settings.cluster)))
    jobs = scrape_jobs(settings.prometheus, watched, asked)
    of_known = settings.prometheus.model_copy(update={"keep": "known"})
    asked_for = {job.name: stored(job) for job in scrape_jobs(of_known, watched, asked)}
    lines = (
        f"{job.name} {metric}{'' if metric in asked_for[job.name] else UNASKED}"
        for job in jobs
        for metric in stored(job)
    )
    return "".join(f"{line}\n" for line in sorted(lines))


def stored(job: ScrapeJob) -> frozenset[str]:
    """Names of what a job stores; where nobody has recorded what it is offered, patterns of them."""
    keeps = (EVERYTHING,) if job.keeps is None else job.keeps
    offered = exposed().get(job.name)
    if offered is None:
        return frozenset(keeps)
    return frozenset(metric for metric in offered for each in keeps if re.fullmatch(each, metric))
