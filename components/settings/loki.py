"""Loki, as a stack file describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from annotated_types import Ge, Le, Len
from pydantic import model_validator

from model.cluster import ClusterSettings
from model.quantities import Bytes, Duration, Url
from model.settings import (
    Annotations,
    DnsLabel,
    LabelName,
    LogLevel,
    Many,
    Model,
    Problem,
    Resources,
    Secret,
    Spelled,
    Workload,
    problem,
    resources,
)

Positive = Annotated[int, Ge(1)]

_STRING = r'("(\\.|[^"\\\n])*"|`[^`]*`)'
_MATCHER = rf"\s*[a-zA-Z_][a-zA-Z0-9_]*\s*(=~|!~|!=|=)\s*{_STRING}\s*"
StreamSelector = Annotated[
    str,
    Spelled(
        rf"\{{{_MATCHER}(,{_MATCHER})*(,\s*)?\}}", 'a stream selector like {namespace="agents", level=~"debug|trace"}'
    ),
]
Bucket = Annotated[str, Spelled(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket, 3 to 63 characters")]
RecordName = Annotated[str, Spelled(r"[a-z_0-9]+:[a-zA-Z_0-9]+:[a-zA-Z_0-9]+", "a name like level:metric:operations")]

DAY = Duration.parse("1d")
LEAST_MEMORY = Bytes.parse("512Mi")
"""Loki itself takes about 150 MiB. The rest is for open streams, caches and one query."""


class Filesystem(Model):
    """Chunks and index on the server's own volume, for one replica."""

    size: Bytes | None = Bytes.parse("50Gi")
    """Size of the volume. With null, logs are on the node and lost with the pod, which is evicted above 10Gi."""


class S3(Model):
    """Chunks and index in a bucket of AWS or of an S3-compatible store (MinIO, Ceph, R2)."""

    bucket: Bucket
    """Name of an existing bucket."""
    region: str = "us-east-1"
    """Region of the bucket. Most S3-compatible stores accept any."""
    endpoint: Url | None = None
    """URL of an S3-compatible store. The default is AWS' own for the region."""
    path_style: bool = False
    """Whether the bucket is in the path of the URL instead of the host name. MinIO needs it."""
    access_key_secret: Secret | None = None
    """Secret with the access key's id. Without it and `secretKeySecret`, Loki uses workload identity."""
    secret_key_secret: Secret | None = None
    """Secret with the secret access key."""
    local_size: Bytes = Bytes.parse("20Gi")
    """Size of each replica's volume, which keeps lines that are not in the bucket yet, and the working index."""

    @model_validator(mode="after")
    def _whole_pair(self) -> Self:
        if (self.access_key_secret is None) != (self.secret_key_secret is None):
            raise ValueError("accessKeySecret and secretKeySecret belong together: both, or none for workload identity")
        return self


class LokiStorage(Model):
    """Storage of logs: exactly one of the two."""

    filesystem: Filesystem | None = None
    """The server's own volume."""
    s3: S3 | None = None
    """A bucket."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.filesystem is None) == (self.s3 is None):
            raise ValueError("filesystem or s3: exactly one of them")
        return self


class StreamRetention(Model):
    """Retention of some streams."""

    selector: StreamSelector
    """LogQL selector of the streams."""
    period: Duration
    """How long the logs are kept; at least a day."""
    priority: Annotated[int, Ge(1), Le(1000)] = 1
    """Priority among entries that match the same stream; the highest applies."""


class LokiLimits(Model):
    """Limits of one tenant. Without `multiTenant` there is only one tenant."""

    ingestion_rate: Bytes = Bytes.parse("8Mi")
    """Bytes per second over all replicas; about 30 000 lines. Loki refuses more, and the sender retries."""
    ingestion_burst: Bytes = Bytes.parse("16Mi")
    """Bytes at once. It must exceed a sender's largest batch (Promtail's is 1 MiB, the collector's up to 13 MiB)."""
    streams: Positive = 10_000
    """Active streams; 250 pods on each of 20 nodes have about as many as the default."""
    line_size: Bytes = Bytes.parse("256Ki")
    """Maximum length of a line. A longer line is truncated."""
    query_series: Positive = 1_000
    """Series that a metric query may return."""
    query_entries: Positive = 5_000
    """Lines that a log query may return."""
    query_length: Duration = Duration.parse("31d")
    """Longest time range of one query."""
    query_lookback: Duration | None = None
    """How far back queries may reach. The default is the longest retention."""
    query_timeout: Duration = Duration.parse("2m")
    """Time after which a query is ended."""


class TenantLimits(LokiLimits):
    """Limits and retention of one tenant. They replace `limits` as a whole."""

    retention: Duration | None = None
    """How long the tenant's logs are kept. The default is `loki.retention`."""


class LogRecording(Model):
    """A recording rule: a metric from logs, so that alerts and dashboards need not read the logs."""

    record: RecordName
    """Name of the metric, in the form level:metric:operations."""
    expr: Annotated[str, Len(min_length=1)]
    """LogQL metric query, such as `sum by (namespace, app) (rate({level="error"}[5m]))`."""
    labels: dict[LabelName, str] = {}
    """Labels added to the result, besides `cluster` and `environment`."""


class Ruler(Model):
    """What Loki itself evaluates over logs. It writes the results to every Prometheus replica."""

    rules: Many[LogRecording] = ()
    """Recording rules, in the order of evaluation; at least one, unless it evaluates `alerts`."""
    interval: Duration = Duration.parse("1m")
    """Time between evaluations of recording rules."""
    alerts: bool = False
    """Whether it evaluates the alerts on logs of `content`, in place of Grafana. Alertmanager notifies of them."""

    @model_validator(mode="after")
    def _has_rules(self) -> Self:
        if not self.rules and not self.alerts:
            raise ValueError("rules: at least one, or no ruler")
        return self


class LokiSettings(Workload):
    """The log store. It stores lines, finds them by their labels, and deletes them after their retention."""

    replicas: Annotated[int, Ge(1), Le(30)] = 1
    """Number of servers: one, or three and more that share a bucket. With three and more, three keep each line until it
    is in the bucket."""
    resources: Resources = resources("500m", "1Gi", "2Gi")
    """Requests and limits. Caches and query parallelism follow the memory limit."""
    service_account_annotations: Annotations = {}
    """Annotations of the ServiceAccount, for workload identity (`eks.amazonaws.com/role-arn`)."""
    storage: LokiStorage = LokiStorage(filesystem=Filesystem())
    """Storage of logs."""
    retention: Duration = Duration.parse("14d")
    """How long logs are kept; at least a day, since the index is kept by day."""
    stream_retention: Many[StreamRetention] = ()
    """Retention of single streams."""
    limits: LokiLimits = LokiLimits()
    """Limits of one tenant."""
    multi_tenant: bool = False
    """Whether every request must name its tenant (`X-Scope-OrgID`). Each tenant sees only its own logs."""
    tenant: DnsLabel = "platform"
    """With `multiTenant`: the tenant of the logs of the cluster's pods and of the ruler's rules."""
    tenants: dict[DnsLabel, TenantLimits] = {}
    """With `multiTenant`: limits of single tenants."""
    ruler: Ruler | None = None
    """Rules over logs that Loki itself evaluates; none by default."""
    log_level: LogLevel = "info"
    """Lowest level of the server's own log lines."""

    @model_validator(mode="after")
    def _replicas_share_their_data(self) -> Self:
        if self.replicas > 1 and self.storage.filesystem is not None:
            raise ValueError(
                f"replicas {self.replicas} on a filesystem would each keep a part that the others cannot read: "
                "one replica, or storage.s3"
            )
        if self.replicas == 2:
            raise ValueError(
                "replicas 2: both copies of a line must be acknowledged, so losing one stops writes: 1 or 3"
            )
        return self

    @model_validator(mode="after")
    def _tenants_are_told_apart(self) -> Self:
        if self.tenants and not self.multi_tenant:
            raise ValueError("tenants have limits of their own only with multiTenant: true")
        return self

    @property
    def longest_retention(self) -> Duration:
        """The longest retention of any stream."""
        own = (tenant.retention for tenant in self.tenants.values() if tenant.retention)
        return max(self.retention, *own, *(entry.period for entry in self.stream_retention), Duration(0))

    @property
    def sender(self) -> str | None:
        """The tenant that the stack's own requests name."""
        return self.tenant if self.multi_tenant else None


def loki_keeps_its_data(cluster: ClusterSettings, loki: LokiSettings) -> Iterator[Problem]:
    filesystem = loki.storage.filesystem
    if cluster.is_production and filesystem is not None and filesystem.size is None:
        reason = "a size: in production nothing may be lost when a pod moves"
        yield problem("loki.storage.filesystem.size", None, reason)
    s3 = loki.storage.s3
    if cluster.is_production and s3 is not None and s3.endpoint is not None and s3.endpoint.scheme == "http":
        reason = "an https URL: in production logs do not cross the network in plain"
        yield problem("loki.storage.s3.endpoint", str(s3.endpoint), reason)


def loki_periods_make_sense(loki: LokiSettings) -> Iterator[Problem]:
    periods = {"loki.retention": loki.retention}
    periods |= {f"loki.streamRetention[{n}].period": each.period for n, each in enumerate(loki.stream_retention)}
    periods |= {
        f"loki.tenants.{name}.retention": each.retention for name, each in loki.tenants.items() if each.retention
    }
    for path, period in periods.items():
        if period < DAY:
            yield problem(path, str(period), "at least 1d: Loki deletes by days")
    blocks = {"loki.limits": loki.limits} | {f"loki.tenants.{name}": each for name, each in loki.tenants.items()}
    for path, limits in blocks.items():
        if limits.ingestion_burst < limits.ingestion_rate:
            reason = f"at least ingestionRate, {limits.ingestion_rate}: a second's worth must pass at once"
            yield problem(f"{path}.ingestionBurst", str(limits.ingestion_burst), reason)
        if limits.line_size > limits.ingestion_burst:
            reason = f"at most ingestionBurst, {limits.ingestion_burst}, or the line never passes"
            yield problem(f"{path}.lineSize", str(limits.line_size), reason)
        if not Duration.parse("1s") <= limits.query_timeout <= Duration.parse("1h"):
            yield problem(f"{path}.queryTimeout", str(limits.query_timeout), "a duration from 1s to 1h")
        if limits.query_length < DAY:
            yield problem(f"{path}.queryLength", str(limits.query_length), "at least 1d: a day's logs must be readable")
    if loki.ruler is not None and not Duration.parse("10s") <= loki.ruler.interval <= Duration.parse("2m"):
        reason = "a duration from 10s to 2m: after 5m without sample a series is gone"
        yield problem("loki.ruler.interval", str(loki.ruler.interval), reason)


def loki_has_memory(loki: LokiSettings) -> Iterator[Problem]:
    limit = loki.resources.limits.memory
    if limit is not None and limit < LEAST_MEMORY:
        yield problem("loki.resources.limits.memory", str(limit), f"at least {LEAST_MEMORY}: with less, Loki is killed")


def loki_names_are_unique(loki: LokiSettings) -> Iterator[Problem]:
    records = [(rule.record, tuple(rule.labels.items())) for rule in (loki.ruler.rules if loki.ruler else ())]
    for position, record in enumerate(records):
        if record in records[:position]:
            reason = "a name, with labels, that no other rule has"
            yield problem(f"loki.ruler.rules[{position}].record", record[0], reason)


CHECKS = (loki_keeps_its_data, loki_periods_make_sense, loki_has_memory, loki_names_are_unique)
"""Checks of the section with other sections; each names the sections that it reads."""
