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

# A Service's name has at most 63 characters. Names of ConfigMaps and Secrets add a suffix.
LONGEST = 50


@dataclass(frozen=True)
class ApiAccess:
    """Permissions of an exporter in the Kubernetes API, cluster-wide and read-only."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[Literal["get", "list", "watch"], ...] = ("list", "watch")


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """A program that exposes the state of something as metrics. One generic component deploys every exporter."""

    name: str
    """Name of the program: of its image and of the scrape job of all its instances."""
    instance: str = ""
    """The instance, if there are several, such as one per database: the label `instance` of its series."""
    image: Pinned
    command: tuple[str, ...] = ()
    """Command in place of the image's own, for a script among ``files``."""
    args: tuple[str, ...]
    ports: dict[str, int]
    """Named ports; the first serves metrics."""
    resources: Resources
    live: tuple[str, str]
    """Path and named port that answer while the exporter runs."""
    ready: tuple[str, str]
    """Path and named port that answer once the exporter can be scraped."""
    startup_seconds: int = 60
    """Maximum duration of a start. It is longer for an exporter that first reads everything that it watches."""
    per_node: bool = False
    """Whether it runs on every node, in the node agents' namespace, on the host's network, with the host's root file
    system mounted read-only."""
    files: dict[str, str] = field(default_factory=dict)
    """Configuration, file name to text, under ``/etc/<workload>/config``."""
    secrets: dict[str, Secret] = field(default_factory=dict)
    """Secrets, file name to source, under ``/etc/<workload>/secrets``."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables without secrets."""
    secret_env: Mapping[str, Secret] = field(default_factory=dict)
    """Environment from secrets: variable to source."""
    api: tuple[ApiAccess, ...] = ()
    """Permissions in the Kubernetes API. When empty, no token is mounted."""
    egress: tuple[tuple[Peer, tuple[int, ...]], ...] = ()
    """Peers that it connects to, with ports, for the table of flows."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", self.workload) or len(self.workload) > LONGEST:
            raise ValueError(f"exporter {self.workload}: a name of at most {LONGEST} small letters, digits and hyphens")
        if self.instance and self.per_node:
            raise ValueError(f"exporter {self.workload}: an exporter on every node cannot have an instance")

    @property
    def workload(self) -> str:
        """Name of its pods, of the objects around them, and of its folder below ``/etc``."""
        return f"{self.name}-{self.instance}" if self.instance else self.name

    @property
    def metrics_port(self) -> int:
        return next(iter(self.ports.values()))


def scrape_job(exporters: tuple[Exporter, ...], namespace: str, **settings: Any) -> ScrapeJob:
    """One scrape job for all instances of an exporter, in the stack's ``namespace``.

    Its label ``instance`` names the watched instance, so the series continue when a pod is replaced.
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
