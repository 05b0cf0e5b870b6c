"""Names that the stack has itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from components.settings.checks import own_dashboards
from model.rules import Alert
from rules.system import Watched
from rules.systems import EXAMPLE, SYSTEMS, watch


@dataclass(frozen=True)
class Ours:
    alerts: Mapping[str, str]
    """By name, the key of its system."""
    jobs: Mapping[str, str]
    """By name, the key of its system."""
    recordings: frozenset[str]
    dashboards: frozenset[str]
    """Uids."""
    folders: Mapping[str, str]
    """Titles of Grafana's folders by uid."""


@cache
def ours() -> Ours:
    """Of every system, with either collector of logs."""
    alerts: dict[str, str] = {}
    jobs: dict[str, str] = {}
    recordings: set[str] = set()
    for key, watched in _each():
        jobs |= {job.name: key for job in watched.scrape_jobs}
        alerts |= {alert.name: key for alert in watched.alerts}
        recordings |= {rule.name for group in watched.groups for rule in group.rules if not isinstance(rule, Alert)}
    uids, folders = own_dashboards()
    return Ours(alerts, jobs, frozenset(recordings), frozenset(uids), folders)


def _each() -> Iterator[tuple[str, Watched]]:
    settings = {system.key: system.example for system in SYSTEMS}
    for system in SYSTEMS:
        for collector in ("promtail", "otel"):
            around = replace(EXAMPLE, on=frozenset({system.key}), log_collector=collector)
            yield system.key, watch(settings, around, {}, ())
