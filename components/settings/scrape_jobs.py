"""Scrape jobs of people's own targets, as a stack file describes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from annotated_types import Ge, Len
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from components.settings.client import Client, Tls
from components.settings.discovery import (
    MOST_TARGETS,
    AzureTargets,
    Discovery,
    DnsTargets,
    Ec2Targets,
    FileTargets,
    GceTargets,
    HttpTargets,
    PodTargets,
    ServiceTargets,
    TargetLabels,
)
from model.quantities import Bytes, Duration, HostPort, names_a_secret
from model.regex import Regex
from model.scrape import Action
from model.settings import DnsLabel, LabelName, Many, Model, Spelled, Team

Positive = Annotated[int, Ge(1)]
MOST_STEPS = 50
"""Relabelling steps, each of which every target or sample goes through."""


def _regular(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as wrong:
        raise ValueError(f"a regular expression ({wrong})") from None
    return pattern


# What Prometheus and Python read alike: no anchors, no counts, no groups that look around.
MetricPattern = Annotated[
    str,
    Spelled(
        r"(?=.{1,200}$)([a-zA-Z0-9_:.|]|\((?!\?)|\)|\[\^?[a-zA-Z0-9_:]+(-[a-zA-Z0-9_:]+)*\]|[*+?](?![*+]))+",
        "the whole name of a metric or a pattern of it, like node_softnet_.+: at most 200 letters, digits, underscores,"
        " colons and . * + ? | ( ) [ ]",
    ),
    AfterValidator(_regular),
]


def _public(name: str) -> str:
    if names_a_secret(name):
        reason = "a parameter without a secret: it is written into a configuration in plain"
        raise PydanticCustomError("secret", "{expected}", {"expected": reason})
    return name


Parameter = Annotated[
    str, Spelled(r"[A-Za-z0-9_.\[\]-]{1,100}", "the name of a URL parameter"), AfterValidator(_public)
]
Path = Annotated[str, Spelled(r"/[^\s?#]{0,500}", "a path like /metrics, with its parameters in params")]
# A name, in which $1 or ${name} stands for a group of the regular expression.
Template = Annotated[
    str, Spelled(r"([a-zA-Z_]|\$\{\w+\}|\$\w)(\w|\$\{\w+\}|\$\w)*", "a label name, which may have groups like $1 in it")
]


class RelabelStep(Model):
    """A relabelling step, with Prometheus's own fields."""

    source_labels: Many[LabelName] = ()
    """Labels whose values are joined and matched."""
    separator: str | None = None
    """Text between the joined values; `;` by default."""
    regex: Regex | None = None
    """Regular expression that matches the whole value; `(.*)` by default."""
    modulus: Positive | None = None
    """Modulus of `hashmod`."""
    target_label: Template | None = None
    """Label that is written."""
    replacement: str | None = None
    """Value that is written; `$1` by default."""
    action: Action = "replace"
    """What is done."""


class JobLimits(Model):
    """Limits of one job's targets; those of `prometheus.limits` where none is given."""

    samples: Positive | None = None
    """Samples per scrape after relabelling."""
    labels: Positive | None = None
    """Labels per series."""
    label_name_length: Positive | None = None
    """Characters of a label name."""
    label_value_length: Positive | None = None
    """Characters of a label value."""
    body_size: Bytes | None = None
    """Bytes of a scrape's uncompressed body."""
    targets: Positive | None = None
    """Targets of the job. Above it every scrape of the job fails."""


class ScrapeTls(Tls):
    """TLS towards targets."""

    insecure_skip_verify: bool = False
    """Whether to accept any certificate of a target, and so anybody in its place."""


class ScrapeJobSettings(Client):
    """A scrape job of targets that the stack's own discovery does not find. Its targets are in exactly one of
    `targets`, `service`, `pods`, `http`, `dns`, `ec2`, `azure`, `gce` and `file`.
    """

    name: DnsLabel
    """The `job` label. It must differ from the names of the stack's own jobs."""
    owner: Team | None = None
    """Team that owns the targets: the label `owner` of their series and of the alert TargetDown."""
    targets: Annotated[Many[HostPort], Len(min_length=1, max_length=MOST_TARGETS)] | None = None
    """Addresses, host:port. At most 1000, so that the job's file fits into a ConfigMap."""
    service: ServiceTargets | None = None
    """The pods behind a Service."""
    pods: PodTargets | None = None
    """Pods by their labels."""
    http: HttpTargets | None = None
    """An HTTP endpoint that lists the targets."""
    dns: DnsTargets | None = None
    """DNS records."""
    ec2: Ec2Targets | None = None
    """Machines of AWS."""
    azure: AzureTargets | None = None
    """Machines of Azure's public cloud."""
    gce: GceTargets | None = None
    """Machines of Google Cloud."""
    file: FileTargets | None = None
    """Groups of addresses with labels of their own."""
    path: Path = "/metrics"
    """HTTP path of the metrics."""
    scheme: Literal["http", "https"] = "http"
    """Protocol."""
    params: dict[Parameter, Annotated[Many[str], Len(min_length=1)]] = {}
    """Parameters of the URL, name to values."""
    interval: Duration | None = None
    """Time between scrapes. The default is the server's `scrapeInterval`."""
    timeout: Duration | None = None
    """Time after which a scrape fails; at most the interval. The default is 10s, or the interval if that is shorter."""
    tls: ScrapeTls = ScrapeTls()
    """TLS certificates, with `scheme: https`."""
    labels: TargetLabels = {}
    """Labels of all its series."""
    honor_labels: bool = False
    """Whether labels that a target sends replace those of the job. Otherwise they are renamed to `exported_<name>`."""
    allow: Annotated[Many[MetricPattern], Len(max_length=1000)] = ()
    """Metrics to store, by whole name or pattern (RE2); all by default. `prometheus.keep` is only for the stack's own
    jobs."""
    deny: Annotated[Many[MetricPattern], Len(max_length=1000)] = ()
    """Metrics not to store, by whole name or pattern (RE2)."""
    relabel: Annotated[Many[RelabelStep], Len(max_length=MOST_STEPS)] = ()
    """Relabelling of the targets, after discovery (`relabel_configs`)."""
    metric_relabel: Annotated[Many[RelabelStep], Len(max_length=MOST_STEPS)] = ()
    """Relabelling of the samples, after `allow` and `deny` (`metric_relabel_configs`)."""
    limits: JobLimits = JobLimits()
    """Limits of the job's targets, in place of those of `prometheus.limits`."""

    @property
    def sources(self) -> dict[str, Discovery | tuple[HostPort, ...] | None]:
        """Where its targets may come from, by the name of the setting."""
        return {
            "targets": self.targets,
            "service": self.service,
            "pods": self.pods,
            "http": self.http,
            "dns": self.dns,
            "ec2": self.ec2,
            "azure": self.azure,
            "gce": self.gce,
            "file": self.file,
        }

    def owners(self, teams: Iterable[str]) -> Iterator[str]:
        """Teams that may own a target of it; ``teams`` are all of the stack file."""
        if self.owner is not None:
            yield self.owner
        if self.http:  # a list gives its targets labels
            yield from teams

    @property
    def discovery(self) -> Discovery | None:
        """How its targets are found; None with `targets`."""
        return next((each for each in self.sources.values() if each is not None and not isinstance(each, tuple)), None)
