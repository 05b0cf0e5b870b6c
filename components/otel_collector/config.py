"""The collector's configuration. Pure: values in, texts out.

    otlp -> memory limiter -> Kubernetes attributes -> redaction -> a queue for each store -> store

The collector acknowledges a request once it is in the queues, which are on the disk, and batches are made from the
queues. A batch processor before the queues would acknowledge requests that are only in memory.
"""

from __future__ import annotations

from typing import Any

from components.otel_collector import kubernetes_events, parts, processors
from components.otel_collector.parts import MEBIBYTE, QUEUE
from components.prometheus.config import OUT_OF_ORDER_WINDOW
from components.settings.collector import CollectorSettings
from components.settings.jaeger import JaegerSettings
from components.settings.logs import LogSettings
from components.settings.loki import LokiSettings
from components.settings.prometheus import PrometheusSettings
from model import ports, servers
from model.cluster import ClusterSettings
from model.contract import Span
from model.logs import LogField

DATA = "/var/lib/otel-collector"
COMMON = "collector.yaml"
POD = "POD_NAME"
"""Environment variable with the name of the pod."""
OF_NODES = "otlp/nodes"

# Share of the volume for all queues together. A file takes 1.1 times the size of its content, and 2.7 times if each
# request is one line or span. On a full volume the collector would lose the batch that it reads from its queue.
QUEUE_SHARE = 0.3
# Share of the memory limit without a volume. The rest is for telemetry in transit.
MEMORY_QUEUE_SHARE = 0.25
# Minimum size of a request to a store, for efficiency, and the longest wait for it. There is no maximum, since the
# collector drops a span or line that is larger; the receivers limit the size.
BATCH_BYTES, BATCH_WAIT = MEBIBYTE // 2, "200ms"
# Parallel requests to one store: an answer takes some 20 ms, so these are some hundred a second.
SENDERS = 4
# If a store has refused a request for a day, it will never accept it, and would block one sender.
GIVE_UP = "24h"
# A few spans with prompts exceed the 4 MiB of gRPC. With the rest of a batch and the pod's attributes, requests stay
# below the stores' limits: Loki's burst of 16 MiB and Jaeger's 20 MiB.
MESSAGE_MEBIBYTES = 12
# A Service balances connections, and gRPC keeps a connection open. After this time a sender may get another replica.
CONNECTION_AGE = "5m"


def files(
    settings: CollectorSettings,
    cluster: ClusterSettings,
    prometheus: PrometheusSettings,
    jaeger: JaegerSettings,
    loki: LokiSettings,
    logs: LogSettings,
    fields: tuple[LogField, ...],
    spans: tuple[Span, ...],
) -> dict[str, dict[str, str]]:
    """The files below ``/etc/otel-collector``: directory to file name to text."""
    common = collector_yaml(settings, cluster, prometheus, jaeger, loki, logs, fields, spans)
    own = (
        kubernetes_events.replica_files(settings, cluster, common["service"]["pipelines"]["logs"]["exporters"])
        if settings.kubernetes_events
        else {}
    )
    texts = {
        COMMON: common,
        **{f"{pod}.yaml": part for pod, part in own.items()},
        **processors.files(settings, cluster),
    }
    return {"config": {file: parts.text(part) for file, part in texts.items()}}


def arguments(settings: CollectorSettings) -> list[str]:
    """The collector merges the common file and the replica's own."""
    files = (COMMON, *([f"$({POD}).yaml"] if settings.kubernetes_events else []))
    return [f"--config=file:{parts.FOLDER}/{file}" for file in files]


def collector_yaml(
    settings: CollectorSettings,
    cluster: ClusterSettings,
    prometheus: PrometheusSettings,
    jaeger: JaegerSettings,
    loki: LokiSettings,
    logs: LogSettings,
    fields: tuple[LogField, ...],
    spans: tuple[Span, ...],
) -> dict[str, Any]:
    exporters = {
        "metrics": _prometheus(cluster, prometheus),
        "traces": _jaeger(cluster, jaeger),
        "logs": _loki(cluster, loki),
    }
    queue = _queue(settings, stores=sum(len(signal) for signal in exporters.values()))
    stored = settings.storage is not None
    made = processors.made(settings, fields, spans)
    nodes = logs.collector == "otel"
    return {
        "service": {
            "extensions": ["health_check", *([QUEUE] if stored else [])],
            "pipelines": {
                signal: {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", *processors.order(signal, settings, spans)],
                    "exporters": list(exporters[signal]),
                }
                for signal in exporters
            }
            | (_of_nodes(list(exporters["logs"])) if nodes else {}),
            "telemetry": parts.telemetry("otel-collector", settings.log_level, ports.COLLECTOR_METRICS),
        },
        "extensions": {
            "health_check": {"endpoint": f"0.0.0.0:{ports.COLLECTOR_HEALTH}"},
            **({QUEUE: parts.file_storage(DATA)} if stored else {}),
        },
        "receivers": {
            "otlp": {"protocols": _protocols()},
            **({OF_NODES: {"protocols": {"grpc": _grpc(ports.OTLP_NODES)}}} if nodes else {}),
        },
        "processors": {"memory_limiter": parts.memory_limiter(settings.resources), **made},
        "exporters": {
            name: {**exporter, "sending_queue": queue}
            for signal in exporters.values()
            for name, exporter in signal.items()
        },
    }


def _protocols() -> dict[str, Any]:
    return {
        "grpc": _grpc(ports.OTLP_GRPC),
        "http": {"endpoint": f"0.0.0.0:{ports.OTLP_HTTP}", "max_request_body_size": MESSAGE_MEBIBYTES * MEBIBYTE},
    }


def _grpc(port: int) -> dict[str, Any]:
    return {
        "endpoint": f"0.0.0.0:{port}",
        "max_recv_msg_size_mib": MESSAGE_MEBIBYTES,
        "keepalive": {"server_parameters": {"max_connection_age": CONNECTION_AGE}},
    }


def _of_nodes(exporters: list[str]) -> dict[str, Any]:
    """The pipeline of node collectors, on a port that only they may reach. Their lines have labels and are masked."""
    return {"logs/nodes": {"receivers": [OF_NODES], "processors": ["memory_limiter"], "exporters": exporters}}


def _queue(settings: CollectorSettings, stores: int) -> dict[str, Any]:
    if settings.storage is None:
        size = int(parts.memory(settings.resources).count * MEMORY_QUEUE_SHARE) // stores
    else:
        size = int(settings.storage.count * QUEUE_SHARE) // stores
    return {
        **({"storage": QUEUE} if settings.storage is not None else {}),
        "sizer": "bytes",
        "queue_size": size // MEBIBYTE * MEBIBYTE,
        "num_consumers": SENDERS,
        "batch": {"flush_timeout": BATCH_WAIT, "min_size": BATCH_BYTES},
    }


def _prometheus(cluster: ClusterSettings, prometheus: PrometheusSettings) -> dict[str, Any]:
    """One exporter per replica: a Service in front of them would give each replica only a part of the samples."""
    namespace = cluster.namespaces.stack
    return {
        f"otlp_http/prometheus-{ordinal}": {
            "endpoint": f"http://{servers.PROMETHEUS.replica(ordinal, namespace, ports.PROMETHEUS)}/api/v1/otlp",
            # Prometheus refuses older samples.
            "retry_on_failure": parts.retry(str(OUT_OF_ORDER_WINDOW)),
        }
        for ordinal in range(prometheus.replicas)
    }


def _jaeger(cluster: ClusterSettings, jaeger: JaegerSettings) -> dict[str, Any]:
    namespace, plain = cluster.namespaces.stack, {"tls": {"insecure": True}}
    if jaeger.replicas == 1:
        endpoint = servers.JAEGER.address(namespace, ports.OTLP_GRPC)
        return {"otlp_grpc/jaeger": {"endpoint": endpoint, **plain, "retry_on_failure": parts.retry(GIVE_UP)}}
    # One replica gets all spans of a trace, so that it can decide on it. The queue is before the choice of the replica,
    # and a batch that one replica refused is divided again.
    single = {"otlp": {**plain, "sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}}
    return {
        "load_balancing/jaeger": {
            "routing_key": "traceID",
            "protocol": single,
            "resolver": {"dns": {"hostname": servers.JAEGER.everyone(namespace), "port": str(ports.OTLP_GRPC)}},
            "retry_on_failure": {"enabled": True, **parts.retry(GIVE_UP)},
        }
    }


def _loki(cluster: ClusterSettings, loki: LokiSettings) -> dict[str, Any]:
    return {
        "otlp_http/loki": {
            "endpoint": f"{servers.LOKI.url(cluster.namespaces.stack, ports.LOKI)}/otlp",
            **({"headers": {"X-Scope-OrgID": loki.sender}} if loki.sender else {}),
            "retry_on_failure": parts.retry(GIVE_UP),
        }
    }
