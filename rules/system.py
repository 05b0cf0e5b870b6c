"""The type of a system: everything that is particular to one thing that the stack watches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from model.cluster import ClusterSettings
from model.content import ContentDashboard, Runbook, SavedQuery
from model.contract import Contract, Span
from model.exporter import Exporter
from model.grafana_alert import GrafanaGroup
from model.logs import LogCollector, LogField
from model.metrics import Metric
from model.owners import Owners
from model.quantities import Duration, Url
from model.rules import Alert, BaseAlert, Group, Inhibition, Recording
from model.scrape import ScrapeJob
from model.settings import Model
from model.slo import Slo
from model.uids import DashboardUid
from rules.headline import Headline

S = TypeVar("S", bound=Model)
_Group = TypeVar("_Group", Group, GrafanaGroup)
_Alert = TypeVar("_Alert", bound=BaseAlert)


class ChangeAlert(Protocol):
    """What becomes of an alert; None leaves it out."""

    def __call__(self, alert: _Alert, /) -> _Alert | None: ...


@dataclass(frozen=True, kw_only=True)
class Content:
    """What people bring beside the stack file, read and checked."""

    groups: tuple[Group, ...] = ()
    grafana_groups: tuple[GrafanaGroup, ...] = ()
    runbooks: tuple[Runbook, ...] = ()
    dashboards: tuple[ContentDashboard, ...] = ()
    queries: tuple[SavedQuery, ...] = ()
    systems: tuple[tuple[str, System[Any]], ...] = ()
    """Each with the file of its module."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The parts of a stack that a system depends on. Parts that never differ, such as datasources, are in ``model``."""

    cluster: ClusterSettings
    scrape_interval: Duration
    """Scrape interval of jobs without one of their own."""
    evaluation_interval: Duration
    """Evaluation interval of groups without one of their own."""
    retention: Duration
    """How long Prometheus keeps samples."""
    log_collector: LogCollector
    """Kind of the log collector on each node."""
    grafana: Url
    """Grafana's address for people."""
    runs_grafana: bool
    """Whether the stack deploys that Grafana."""
    on: frozenset[str]
    """Keys of the systems that are on."""
    owners: Owners
    """Which team owns what."""
    alert_labels: Mapping[str, str]
    """Labels of every alert."""
    content: Content = Content()
    """What people bring."""


@dataclass(frozen=True)
class Link:
    """A link from a system's dashboard to a page outside Grafana."""

    dashboard: DashboardUid
    title: str
    url: Url


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
    promoted: tuple[str, ...] = ()
    """Resource attributes that become labels of what applications push, beside those of every stack."""
    log_fields: tuple[LogField, ...] = ()
    """Fields of JSON lines that become structured metadata, beside those of every stack."""
    spans: tuple[Span, ...] = ()
    """Spans of programs that the collector maps to the conventions."""
    attributed: tuple[str, ...] = ()
    """Attributes of spans by which requests to models are counted, each on its own."""
    slos: tuple[Slo, ...] = ()
    """Objectives of the system itself. The stack file may have more."""
    inhibitions: tuple[Inhibition, ...] = ()
    """Inhibitions between its alerts."""
    runbooks: tuple[Runbook, ...] = ()
    """Those that people bring; the stack's own are files."""
    dashboards: tuple[ContentDashboard, ...] = ()
    """Those that people bring; the stack's own are in ``dashboards``."""
    queries: tuple[SavedQuery, ...] = ()
    """Those that people save."""
    links: tuple[Link, ...] = ()
    of_people: tuple[str, ...] = ()
    """PromQL of people, who may ask any job for any of its metrics."""

    @property
    def alerts(self) -> tuple[BaseAlert, ...]:
        """All alerts, of Prometheus and Grafana."""
        of_prometheus = (rule for group in self.groups for rule in group.rules if isinstance(rule, Alert))
        return (*of_prometheus, *(rule for group in self.grafana_groups for rule in group.rules))

    def changed(self, change: ChangeAlert) -> Watched:
        """The same with other alerts, and without groups that are empty then."""
        return replace(
            self,
            groups=tuple(_changed(self.groups, change)),
            grafana_groups=tuple(_changed(self.grafana_groups, change)),
        )


def _changed(groups: Iterable[_Group], change: ChangeAlert) -> Iterator[_Group]:
    for group in groups:
        rules = (rule if isinstance(rule, Recording) else change(rule) for rule in group.rules)
        if left := tuple(rule for rule in rules if rule is not None):
            yield replace(group, rules=left)


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
    headline: Headline = Headline()
    """What Home shows of it."""
    contract: Contract | None = None
    """What its application must emit, if no exporter does it."""
    always: bool = False
    """Whether it is on by default. ``null`` turns it off. Other systems are on if the stack file has their key."""
