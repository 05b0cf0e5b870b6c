"""A system: something watched, and all that is particular to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from model.cluster import ClusterSettings
from model.exporter import Exporter
from model.grafana_alert import GrafanaGroup
from model.logs import LogCollector
from model.metrics import Metric
from model.quantities import Duration, Url
from model.rules import Alert, BaseAlert, Group, Inhibition
from model.scrape import ScrapeJob
from model.settings import Model
from model.slo import Slo
from model.uids import DashboardUid

S = TypeVar("S", bound=Model)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a stack has around a system. What no stack changes, such as datasources, is a constant in ``model``."""

    cluster: ClusterSettings
    scrape_interval: Duration
    """Time between scrapes, of jobs that set none."""
    evaluation_interval: Duration
    """Time between evaluations, of groups that set none."""
    retention: Duration
    """How long Prometheus keeps samples."""
    log_collector: LogCollector
    """What reads the logs on each node."""
    grafana: Url
    """Where people reach Grafana."""
    runs_grafana: bool
    """Whether that is this stack's own server."""
    on: frozenset[str]
    """Keys of the systems that are on."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """All that watching a system takes; turned on and off as one."""

    scrape_jobs: tuple[ScrapeJob, ...] = ()
    groups: tuple[Group, ...] = ()
    grafana_groups: tuple[GrafanaGroup, ...] = ()
    """What Prometheus cannot evaluate."""
    exporters: tuple[Exporter, ...] = ()
    metrics: tuple[Metric, ...] = ()
    """What its scrape jobs bring and its rules ask for."""
    slos: tuple[Slo, ...] = ()
    """Objectives of its own, beside those of the stack file."""
    inhibitions: tuple[Inhibition, ...] = ()
    """Which of its alerts make which others redundant."""

    @property
    def alerts(self) -> tuple[BaseAlert, ...]:
        """Whoever evaluates them."""
        of_prometheus = (rule for group in self.groups for rule in group.rules if isinstance(rule, Alert))
        return (*of_prometheus, *(rule for group in self.grafana_groups for rule in group.rules))


@dataclass(frozen=True, kw_only=True)
class System(Generic[S]):
    """Something watched."""

    key: str
    """Its key in the stack file, the label ``system`` of its alerts, and the tag of its dashboards."""
    title: str
    """Its folder in Grafana."""
    owner: str
    """The owner of its alerts and objectives that name none."""
    settings: type[S]
    """Their docstring describes the system in the stack file's schema."""
    example: S
    """Settings that turn on every part of it: tests watch it with these."""
    dashboard: DashboardUid
    """Where to look first, for its alerts that name no dashboard."""
    build: Callable[[S, Surroundings], Watched]
    always: bool = False
    """On unless turned off with ``null``; other systems are off unless named."""
