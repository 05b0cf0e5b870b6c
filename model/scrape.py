"""Scrape jobs as values, and how Prometheus reads them.

A job says how its targets are found, which of their labels stay, and which of their samples are kept. ``cluster`` and
``environment`` are put on every target by the renderer (``components/prometheus/config.py``), not here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from model.flows import Peer
from model.quantities import Duration, HostPort

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where Kubernetes mounts a pod's token and the cluster's CA."""


@dataclass(frozen=True, kw_only=True)
class Relabel:
    """One relabelling step; Prometheus' own fields and defaults."""

    source: tuple[str, ...] = ()
    regex: str | None = None
    action: Literal["replace", "keep", "drop", "labeldrop", "labelmap", "keepequal", "dropequal"] = "replace"
    target: str | None = None
    replacement: str | None = None

    def plain(self) -> dict[str, Any]:
        fields = {
            "source_labels": list(self.source) or None,
            "regex": self.regex,
            "action": None if self.action == "replace" else self.action,
            "target_label": self.target,
            "replacement": self.replacement,
        }
        return {name: value for name, value in fields.items() if value is not None}


def keep(label: str, regex: str) -> Relabel:
    """Only what matches stays."""
    return Relabel(source=(label,), regex=regex, action="keep")


def drop(label: str, regex: str) -> Relabel:
    """What matches goes."""
    return Relabel(source=(label,), regex=regex, action="drop")


def copy(label: str, to: str) -> Relabel:
    """The value of one label under another name; nothing happens when it is empty."""
    return Relabel(source=(label,), regex="(.+)", target=to)


@dataclass(frozen=True)
class KubernetesDiscovery:
    """Targets from the Kubernetes API."""

    role: Literal["node", "pod", "endpointslice"]
    namespaces: tuple[str, ...] = ()
    """Empty means all."""
    label_selector: str = ""
    """Filters at the API, so that only these objects are watched."""

    def plain(self) -> dict[str, Any]:
        config: dict[str, Any] = {"role": self.role}
        if self.namespaces:
            config["namespaces"] = {"names": list(self.namespaces)}
        if self.label_selector:
            config["selectors"] = [{"role": self.role, "label": self.label_selector}]
        return {"kubernetes_sd_configs": [config]}


@dataclass(frozen=True)
class StaticTargets:
    """Targets known by address, or URLs for a prober."""

    targets: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        return {"static_configs": [{"targets": list(self.targets)}]}


@dataclass(frozen=True, kw_only=True)
class ScrapeJob:
    """One entry of ``scrape_configs``."""

    name: str
    discovery: KubernetesDiscovery | StaticTargets
    egress: tuple[tuple[Peer, tuple[int, ...]], ...]
    """Where its scrapes go, with ports (none: any), for the table of flows."""
    scheme: Literal["http", "https"] = "http"
    path: str = "/metrics"
    params: dict[str, list[str]] = field(default_factory=dict)
    interval: Duration | None = None
    """The server's own interval when none."""
    tls: dict[str, Any] | None = None
    """``tls_config``."""
    service_account: bool = False
    """Whether the server's own token is sent: only to the API server and to kubelets."""
    honor_labels: bool = False
    relabel: tuple[Relabel, ...] = ()
    keeps: tuple[str, ...] | None = None
    """Names of the metrics that are stored, or patterns of them; all when none is given."""
    metric_relabel: tuple[Relabel, ...] = ()
    """What is done to those."""
    of_people: bool = False
    """Whether its series are about programs of others than the stack: nobody here knows which of them are read."""
    sample_limit: int | None = None
    """In place of the server's limit, for a target that is known to be large."""

    def plain(self) -> dict[str, Any]:
        """The job as ``prometheus.yml`` has it."""
        config: dict[str, Any] = {"job_name": self.name}
        if self.interval:
            config["scrape_interval"] = str(self.interval)
        config |= {"scheme": self.scheme, "metrics_path": self.path}
        if self.params:
            config["params"] = self.params
        if self.honor_labels:
            config["honor_labels"] = True
        if self.sample_limit:
            config["sample_limit"] = self.sample_limit
        if self.service_account:
            config["authorization"] = {"credentials_file": f"{SERVICE_ACCOUNT}/token"}
        if self.tls is not None:
            config["tls_config"] = self.tls
        config |= self.discovery.plain()
        config["relabel_configs"] = [step.plain() for step in self.relabel]
        kept = () if self.keeps is None else (keep("__name__", "|".join(self.keeps)),)
        if steps := (*kept, *self.metric_relabel):
            config["metric_relabel_configs"] = [step.plain() for step in steps]
        return config


def static_job(name: str, targets: tuple[HostPort, ...], peers: tuple[Peer, ...], **settings: Any) -> ScrapeJob:
    """A job for addresses that are known beforehand; ``peers`` says, in the same order, what each of them is."""
    return ScrapeJob(
        name=name,
        discovery=StaticTargets(tuple(str(target) for target in targets)),
        egress=tuple((peer, (target.port,)) for peer, target in zip(peers, targets, strict=True)),
        **settings,
    )
