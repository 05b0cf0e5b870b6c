"""The words of the catalogue: systems, and what watching one takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from model.cluster import ClusterSettings
from model.exporter import Exporter
from model.grafana_alert import GrafanaGroup
from model.images import Pinned
from model.metrics import Metric
from model.rules import Alert, BaseAlert, Group, Inhibition
from model.scrape import ScrapeJob
from model.settings import Model
from model.slo import Slo

S = TypeVar("S", bound=Model)


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


@dataclass(frozen=True)
class System(Generic[S]):
    """Something watched: its key in the stack file, its settings, and what they lead to."""

    name: str
    settings: type[S]
    build: Callable[[S, ClusterSettings], Watched]
    always: bool = False
    """On unless turned off with ``null``; other systems are off unless named."""
    images: Mapping[str, Pinned] = field(default_factory=dict)
    """Those of its exporters, by the exporters' names."""
