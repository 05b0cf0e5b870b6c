"""The settings of Redis, its exporters, and their metrics. Valkey answers as Redis does."""

from __future__ import annotations

from typing import Annotated, Self

from annotated_types import Len
from pydantic import model_validator

from model.exporter import Exporter
from model.flows import Internet
from model.images import pinned
from model.metrics import Metric, Metrics, Unit
from model.quantities import HostPort
from model.settings import Resources, Spelled, misfit
from rules.stores import Name, Stores, StoreWithLogin, Watch

REDIS_EXPORTER = "redis-exporter"
OF_SENTINELS = "redis-sentinels"
"""Job of the same exporters where they ask a sentinel."""
IMAGE = pinned("docker.io/oliver006/redis_exporter:v1.69.0", uid=59000, binaries={REDIS_EXPORTER: "/redis_exporter"})
PORT = 9121


class RedisServer(StoreWithLogin):
    """A Redis or Valkey server: its `address`, for an exporter of this stack, or an existing `exporter`."""

    user: Annotated[str, Spelled(r"[A-Za-z0-9_.@-]{1,63}", "a user of letters, digits and _ . @ -")] | None = None
    """User of the server's access list. The default is Redis's own `default`."""


class RedisSettings(Stores[RedisServer]):
    """The `redis` system: Redis and Valkey."""

    sentinels: Annotated[dict[Name, RedisServer], Len(0, 50)] = {}
    """Sentinels by name, the label `instance`. The `service` of each is that of the servers that it watches."""

    @model_validator(mode="after")
    def _sentinels_of_known_services(self) -> Self:
        known = sorted(set(self.services.values()))
        for name, sentinel in self.sentinels.items():
            if sentinel.service not in known:
                where = f"sentinels.{name}.service"
                raise misfit(where, sentinel.service, f"the service that it watches: one of {', '.join(known)}")
            if name in self.servers:
                raise misfit(f"sentinels.{name}", name, "a name that no server has")
        return self

    @property
    def of_sentinels(self) -> Stores[RedisServer]:
        """The sentinels, as the servers of a store."""
        return Stores[RedisServer](servers=self.sentinels, resources=self.resources)


def exporters(settings: Stores[RedisServer]) -> tuple[Exporter, ...]:
    return settings.exporters(lambda name, server, address: _exporter(name, server, address, settings.resources))


def _exporter(name: str, server: RedisServer, address: HostPort, resources: Resources) -> Exporter:
    return Exporter(
        name=REDIS_EXPORTER,
        instance=name,
        image=IMAGE,
        args=(
            f"-redis.addr={'rediss' if server.tls else 'redis'}://{address}",
            *((f"-redis.user={server.user}",) if server.user else ()),
            *((f"-tls-ca-cert-file=/etc/{REDIS_EXPORTER}-{name}/secrets/ca",) if server.ca_secret else ()),
            f"-web.listen-address=:{PORT}",
            "-connection-timeout=3s",  # a server that hangs is reported within a scrape
            "-redis-only-metrics=true",
            "-exclude-latency-histogram-metrics=true",  # some for each command
        ),
        ports={"metrics": PORT},
        resources=resources,
        live=("/health", "metrics"),
        ready=("/health", "metrics"),  # an exporter whose server is down must still be scraped, to say so
        secrets={"ca": server.ca_secret} if server.ca_secret else {},
        secret_env={"REDIS_PASSWORD": server.password_secret} if server.password_secret else {},
        egress=((Internet(address.host), (address.port,)),),
    )


def metrics(job: str) -> tuple[Metric, ...]:
    """Metrics that rules and panels use, of one of the two jobs."""
    of = Metrics(job)
    return (
        of.gauge("redis_up"),
        of.gauge("redis_instance_info", "role maxmemory_policy"),
        *(of.gauge(f"redis_{what}") for what in ("connected_clients", "max_clients", "blocked_clients")),
        of.counter("redis_rejected_connections_total"),
        *(of.gauge(f"redis_memory_{what}_bytes", unit=Unit.BYTES) for what in ("used", "max")),
        of.gauge("redis_mem_fragmentation_ratio"),
        *(
            of.counter(f"redis_{what}_total")
            for what in ("evicted_keys", "keyspace_hits", "keyspace_misses", "commands_processed")
        ),
        *(of.gauge(f"redis_db_{what}", "db") for what in ("keys", "keys_expiring")),
        of.gauge("redis_connected_slave_lag_seconds", "slave_ip slave_port slave_state", unit=Unit.SECONDS),
        of.gauge("redis_master_link_up", "master_host master_port"),
        *(of.gauge(f"redis_{what}_status") for what in ("rdb_last_bgsave", "aof_last_write", "aof_last_bgrewrite")),
        of.gauge("redis_rdb_last_save_timestamp_seconds", unit=Unit.TIMESTAMP),
        of.gauge("redis_rdb_changes_since_last_save"),
        of.gauge("redis_rdb_saves_total"),
        of.gauge("redis_slowlog_last_id"),
        of.gauge("redis_cluster_state"),
    )


def of_sentinels(job: str) -> tuple[Metric, ...]:
    """Metrics of sentinels. `redis_up` is not one: the alerts on servers would count a sentinel as a server."""
    of = Metrics(job)
    return (
        of.gauge("redis_sentinel_masters"),
        of.gauge("redis_sentinel_master_status", "master_name master_address master_status"),
        of.gauge("redis_sentinel_master_ckquorum_status", "master_name message"),
        of.gauge("redis_sentinel_master_ok_sentinels", "master_name master_address"),
    )


WATCH = Watch(REDIS_EXPORTER, "redis-existing", metrics)
SENTINELS = Watch(OF_SENTINELS, "redis-sentinels-existing", of_sentinels)
