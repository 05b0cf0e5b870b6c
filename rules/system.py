"""The words of the catalogue: systems, what watching one takes, exporters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from model.cluster import ClusterSettings
from model.flows import Peer
from model.grafana_alert import GrafanaGroup
from model.metrics import Metric
from model.rules import Alert, BaseAlert, Group, Inhibition
from model.scrape import ScrapeJob
from model.settings import Model, Resources, Secret
from model.slo import Slo

S = TypeVar("S", bound=Model)


@dataclass(frozen=True)
class ApiAccess:
    """What an exporter may ask the Kubernetes API, cluster-wide and read-only."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[Literal["get", "list", "watch"], ...] = ("list", "watch")


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """A program that turns something's state into metrics, deployed by the one generic component."""

    name: str
    """Also the name of its image in ``components.images.ALL``."""
    args: tuple[str, ...]
    ports: dict[str, int]
    """Named ports; the first serves metrics."""
    resources: Resources
    live: tuple[str, str]
    """Path and named port that answer while it runs."""
    ready: tuple[str, str]
    """Path and named port that answer once it can be scraped."""
    per_node: bool = False
    """One per node, on the host's network and with its root file system read-only, in the node agents' namespace."""
    files: dict[str, str] = field(default_factory=dict)
    """Configuration, file name to text, under ``/etc/<name>/config``."""
    secrets: dict[str, Secret] = field(default_factory=dict)
    """Secrets, file name to source, under ``/etc/<name>/secrets``."""
    api: tuple[ApiAccess, ...] = ()
    """Empty: no token is mounted."""
    reaches: tuple[tuple[Peer, tuple[int, ...]], ...] = ()
    """Whom it asks, with ports, for the table of flows."""

    @property
    def metrics_port(self) -> int:
        return next(iter(self.ports.values()))


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
