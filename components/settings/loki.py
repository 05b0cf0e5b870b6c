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
"""Loki itself takes some 150 MiB; the rest is for streams that are open, caches and one query."""


class Filesystem(Model):
    """Chunks and index on the server's own volume: one replica."""

    size: Bytes | None = Bytes.parse("50Gi")
    """Size of the volume; null keeps logs on the node until the pod goes: with more than 10Gi it is evicted."""


class S3(Model):
    """Chunks and index in a bucket, of AWS or anything that speaks its protocol (MinIO, Ceph, R2)."""

    bucket: Bucket
    """Name of an existing bucket."""
    region: str = "us-east-1"
    """Region of the bucket; most S3-compatible stores accept any."""
    endpoint: Url | None = None
    """Address of an S3-compatible store; AWS' own for the region when not given."""
    path_style: bool = False
    """Whether the bucket stands in the path instead of the host name, as MinIO wants it."""
    access_key_secret: Secret | None = None
    """Where the access key's id comes from; without it and `secretKeySecret`, workload identity is used."""
    secret_key_secret: Secret | None = None
    """Where the secret access key comes from."""
    local_size: Bytes = Bytes.parse("20Gi")
    """Size of each replica's volume: what was acknowledged and is not in the bucket yet, and the index it works on."""

    @model_validator(mode="after")
    def _whole_pair(self) -> Self:
        if (self.access_key_secret is None) != (self.secret_key_secret is None):
            raise ValueError("accessKeySecret and secretKeySecret belong together: both, or none for workload identity")
        return self


class LokiStorage(Model):
    """Where logs are kept: exactly one of the two."""

    filesystem: Filesystem | None = None
    """On the server's own volume."""
    s3: S3 | None = None
    """In a bucket."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.filesystem is None) == (self.s3 is None):
            raise ValueError("filesystem or s3: exactly one of them")
        return self


class StreamRetention(Model):
    """Another retention for some streams."""

    selector: StreamSelector
    """Which streams, in LogQL."""
    period: Duration
    """How long they are kept; at least a day."""
    priority: Annotated[int, Ge(1), Le(1000)] = 1
    """Which entry wins where several match: the highest."""


class LokiLimits(Model):
    """What one tenant may send and ask; without `multiTenant` there is one, everybody."""

    ingestion_rate: Bytes = Bytes.parse("8Mi")
    """Bytes a second over all replicas; some 30 000 lines. What is more is refused, and retried by its sender."""
    ingestion_burst: Bytes = Bytes.parse("16Mi")
    """Bytes at once; more than a sender's largest batch (Promtail's has 1 MiB, the collector's up to 13 MiB)."""
    streams: Positive = 10_000
    """Combinations of labels that are written at the same time; about 250 pods on each of 20 nodes have that many."""
    line_size: Bytes = Bytes.parse("256Ki")
    """Longest line; what is longer is cut there."""
    query_series: Positive = 1_000
    """Series that a metric query may return."""
    query_entries: Positive = 5_000
    """Lines that a log query may return."""
    query_length: Duration = Duration.parse("31d")
    """Longest time that one query may span; a month, to compare it with the one before."""
    query_lookback: Duration | None = None
    """How far back queries may reach; as long as anything is kept when not given."""
    query_timeout: Duration = Duration.parse("2m")
    """Time after which a query is ended."""


class TenantLimits(LokiLimits):
    """What one tenant may, in place of `limits` as a whole, and how long its logs are kept."""

    retention: Duration | None = None
    """How long its logs are kept; `loki.retention` when not given."""


class LogRecording(Model):
    """A metric that is computed from logs all the time, so that alerts and dashboards need not read them."""

    record: RecordName
    """Name of the metric, level:metric:operations."""
    expr: Annotated[str, Len(min_length=1)]
    """LogQL metric query, such as `sum by (namespace, app) (rate({level="error"}[5m]))`."""
    labels: dict[LabelName, str] = {}
    """Labels added to the result, besides `cluster` and `environment`."""


class Ruler(Model):
    """Recording rules over logs; results go to every Prometheus replica."""

    rules: Many[LogRecording]
    """The rules, evaluated in order; at least one."""
    interval: Duration = Duration.parse("1m")
    """Time between evaluations."""

    @model_validator(mode="after")
    def _has_rules(self) -> Self:
        if not self.rules:
            raise ValueError("rules: at least one, or no ruler")
        return self


class LokiSettings(Workload):
    """The log store: keeps lines, finds them by their labels, and forgets them in time."""

    replicas: Annotated[int, Ge(1), Le(30)] = 1
    """One, or three and more that share a bucket: each line is then kept by three until it is stored."""
    resources: Resources = resources("500m", "1Gi", "2Gi")
    """Requests and limits; caches and query parallelism follow the memory limit."""
    service_account_annotations: Annotations = {}
    """Annotations of its ServiceAccount: workload identity (`eks.amazonaws.com/role-arn`)."""
    storage: LokiStorage = LokiStorage(filesystem=Filesystem())
    """Where logs are kept."""
    retention: Duration = Duration.parse("14d")
    """How long logs are kept; at least a day, since the index is kept by day."""
    stream_retention: Many[StreamRetention] = ()
    """Streams that are kept for another time."""
    limits: LokiLimits = LokiLimits()
    """What one tenant may send and ask."""
    multi_tenant: bool = False
    """Whether every request must name its tenant (`X-Scope-OrgID`); each sees only its own logs."""
    tenant: DnsLabel = "platform"
    """With `multiTenant`: whom the logs of the cluster's pods and the ruler's rules belong to."""
    tenants: dict[DnsLabel, TenantLimits] = {}
    """With `multiTenant`: limits of single tenants."""
    ruler: Ruler | None = None
    """Recording rules over logs; none by default."""
    log_level: LogLevel = "info"
    """Least severe log line that is written."""

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
        """The longest that any log is kept."""
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
"""What the section must hold together with the rest; each check names the sections it reads."""
