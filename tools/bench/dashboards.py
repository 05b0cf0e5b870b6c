"""Measures the dashboards of `prod` on a real Prometheus with 100k series: all queries and the slowest panel of each.

Each dashboard shows its default time range, with as much history: six hours of everything, and days for the dashboards
that show days. Variables select the most data: all values, or the largest one if one must be selected.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from components.settings.stack import Settings
from dashboards.listed import dashboards
from dashboards.model import Dashboard, Visualization
from dashboards.queries import annotation_queries, filled, prometheus_queries
from model.promql import selectors
from model.rules import Alert
from model.uids import HOME
from tools.bench.history import SLICE, Past, prometheus, write
from tools.bench.rules import INTERVAL, production, say
from tools.bench.sample import Series, of_size
from tools.local.harness import http_json

SERIES = 100_000
UNITS = {"h": 3600, "d": 86_400}
LEAST = 6 * 3600 + 1800
"""Seconds of history of all series: the range of most dashboards, and the windows of their queries before it."""
POINTS = 720
"""Points of a panel that is half a screen wide. Grafana requests one per pixel, and none closer than the scrape
interval."""
FIRING, EVERY = 10, 5
"""Number of subjects that fire, and which alerts do (each fifth): a bad day, when people open dashboards."""
ANNOTATIONS = 60
"""Seconds between points of annotation queries, for every time range: Grafana's own."""
GOAL = 1.0
"""Seconds, after which a person wonders whether something is broken."""
GOAL_OF_HOME = 0.3
"""Seconds of all queries of Home, which is open on walls and asks every minute."""


@dataclass(frozen=True)
class Loaded:
    """A Prometheus with history until ``end``."""

    url: str
    end: float

    def now(self, expr: str) -> list[Any]:
        return self._asked("query", query=expr, time=self.end)

    def over(self, expr: str, since: int, step: int) -> list[Any]:
        return self._asked("query_range", query=expr, start=self.end - since, end=self.end, step=step)

    def _asked(self, what: str, **query: object) -> list[Any]:
        answer = http_json(f"http://{self.url}/api/v1/{what}?{urlencode(query)}", timeout=120)
        return list(answer["data"]["result"])


# --- the data ---


def scraped(sample: Sequence[Series], everywhere: Mapping[str, str]) -> Iterator[Series]:
    """Series that Prometheus itself adds for the targets of a sample."""
    targets = Counter(tuple(re.findall(r'\b(?:job|instance)="([^"]*)"', each.text)) for each in sample)
    for (job, instance), count in ((target, count) for target, count in targets.items() if len(target) == 2):
        inside = selector({"job": job, "instance": instance, **everywhere})
        yield Series(f"up{inside}", 1, 0)
        yield Series(f"scrape_samples_post_metric_relabeling{inside}", count, 0)


def firing(settings: Settings, everywhere: Mapping[str, str], end: float) -> Iterator[Series]:
    """Series of alerts that have fired for an hour, as Prometheus records them."""
    rules = ((group.system, rule) for group in settings.watched.groups for rule in group.rules)
    alerts = [(system, rule) for system, rule in rules if isinstance(rule, Alert)]
    for (system, rule), number in product(alerts[::EVERY], range(FIRING)):
        about = {"alertname": rule.name, "severity": rule.severities[0], "owner": rule.owner, "system": system}
        labels = {**about, **rule.labels, "namespace": f"team-{number}", "pod": f"app-{number}", **everywhere}
        yield Series(f"ALERTS{selector({**labels, 'alertstate': 'firing'})}", 1, 0)
        yield Series(f"ALERTS_FOR_STATE{selector(labels)}", end - 3600, 0)


def recorded(loaded: Loaded, rules: Path) -> Iterator[Series]:
    """The current results of the recording rules. Rules that read other recordings get a later round."""
    left = [rule for path in sorted(rules.iterdir()) for rule in recordings(path)]
    while left:
        made = [(rule, list(results(loaded, rule))) for rule in left]  # several objectives record under one name
        new = [series for _, found in made for series in found]
        if not new:
            say(f"{len(left)} recording rules have no result: {', '.join(sorted({rule['record'] for rule in left}))}")
            return
        write(loaded.url, [Past(series, SLICE, INTERVAL) for series in new], loaded.end)
        yield from new
        left = [rule for rule, found in made if not found]


def recordings(path: Path) -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(path.read_text())["groups"]:
        yield from (rule for rule in group["rules"] if "record" in rule)


def results(loaded: Loaded, rule: Mapping[str, Any]) -> Iterator[Series]:
    for each in loaded.now(rule["expr"]):
        labels = {**each["metric"], **rule.get("labels", {})}
        labels.pop("__name__", None)
        yield Series(f"{rule['record']}{selector(labels)}", float(each["value"][1]), 0)


def selector(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def depths(asked: Iterable[Dashboard]) -> dict[str, int]:
    """Seconds that dashboards show of a series, by its name, if that is more than usual."""
    shown = [
        (found.name, seconds(dashboard))
        for dashboard in asked
        for expr in expressions(dashboard)
        for found in selectors(expr)
    ]
    return {name: longest for name, longest in sorted(shown, key=lambda each: each[1]) if name and longest > LEAST}


def expressions(dashboard: Dashboard) -> Iterator[str]:
    yield from (filled(query.expr) for _, query in prometheus_queries(dashboard))
    yield from (filled(annotation.expr) for annotation in annotation_queries(dashboard))


def seconds(dashboard: Dashboard) -> int:
    """The default time range of a dashboard."""
    number, unit = re.findall(r"now-(\d+)([hd])", dashboard.time_from)[0]
    return int(number) * UNITS[unit]


# --- the queries ---


def choices(loaded: Loaded, dashboard: Dashboard) -> dict[str, str]:
    """The largest value of each variable of a dashboard that needs one."""
    chosen: dict[str, str] = {}
    for variable in (each for each in dashboard.variables if not each.multiple):
        (largest,) = loaded.now(f"topk(1, sum by ({variable.label}) ({filled(variable.of, chosen)}))")
        chosen[variable.name] = largest["metric"][variable.label]
    return chosen


@dataclass(frozen=True, order=True)
class Measured:
    """Seconds of a dashboard's queries."""

    slowest: float
    panel: str
    """The panel or annotation that has the slowest one."""
    uid: str
    sum: float
    """Of all queries, each asked alone."""


def measured(loaded: Loaded, dashboard: Dashboard) -> Measured:
    chosen = choices(loaded, dashboard)
    since = seconds(dashboard)
    times = [
        (taken(partial(loaded.over, filled(annotation.expr, chosen), since, ANNOTATIONS)), annotation.name)
        for annotation in annotation_queries(dashboard)
    ]
    for panel, query in prometheus_queries(dashboard):
        expr = filled(query.expr, chosen)
        if panel.visualization in (Visualization.STAT, Visualization.TABLE):
            times.append((taken(partial(loaded.now, expr)), panel.title))
        else:
            step = max(INTERVAL, round(since / POINTS))
            times.append((taken(partial(loaded.over, expr, since, step)), panel.title))
    return Measured(*max(times), dashboard.uid, sum(took for took, _ in times))


def taken(ask: Callable[[], object]) -> float:
    """Duration of a query: the best of five, which a busy machine affects least."""
    times = []
    for _ in range(5):
        begin = time.monotonic()
        ask()
        times.append(time.monotonic() - begin)
    return min(times)


def measure(size: int, home: Path, only: Collection[str] = ()) -> tuple[int, int, list[Measured]]:
    """Number of the cluster's series and of the rules' series, and the dashboards, by their slowest panels."""
    stack, settings = production(home)
    asked = [
        each
        for each in dashboards(settings.systems_on, settings.watched, settings.cluster)
        if any(prometheus_queries(each)) and (not only or each.uid in only)
    ]
    everywhere = {"cluster": settings.cluster.name, "environment": settings.cluster.environment}
    sample = of_size(size, settings.watched.metrics, settings.watched.scrape_jobs, everywhere)
    every = [*sample, *scraped(sample, everywhere)]
    end = float(round(time.time()))
    say(f"{len(every):,} series: evaluate the recording rules")
    with prometheus(home / "first") as url:
        write(url, [Past(series, SLICE, INTERVAL) for series in every], end)
        made = list(recorded(Loaded(url, end), stack.config("prometheus") / "rules"))
    longer = depths(asked)
    series = [*every, *made, *firing(settings, everywhere, end)]
    pasts = [Past(each, longer.get(each.name, LEAST), INTERVAL) for each in series]
    say(f"{len(pasts):,} series: write {sum(past.seconds for past in pasts) / INTERVAL / 1e6:,.0f} million samples")
    with prometheus(home / "second") as url:
        write(url, pasts, end, say)
        loaded = Loaded(url, end)
        say(f"{len(asked)} dashboards: query")
        return (
            len(every),
            len(made),
            sorted((measured(loaded, dashboard) for dashboard in asked), reverse=True),
        )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.dashboards", description=__doc__)
    parser.add_argument("--series", type=int, default=SERIES, help=f"series of the cluster (default: {SERIES})")
    parser.add_argument("--only", nargs="+", default=[], metavar="UID", help="dashboards to measure (default: all)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        before, made, found = measure(given.series, Path(folder), given.only)
    written = [each for each in found if not each.uid.startswith("runbooks-")]
    print(f"{f'dashboard, with {before:,} + {made:,} series':<40}{'seconds':>9}{'slowest':>9}  its panel")
    for each in written:
        print(f"{each.uid:<40}{each.sum:>9.3f}{each.slowest:>9.3f}  {each.panel}")
    for one in [each for each in found if each not in written][:1]:
        of_runbooks = f"{len(found) - len(written)} of runbooks"
        print(f"{of_runbooks:<40}{one.sum:>9.3f}{one.slowest:>9.3f}  {one.panel} ({one.uid})")
    slow = too_slow(found)
    print("\n" + ("\n".join(f"too slow: {each}" for each in slow) or f"each panel within {GOAL:g} s"))
    return 1 if slow else 0


def too_slow(found: Sequence[Measured]) -> list[str]:
    """Dashboards of which a panel takes longer than GOAL, and Home if its queries take longer than GOAL_OF_HOME."""
    slow = [f"{each.uid}: {each.panel}, {each.slowest:.3f} s" for each in found if each.slowest > GOAL]
    homes = (each for each in found if each.uid == HOME and each.sum > GOAL_OF_HOME)
    return [*slow, *(f"{each.uid}: all queries, {each.sum:.3f} s" for each in homes)]


if __name__ == "__main__":
    sys.exit(main())
