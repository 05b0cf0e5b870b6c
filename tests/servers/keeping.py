"""What the stack keeps of each of its own jobs with `prometheus.keep: known`, and who asks for it."""

from __future__ import annotations

import re
from collections.abc import Collection

from promql_parser import MatchOp

from components.prometheus.config import scrape_jobs
from dashboards.listed import dashboards
from dashboards.queries import expressions
from model.promql import selectors
from tests.catalogue import with_each_collector
from tests.servers.exposition import EXPOSED_BY
from tests.test_grafana_content import spans_queries
from tools.kept import EXPOSED, exposed

STACKS = with_each_collector(prometheus={"keep": "known"}, slos=[])
ASKED = sorted(
    {
        *spans_queries().values(),
        *(
            expr
            for stack in STACKS
            for expr in expressions(stack.watched, dashboards(stack.systems_on, stack.watched, stack.cluster))
        ),
    }
)
"""All that anything in any stack asks."""
KEPT = {
    job.name: frozenset(job.keeps)
    for stack in STACKS
    for job in scrape_jobs(stack.prometheus, stack.cluster, stack.watched, ASKED)
    if job.keeps is not None and job.name in EXPOSED_BY and not job.of_people
}
"""By job whose exposition can be seen here."""
SHARE = {
    "apiservers": 0.12,
    "kube-state-metrics": 0.5,
    "node-exporter": 0.2,
    "prometheus": 0.22,
    "alertmanager": 0.1,
    "blackbox-exporter": 0.1,
    "probes": 0.2,
    "loki": 0.15,
    "promtail": 0.1,
    "otel-agent": 0.4,
    "otel-collector": 0.4,
    "jaeger": 0.15,
    "istiod": 0.15,
}
"""Of the series that a job is offered, the most that it keeps: what was measured, and a little more."""


def asks(expr: str, job: str, metrics: Collection[str]) -> bool:
    """Whether an expression asks this job for one of these metrics."""
    return any(
        selector.name in metrics
        and all(_matches(each, job) for each in selector.matchers.matchers if each.name == "job")
        for selector in selectors(expr)
    )


def _matches(matcher: object, job: str) -> bool:
    value, op = matcher.value, matcher.op  # type: ignore[attr-defined]  # the parser is a compiled module
    found = re.fullmatch(value, job) if op in (MatchOp.Re, MatchOp.NotRe) else value == job
    return bool(found) is (op in (MatchOp.Re, MatchOp.Equal))


def record(job: str, metrics: Collection[str]) -> None:
    """Replace what `tools/exposed.txt` has of a job."""
    every = {**exposed(), job: frozenset(metrics)}
    lines = sorted(f"{name} {metric}\n" for name in every for metric in every[name])
    EXPOSED.write_text("".join(lines), encoding="utf-8")
    exposed.cache_clear()
