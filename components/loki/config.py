"""Loki's configuration. Pure: values in, texts out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.logs import LABELS
from components.settings.loki import LokiLimits, LokiSettings, Ruler, TenantLimits
from model import ports, servers
from model.cluster import ClusterSettings
from model.quantities import Bytes, Duration
from model.settings import Secret
from model.yaml_text import expanding, text

DATA = "/loki"
RULES = "/etc/loki/rules"
NOBODY = "fake"
"""Loki's own name of the only tenant, without multi-tenancy."""
# Older than any installation: the index of a day has the schema that was in force on that day.
SCHEMA_FROM = "2024-04-01"
MEBIBYTE = 2**20
MESSAGE_BYTES = 16 * MEBIBYTE  # the largest batch between Loki's own parts: four times gRPC's default
# A line may be older than the newest of its stream by half of this. Pods of an app on all nodes share a stream, so a
# node may also fall behind the others by as much without losing lines.
CHUNK_AGE = Duration.parse("4h")


@dataclass(frozen=True, kw_only=True)
class Replicas:
    """How many there are of the servers that the ruler sends to."""

    prometheus: int
    alertmanager: int


def files(
    settings: LokiSettings, cluster: ClusterSettings, replicas: Replicas, alerts: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """The files below ``/etc/loki``: directory to file name to text. ``alerts`` is a rule file, which may be empty."""
    main = loki_yaml(settings, cluster, replicas)
    made = {"config": {"loki.yaml": expanding(text(main), "POD_IP") if settings.replicas > 1 else text(main)}}
    if settings.tenants:
        overrides = {name: _tenant_limits(tenant) for name, tenant in settings.tenants.items()}
        made["config"]["tenants.yaml"] = text({"overrides": overrides})
    if settings.ruler:
        of_files = {
            **({"recording.yaml": text(rules(settings.ruler, cluster))} if settings.ruler.rules else {}),
            **({"alerts.yaml": text(alerts)} if alerts else {}),
        }
        made |= {f"rules/{settings.sender or NOBODY}": of_files} if of_files else {}
    return made


def loki_yaml(settings: LokiSettings, cluster: ClusterSettings, replicas: Replicas) -> dict[str, Any]:
    store = "s3" if settings.storage.s3 else "filesystem"
    limits = (settings.limits, *settings.tenants.values())
    return {
        "auth_enabled": settings.multi_tenant,
        "server": {
            "http_listen_port": ports.LOKI,
            "grpc_listen_port": ports.LOKI_GRPC,
            # An answer may take as long as the longest query, and a little more to write it.
            "http_server_write_timeout": str(
                Duration(max(each.query_timeout for each in limits).milliseconds + 30_000)
            ),
            "grpc_server_max_recv_msg_size": MESSAGE_BYTES,
            "grpc_server_max_send_msg_size": MESSAGE_BYTES,
            "log_level": settings.log_level,
            "log_format": "json",
        },
        "common": {"path_prefix": DATA, **_replication(settings), "storage": {store: _store(settings)}},
        **_gossip(settings, cluster),
        "schema_config": {
            "configs": [
                {
                    "from": SCHEMA_FROM,
                    "store": "tsdb",
                    "object_store": store,
                    "schema": "v13",
                    "index": {"prefix": "index_", "period": "24h"},
                }
            ]
        },
        "ingester": {
            "chunk_encoding": "snappy",  # larger than gzip, and read several times faster
            "max_chunk_age": str(CHUNK_AGE),
            "wal": {
                "dir": f"{DATA}/wal",
                # At this size, replay flushes early; the default of 4 GB is more than the whole limit.
                "replay_memory_ceiling": f"{_share(settings, 0.5)}MB",
            },
            "autoforget_unhealthy": settings.replicas > 1,  # or it waits for a replica that is gone for good
        },
        "compactor": {
            "working_directory": f"{DATA}/compactor",
            "retention_enabled": True,
            "delete_request_store": store,
        },
        "limits_config": _limits(settings),
        **({"runtime_config": {"file": "/etc/loki/config/tenants.yaml"}} if settings.tenants else {}),
        "querier": {"max_concurrent": _concurrency(settings)},
        "chunk_store_config": {"chunk_cache_config": _cache(settings, 0.1)},
        "query_range": {
            "cache_results": True,
            "results_cache": {"cache": _cache(settings, 0.05)},
        },
        "ruler": _ruler(settings, cluster, replicas),
        "analytics": {"reporting_enabled": False},
    }


def _replication(settings: LokiSettings) -> dict[str, Any]:
    if settings.replicas == 1:
        return {
            "instance_addr": "127.0.0.1",  # it only connects to itself
            "replication_factor": 1,
            "ring": {"kvstore": {"store": "inmemory"}},
        }
    return {
        "instance_addr": "${POD_IP}",
        # Two of three replicas must acknowledge, so one may be down.
        "replication_factor": 3,
        "ring": {"kvstore": {"store": "memberlist"}},
        # Otherwise a restart moves its streams to others and back.
        "persist_tokens": True,
    }


def _gossip(settings: LokiSettings, cluster: ClusterSettings) -> dict[str, Any]:
    if settings.replicas == 1:
        return {"memberlist": {"bind_addr": ["127.0.0.1"], "bind_port": ports.LOKI_GOSSIP}}
    return {
        "memberlist": {
            "advertise_addr": "${POD_IP}",
            "bind_port": ports.LOKI_GOSSIP,
            "join_members": [f"{servers.LOKI.everyone(cluster.namespaces.stack)}:{ports.LOKI_GOSSIP}"],
        }
    }


def _store(settings: LokiSettings) -> dict[str, Any]:
    s3 = settings.storage.s3
    if s3 is None:
        return {"chunks_directory": f"{DATA}/chunks", "rules_directory": f"{DATA}/rules"}
    endpoint = {"endpoint": str(s3.endpoint), "insecure": s3.endpoint.scheme == "http"} if s3.endpoint else {}
    # No keys: the AWS SDK reads them from the environment or the pod's identity.
    return {"bucketnames": s3.bucket, "region": s3.region, **endpoint, "s3forcepathstyle": s3.path_style}


def secret_env(settings: LokiSettings) -> dict[str, Secret]:
    """Environment variable to source."""
    s3 = settings.storage.s3
    sources = {
        "AWS_ACCESS_KEY_ID": s3.access_key_secret if s3 else None,
        "AWS_SECRET_ACCESS_KEY": s3.secret_key_secret if s3 else None,
    }
    return {name: source for name, source in sources.items() if source is not None}


def memory(settings: LokiSettings) -> Bytes:
    """The memory limit, which the settings require."""
    return settings.resources.limits.memory or Bytes(2 * 2**30)


def _share(settings: LokiSettings, share: float) -> int:
    return int(memory(settings).count * share) // MEBIBYTE


def _cache(settings: LokiSettings, share: float) -> dict[str, Any]:
    return {"embedded_cache": {"enabled": True, "max_size_mb": _share(settings, share)}}


def _concurrency(settings: LokiSettings) -> int:
    """Number of parts of queries that one replica runs at a time. Each may use some 100 MiB for chunks."""
    return min(max(memory(settings).count // (512 * MEBIBYTE), 2), 16)


def _limits(settings: LokiSettings) -> dict[str, Any]:
    parallel = _concurrency(settings) * settings.replicas * 2
    return {
        **_own(settings.limits),
        "max_query_lookback": str(settings.limits.query_lookback or settings.longest_retention),
        # Twice as many parts as can run at once; more would only wait in memory.
        "max_query_parallelism": parallel,
        "tsdb_max_query_parallelism": parallel,
        "retention_period": str(settings.retention),
        **(
            {
                "retention_stream": [
                    {"selector": each.selector, "priority": each.priority, "period": str(each.period)}
                    for each in settings.stream_retention
                ]
            }
            if settings.stream_retention
            else {}
        ),
        "deletion_mode": "filter-and-delete",
        "allow_structured_metadata": True,
        # Only the sender's labels; Loki guesses none: no service_name, no detected_level.
        "discover_service_name": [],
        "discover_log_levels": False,
        "otlp_config": {
            "resource_attributes": {
                "ignore_defaults": True,
                "attributes_config": [
                    {"action": "index_label", "attributes": [label for label in LABELS if label != "level"]}
                ],
            },
            "log_attributes": [{"action": "index_label", "attributes": ["level"]}],
        },
    }


def _own(limits: LokiLimits) -> dict[str, Any]:
    rate, burst = limits.ingestion_rate.count / MEBIBYTE, limits.ingestion_burst.count / MEBIBYTE
    return {
        "ingestion_rate_mb": rate,
        "ingestion_burst_size_mb": burst,
        # A stream is a level of an app, on all nodes, so its limit is the tenant's.
        "per_stream_rate_limit": str(limits.ingestion_rate.count),
        "per_stream_rate_limit_burst": str(limits.ingestion_burst.count),
        "max_global_streams_per_user": limits.streams,
        "max_line_size": limits.line_size.count,
        "max_line_size_truncate": True,
        "max_query_series": limits.query_series,
        "max_entries_limit_per_query": limits.query_entries,
        "max_query_length": str(limits.query_length),
        "query_timeout": str(limits.query_timeout),
    }


def _tenant_limits(tenant: TenantLimits) -> dict[str, Any]:
    return {
        **_own(tenant),
        **({"max_query_lookback": str(tenant.query_lookback)} if tenant.query_lookback else {}),
        **({"retention_period": str(tenant.retention)} if tenant.retention else {}),
    }


def _ruler(settings: LokiSettings, cluster: ClusterSettings, replicas: Replicas) -> dict[str, Any]:
    # Rules are deployed, not posted: otherwise everyone who reaches the API could change them.
    ruler: dict[str, Any] = {"enable_api": False, "rule_path": f"{DATA}/rules-scratch"}
    if settings.ruler is None:
        return ruler | {"storage": {"type": "local", "local": {"directory": f"{DATA}/rules"}}}
    namespace = cluster.namespaces.stack
    return ruler | {
        "storage": {"type": "local", "local": {"directory": RULES}},
        "evaluation_interval": str(settings.ruler.interval),
        "enable_sharding": settings.replicas > 1,
        "wal": {"dir": f"{DATA}/ruler-wal"},
        "remote_write": {
            "enabled": True,
            # One queue per Prometheus: a Service in front of them would give each replica half of the samples.
            "clients": {
                f"{servers.PROMETHEUS.name}-{ordinal}": {
                    "url": f"http://{servers.PROMETHEUS.replica(ordinal, namespace, ports.PROMETHEUS)}/api/v1/write"
                }
                for ordinal in range(replicas.prometheus)
            },
        },
        **(_notifies(namespace, replicas) if settings.ruler.alerts else {}),
    }


def _notifies(namespace: str, replicas: Replicas) -> dict[str, Any]:
    # Every replica, as Prometheus does: whichever is cut off from the others still notifies.
    urls = (
        f"http://{servers.ALERTMANAGER.replica(ordinal, namespace, ports.ALERTMANAGER)}"
        for ordinal in range(replicas.alertmanager)
    )
    return {"alertmanager_url": ",".join(urls)}


def rules(ruler: Ruler, cluster: ClusterSettings) -> dict[str, Any]:
    """The rule file of Loki's ruler."""
    everywhere = {"cluster": cluster.name, "environment": cluster.environment}
    group = [
        {"record": rule.record, "expr": rule.expr, "labels": {**rule.labels, **everywhere}} for rule in ruler.rules
    ]
    return {"groups": [{"name": "recording", "interval": str(ruler.interval), "rules": group}]}
