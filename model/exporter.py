"""Exporters as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from model.flows import Peer
from model.images import Pinned
from model.settings import Resources, Secret


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
    """Of its pods, and of its folder under ``/etc``."""
    image: Pinned
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
