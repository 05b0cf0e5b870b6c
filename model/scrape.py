"""Scrape jobs as values, and their form in Prometheus' configuration.

A job defines the discovery of its targets, their labels, and which samples to keep. The renderer adds ``cluster`` and
``environment`` to every target (``components/prometheus/config.py``).
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
    """One relabelling step, with Prometheus' own fields and defaults."""

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
    """Keep only targets or samples that match."""
    return Relabel(source=(label,), regex=regex, action="keep")


def drop(label: str, regex: str) -> Relabel:
    """Drop targets or samples that match."""
    return Relabel(source=(label,), regex=regex, action="drop")


def copy(label: str, to: str) -> Relabel:
    """Copy the value of a label to another one, unless it is empty."""
    return Relabel(source=(label,), regex="(.+)", target=to)


@dataclass(frozen=True)
class KubernetesDiscovery:
    """Targets from the Kubernetes API."""

    role: Literal["node", "pod", "endpointslice"]
    namespaces: tuple[str, ...] = ()
    """Namespaces to search; empty searches all."""
    label_selector: str = ""
    """Label selector, which the API applies, so that only these objects are watched."""

    def plain(self) -> dict[str, Any]:
        config: dict[str, Any] = {"role": self.role}
        if self.namespaces:
            config["namespaces"] = {"names": list(self.namespaces)}
        if self.label_selector:
            config["selectors"] = [{"role": self.role, "label": self.label_selector}]
        return {"kubernetes_sd_configs": [config]}


@dataclass(frozen=True)
class StaticTargets:
    """Targets with fixed addresses, or URLs for a prober."""

    targets: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        return {"static_configs": [{"targets": list(self.targets)}]}


@dataclass(frozen=True, kw_only=True)
class ScrapeJob:
    """One entry of ``scrape_configs``."""

    name: str
    discovery: KubernetesDiscovery | StaticTargets
    egress: tuple[tuple[Peer, tuple[int, ...]], ...]
    """Targets of its scrapes, with ports (empty: any), for the table of flows."""
    scheme: Literal["http", "https"] = "http"
    path: str = "/metrics"
    params: dict[str, list[str]] = field(default_factory=dict)
    interval: Duration | None = None
    """Scrape interval; None uses the server's."""
    tls: dict[str, Any] | None = None
    """``tls_config``."""
    service_account: bool = False
    """Whether to send the server's own token. Only the API server and kubelets get it."""
    honor_labels: bool = False
    relabel: tuple[Relabel, ...] = ()
    keeps: tuple[str, ...] | None = None
    """Names of the metrics to store, or regular expressions for them; None stores all."""
    metric_relabel: tuple[Relabel, ...] = ()
    """Relabelling of the stored samples."""
    of_people: bool = False
    """Whether its series come from users' own programs, so that the stack does not know which of them are used."""
    sample_limit: int | None = None
    """Replaces the server's sample limit, for a target that is known to be large."""

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
    """A job for fixed addresses; ``peers`` has the type of each, in the same order."""
    return ScrapeJob(
        name=name,
        discovery=StaticTargets(tuple(str(target) for target in targets)),
        egress=tuple((peer, (target.port,)) for peer, target in zip(peers, targets, strict=True)),
        **settings,
    )
