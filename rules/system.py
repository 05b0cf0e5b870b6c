"""The type of a system: everything that is particular to one thing that the stack watches."""

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
    """The parts of a stack that a system depends on. Parts that never differ, such as datasources, are in ``model``."""

    cluster: ClusterSettings
    scrape_interval: Duration
    """Scrape interval of jobs without one of their own."""
    evaluation_interval: Duration
    """Evaluation interval of groups without one of their own."""
    log_collector: LogCollector
    """Kind of the log collector on each node."""
    grafana: Url
    """Grafana's address for people."""
    runs_grafana: bool
    """Whether the stack deploys that Grafana."""
    owners: tuple[str, ...]
    """Owners of the stack file's own targets."""
    on: frozenset[str]
    """Keys of the systems that are on."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Everything that the stack adds for one or more systems."""

    scrape_jobs: tuple[ScrapeJob, ...] = ()
    groups: tuple[Group, ...] = ()
    grafana_groups: tuple[GrafanaGroup, ...] = ()
    """Groups of the alerts that Grafana evaluates."""
    exporters: tuple[Exporter, ...] = ()
    metrics: tuple[Metric, ...] = ()
    """Metrics that its scrape jobs collect and its rules use."""
    slos: tuple[Slo, ...] = ()
    """Objectives of the system itself. The stack file may have more."""
    inhibitions: tuple[Inhibition, ...] = ()
    """Inhibitions between its alerts."""

    @property
    def alerts(self) -> tuple[BaseAlert, ...]:
        """All alerts, of Prometheus and Grafana."""
        of_prometheus = (rule for group in self.groups for rule in group.rules if isinstance(rule, Alert))
        return (*of_prometheus, *(rule for group in self.grafana_groups for rule in group.rules))


@dataclass(frozen=True, kw_only=True)
class System(Generic[S]):
    """Something that the stack watches."""

    key: str
    """Its key in the stack file, the label ``system`` of its alerts, and the tag of its dashboards."""
    title: str
    """Name of its folder in Grafana."""
    owner: str
    """Owner of its alerts and objectives without one of their own."""
    settings: type[S]
    """Type of its settings. The type's docstring describes the system in the schema."""
    example: S
    """Settings that turn on every part of it, for the tests."""
    dashboard: DashboardUid
    """Dashboard of its alerts without one of their own."""
    build: Callable[[S, Surroundings], Watched]
    always: bool = False
    """Whether it is on by default. ``null`` turns it off. Other systems are on if the stack file has their key."""
