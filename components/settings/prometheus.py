"""Prometheus, as a stack file describes it."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator, model_validator

from model.quantities import Bytes, Duration, HostPort, Url
from model.settings import (
    SCRATCH,
    DnsLabel,
    LabelName,
    LogLevel,
    Many,
    Model,
    Resources,
    Secret,
    Spelled,
    Workload,
    misfit,
    resources,
)


def _regular(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as wrong:
        raise ValueError(f"a regular expression ({wrong})") from None
    return pattern


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


class BasicAuth(Model):
    """HTTP basic authentication."""

    username: str
    """User name."""
    password_secret: Secret
    """Secret with the password."""


class Tls(Model):
    """TLS towards a remote end."""

    ca_secret: Secret | None = None
    """Certificate authority, PEM; the system's when not given."""
    cert_secret: Secret | None = None
    """Client certificate, PEM."""
    key_secret: Secret | None = None
    """Client key, PEM."""
    server_name: str | None = None
    """Name in the server's certificate, if it differs from the URL's host."""

    @model_validator(mode="after")
    def _whole_pair(self) -> Self:
        if (self.cert_secret is None) != (self.key_secret is None):
            raise ValueError("certSecret and keySecret belong together: give both or none")
        return self


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


class RemoteWrite(Model):
    """Remote write of every sample (Mimir, Thanos, VictoriaMetrics, Grafana Cloud)."""

    name: DnsLabel
    """Name of the queue. Prometheus' own metrics and the names of its secret files use it."""
    url: Url
    """URL of the remote-write endpoint."""
    basic_auth: BasicAuth | None = None
    """User and password; not together with a bearer token."""
    bearer_token_secret: Secret | None = None
    """Secret with the bearer token."""
    tls: Tls = Tls()
    """TLS certificates."""
    queue: Queue = Queue()
    """Queue of samples."""
    send_exemplars: bool = True
    """Whether to send exemplars too."""

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.basic_auth is not None and self.bearer_token_secret is not None:
            raise ValueError("basicAuth or bearerTokenSecret, not both")
        return self


class StaticJob(Model):
    """A scrape job with static targets."""

    name: DnsLabel
    """The `job` label. It must differ from the names of the stack's own jobs."""
    targets: Annotated[Many[HostPort], Len(min_length=1, max_length=1000)]
    """Addresses, host:port. At most 1000, so that the job's file fits into a ConfigMap."""
    path: str = "/metrics"
    """HTTP path of the metrics."""
    scheme: Literal["http", "https"] = "http"
    """Protocol."""
    interval: Duration | None = None
    """Time between scrapes. The default is the server's `scrapeInterval`."""


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


# Syntax that Prometheus and Python share: no anchors, no counts, no look-around.
MetricPattern = Annotated[
    str,
    Spelled(
        r"(?=.{1,200}$)([a-zA-Z0-9_:.|]|\((?!\?)|\)|\[\^?[a-zA-Z0-9_:]+(-[a-zA-Z0-9_:]+)*\]|[*+?](?![*+]))+",
        "the whole name of a metric or a pattern of it, like node_softnet_.+: at most 200 letters, digits, underscores,"
        " colons and . * + ? | ( ) [ ]",
    ),
    AfterValidator(_regular),
]


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
    scrape_jobs: Many[StaticJob] = ()
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
