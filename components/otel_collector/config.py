"""What the collector reads. Pure: values in, texts out.

    otlp -> memory limiter -> whose it is -> redaction -> a queue for each store -> store

Nothing lies between the acknowledgement and the queues, which are on the disk: a batch is made of what is read from
there. A processor that makes batches before would acknowledge what it holds in memory.
"""

from __future__ import annotations

from typing import Any

from components import ports
from components.otel_collector import processors
from components.prometheus.config import OUT_OF_ORDER_WINDOW
from components.settings.base import LogLevel
from components.settings.cluster import ClusterSettings
from components.settings.collector import CollectorSettings
from components.settings.jaeger import JaegerSettings
from components.settings.loki import LokiSettings
from components.settings.prometheus import PrometheusSettings
from components.settings.quantities import Bytes
from components.yaml_text import text

DATA = "/var/lib/otel-collector"
QUEUE = "file_storage"
MEBIBYTE = 2**20

# Of the memory limit. Above it telemetry is refused, and senders retry; so much below it garbage is collected first.
MEMORY_PERCENT, SPIKE_PERCENT = 80, 20
# Of the volume, for all queues together. A file takes 1.1 times what is in it, and 2.7 times if requests are of a line
# or span each; on a volume that is full, the collector would lose what it reads from its queue.
QUEUE_SHARE = 0.3
# Of the memory limit, where there is no volume: the rest is for what is on its way.
MEMORY_QUEUE_SHARE = 0.25
# A request to a store has at least so much, which makes it cheap, unless the first of it has waited so long. It has no
# upper bound of its own: the collector drops a span or line that is larger than that. It is bound by what is received.
BATCH_BYTES, BATCH_WAIT = MEBIBYTE // 2, "200ms"
# Requests to one store at a time: its answer takes some 20 ms, so these are some hundred a second.
SENDERS = 4
# A store that is back gets what waited within this time.
LONGEST_PAUSE = "10s"
# What a store has refused for a day it will not take: it would hold up one sender for ever.
GIVE_UP = "24h"
# A few spans that carry prompts are past the 4 MiB of gRPC; with a batch's worth more, and what is said of the pod, it
# stays below what a store takes at once: Loki's burst of 16 MiB and Jaeger's 20 MiB.
MESSAGE_MEBIBYTES = 12
# A Service balances connections, and gRPC keeps one for ever: after this time a sender may find another replica.
CONNECTION_AGE = "5m"


def files(
    settings: CollectorSettings,
    cluster: ClusterSettings,
    prometheus: PrometheusSettings,
    jaeger: JaegerSettings,
    loki: LokiSettings,
) -> dict[str, dict[str, str]]:
    """Everything below ``/etc/otel-collector``: directory to files, name to text."""
    made = text(collector_yaml(settings, cluster, prometheus, jaeger, loki))
    # To the collector, a dollar begins a variable and two are one; nothing here is a variable.
    return {"config": {"collector.yaml": made.replace("$", "$$")}}


def collector_yaml(
    settings: CollectorSettings,
    cluster: ClusterSettings,
    prometheus: PrometheusSettings,
    jaeger: JaegerSettings,
    loki: LokiSettings,
) -> dict[str, Any]:
    exporters = {
        "metrics": _prometheus(cluster, prometheus),
        "traces": _jaeger(cluster, jaeger),
        "logs": _loki(cluster, loki),
    }
    queue = _queue(settings, stores=sum(len(signal) for signal in exporters.values()))
    stored = settings.storage is not None
    made = processors.made(settings, cluster)
    return {
        "service": {
            "extensions": ["health_check", *([QUEUE] if stored else [])],
            "pipelines": {
                signal: {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", *processors.order(signal, settings)],
                    "exporters": list(exporters[signal]),
                }
                for signal in exporters
            },
            "telemetry": _telemetry(settings.log_level),
        },
        "extensions": {
            "health_check": {"endpoint": f"0.0.0.0:{ports.COLLECTOR_HEALTH}"},
            **({QUEUE: _file_storage()} if stored else {}),
        },
        "receivers": {"otlp": {"protocols": _protocols()}},
        "processors": {"memory_limiter": _memory_limiter(settings), **made},
        "exporters": {
            name: {**exporter, "sending_queue": queue}
            for signal in exporters.values()
            for name, exporter in signal.items()
        },
    }


def memory(settings: CollectorSettings) -> Bytes:
    """The memory limit, which settings see to."""
    return settings.resources.limits.memory or Bytes(2**30)


def _memory_limiter(settings: CollectorSettings) -> dict[str, Any]:
    limit = memory(settings).count // MEBIBYTE
    return {
        "check_interval": "1s",
        "limit_mib": limit * MEMORY_PERCENT // 100,
        "spike_limit_mib": limit * SPIKE_PERCENT // 100,
    }


def _protocols() -> dict[str, Any]:
    return {
        "grpc": {
            "endpoint": f"0.0.0.0:{ports.OTLP_GRPC}",
            "max_recv_msg_size_mib": MESSAGE_MEBIBYTES,
            "keepalive": {"server_parameters": {"max_connection_age": CONNECTION_AGE}},
        },
        "http": {"endpoint": f"0.0.0.0:{ports.OTLP_HTTP}", "max_request_body_size": MESSAGE_MEBIBYTES * MEBIBYTE},
    }


def _telemetry(level: LogLevel) -> dict[str, Any]:
    metrics = {
        "host": "0.0.0.0",  # noqa: S104  scraped from outside the pod
        "port": ports.COLLECTOR_METRICS,
        # Names with unit and ``_total``, as Jaeger, which is made of the same parts, gives them.
        "without_units": False,
        "without_type_suffix": False,
    }
    return {
        "resource": {"attributes": [{"name": "service.name", "value": "otel-collector"}]},
        "metrics": {"readers": [{"pull": {"exporter": {"prometheus": metrics}}}]},
        "logs": {"level": level, "encoding": "json"},
    }


def _file_storage() -> dict[str, Any]:
    directory = f"{DATA}/queue"
    return {
        "directory": directory,
        "create_directory": True,
        "fsync": True,  # on the disk before it is acknowledged: a lost node loses nothing either
        "recreate": True,  # a file torn all the same is put aside, rather than a crash loop
        # What a long queue took of the volume is given back once it is short, by a copy that is as short. One at the
        # start would be as long as the queue, and could fill the volume.
        "compaction": {"on_rebound": True, "directory": directory, "cleanup_on_start": True},
    }


def _queue(settings: CollectorSettings, stores: int) -> dict[str, Any]:
    if settings.storage is None:
        size = int(memory(settings).count * MEMORY_QUEUE_SHARE) // stores
    else:
        size = int(settings.storage.count * QUEUE_SHARE) // stores
    return {
        **({"storage": QUEUE} if settings.storage is not None else {}),
        "sizer": "bytes",
        "queue_size": size // MEBIBYTE * MEBIBYTE,
        "num_consumers": SENDERS,
        "batch": {"flush_timeout": BATCH_WAIT, "min_size": BATCH_BYTES},
    }


def _retry(give_up: str = GIVE_UP) -> dict[str, Any]:
    return {"initial_interval": "1s", "max_interval": LONGEST_PAUSE, "max_elapsed_time": give_up}


def _prometheus(cluster: ClusterSettings, prometheus: PrometheusSettings) -> dict[str, Any]:
    """One for each replica: a Service in front of them would give each its share of the samples."""
    peers = f"prometheus-headless.{cluster.namespaces.stack}.svc:{ports.PROMETHEUS}"
    return {
        f"otlp_http/prometheus-{ordinal}": {
            "endpoint": f"http://prometheus-{ordinal}.{peers}/api/v1/otlp",
            # Older samples it refuses.
            "retry_on_failure": _retry(str(OUT_OF_ORDER_WINDOW)),
        }
        for ordinal in range(prometheus.replicas)
    }


def _jaeger(cluster: ClusterSettings, jaeger: JaegerSettings) -> dict[str, Any]:
    namespace, plain = cluster.namespaces.stack, {"tls": {"insecure": True}}
    if jaeger.replicas == 1:
        endpoint = f"jaeger.{namespace}.svc:{ports.OTLP_GRPC}"
        return {"otlp_grpc/jaeger": {"endpoint": endpoint, **plain, "retry_on_failure": _retry()}}
    # All of a trace to one replica, so that it can decide on it; the queue lies before the choice, and a batch that one
    # replica did not take is divided anew.
    single = {"otlp": {**plain, "sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}}
    return {
        "load_balancing/jaeger": {
            "routing_key": "traceID",
            "protocol": single,
            "resolver": {"dns": {"hostname": f"jaeger-headless.{namespace}.svc", "port": str(ports.OTLP_GRPC)}},
            "retry_on_failure": {"enabled": True, **_retry()},
        }
    }


def _loki(cluster: ClusterSettings, loki: LokiSettings) -> dict[str, Any]:
    return {
        "otlp_http/loki": {
            "endpoint": f"http://loki.{cluster.namespaces.stack}.svc:{ports.LOKI}/otlp",
            **({"headers": {"X-Scope-OrgID": loki.sender}} if loki.sender else {}),
            "retry_on_failure": _retry(),
        }
    }
