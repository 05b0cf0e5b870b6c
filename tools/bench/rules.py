"""Measures the rules of `prod` on a real Prometheus: seconds per evaluation, by group, at 10k, 100k and 500k series."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from components.settings.stack import Settings
from model.quantities import Duration
from tools import stack_file
from tools.bench.sample import NOW, Series, of_size
from tools.local.harness import Process, eventually, free_port, http_json, http_text
from tools.local.rendered import Rendered, render_text
from tools.local.stack_text import merged, stack_text
from tools.recorder import ROOT
from tools.servers.find import binary

SIZES = (10_000, 100_000, 500_000)
PER_TARGET = 25_000
"""Series of one target; a node of 250 pods has about as many."""
INTERVAL = 30
"""Scrape interval in seconds: that of `prod`."""
HISTORY = 6 * 60
"""Seconds of samples before the first evaluation. Most rules look five minutes back. Rules that look back for hours
find less here than in an older cluster."""
WATCHED = 80
"""Seconds of measured evaluations: five cycles of the usual groups, one of groups with a minute."""
SHARE = 0.1
"""Maximum ratio of the slowest group's duration to its interval, so that the cluster may double on a busy machine."""


@contextmanager
def targets(sample: Sequence[Series]) -> Iterator[list[str]]:
    """Addresses of targets that serve the sample: first with its history, then without."""
    begin = time.time() - HISTORY
    parts = [sample[at : at + PER_TARGET] for at in range(0, len(sample), PER_TARGET)]
    new = set(range(len(parts)))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = int(self.path.rpartition("/")[2])
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            if number in new:
                new.discard(number)
                for past in range(0, HISTORY, INTERVAL):
                    self.wfile.write(exposition(parts[number], begin, past, f" {int((begin + past) * 1000)}"))
            self.wfile.write(exposition(parts[number], begin, time.time() - begin, ""))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield [f"http://127.0.0.1:{server.server_port}/{number}" for number in range(len(parts))]
        finally:
            server.shutdown()


def exposition(sample: Sequence[Series], begin: float, age: float, stamp: str) -> bytes:
    """The samples at ``begin + age``, each followed by ``stamp``."""
    lines = [
        f"{each.text} {(begin if each.level == NOW else each.level) + each.rate * age:.3f}{stamp}\n" for each in sample
    ]
    return "".join(lines).encode()


def config(addresses: Sequence[str], rules: Path) -> dict[str, Any]:
    """Prometheus' configuration with the stack's rules, and one scrape job for series in their final form."""
    return {
        "global": {"scrape_interval": f"{INTERVAL}s", "scrape_timeout": f"{INTERVAL}s"},
        "rule_files": [f"{rules}/*.yml"],
        "scrape_configs": [
            {
                "job_name": f"sample-{number}",
                "honor_labels": True,
                "metrics_path": f"/{number}",
                "static_configs": [{"targets": [address.split("/")[2]]}],
            }
            for number, address in enumerate(addresses)
        ],
    }


@dataclass(frozen=True)
class Figure:
    """Figures of the rules at one size."""

    series: int
    """Number of series before the rules add theirs."""
    added: int
    """Number of series from recording rules."""
    alerts: int
    """Number of pending and firing alerts. A healthy cluster should have few, since each takes time too."""
    seconds: dict[str, float]
    """Seconds of the fastest evaluation by group, which a busy machine affects least, so it is used for the growth."""
    slowest: dict[str, float]
    """The slowest rules of the last evaluation, with their seconds."""


@contextmanager
def running(size: int, stack: Rendered, settings: Settings, home: Path) -> Iterator[tuple[str, int]]:
    """A Prometheus with the stack's rules, after it has scraped about ``size`` series: address, number of series."""
    everywhere = {"cluster": settings.cluster.name, "environment": settings.cluster.environment}
    sample = of_size(size, settings.watched.metrics, settings.watched.scrape_jobs, everywhere)
    say(f"{len(sample):,} series: load")
    home.mkdir()
    url = f"127.0.0.1:{free_port()}"
    with targets(sample) as addresses:
        path = home / "prometheus.yml"
        path.write_text(yaml.safe_dump(config(addresses, stack.config("prometheus") / "rules")))
        arguments = [
            f"--config.file={path}",
            f"--storage.tsdb.path={home / 'data'}",
            f"--web.listen-address={url}",
        ]
        with Process([binary("prometheus"), *arguments], log=home / "log") as process:
            process.ready(lambda: http_text(f"http://{url}/-/ready"))
            # Prometheus spreads its first scrapes over an interval; a large one takes some seconds.
            eventually(lambda: loaded(url) >= len(addresses), 10 * INTERVAL, "every target was scraped")
            yield url, len(sample)


def measure(size: int, stack: Rendered, settings: Settings, home: Path) -> Figure:
    """Load a Prometheus with about ``size`` series, and measure its evaluations."""
    with running(size, stack, settings, home) as (url, series):
        say("evaluate")
        seconds = evaluations(url, WATCHED)
        added = number(url, 'count({__name__=~".+:.+:.+"})')
        alerts = number(url, "count(ALERTS)")
        return Figure(series, added, alerts, seconds, slowest_rules(url))


def loaded(url: str) -> int:
    return number(url, 'count(up{job=~"sample-.*"} == 1)')


def number(url: str, expression: str) -> int:
    """The value of an instant query with at most one series; 0 without one."""
    asked = urlencode({"query": expression})
    result = http_json(f"http://{url}/api/v1/query?{asked}", timeout=60)["data"]["result"]
    return int(float(result[0]["value"][1])) if result else 0


def evaluations(url: str, seconds: float) -> dict[str, float]:
    """The shortest evaluation of each group within ``seconds``."""
    first = runs(url)
    durations: dict[str, dict[float, float]] = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for group, (iteration, duration) in runs(url).items():
            if iteration > first[group][0]:
                durations.setdefault(group, {})[iteration] = duration
        time.sleep(2)
    return {group: min(taken.values()) for group, taken in durations.items()}


def runs(url: str) -> dict[str, tuple[float, float]]:
    """Time of the last evaluation and its seconds, by group."""
    text = http_text(f"http://{url}/metrics", timeout=60)
    found = {
        name: dict(
            re.findall(rf'^prometheus_rule_group_{name}{{rule_group="[^"]*;([^"]+)"}} (\S+)$', text, re.MULTILINE)
        )
        for name in ("iterations_total", "last_duration_seconds")
    }
    return {
        group: (float(count), float(found["last_duration_seconds"][group]))
        for group, count in found["iterations_total"].items()
    }


def slowest_rules(url: str) -> dict[str, float]:
    """The five slowest rules, slowest first. The name of an alert is followed by its severity."""
    groups = http_json(f"http://{url}/api/v1/rules", timeout=60)["data"]["groups"]
    rules = {
        f"{rule['name']} {rule.get('labels', {}).get('severity', '')}".strip(): rule["evaluationTime"]
        for group in groups
        for rule in group["rules"]
    }
    return dict(sorted(rules.items(), key=lambda rule: rule[1], reverse=True)[:5])


def say(what: str) -> None:
    """Print progress, apart from the figures."""
    print(f"  {what}", file=sys.stderr, flush=True)


def show(figures: Sequence[Figure], intervals: dict[str, Duration]) -> None:
    """Print the table, the growth, and whether the goals are met."""
    last = figures[-1]
    total = sum(last.seconds.values())
    header = "".join(f"{figure.series:>12,}" for figure in figures)
    print(f"{'seconds per evaluation at … series':<40}{header}{'share':>8}{'of interval':>13}")
    for group in sorted(last.seconds, key=last.seconds.__getitem__, reverse=True):
        taken = "".join(f"{figure.seconds.get(group, 0):>12.4f}" for figure in figures)
        of_interval = last.seconds[group] / (intervals[group].milliseconds / 1000)
        print(f"{group:<40}{taken}{last.seconds[group] / total:>8.0%}{of_interval:>13.1%}")
    print(f"{'all groups once':<40}{''.join(f'{sum(figure.seconds.values()):>12.4f}' for figure in figures)}")
    print(f"{'series that recording rules add':<40}{''.join(f'{figure.added:>12,}' for figure in figures)}")
    print(f"{'alerts pending or firing':<40}{''.join(f'{figure.alerts:>12,}' for figure in figures)}")
    per_series = (f"{sum(figure.seconds.values()) / figure.series * 1e6:>12.2f}" for figure in figures)
    print(f"{'microseconds per series':<40}{''.join(per_series)}   (the same or less: growth is linear)")
    slowest = max(last.seconds, key=lambda group: last.seconds[group] / intervals[group].milliseconds)
    share = last.seconds[slowest] * 1000 / intervals[slowest].milliseconds
    met = "yes" if share < SHARE else "no"
    print(
        "\nslowest rules at most series: " + ", ".join(f"{name} {taken:.3f} s" for name, taken in last.slowest.items())
    )
    print(f"slowest group under {SHARE:.0%} of its interval: {met} ({slowest}: {share:.1%})")


def production(home: Path) -> tuple[Rendered, Settings]:
    """The stack `prod`, with a flavour whose control plane can be watched, so that it has every rule."""
    given = stack_file.read(ROOT / "Pulumi.prod.yaml").config
    stack = render_text("prod", home / "stack", stack_text(merged(given, {"cluster": {"flavour": "kubeadm"}})))
    return stack, stack_file.settings(home / "stack" / "Pulumi.prod.yaml")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.rules", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="series (default: 10000 100000 500000)")
    sizes = parser.parse_args(arguments).sizes
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        stack, settings = production(home)
        usual = settings.prometheus.evaluation_interval
        intervals = {group.name: group.interval or usual for group in settings.watched.groups}
        figures = [measure(size, stack, settings, home / str(size)) for size in sizes]
    show(figures, intervals)
    return 0


if __name__ == "__main__":
    sys.exit(main())
