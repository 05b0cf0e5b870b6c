"""Counts the samples that each rule of `prod` reads in a minute, most first. A busy machine does not change them.

It uses a real Prometheus, with a history of each series that is as long as the rules need. The bench fails if a rule
reads more than its bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from components.settings.stack import Settings
from model.quantities import Duration
from model.rules import Alert, Recording
from tools.bench.dashboards import Loaded, recorded, scraped
from tools.bench.history import SLICE, Past, blocks, prometheus, write
from tools.bench.reach import LOOKBACK, depths
from tools.bench.rules import INTERVAL, production, say
from tools.bench.sample import Series, of_size
from tools.local.harness import http_json

SERIES = 10_000
END = 1_767_225_600
"""Time of the evaluation in seconds, 2026-01-01. It is fixed, so that a history is created only once."""
SHOWN = 20
BOUND = 1_500
"""Maximum samples a minute per 1,000 series and rule. The rule on the API server's latency reads most, some 1,300,
which does not grow with the cluster. Of the rules that grow with it, restarts read some 800."""


@dataclass(frozen=True)
class Rule:
    """One expression that Prometheus evaluates."""

    name: str
    """Names of its group and rule, and the severity of an alert."""
    expr: str
    interval: Duration
    """Its evaluation interval."""


@dataclass(frozen=True)
class Cost:
    """The samples that one rule reads."""

    rule: str
    """Its name."""
    samples: float
    """Samples a minute."""


def rules(settings: Settings) -> Iterator[Rule]:
    for group in settings.watched.groups:
        interval = group.interval or settings.prometheus.evaluation_interval
        for rule in group.rules:
            for suffix, expr in _expressions(rule):
                yield Rule(f"{group.name} {rule.name}{suffix}", expr, interval)


def _expressions(rule: Alert | Recording) -> Iterator[tuple[str, str]]:
    if isinstance(rule, Recording):
        yield "", rule.expr
    else:
        yield from ((f" {severity}", rule.expr(severity)) for severity in rule.severities)


def read(url: str, expr: str, at: float) -> int:
    """Samples that Prometheus reads for one evaluation, from its own statistics."""
    asked = urlencode({"query": expr, "time": at, "stats": "all"})
    stats = http_json(f"http://{url}/api/v1/query?{asked}", timeout=120)["data"]["stats"]
    return int(stats["samples"]["totalQueryableSamples"])


def history(size: int, home: Path) -> tuple[list[Past], list[Rule]]:
    """The series of a cluster, each as long as some rule reads, and these rules."""
    stack, settings = production(home)
    asked = list(rules(settings))
    everywhere = {"cluster": settings.cluster.name, "environment": settings.cluster.environment}
    sample = of_size(size, settings.watched.metrics, settings.watched.scrape_jobs, everywhere)
    every = [*sample, *scraped(sample, everywhere)]
    say(f"{len(every):,} series: evaluate the recording rules")
    with prometheus(home / "now") as url:
        write(url, [Past(series, SLICE, INTERVAL) for series in every], END)
        made = list(recorded(Loaded(url, END), stack.config("prometheus") / "rules"))
    return [*pasts(every, asked, {}), *pasts(made, asked, recorded_every(settings))], asked


def recorded_every(settings: Settings) -> dict[str, int]:
    """Seconds between two samples of a recording, by its name."""
    usual = settings.prometheus.evaluation_interval
    return {
        rule.name: round((group.interval or usual).seconds)
        for group in settings.watched.groups
        for rule in group.rules
        if isinstance(rule, Recording)
    }


def pasts(every: Sequence[Series], asked: Sequence[Rule], steps: dict[str, int]) -> Iterator[Past]:
    deep = depths(rule.expr for rule in asked)
    return (Past(each, deep.get(each.name, LOOKBACK), steps.get(each.name, INTERVAL)) for each in every)


def costs(url: str, asked: Sequence[Rule]) -> list[Cost]:
    """The costs of all rules, the largest first."""
    found = [Cost(rule.name, read(url, rule.expr, END) * 60 / rule.interval.seconds) for rule in asked]
    return sorted(found, key=lambda cost: cost.samples, reverse=True)


def too_dear(found: Sequence[Cost], series: int) -> list[str]:
    """A line for each rule above the bound: its samples, and the bound."""
    may = BOUND * series / 1000
    return [
        f"{cost.rule}: reads {cost.samples:,.0f} samples a minute; {series:,} series allow {may:,.0f}"
        for cost in found
        if cost.samples > may
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.samples", description=__doc__)
    parser.add_argument("--series", type=int, default=SERIES, help=f"series of the cluster (default: {SERIES})")
    size = parser.parse_args(arguments).series
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        there, asked = history(size, home)
        samples, days = sum(past.seconds / past.step for past in there), max(past.seconds for past in there) / 86_400
        say(f"{len(there):,} series: their history, {samples / 1e6:,.1f} million samples in up to {days:.0f} days")
        with prometheus(home / "past", blocks(there, END, say)) as url:
            say(f"{len(asked)} rules: evaluate")
            found = costs(url, asked)
    total, thousands = sum(cost.samples for cost in found), len(there) / 1000
    print(f"{f'samples a minute, {len(there):,} series':<84}{'samples':>10}{'share':>8}{'of 1,000':>10}")
    for cost in found[:SHOWN]:
        of_thousand = cost.samples / thousands
        print(f"{cost.rule:<84}{cost.samples:>10,.0f}{cost.samples / total:>8.1%}{of_thousand:>10,.0f}")
    print(f"{f'all {len(found)} rules':<84}{total:>10,.0f}{'':>8}{total / thousands:>10,.0f}")
    dear = too_dear(found, len(there))
    print(f"\nno rule over {BOUND:,} a minute for 1,000 series: {'no' if dear else 'yes'}", *dear, sep="\n")
    return 1 if dear else 0


if __name__ == "__main__":
    sys.exit(main())
