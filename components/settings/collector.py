"""The collector that telemetry is sent to, as a stack file describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge, Le

from model.cluster import ClusterSettings
from model.quantities import Bytes
from model.settings import DnsLabel, LogLevel, Many, Problem, Resources, Spelled, Workload, problem, resources

HealthPath = Annotated[str, Spelled(r"(/[A-Za-z0-9_.~-]+)+", "a path like /healthz")]

# At most ten stores, each with a batch in transit and the same amount in its queue's file.
SMALLEST_QUEUE = Bytes.parse("1Gi")
# Telemetry in transit takes about 200 MiB. With less, the memory limiter would refuse telemetry without a fault.
LEAST_MEMORY = Bytes.parse("512Mi")


class CollectorSettings(Workload):
    """The only address for telemetry. It receives OTLP, redacts it, and sends it to Prometheus, Jaeger and Loki."""

    replicas: Annotated[int, Ge(1), Le(20)] = 1
    """Number of identical servers. Each has its own queue."""
    resources: Resources = resources("200m", "512Mi", "1Gi")
    """Requests and limits. Above four fifths of the memory limit the collector refuses telemetry, and senders retry."""
    storage: Bytes | None = Bytes.parse("10Gi")
    """Size of each replica's volume, which keeps the queue of telemetry that a store has not accepted yet. With null,
    the queue is in memory."""
    ingest: Many[DnsLabel] = ()
    """Namespaces whose pods may send telemetry; none by default. OTLP has no login, so this is the only access control.
    """
    health_paths: Many[HealthPath] = ()
    """Paths of health checks, such as `/healthz`. Server spans of these, and of gRPC's health service, are dropped
    before they are counted, unless they failed."""
    kubernetes_events: bool = True
    """Whether to store the events of the cluster as log lines. The first replica reads them from the API server."""
    redact: bool = True
    """Whether to mask prompts, completions, tools' arguments and results, credentials and personal data."""
    log_level: LogLevel = "info"
    """Lowest level of the server's own log lines."""


def production_keeps_what_it_acknowledged(cluster: ClusterSettings, collector: CollectorSettings) -> Iterator[Problem]:
    if cluster.is_production and collector.storage is None:
        reason = "a size: in production acknowledged telemetry may not be lost when a pod moves"
        yield problem("collector.storage", None, reason)


def the_queue_has_room(collector: CollectorSettings) -> Iterator[Problem]:
    if collector.storage is not None and collector.storage < SMALLEST_QUEUE:
        reason = f"at least {SMALLEST_QUEUE}: each store has a queue of its own on it"
        yield problem("collector.storage", str(collector.storage), reason)


def the_collector_has_memory(collector: CollectorSettings) -> Iterator[Problem]:
    limit = collector.resources.limits.memory
    if limit is not None and limit < LEAST_MEMORY:
        reason = f"at least {LEAST_MEMORY}: with less, it refuses most telemetry"
        yield problem("collector.resources.limits.memory", str(limit), reason)


CHECKS = (production_keeps_what_it_acknowledged, the_queue_has_room, the_collector_has_memory)
"""Checks of the section, alone and with other sections."""
