"""Names that the stack has itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from components.settings.checks import own_dashboards
from model.rules import Alert
from rules.systems import EXAMPLE, SYSTEMS, watch

_SETTINGS = {system.key: system.example for system in SYSTEMS}


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
    for around in (EXAMPLE, replace(EXAMPLE, log_collector="otel")):
        watched = watch(_SETTINGS, around, {}, ())
        alerts |= {alert.name: alert.system for alert in watched.alerts}
        recordings |= {rule.name for group in watched.groups for rule in group.rules if not isinstance(rule, Alert)}
        for key in _SETTINGS:
            alone = watch(_SETTINGS, replace(around, on=frozenset({key})), {}, ())
            jobs |= {job.name: key for job in alone.scrape_jobs}
    uids, folders = own_dashboards()
    return Ours(alerts, jobs, frozenset(recordings), frozenset(uids), folders)
