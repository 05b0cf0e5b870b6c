"""Exporters as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from model.flows import Peer, Server
from model.images import Pinned
from model.scrape import KubernetesDiscovery, Relabel, ScrapeJob, keep
from model.settings import Resources, Secret

# A Service's name is a DNS label, of 63; a ConfigMap's and a Secret's suffix follow.
LONGEST = 50


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
    """Of the program: its image, and the scrape job of all its instances."""
    instance: str = ""
    """What it watches, where one runs per such thing, as per database: the label `instance` of its series."""
    image: Pinned
    args: tuple[str, ...]
    ports: dict[str, int]
    """Named ports; the first serves metrics."""
    resources: Resources
    live: tuple[str, str]
    """Path and named port that answer while it runs."""
    ready: tuple[str, str]
    """Path and named port that answer once it can be scraped."""
    startup_seconds: int = 60
    """Longest time that a start may take; longer where it first asks for all that it watches."""
    per_node: bool = False
    """One per node, on the host's network and with its root file system read-only, in the node agents' namespace."""
    files: dict[str, str] = field(default_factory=dict)
    """Configuration, file name to text, under ``/etc/<workload>/config``."""
    secrets: dict[str, Secret] = field(default_factory=dict)
    """Secrets, file name to source, under ``/etc/<workload>/secrets``."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment, in plain."""
    secret_env: Mapping[str, Secret] = field(default_factory=dict)
    """Environment from secrets: variable to source."""
    api: tuple[ApiAccess, ...] = ()
    """Empty: no token is mounted."""
    egress: tuple[tuple[Peer, tuple[int, ...]], ...] = ()
    """Whom it asks, with ports, for the table of flows."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", self.workload) or len(self.workload) > LONGEST:
            raise ValueError(f"exporter {self.workload}: a name of at most {LONGEST} small letters, digits and hyphens")
        if self.instance and self.per_node:
            raise ValueError(f"exporter {self.workload}: one per node watches its node: no instance")

    @property
    def workload(self) -> str:
        """The name of its pods, of the objects around them, and of its folder under ``/etc``."""
        return f"{self.name}-{self.instance}" if self.instance else self.name

    @property
    def metrics_port(self) -> int:
        return next(iter(self.ports.values()))


def scrape_job(exporters: tuple[Exporter, ...], namespace: str, **settings: Any) -> ScrapeJob:
    """The one job of all instances of an exporter, in the stack's ``namespace``.

    The label ``instance`` is what each watches: series go on as they were when its pod is another one.
    """
    (name,) = {exporter.name for exporter in exporters}
    service = "__meta_kubernetes_endpointslice_label_kubernetes_io_service_name"
    return ScrapeJob(
        name=name,
        discovery=KubernetesDiscovery(
            "endpointslice",
            (namespace,),
            f"kubernetes.io/service-name in ({', '.join(sorted(exporter.workload for exporter in exporters))})",
        ),
        egress=tuple((Server(exporter.workload), (exporter.metrics_port,)) for exporter in exporters),
        relabel=(
            keep("__meta_kubernetes_endpointslice_port_name", next(iter(exporters[0].ports))),
            Relabel(source=(service,), regex=f"{name}-(.+)", target="instance"),
        ),
        **settings,
    )
