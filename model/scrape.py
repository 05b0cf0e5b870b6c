"""Scrape jobs as values, and their form in Prometheus' configuration.

A job defines the discovery of its targets, their labels, and which samples to keep. The renderer adds ``cluster`` and
``environment`` to every target (``components/prometheus/config.py``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from model.flows import Peer
from model.quantities import Duration
from model.settings import Secret

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where Kubernetes mounts a pod's token and the cluster's CA."""
SECRETS = "/etc/prometheus/secrets"
"""Where Prometheus has the secrets of its requests, as files."""


Action = Literal[
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
]
"""What a relabelling step does; Prometheus's own list."""


@dataclass(frozen=True, kw_only=True)
class Relabel:
    """One relabelling step, with Prometheus' own fields and defaults."""

    source: tuple[str, ...] = ()
    regex: str | None = None
    action: Action = "replace"
    target: str | None = None
    replacement: str | None = None
    separator: str | None = None
    modulus: int | None = None

    def plain(self) -> dict[str, Any]:
        fields = {
            "source_labels": list(self.source) or None,
            "separator": self.separator,
            "modulus": self.modulus,
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


def label(name: str, value: str) -> Relabel:
    """Give every target a label."""
    return Relabel(target=name, replacement=value.replace("$", "$$"))


OF_POD = (
    copy("__meta_kubernetes_namespace", "namespace"),
    copy("__meta_kubernetes_pod_name", "pod"),
    copy("__meta_kubernetes_pod_node_name", "node"),
)
"""Labels that say which pod a target is."""
ALIVE = (drop("__meta_kubernetes_pod_phase", "Pending|Succeeded|Failed"),)
"""Leave out pods that do not run yet, or no more. A native sidecar is an init container of its pod, and stays."""
RUNNING = (drop("__meta_kubernetes_pod_container_init", "true"), *ALIVE)
"""Leave out containers that do not run yet, or no more, and native sidecars."""
# Of what declares no port, discovery gives the bare address: an IPv6 one has brackets in a URL.
BRACKETS = Relabel(source=("__address__",), regex=r"([^\[]*:[^\[]*:[^\[]*)", replacement="[$1]", target="__address__")
HOST = r"(\[.+\]|[^:]+)(?::\d+)?"
"""The host of an address, after ``BRACKETS``, with or without a port."""


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


@dataclass(frozen=True)
class FileTargets:
    """Groups of addresses in a file beside the job's, which Prometheus reads again by itself."""

    file: str
    """Its name."""
    groups: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...]
    """Addresses and labels of each group."""

    def plain(self) -> dict[str, Any]:
        return {"file_sd_configs": [{"files": [self.file]}]}

    @property
    def text(self) -> str:
        """Its content."""
        return json.dumps([{"targets": targets, "labels": dict(labels)} for targets, labels in self.groups], indent=1)


@dataclass(frozen=True)
class OtherDiscovery:
    """Targets from another source, in Prometheus's own words."""

    kind: Literal["http", "dns", "ec2", "azure", "gce"]
    configs: tuple[Mapping[str, Any], ...]

    def plain(self) -> dict[str, Any]:
        return {f"{self.kind}_sd_configs": [dict(config) for config in self.configs]}


Discovery = KubernetesDiscovery | StaticTargets | FileTargets | OtherDiscovery


@dataclass(frozen=True, kw_only=True)
class ScrapeJob:
    """One entry of ``scrape_configs``."""

    name: str
    discovery: Discovery
    egress: tuple[tuple[Peer, tuple[int, ...]], ...]
    """Targets of its scrapes, with ports (empty: any), for the table of flows."""
    scheme: Literal["http", "https"] = "http"
    path: str = "/metrics"
    params: Mapping[str, Sequence[str]] = field(default_factory=dict)
    interval: Duration | None = None
    """Scrape interval; None uses the server's."""
    timeout: Duration | None = None
    """Scrape timeout; None uses the server's."""
    login: Mapping[str, Any] = field(default_factory=dict)
    """``basic_auth``, ``authorization`` or ``http_headers``."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """Secrets of the login below SECRETS: file name to source. Those of the stack file's own jobs are its settings'."""
    tls: dict[str, Any] | None = None
    """``tls_config``."""
    service_account: bool = False
    """Whether to send the server's own token. Only the API server and kubelets get it."""
    honor_labels: bool = False
    relabel: tuple[Relabel, ...] = ()
    prefix: str = ""
    """Prefix of the stored names, if its own are those of another job, whose rules would count its series as well."""
    keeps: tuple[str, ...] | None = None
    """Names of the metrics to store, with the prefix, or regular expressions for them; None stores all."""
    metric_relabel: tuple[Relabel, ...] = ()
    """Relabelling of the stored samples."""
    environments: Mapping[str, str] = field(default_factory=dict)
    """Label ``environment`` of the targets of a namespace, in place of the cluster's. The rules of a system with such a
    job keep the label of their series."""
    of_people: bool = False
    """Whether its series come from users' own programs, so that the stack does not know which of them are used."""
    limits: Mapping[str, int | str] = field(default_factory=dict)
    """Replace the server's limits, as for a target that is known to be large."""

    def plain(self) -> dict[str, Any]:
        """The job as ``prometheus.yml`` has it."""
        config: dict[str, Any] = {"job_name": self.name}
        if self.interval:
            config["scrape_interval"] = str(self.interval)
        if self.timeout:
            config["scrape_timeout"] = str(self.timeout)
        config |= {"scheme": self.scheme, "metrics_path": self.path}
        if self.params:
            config["params"] = {name: list(values) for name, values in self.params.items()}
        if self.honor_labels:
            config["honor_labels"] = True
        config |= {**self.limits, **self.login}
        if self.service_account:
            config["authorization"] = {"credentials_file": f"{SERVICE_ACCOUNT}/token"}
        if self.tls is not None:
            config["tls_config"] = self.tls
        config |= self.discovery.plain()
        config["relabel_configs"] = [step.plain() for step in self.relabel]
        name = "__name__"
        renamed = (Relabel(source=(name,), target=name, replacement=f"{self.prefix}$1"),) if self.prefix else ()
        kept = () if self.keeps is None else (keep(name, "|".join(self.keeps)),)
        if steps := (*renamed, *kept, *self.metric_relabel):
            config["metric_relabel_configs"] = [step.plain() for step in steps]
        return config
