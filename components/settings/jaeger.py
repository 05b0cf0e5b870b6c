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
# No dollar and no quote, which would mean something in the file that Jaeger reads.
ServiceName = Annotated[
    str, Spelled(r"[A-Za-z0-9][A-Za-z0-9 ._:/@+-]*", "a service's name of letters, digits, spaces and . _ : / @ + -")
]

# Of badger: its write-ahead files alone are 128 MiB each, and up to five wait for a flush.
SMALLEST_VOLUME = Bytes.parse("1Gi")


def _room_for_badger(size: Bytes) -> Bytes:
    if size < SMALLEST_VOLUME:
        raise ValueError(f"at least {SMALLEST_VOLUME}: badger writes ahead in large files")
    return size


class Memory(Model):
    """In the server's memory: gone with the pod, so not for production."""

    traces: Positive = 10_000
    """Traces that are kept; the oldest go first. A trace of 20 spans takes about 50 KB."""


class Badger(Model):
    """In files on a volume of its own."""

    size: Annotated[Bytes, AfterValidator(_room_for_badger)] = Bytes.parse("10Gi")
    """Size of the volume; about 1 KB per span."""
    ttl: Duration = Duration.parse("3d")
    """Age at which spans are deleted."""
    sync_writes: bool = False
    """Whether spans are on the disk before they are acknowledged: a third of the throughput, and nothing is lost with a
    node (without it up to half a minute; with the process alone nothing is lost either way)."""


class SearchCluster(Model):
    """In an Elasticsearch or OpenSearch that is there already; it deletes old indices by a policy of its own."""

    urls: Annotated[Many[Url], Len(min_length=1)]
    """Addresses of the cluster; several are its nodes."""
    username: str | None = None
    """User name, together with a password."""
    password_secret: Secret | None = None
    """Where the password comes from; read again every minute, so that it can be rotated."""
    ca_secret: Secret | None = None
    """Certificate authority, PEM; the system's when not given."""
    index_prefix: DnsLabel | None = None
    """Put before the names of all indices (`<prefix>-jaeger-span-2026-11-21`); none by default."""
    shards: Positive = 5
    """Primary shards of a day's index."""
    copies: Annotated[int, Ge(0)] = 1
    """Further copies of each shard."""
    lookback: Duration = Duration.parse("3d")
    """How far back a trace is looked for by its id: as long as the cluster keeps indices."""

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.username is None) != (self.password_secret is None):
            raise ValueError("username and passwordSecret belong together: give both or none")
        return self


class Storage(Model):
    """Where spans are kept: exactly one of the four."""

    memory: Memory | None = None
    """In the server's memory: gone with the pod, so not for production."""
    badger: Badger | None = None
    """In files on a volume of its own: one replica."""
    elasticsearch: SearchCluster | None = None
    """In an Elasticsearch (7 to 9) that is there already: any number of replicas."""
    opensearch: SearchCluster | None = None
    """In an OpenSearch (1 to 3) that is there already: any number of replicas."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name, store in self if store is not None]
        if len(given) != 1:
            found = f"not {' and '.join(given)}" if given else "not none"
            raise ValueError(f"exactly one of {', '.join(type(self).model_fields)}, {found}")
        return self

    @property
    def kind(self) -> str:
        """The name of the one that is given."""
        return next(name for name, store in self if store is not None)

    @property
    def cluster(self) -> SearchCluster | None:
        """The cluster outside the stack, if that is where spans go."""
        return self.elasticsearch or self.opensearch


class Sampling(Model):
    """Which traces are kept, decided when all of a trace has arrived. Metrics of spans always count all of them."""

    percent: Percent = 100
    """Share of the traces that are neither failed nor slow; at 100 everything is kept, at once."""
    services: dict[ServiceName, Percent] = {}
    """Shares for traces of single services, by `service.name`; of several services in a trace, the highest counts."""
    slow: Duration = Duration.parse("5s")
    """Traces that take as long are always kept, as are those with an error."""
    decision_wait: Duration = Duration.parse("30s")
    """How long after its first span a trace is decided on; what is waiting is lost with the pod."""
    max_traces: Positive = 50_000
    """Traces that may wait at once (1 600 new ones a second at 30s); past it the oldest are lost undecided."""

    @property
    def keeps_everything(self) -> bool:
        """Whether there is nothing to decide on."""
        return min([self.percent, *self.services.values()]) == 100

    @model_validator(mode="after")
    def _sees_the_slow(self) -> Self:
        if self.decision_wait <= self.slow:
            raise misfit("decisionWait", str(self.decision_wait), f"longer than slow, {self.slow}, to see it happen")
        return self


class Archive(Model):
    """A second store, for traces that somebody archives in the UI: beside the first, on the same volume or cluster."""

    keep: Duration = Duration.parse("365d")
    """How long badger keeps them, or how far back they are looked for in a search cluster."""


class JaegerSettings(Workload):
    """The trace store: takes spans by OTLP, makes metrics of them, keeps and shows them."""

    replicas: Annotated[int, Ge(1), Le(10)] = 1
    """Identical servers; more than one needs elasticsearch or opensearch."""
    resources: Resources = resources("200m", "1Gi", "2Gi")
    """Requests and limits; badger takes about 600 MiB for its caches and tables under load."""
    storage: Storage = Storage(badger=Badger())
    """Where spans are kept."""
    sampling: Sampling = Sampling()
    """Which traces are kept."""
    archive: Archive | None = None
    """Where the UI's "Archive Trace" puts a trace that should outlive the others; nowhere by default."""
    base_path: BasePath = "/"
    """Path below which the UI and the API are served, when something in front of it adds one."""
    log_level: LogLevel = "info"
    """Least severe log line that is written."""


def replicas_share_a_store(jaeger: JaegerSettings) -> Iterator[Problem]:
    """Whether what one replica writes is what all of them read."""
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
        reason = "storage in badger, elasticsearch or opensearch: memory forgets what is archived with the pod, too"
        yield problem("jaeger.archive", archive.model_dump(mode="json"), reason)
    kept = storage.badger.ttl if storage.badger else storage.cluster.lookback if storage.cluster else None
    if kept is not None and archive.keep <= kept:
        reason = f"longer than the {kept} that storage.{storage.kind} keeps every trace"
        yield problem("jaeger.archive.keep", str(archive.keep), reason)


CHECKS = (
    replicas_share_a_store,
    the_archive_outlives_the_store,
    production_keeps_its_traces,
    production_hides_its_search_login,
)
"""What Jaeger's settings must hold, among themselves and with other sections."""
