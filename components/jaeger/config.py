"""Jaeger's configuration: ``jaeger.yaml``, a pipeline of the OpenTelemetry Collector. Pure: values in, texts out.

Spans arrive by OTLP and are counted. Then they are stored, or wait for the decision on their trace:

    otlp -> memory limiter -> span metrics -> :8889
                           -> [tail sampling -> batch ->] storage

Without sampling there is no batch: acknowledged spans are written. A batch would gain a fifth of throughput, but lose
its spans with the process (``docs/traces.md``). After sampling, it keeps a slow store from delaying decisions.
"""

from __future__ import annotations

from typing import Any

from components.otel_collector.ottl import attribute, quoted
from components.settings.jaeger import Archive, JaegerSettings, Sampling, SearchCluster
from model import ports, servers
from model.cluster import ClusterSettings
from model.quantities import Duration
from model.settings import Secret
from model.yaml_text import text
from rules.agents.recordings import OTHER_OPERATIONS
from rules.agents.settings import VALUES
from rules.spans import REQUESTS_BY

SECRETS = "/etc/jaeger/secrets"
PASSWORD, CA = "storage-password", "storage-ca"
DATA = "/badger"

DIMENSIONS = (
    "gen_ai.operation.name",
    "gen_ai.request.model",
    "gen_ai.agent.name",
    "gen_ai.tool.name",
    "a2a.method.name",
    # Of the platforms' own spans (their pages list them). The collector bounds the two of communication.
    "agent.operation",
    "task_type",
    "communication.source",
    "communication.target",
    "http.request.method",
    "http.route",
    # By the newer conventions and by the older ones, which Python's instrumentations follow unless told otherwise. Of
    # those, the method may be anything that a client sends.
    "http.response.status_code",
    "http.status_code",
    "rpc.response.status_code",
    "rpc.grpc.status_code",
    "server.address",
    # Whose the service is: a service has one of each, so these add no series.
    "k8s.namespace.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
)
"""Attributes of spans that become labels of their metrics, besides service, operation, kind and status.

Each has few values on a platform. Ids of users, conversations, tasks or messages never belong here, nor a URL or its
path.
"""
# From a tool call to an agent's run of minutes. For a p95 of longer spans, look at the traces.
BUCKETS = ("10ms", "50ms", "100ms", "250ms", "500ms", "1s", "2500ms", "5s", "10s", "30s", "60s", "120s", "300s")
# Series per service, after which the rest is counted together. A service has some dozens; ids in span names fill it up.
SERIES_PER_SERVICE = 500
# Values of an attribute per service, such as a tenant. Twice as many as rules distinguish: more is an id.
ATTRIBUTED_SERIES = 2 * VALUES
# At most a scrape interval: metrics that are flushed later appear late, and their exemplars never.
FLUSH = Duration.parse("15s")
# Share of the memory limit. Above four fifths of it Jaeger refuses spans, and senders retry.
MEMORY_PERCENT = 80
NAMESPACE, UNIT = "traces_span_metrics", "ms"
"""Prefix of the metrics' names, Jaeger's own default, and the unit in which its UI reads durations."""

TRACES, ARCHIVE, METRICS = "traces", "archive", "metrics"
"""Names of the stores in the configuration."""
ATTRIBUTED, REQUESTS_ALONE = "forward/attributed", "filter/requests"
"""Names of the parts that pass on, and keep, the spans that are counted by attributes."""


def files(
    settings: JaegerSettings, cluster: ClusterSettings, attributed: tuple[str, ...] = ()
) -> dict[str, dict[str, str]]:
    """The files below ``/etc/jaeger``: directory to file name to text.

    ``attributed`` are attributes by which spans of requests to models are counted, each on its own.
    """
    return {"config": {"jaeger.yaml": text(jaeger_yaml(settings, cluster, attributed))}}


def jaeger_yaml(settings: JaegerSettings, cluster: ClusterSettings, attributed: tuple[str, ...] = ()) -> dict[str, Any]:
    sampled = not settings.sampling.keeps_everything
    counters = {f"spanmetrics/{_label(each)}": _requests_by(each) for each in attributed}
    stored = {"processors": ["tail_sampling", "batch"], "exporters": ["jaeger_storage_exporter"]}
    return {
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter"],
                    "exporters": [
                        "spanmetrics",
                        *([ATTRIBUTED] if counters else []),
                        "forward" if sampled else "jaeger_storage_exporter",
                    ],
                },
                **(_attributed_pipelines(list(counters)) if counters else {}),
                **({"traces/sampled": {"receivers": ["forward"], **stored}} if sampled else {}),
                "metrics/spanmetrics": {"receivers": ["spanmetrics"], "exporters": ["prometheus"]},
            },
            "telemetry": {
                "resource": {"service.name": "jaeger"},
                "metrics": {
                    "readers": [{"pull": {"exporter": {"prometheus": _everywhere(ports.JAEGER_METRICS)}}}],
                },
                "logs": {"level": settings.log_level, "encoding": "json"},
            },
        },
        "extensions": {
            "jaeger_storage": {
                "backends": {
                    TRACES: _storage(settings),
                    **({ARCHIVE: _storage(settings, settings.archive)} if settings.archive else {}),
                },
                "metric_backends": {METRICS: {"prometheus": _metric_store(cluster)}},
            },
            "jaeger_query": {
                "storage": {
                    "traces": TRACES,
                    # The UI shows its button if this is present.
                    **({"traces_archive": ARCHIVE} if settings.archive else {}),
                    "metrics": METRICS,
                },
                "base_path": settings.base_path,
                # It is on by default: every query would be a trace of its own, sent to this server.
                "enable_tracing": False,
                "http": {"endpoint": f"0.0.0.0:{ports.JAEGER_QUERY}"},
                # Grafana and people use HTTP. Nobody uses gRPC, which cannot be turned off.
                "grpc": {"endpoint": f"127.0.0.1:{ports.JAEGER_QUERY_GRPC}"},
            },
            "healthcheckv2": {"use_v2": True, "http": {"endpoint": f"0.0.0.0:{ports.JAEGER_HEALTH}"}},
        },
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {
                        "endpoint": f"0.0.0.0:{ports.OTLP_GRPC}",
                        # The same limit as over HTTP: a few spans with prompts exceed the 4 MiB of gRPC.
                        "max_recv_msg_size_mib": 20,
                    },
                    "http": {"endpoint": f"0.0.0.0:{ports.OTLP_HTTP}"},
                }
            }
        },
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_percentage": MEMORY_PERCENT},
            **({"tail_sampling": _tail_sampling(settings.sampling), "batch": {}} if sampled else {}),
            **({REQUESTS_ALONE: _requests_alone()} if counters else {}),
        },
        "connectors": {
            "spanmetrics": _span_metrics(),
            **counters,
            **({ATTRIBUTED: {}} if counters else {}),
            **({"forward": {}} if sampled else {}),
        },
        "exporters": {
            "jaeger_storage_exporter": {"trace_storage": TRACES},
            "prometheus": {
                "endpoint": f"0.0.0.0:{ports.JAEGER_SPAN_METRICS}",
                "enable_open_metrics": True,  # the only text format with exemplars
                "translation_strategy": "UnderscoreEscapingWithSuffixes",
            },
        },
    }


def _everywhere(port: int) -> dict[str, Any]:
    return {"host": "0.0.0.0", "port": port}  # noqa: S104  a pod is reached from outside, or not at all


def _storage(settings: JaegerSettings, archive: Archive | None = None) -> dict[str, Any]:
    """The store of spans, or the archive."""
    storage = settings.storage
    if storage.memory:
        return {"memory": {"max_traces": storage.memory.traces}}
    if storage.badger:
        home = f"{DATA}/{ARCHIVE}" if archive else DATA
        return {
            "badger": {
                "ephemeral": False,
                "directories": {"keys": f"{home}/keys", "values": f"{home}/values"},
                "ttl": {"spans": go(archive.keep if archive else storage.badger.ttl)},
                "consistency": storage.badger.sync_writes,
            }
        }
    return {storage.kind: _search_cluster(storage.cluster, archive)} if storage.cluster else {}


def _search_cluster(cluster: SearchCluster, archive: Archive | None) -> dict[str, Any]:
    # An archive has a few traces a day, and many days.
    index = {"shards": 1 if archive else cluster.shards, "replicas": cluster.copies}
    login = {"username": cluster.username, "password_file": f"{SECRETS}/{PASSWORD}", "reload_interval": "1m"}
    kinds = ("spans", "services", "dependencies", "sampling")
    prefix = "-".join(part for part in (cluster.index_prefix, ARCHIVE if archive else None) if part)
    return {
        "server_urls": [str(url) for url in cluster.urls],
        **({"auth": {"basic": login}} if cluster.password_secret else {}),
        **({"tls": {"ca_file": f"{SECRETS}/{CA}"}} if cluster.ca_secret else {}),
        # One index a day, Jaeger's default: 2.13 and 2.20 have different keys for every other choice.
        "indices": {**({"index_prefix": prefix} if prefix else {}), **dict.fromkeys(kinds, index)},
        "max_span_age": go(archive.keep if archive else cluster.lookback),
    }


def _metric_store(cluster: ClusterSettings) -> dict[str, Any]:
    """Prometheus, for the "Monitor" tab. The names are those that the exporter gives the metrics."""
    return {
        "endpoint": servers.PROMETHEUS.url(cluster.namespaces.stack, ports.PROMETHEUS),
        "metric_namespace": NAMESPACE,
        "latency_unit": UNIT,
        "normalize_calls": True,
        "normalize_duration": True,
    }


def _span_metrics() -> dict[str, Any]:
    return {
        "namespace": NAMESPACE,
        "histogram": {"unit": UNIT, "explicit": {"buckets": list(BUCKETS)}},
        "dimensions": [{"name": name} for name in DIMENSIONS],
        # By service alone: two pods of one service would otherwise expose the same series twice, and one would hide the
        # other.
        "resource_metrics_key_attributes": ["service.name"],
        "add_resource_attributes": True,
        "aggregation_cardinality_limit": SERIES_PER_SERVICE,
        "exemplars": {"enabled": True},
        "metrics_flush_interval": go(FLUSH),
    }


def _attributed_pipelines(counters: list[str]) -> dict[str, Any]:
    return {
        "traces/attributed": {"receivers": [ATTRIBUTED], "processors": [REQUESTS_ALONE], "exporters": counters},
        "metrics/attributed": {"receivers": counters, "exporters": ["prometheus"]},
    }


def _requests_alone() -> dict[str, Any]:
    """A filter that drops all spans but those of requests to models."""
    operation = attribute("gen_ai.operation.name", "span")
    others = [f"{operation} == nil", f"IsMatch({operation}, {quoted(f'^({OTHER_OPERATIONS})$')})"]
    return {"error_mode": "silent", "traces": {"span": others}}


def _requests_by(name: str) -> dict[str, Any]:
    """A connector of its own for each attribute: in one, the values of several would be crossed."""
    return {
        "namespace": f"{REQUESTS_BY}_{_label(name)}",
        "histogram": {"disable": True},
        "dimensions": [{"name": name}, {"name": "k8s.namespace.name"}],
        "exclude_dimensions": ["span.name", "span.kind", "status.code"],
        "resource_metrics_key_attributes": ["service.name"],
        "add_resource_attributes": True,
        "aggregation_cardinality_limit": ATTRIBUTED_SERIES,
        "metrics_flush_interval": go(FLUSH),
    }


def _label(name: str) -> str:
    return name.replace(".", "_")


def _tail_sampling(sampling: Sampling) -> dict[str, Any]:
    return {
        "decision_wait": go(sampling.decision_wait),
        "num_traces": sampling.max_traces,
        # Late spans of a kept trace are kept for the time in which ten times as many traces arrive.
        "decision_cache": {"sampled_cache_size": 10 * sampling.max_traces},
        "sample_on_first_match": True,
        "policies": [
            {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
            {"name": "slow", "type": "latency", "latency": {"threshold_ms": sampling.slow.milliseconds}},
            *_shares(sampling),
        ],
    }


def _shares(sampling: Sampling) -> list[dict[str, Any]]:
    """Sampling policies that keep the configured percentages.

    All of them use the same hash of the trace's id, so the largest percentage of a trace's services decides.
    """

    def share(percent: float) -> dict[str, Any]:
        return {"type": "probabilistic", "probabilistic": {"sampling_percentage": percent}}

    def of(name: str, condition: str, percent: float) -> dict[str, Any]:
        has = {"name": f"{name}-in-it", "type": "ottl_condition", "ottl_condition": {"span": [condition]}}
        return {
            "name": name,
            "type": "and",
            "and": {"and_sub_policy": [has, {"name": f"{name}-share", **share(percent)}]},
        }

    if not sampling.services:
        return [{"name": "share", **share(sampling.percent)}]
    service = attribute("service.name")
    by_percent = {
        percent: sorted(name for name, its in sampling.services.items() if its == percent)
        for percent in sorted(set(sampling.services.values()), reverse=True)
    }
    others = " and ".join(f"{service} != {quoted(name)}" for name in sorted(sampling.services))
    return [
        *(
            of(f"share-{percent:g}", " or ".join(f"{service} == {quoted(name)}" for name in names), percent)
            for percent, names in by_percent.items()
        ),
        of("share", others, sampling.percent),
    ]


def secrets(settings: JaegerSettings) -> dict[str, Secret]:
    """Secrets as files: file name below SECRETS to source."""
    cluster = settings.storage.cluster
    sources = {PASSWORD: cluster.password_secret, CA: cluster.ca_secret} if cluster else {}
    return {file: source for file, source in sources.items() if source is not None}


def go(duration: Duration) -> str:
    """The duration in Go's format, which has no days."""
    for unit, milliseconds in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if duration.milliseconds % milliseconds == 0:
            return f"{duration.milliseconds // milliseconds}{unit}"
    return f"{duration.milliseconds}ms"
