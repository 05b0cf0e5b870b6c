"""Counts what the system `services` records of 50 services with 20 routes each, and the samples that it reads for it.

Each has three pods that push OpenTelemetry's histograms. What reads days is left out: it reads recordings of services
alone. The bench fails above its bounds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from model.rules import Recording
from rules.services import SYSTEM
from rules.services.recordings import EVERY
from rules.services.settings import ServicesSettings
from rules.systems import EXAMPLE
from tools.bench.dashboards import Loaded, results
from tools.bench.history import SLICE, Past, prometheus, write
from tools.bench.rules import INTERVAL
from tools.bench.sample import LE, Series
from tools.bench.samples import END, read

SERVICES, ROUTES, PODS = 50, 20, 3
STATUSES = ("200", "404", "500")
SERIES_BOUND = 20_000
"""Recorded series: twelve buckets, three statuses and a total for each route, and some dozens for each service."""
SAMPLES_BOUND = 1_500_000
"""Samples a minute: each of the rates reads the buckets or counters of all pods once."""
HISTOGRAM = "http_server_request_duration_seconds"


def pushed() -> Iterator[Series]:
    for number, pod, route, status in product(range(SERVICES), range(PODS), range(ROUTES), STATUSES):
        name = f"app-{number}"
        labels = (
            f'cluster="c",environment="e",job="{name}",instance="{name}-{pod}",service_name="{name}",'
            f'k8s_namespace_name="team",k8s_deployment_name="{name}",http_route="/{route}",http_request_method="GET",'
            f'http_response_status_code="{status}"'
        )
        yield Series(f"{HISTOGRAM}_count{{{labels}}}", 1000, 1)
        yield from (Series(f'{HISTOGRAM}_bucket{{{labels},le="{end}"}}', 1000, 1) for end in LE)
    yield Series('up{cluster="c",environment="e",job="kubelet",instance="n"}', 1, 0)


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(prog="python -m tools.bench.services", description=__doc__).parse_args(arguments)
    groups = SYSTEM.build(ServicesSettings(), EXAMPLE).groups
    made: Counter[str] = Counter()
    samples = 0.0
    with tempfile.TemporaryDirectory() as folder, prometheus(Path(folder) / "data") as url:
        every = list(pushed())
        write(url, [Past(each, SLICE, INTERVAL) for each in every], END)
        loaded = Loaded(url, END)
        for group in groups:
            for rule in (each for each in group.rules if isinstance(each, Recording)):
                (plain,) = rule.plain()
                found = list(results(loaded, plain))
                made[rule.name] += len(found)
                samples += read(url, rule.expr, END) * 60 / (group.interval or EVERY).seconds
                if found:
                    write(url, [Past(each, INTERVAL, INTERVAL) for each in found], END)
    for name, count in made.most_common():
        print(f"{name:<64}{count:>8,}")
    total = sum(made.values())
    print(f"{f'recorded, of {len(every):,} series':<64}{total:>8,}   bound {SERIES_BOUND:,}")
    print(f"{'samples a minute':<64}{samples:>8,.0f}   bound {SAMPLES_BOUND:,}")
    return 1 if total > SERIES_BOUND or samples > SAMPLES_BOUND else 0


if __name__ == "__main__":
    sys.exit(main())
