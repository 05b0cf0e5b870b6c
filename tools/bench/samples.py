"""Counts the samples that each rule of `prod` reads in a minute, dearest first: what no busy machine changes.

On a real Prometheus, with a day of history: what looks back for longer reads more in a cluster that is older.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from components.settings.stack import Settings
from model.rules import Alert, Recording
from tools.bench.dashboards import Loaded, recorded, scraped
from tools.bench.history import Past, prometheus, write
from tools.bench.rules import INTERVAL, production, say
from tools.bench.sample import of_size
from tools.local.harness import http_json

SERIES = 3_000
HISTORY = 86_400
"""Seconds: the longest range that a rule reads of what is scraped."""
SHOWN = 20
BOUND = 2_500
"""Samples a minute for 1,000 series that one rule may read. The four that were dearest read up to 4,200; what reads
most now, some 2,100, are counters of Prometheus itself, which do not grow with the cluster."""


@dataclass(frozen=True)
class Cost:
    """What one rule reads."""

    rule: str
    """Its group and name, and the severity of an alert."""
    samples: float
    """A minute."""


def costs(url: str, settings: Settings, end: float) -> Iterator[Cost]:
    """Of every rule, at the interval of its group."""
    for group in settings.watched.groups:
        a_minute = 60 / (group.interval or settings.prometheus.evaluation_interval).seconds
        for rule in group.rules:
            for suffix, expr in _expressions(rule):
                yield Cost(f"{group.name} {rule.name}{suffix}", read(url, expr, end) * a_minute)


def _expressions(rule: Alert | Recording) -> Iterator[tuple[str, str]]:
    if isinstance(rule, Recording):
        yield "", rule.expr
    else:
        yield from ((f" {severity}", rule.expr(severity)) for severity in rule.severities)


def read(url: str, expr: str, at: float) -> int:
    """Samples that Prometheus reads for one evaluation, as it counts them itself."""
    asked = urlencode({"query": expr, "time": at, "stats": "all"})
    stats = http_json(f"http://{url}/api/v1/query?{asked}", timeout=120)["data"]["stats"]
    return int(stats["samples"]["totalQueryableSamples"])


def measure(size: int, home: Path) -> tuple[int, list[Cost]]:
    """The number of series, and what each rule reads of them, dearest first."""
    stack, settings = production(home)
    everywhere = {"cluster": settings.cluster.name, "environment": settings.cluster.environment}
    sample = of_size(size, settings.watched.metrics, settings.watched.scrape_jobs, everywhere)
    end = time.time() // INTERVAL * INTERVAL
    every = [*sample, *scraped(sample, everywhere)]
    with prometheus(home / "now") as url:
        say(f"{len(every):,} series: what the recording rules make of them")
        write(url, [Past(series, 600) for series in every], end, INTERVAL)
        every += recorded(Loaded(url, end), stack.config("prometheus") / "rules")
    with prometheus(home / "past") as url:
        say(f"{len(every):,} series: their history")
        write(url, [Past(series, HISTORY) for series in every], end, INTERVAL, say)
        found = sorted(costs(url, settings, end), key=lambda cost: cost.samples, reverse=True)
    return len(every), found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.samples", description=__doc__)
    parser.add_argument("--series", type=int, default=SERIES, help=f"of the cluster (default: {SERIES})")
    size = parser.parse_args(arguments).series
    with tempfile.TemporaryDirectory() as folder:
        series, found = measure(size, Path(folder))
    total, thousands = sum(cost.samples for cost in found), series / 1000
    print(f"{f'samples a minute, {series:,} series':<84}{'samples':>10}{'share':>8}{'of 1,000':>10}")
    for cost in found[:SHOWN]:
        of_thousand = cost.samples / thousands
        print(f"{cost.rule:<84}{cost.samples:>10,.0f}{cost.samples / total:>8.1%}{of_thousand:>10,.0f}")
    print(f"{f'all {len(found)} rules':<84}{total:>10,.0f}{'':>8}{total / thousands:>10,.0f}")
    dear = [cost.rule for cost in found if cost.samples / thousands > BOUND]
    print(f"\nno rule over {BOUND:,} a minute for 1,000 series: {'no: ' + ', '.join(dear) if dear else 'yes'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
