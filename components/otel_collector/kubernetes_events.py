"""The pipeline of Kubernetes events, which become log lines. Pure: values in, plain data out.

    API server -> time, labels, metadata, text -> redaction -> the queue for Loki

Only one replica of the collector has it (:func:`replica_files`). The receiver saves how far it read; after a start
without that, it reads all events that Kubernetes still has. A line is then equal to the one before, in time, labels and
text, and Loki shows it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.otel_collector import redacting
from components.otel_collector.ottl import attribute, quoted, transform
from components.otel_collector.parts import QUEUE
from components.settings.collector import CollectorSettings
from model import servers
from model.cluster import ClusterSettings
from model.logs import EVENT_METADATA, EVENTS_APP

RECEIVER, PROCESSOR = "k8s_objects", "transform/events"

# The latest time of an event. Which ones it has depends on its sender; it has been created always.
_TIMES = (
    'log.cache["series"]["lastObservedTime"]',
    'log.cache["lastTimestamp"]',
    'log.cache["eventTime"]',
    'log.cache["metadata"]["creationTimestamp"]',
)


def replica_files(
    settings: CollectorSettings, cluster: ClusterSettings, exporters: list[str]
) -> dict[str, dict[str, Any]]:
    """What each replica has in its configuration besides the common part, by the name of its pod.

    The first replica collects the events, and the others have nothing.
    """
    return {
        f"{servers.COLLECTOR.name}-{ordinal}": {} if ordinal else _configuration(settings, cluster, exporters)
        for ordinal in range(settings.replicas)
    }


def _configuration(settings: CollectorSettings, cluster: ClusterSettings, exporters: list[str]) -> dict[str, Any]:
    masked = redacting.ORDER["logs"] if settings.redact else []
    return {
        "receivers": {
            RECEIVER: {
                "auth_type": "serviceAccount",
                # Events from before the start, too: those that came while the collector was away.
                "include_initial_state": True,
                **({"storage": QUEUE} if settings.storage is not None else {}),
                # A deletion is the end of its time to live.
                "objects": [{"name": "events", "mode": "watch", "exclude_watch_type": ["DELETED"]}],
            }
        },
        "processors": {PROCESSOR: transform(log_statements=[_statements(cluster)])},
        "service": {
            "pipelines": {
                # No memory limiter: the receiver drops what is refused.
                "logs/events": {"receivers": [RECEIVER], "processors": [PROCESSOR, *masked], "exporters": exporters}
            }
        },
    }


def _statements(cluster: ClusterSettings) -> list[str]:
    labels = {"namespace": attribute("k8s.namespace.name"), "cluster": quoted(cluster.name)}
    labels |= {"environment": quoted(cluster.environment), "app": quoted(EVENTS_APP)}
    reason, kind, name = map(_field, ("reason", "kind", "name"))
    metadata = {"level": quoted("info"), **dict(zip(EVENT_METADATA, (reason, kind, name), strict=True))}
    return [
        # The cache gets the fields of the event, and of its source (`host`) and its object (`kind`, `name`).
        'merge_maps(log.cache, log.body["object"], "upsert")',
        *(f'merge_maps(log.cache, {_field(part)}, "upsert")' for part in ("source", "involvedObject")),
        # It reads fractions of seconds as well.
        f'set(log.time, Time(Coalesce([{", ".join(_TIMES)}]), "%Y-%m-%dT%H:%M:%S%z"))',
        # When it was read, and by which version, is left out: if the event is read again, the line must be equal.
        "set(log.observed_time_unix_nano, 0)",
        'set(scope.name, "")',
        'set(scope.version, "")',
        f"set(resource.attributes, {_map(labels)})",
        f"set(log.attributes, {_map(metadata)})",
        f"set({attribute('level', 'log')}, {quoted('warn')}) where {_field('type')} == {quoted('Warning')}",
        f"set({attribute('node', 'log')}, {_field('host')}) where {_field('host')} != nil",
        f"set({attribute('node', 'log')}, {name}) where {kind} == {quoted('Node')}",
        f'set(log.body, Format("%s: %s %s: %s", [{reason}, {kind}, {name}, {_field("message")}]))',
        f'set(log.body, Format("%s (%d times)", [log.body, {_field("count")}])) where {_field("count")} > 1',
    ]


def _field(name: str) -> str:
    return f"log.cache[{quoted(name)}]"


def _map(values: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{quoted(name)}: {value}' for name, value in values.items())}}}"
