"""Prometheus, as a stack file describes it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge, Le
from pydantic import model_validator

from components.settings.client import Client
from components.settings.scrape_jobs import MetricPattern, ScrapeJobSettings
from model.quantities import Bytes, Duration, Url
from model.settings import (
    SCRATCH,
    Annotations,
    DnsLabel,
    LabelName,
    LogLevel,
    Many,
    Model,
    Resources,
    Workload,
    misfit,
    resources,
)

Positive = Annotated[int, Ge(1)]

LARGEST_SHARE = 0.85
"""Maximum share of a volume for blocks. WAL, head and a compaction's copy need the rest (80-85 % is recommended)."""
USUAL_SHARE = 0.8
"""Share of a volume for blocks by default: the lower end of the same recommendation."""


class Retention(Model):
    """How long samples are kept. The first bound that is reached applies."""

    time: Duration = Duration.parse("15d")
    """Age at which blocks are deleted."""
    size: Bytes | None = None
    """Size at which the oldest blocks are deleted. The default is 80 % of the volume, or 8Gi without a volume."""


class Queue(Model):
    """Buffering towards a remote end; Prometheus' own defaults."""

    capacity: Positive = 10_000
    """Samples buffered per shard before reading from the WAL pauses."""
    max_shards: Positive = 50
    """Maximum of parallel senders."""
    max_samples_per_send: Positive = 2_000
    """Samples per request."""
    batch_send_deadline: Duration = Duration.parse("5s")
    """Longest wait for a full request."""


class RemoteWrite(Client):
    """Remote write of every sample (Mimir, Thanos, VictoriaMetrics, Grafana Cloud)."""

    name: DnsLabel
    """Name of the queue. Prometheus' own metrics and the names of its secret files use it."""
    url: Url
    """URL of the remote-write endpoint."""
    queue: Queue = Queue()
    """Queue of samples."""
    send_exemplars: bool = True
    """Whether to send exemplars too."""


class Limits(Model):
    """Limits of a target. A scrape above one of them fails as a whole, so that a target cannot overload the server."""

    samples: Positive = 50_000
    """Samples per scrape after relabelling; a node of 250 pods sends about 20 000."""
    labels: Positive = 64
    """Labels per series."""
    label_name_length: Positive = 200
    """Characters of a label name."""
    label_value_length: Positive = 2_000
    """Characters of a label value; a container image with digest has about 300."""
    body_size: Bytes = Bytes.parse("100Mi")
    """Bytes of a scrape's uncompressed body."""
    targets: Positive = 2_000
    """Targets per scrape job."""


class Queries(Model):
    """Limits of a query."""

    timeout: Duration = Duration.parse("2m")
    """Time after which a query is ended."""
    max_samples: Positive = 50_000_000
    """Samples that a query may load. A sample takes 16 bytes."""
    max_concurrency: Positive = 20
    """Queries that run at the same time. The others wait."""


class PrometheusSettings(Workload):
    """The metrics server: scrapes, evaluates rules, sends alerts."""

    replicas: Annotated[int, Ge(1), Le(4)] = 1
    """Number of identical servers. Each scrapes every target."""
    resources: Resources = resources("500m", "2Gi", "4Gi")
    """Requests and limits. An active series takes about 8 KiB of memory."""
    storage: Bytes | None = Bytes.parse("50Gi")
    """Size of each replica's volume. With null, samples are on the node and lost with the pod; they may take 10Gi, or
    what `retention.size` needs."""
    retention: Retention = Retention()
    """How long samples are kept."""
    scrape_interval: Duration = Duration.parse("30s")
    """Time between scrapes of a target."""
    evaluation_interval: Duration = Duration.parse("30s")
    """Time between evaluations of a rule group."""
    external_labels: dict[LabelName, str] = {}
    """Labels of samples and alerts that Prometheus sends, besides `cluster`, `environment` and the replica's name."""
    remote_write: Many[RemoteWrite] = ()
    """Remote-write endpoints to which samples are sent too."""
    scrape_jobs: Many[ScrapeJobSettings] = ()
    """More scrape jobs, for targets that service discovery does not find."""
    keep: Literal["known", "all"] = "all"
    """Metrics that the stack's own jobs store: `known` are those that rules, dashboards, runbooks and objectives use,
    `all` are all (of the API server and the kubelets a selection). Metrics of users' own programs are always stored."""
    also: Many[MetricPattern] = ()
    """Further metrics that the stack's own jobs store, by whole name or pattern (RE2)."""
    limits: Limits = Limits()
    """Limits of a target."""
    queries: Queries = Queries()
    """Limits of queries."""
    log_level: LogLevel = "info"
    """Lowest level of the server's own log lines."""
    service_account_annotations: Annotations = {}
    """Annotations of Prometheus's service account, for workload identity (IRSA, Azure and GKE Workload Identity)."""

    @model_validator(mode="after")
    def _retention_fits(self) -> Self:
        size, storage = self.retention.size, self.storage
        if size and storage and size.count > storage.count * LARGEST_SHARE:
            largest = Bytes(int(storage.count * LARGEST_SHARE) // 2**20 * 2**20)
            raise misfit("retention.size", str(size), f"at most {largest}, 85 % of storage {storage}")
        return self

    @property
    def retention_size(self) -> Bytes:
        """The size bound in force."""
        mebibyte = 2**20
        return self.retention.size or Bytes(int(self.disk.count * USUAL_SHARE) // mebibyte * mebibyte)

    @property
    def disk(self) -> Bytes:
        """Bytes that a replica may use: its volume, or without one the usual scratch space or what `retention.size`
        needs.
        """
        given = self.retention.size
        return self.storage or max(SCRATCH, Bytes(int(given.count / USUAL_SHARE)) if given else SCRATCH)
