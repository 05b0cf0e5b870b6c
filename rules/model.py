"""The words of the catalogue: systems, what watching one takes, alerts, exporters."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Literal, TypeVar

import promql_parser

from components.flows import Peer
from components.settings.base import Model, Resources, Secret
from components.settings.cluster import ClusterSettings
from components.settings.quantities import Duration
from rules.scrape import ScrapeJob

S = TypeVar("S", bound=Model)


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alerting rule. ``expr`` is parsed when the value is made; a wrong one raises ValueError."""

    name: str
    expr: str
    severity: Severity
    owner: str
    summary: str
    """One short sentence, the same for every firing."""
    description: str
    """What is wrong where, with ``{{ $labels.x }}`` and ``{{ $value }}``."""
    for_: Duration = Duration(0)
    """How long the expression must hold."""
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"([A-Z][a-z0-9]*)+", self.name):
            raise ValueError(f"alert {self.name!r}: a name in CamelCase")
        parsed(self.expr, f"alert {self.name}")

    def plain(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": str(self.for_)} if self.for_.milliseconds else {}),
            "labels": {"severity": self.severity.value, "owner": self.owner, **self.labels},
            "annotations": {"summary": self.summary, "description": self.description},
        }


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording rule, named ``level:metric:operations``."""

    name: str
    expr: str
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z_0-9]+:[a-zA-Z_0-9]+:[a-zA-Z_0-9]+", self.name):
            raise ValueError(f"recording rule {self.name!r}: a name like level:metric:operations")
        parsed(self.expr, f"recording rule {self.name}")

    def plain(self) -> dict[str, Any]:
        return {"record": self.name, "expr": self.expr, **({"labels": self.labels} if self.labels else {})}


def parsed(expr: str, where: str) -> promql_parser.Expr:
    """The parsed expression; raises ValueError that names ``where`` when it is no PromQL."""
    try:
        return promql_parser.parse(expr)
    except ValueError as problem:
        raise ValueError(f"{where}: {problem}") from None


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together, in order."""

    name: str
    rules: tuple[Alert | Recording, ...]
    interval: Duration | None = None
    """The server's evaluation interval when none."""

    def plain(self) -> dict[str, Any]:
        interval = {"interval": str(self.interval)} if self.interval else {}
        return {"name": self.name, **interval, "rules": [rule.plain() for rule in self.rules]}


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
    exporters: tuple[Exporter, ...] = ()

    @property
    def alerts(self) -> tuple[Alert, ...]:
        return tuple(rule for group in self.groups for rule in group.rules if isinstance(rule, Alert))


@dataclass(frozen=True)
class System(Generic[S]):
    """Something watched: its key in the stack file, its settings, and what they lead to."""

    name: str
    settings: type[S]
    build: Callable[[S, ClusterSettings], Watched]
    always: bool = False
    """On unless turned off with ``null``; other systems are off unless named."""
