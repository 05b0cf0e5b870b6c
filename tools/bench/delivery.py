"""Measures how soon people are notified: seconds from a fault to the delivered page, with the settings of `prod`.

An exporter fails repeatedly, each time for another namespace. Prometheus and the Alertmanagers have `prod`'s intervals
and waits; only the alert's `for` is left out. Then it lists all critical alerts, with the longest time that each may
take and its `for`.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from components.settings.stack import Settings
from model.rules import Alert, Group, Recording, Severity
from tools import stack_file
from tools.local.account import Account
from tools.local.alerting_path import VOLUME, AlertingPath, alerting_path
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_text
from tools.recorder import ROOT

GOAL = 60
"""Maximum seconds of a critical alert, besides its `for`."""
APART = 7
"""Seconds between two faults. It is prime to the intervals, so that faults happen at every moment of a cycle."""
WITHIN = 150
"""Seconds after which a page counts as lost."""
HEALTHY, FULL = 0.5, 0.99


def measure(path: AlertingPath, faults: int) -> list[float]:
    """Seconds from each fault to its page."""
    namespaces = [f"shop-{number:02}" for number in range(faults)]
    path.exporter.volumes = dict.fromkeys(namespaces, HEALTHY)
    seen = f'kubelet_volume_stats_capacity_bytes{{namespace="{namespaces[-1]}"}}'
    for server in path.prometheus:
        server.process.ready(lambda server=server: http_text(f"{server.local.url}/-/ready"))  # type: ignore[misc]  # mypy types no lambda with a default
        eventually(lambda server=server: query(server.local, seen), 90, "all is scraped while it is well")  # type: ignore[misc]  # mypy types no lambda with a default
    began = {}
    for namespace in namespaces:
        path.exporter.volumes[namespace], began[namespace] = FULL, time.monotonic()
        print(f"  {namespace} fails", file=sys.stderr, flush=True)
        time.sleep(APART)
    return [
        eventually(lambda namespace=namespace: told(path, namespace), WITHIN, f"a page about {namespace}") - at  # type: ignore[misc]  # mypy types no lambda with a default
        for namespace, at in began.items()
    ]


def told(path: AlertingPath, namespace: str) -> float | None:
    """Time of on-call's page about a namespace, in seconds of the monotonic clock; None before the page."""
    pages = (page for page in path.services.of("on-call") if VOLUME in str(page.body) and namespace in str(page.body))
    return next((page.at for page in pages), None)


@dataclass(frozen=True)
class Bound:
    """The longest time that a critical alert may take."""

    alert: Alert
    seconds: float
    """Seconds from fault to page, without `for`: a scrape, an evaluation of each group on the way, `group_wait`."""


def bounds(settings: Settings) -> list[Bound]:
    """Bounds of all critical alerts, the slowest first."""
    watched, usual = settings.watched, settings.prometheus
    interval = {
        group.name: (group.interval or usual.evaluation_interval).milliseconds / 1000 for group in watched.groups
    }
    jobs = {job.name: (job.interval or usual.scrape_interval).milliseconds / 1000 for job in watched.scrape_jobs}
    scraped = {series: jobs.get(metric.job, 0) for metric in watched.metrics for series in metric.series}
    recorded: dict[str, list[tuple[Group, Recording]]] = {}
    for group in watched.groups:
        for rule in group.rules:
            if isinstance(rule, Recording):
                recorded.setdefault(rule.name, []).append((group, rule))

    def until_known(expression: str, reader: Group) -> float:
        """Seconds until a group can read the slowest input of an expression."""
        longest = 0.0
        for name in set(re.findall(r"[a-zA-Z_][\w:]*", expression)):
            # `up` and similar series come with every scrape.
            longest = max(longest, scraped.get(name, jobs["prometheus"] if name == "up" else 0))
            for group, rule in recorded.get(name, []):
                # Rules of one group are evaluated in order, so rules before this one add no time.
                turn = 0 if group is reader else interval[group.name]
                longest = max(longest, turn + until_known(rule.expr, group))
        return longest

    wait = settings.notifications.critical_group_wait.milliseconds / 1000
    found = [
        Bound(rule, until_known(rule.expr(Severity.CRITICAL), group) + interval[group.name] + wait)
        for group in watched.groups
        for rule in group.rules
        if isinstance(rule, Alert) and Severity.CRITICAL in rule.severities
    ]
    return sorted(found, key=lambda bound: (-bound.seconds, bound.alert.name))


def show(seconds: Sequence[float], found: Sequence[Bound]) -> None:
    """Print the figures, then the list."""
    print(f"from fault to page, {len(seconds)} faults: median {median(seconds):.0f} s, slowest {max(seconds):.0f} s")
    print(f"each within {GOAL} s: {'yes' if max(seconds) <= GOAL else 'no'}\n")
    print(f"{'critical alert':<55}{'at most':>9}{'and its for':>13}")
    for bound in found:
        print(f"{bound.alert.name:<55}{bound.seconds:>7.0f} s{bound.alert.for_!s:>13}")
    late = sum(bound.seconds > GOAL for bound in found)
    print(f"\nof {len(found)} critical alerts, {late} may take more than {GOAL} s before their `for`")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.delivery", description=__doc__)
    parser.add_argument("--faults", type=int, default=10, help="number of faults (default: 10)")
    faults = parser.parse_args(arguments).faults
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        unhesitating = {"alerts": {VOLUME: {"for": "0s"}}}
        with (
            ControlPlane(home / "control-plane") as plane,
            alerting_path("prod", home / "prod", Account.admin(plane), {}, unhesitating) as path,
        ):
            seconds = measure(path, faults)
    show(seconds, bounds(stack_file.settings(ROOT / "Pulumi.prod.yaml")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
