"""Jaeger, as a stack file describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator, model_validator

from model.cluster import ClusterSettings
from model.quantities import Bytes, Duration, Url
from model.settings import (
    DnsLabel,
    LogLevel,
    Many,
    Model,
    Problem,
    Resources,
    Secret,
    Spelled,
    Workload,
    misfit,
    problem,
    resources,
)

Positive = Annotated[int, Ge(1)]
Percent = Annotated[float, Ge(0), Le(100)]
BasePath = Annotated[str, Spelled(r"/|(/[A-Za-z0-9_~-]+)+", "a path like /jaeger, without a slash at its end")]
# No dollar and no quote, which have a meaning in Jaeger's configuration.
ServiceName = Annotated[
    str, Spelled(r"[A-Za-z0-9][A-Za-z0-9 ._:/@+-]*", "a service's name of letters, digits, spaces and . _ : / @ + -")
]

# Badger's write-ahead files have 128 MiB each, and up to five of them wait for a flush.
SMALLEST_VOLUME = Bytes.parse("1Gi")


def _room_for_badger(size: Bytes) -> Bytes:
    if size < SMALLEST_VOLUME:
        raise ValueError(f"at least {SMALLEST_VOLUME}: badger has large write-ahead files")
    return size


class Memory(Model):
    """Traces in the server's memory. They are lost with the pod, so production refuses it."""

    traces: Positive = 10_000
    """Number of traces to keep; the oldest are deleted first. A trace of 20 spans takes about 50 KB."""


class Badger(Model):
    """Traces in files on the server's own volume."""

    size: Annotated[Bytes, AfterValidator(_room_for_badger)] = Bytes.parse("10Gi")
    """Size of the volume. A span takes about 1 KB."""
    ttl: Duration = Duration.parse("3d")
    """Age at which spans are deleted."""
    sync_writes: bool = False
    """Whether to write spans to the disk before they are acknowledged. Throughput falls to a third. Without it, the
    loss of a node loses up to half a minute of spans; the loss of the process alone loses none either way."""


class SearchCluster(Model):
    """Traces in an existing Elasticsearch or OpenSearch, whose own policy deletes old indices."""

    urls: Annotated[Many[Url], Len(min_length=1)]
    """URLs of the cluster's nodes."""
    username: str | None = None
    """User name. It needs a password."""
    password_secret: Secret | None = None
    """Secret with the password. Jaeger reads it every minute, so it can be rotated."""
    ca_secret: Secret | None = None
    """Certificate authority, PEM; the system's when not given."""
    index_prefix: DnsLabel | None = None
    """Prefix of the names of all indices (`<prefix>-jaeger-span-2026-11-21`); none by default."""
    shards: Positive = 5
    """Primary shards of a day's index."""
    copies: Annotated[int, Ge(0)] = 1
    """Replicas of each shard."""
    lookback: Duration = Duration.parse("3d")
    """How far back Jaeger searches for a trace by its id. Set it to the time for which the cluster keeps indices."""

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.username is None) != (self.password_secret is None):
            raise ValueError("username and passwordSecret belong together: give both or none")
        return self


class Storage(Model):
    """Storage of spans: exactly one of the four."""

    memory: Memory | None = None
    """Traces in the server's memory. They are lost with the pod, so production refuses it."""
    badger: Badger | None = None
    """Files on the server's own volume, for one replica."""
    elasticsearch: SearchCluster | None = None
    """An existing Elasticsearch (7 to 9), for any number of replicas."""
    opensearch: SearchCluster | None = None
    """An existing OpenSearch (1 to 3), for any number of replicas."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name, store in self if store is not None]
        if len(given) != 1:
            found = f"not {' and '.join(given)}" if given else "and none is set"
            raise ValueError(f"exactly one of {', '.join(type(self).model_fields)}, {found}")
        return self

    @property
    def kind(self) -> str:
        """The name of the storage that is set."""
        return next(name for name, store in self if store is not None)

    @property
    def cluster(self) -> SearchCluster | None:
        """The search cluster outside the stack; None with another storage."""
        return self.elasticsearch or self.opensearch


class Sampling(Model):
    """Tail sampling: whether to keep a trace is decided after all of it has arrived. Metrics of spans always count all
    spans.
    """

    percent: Percent = 100
    """Percentage to keep of the traces that are neither failed nor slow. At 100 every trace is kept, without a delay.
    """
    services: dict[ServiceName, Percent] = {}
    """Percentages of single services, by `service.name`. For a trace of several services the highest applies."""
    slow: Duration = Duration.parse("5s")
    """Traces of at least this duration are always kept. So are traces with an error."""
    decision_wait: Duration = Duration.parse("30s")
    """Time from a trace's first span to the decision. Traces that wait are lost with the pod."""
    max_traces: Positive = 50_000
    """Maximum of traces that wait at the same time (1 600 new ones a second at 30s). Above it the oldest are lost."""

    @property
    def keeps_everything(self) -> bool:
        """Whether every trace is kept."""
        return min([self.percent, *self.services.values()]) == 100

    @model_validator(mode="after")
    def _sees_the_slow(self) -> Self:
        if self.decision_wait <= self.slow:
            raise misfit("decisionWait", str(self.decision_wait), f"longer than slow, {self.slow}, to see slow traces")
        return self


class Archive(Model):
    """A second store, for traces that somebody archives in the UI. It uses the same volume or cluster as the first."""

    keep: Duration = Duration.parse("365d")
    """How long badger keeps archived traces, or how far back Jaeger searches a search cluster for them."""


class JaegerSettings(Workload):
    """The trace store. It receives spans by OTLP, computes metrics from them, stores them and shows them."""

    replicas: Annotated[int, Ge(1), Le(10)] = 1
    """Number of identical servers. More than one needs elasticsearch or opensearch."""
    resources: Resources = resources("200m", "1Gi", "2Gi")
    """Requests and limits. Under load badger takes about 600 MiB for its caches and tables."""
    storage: Storage = Storage(badger=Badger())
    """Storage of spans."""
    sampling: Sampling = Sampling()
    """Sampling of traces."""
    archive: Archive | None = None
    """Store of the traces that the UI's "Archive Trace" keeps for longer; none by default."""
    base_path: BasePath = "/"
    """Path prefix of the UI and the API, for a proxy in front of Jaeger that adds one."""
    log_level: LogLevel = "info"
    """Lowest level of the server's own log lines."""


def replicas_share_a_store(jaeger: JaegerSettings) -> Iterator[Problem]:
    """Checks that all replicas can read the spans that one of them stored."""
    reasons = {
        "badger": "one process writes its files, so each replica would have some of the traces",
        "memory": "each replica would have some of the traces in its own",
    }
    if jaeger.replicas > 1 and (reason := reasons.get(jaeger.storage.kind)):
        allowed = f"1 with storage {jaeger.storage.kind}: {reason}; more need elasticsearch or opensearch"
        yield problem("jaeger.replicas", jaeger.replicas, allowed)


def production_keeps_its_traces(cluster: ClusterSettings, jaeger: JaegerSettings) -> Iterator[Problem]:
    if cluster.is_production and jaeger.storage.memory is not None:
        yield problem(
            "jaeger.storage.memory",
            jaeger.storage.memory.model_dump(),
            "badger, elasticsearch or opensearch: in production nothing may be lost when a pod moves",
        )


def production_hides_its_search_login(cluster: ClusterSettings, jaeger: JaegerSettings) -> Iterator[Problem]:
    store = jaeger.storage.cluster
    for position, url in enumerate(store.urls if store and store.password_secret else ()):
        if cluster.is_production and url.scheme == "http":
            reason = "an https URL: in production no password or token crosses the network in plain"
            yield problem(f"jaeger.storage.{jaeger.storage.kind}.urls[{position}]", str(url), reason)


def the_archive_outlives_the_store(jaeger: JaegerSettings) -> Iterator[Problem]:
    archive, storage = jaeger.archive, jaeger.storage
    if archive is None:
        return
    if storage.memory is not None:
        reason = "storage in badger, elasticsearch or opensearch: in memory, archived traces are lost with the pod"
        yield problem("jaeger.archive", archive.model_dump(mode="json"), reason)
    kept = storage.badger.ttl if storage.badger else storage.cluster.lookback if storage.cluster else None
    if kept is not None and archive.keep <= kept:
        reason = f"longer than {kept}, for which storage.{storage.kind} keeps every trace"
        yield problem("jaeger.archive.keep", str(archive.keep), reason)


CHECKS = (
    replicas_share_a_store,
    the_archive_outlives_the_store,
    production_keeps_its_traces,
    production_hides_its_search_login,
)
"""Checks of Jaeger's settings, alone and with other sections."""
