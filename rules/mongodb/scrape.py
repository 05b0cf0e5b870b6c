"""The settings of MongoDB, its exporters, and their metrics."""

from __future__ import annotations

from typing import Annotated

from model.exporter import Exporter
from model.flows import Internet
from model.images import pinned
from model.metrics import Metric, Metrics, Unit
from model.quantities import HostPort
from model.scrape import Relabel
from model.settings import Resources, Spelled
from rules.stores import Stores, StoreWithLogin, Watch

MONGODB_EXPORTER = "mongodb-exporter"
IMAGE = pinned("docker.io/percona/mongodb_exporter:0.51.0", uid=65535, binaries={MONGODB_EXPORTER: "/mongodb_exporter"})
PORT = 9216


class MongoServer(StoreWithLogin):
    """A mongod or mongos: its `address`, for an exporter of this stack, or an existing `exporter`."""

    user: Annotated[str, Spelled(r"[A-Za-z0-9_.@-]{1,63}", "a user of letters, digits and _ . @ -")] = "exporter"
    """User of the database `admin`; it needs the roles `clusterMonitor`, and `read` on `local`."""


class MongoSettings(Stores[MongoServer]):
    """The `mongodb` system."""


def exporters(settings: MongoSettings) -> tuple[Exporter, ...]:
    return settings.exporters(lambda name, server, address: _exporter(name, server, address, settings.resources))


def _exporter(name: str, server: MongoServer, address: HostPort, resources: Resources) -> Exporter:
    tls = f"?tls={str(server.tls).lower()}"
    ca = f"&tlsCAFile=/etc/{MONGODB_EXPORTER}-{name}/secrets/ca" if server.ca_secret else ""
    return Exporter(
        name=MONGODB_EXPORTER,
        instance=name,
        image=IMAGE,
        args=(
            f"--web.listen-address=:{PORT}",
            "--collector.diagnosticdata",
            "--collector.dbstats",
            "--compatible-mode",  # only its names have the lag of members and the ends of the oplog
            "--no-collector.exporter-metrics",
            "--mongodb.global-conn-pool",  # otherwise each scrape logs in, and has no connection when all are used up
            "--mongodb.connect-timeout-ms=3000",  # a server that hangs is reported within a scrape
        ),
        ports={"metrics": PORT},
        resources=resources,
        live=("/", "metrics"),
        # Not /metrics: an exporter whose server is down must still be scraped, to say so.
        ready=("/", "metrics"),
        # The exporter itself puts the login, which has other characters than a URI, into it.
        env={
            "MONGODB_URI": f"mongodb://{address}/{tls}{ca}",
            **({"MONGODB_USER": server.user} if server.password_secret else {}),
        },
        secrets={"ca": server.ca_secret} if server.ca_secret else {},
        secret_env={"MONGODB_PASSWORD": server.password_secret} if server.password_secret else {},
        egress=((Internet(address.host), (address.port,)),),
    )


def metrics(job: str) -> tuple[Metric, ...]:
    """Metrics that rules and panels use, of one of the two jobs. The exporter gives most of them no kind."""
    of = Metrics(job)
    return (
        of.gauge("mongodb_up"),
        of.gauge("mongodb_ss_connections", "conn_type"),
        of.gauge("mongodb_ss_globalLock_currentQueue", "count_type"),
        of.gauge("mongodb_rs_myState"),
        of.gauge("mongodb_rs_members_state", "member_idx"),
        of.gauge("mongodb_mongod_replset_member_replication_lag", "name self state", unit=Unit.SECONDS),
        *(of.gauge(f"mongodb_mongod_replset_oplog_{end}_timestamp", unit=Unit.TIMESTAMP) for end in ("head", "tail")),
        of.gauge("mongodb_ss_metrics_cursor_open", "csr_type"),
        of.counter("mongodb_ss_metrics_cursor_timedOut"),
        *(
            of.gauge(f"mongodb_ss_wt_cache_{what}", unit=Unit.BYTES)
            for what in ("bytes_currently_in_the_cache", "tracked_dirty_bytes_in_the_cache", "maximum_bytes_configured")
        ),
        of.counter("mongodb_ss_opcounters", "legacy_op_type"),
        *(of.counter(f"mongodb_ss_opLatencies_{what}", "op_type") for what in ("latency", "ops")),
        of.gauge("mongodb_dbstats_totalSize", "database", unit=Unit.BYTES),
    )


WATCH = Watch(
    MONGODB_EXPORTER,
    "mongodb-existing",
    metrics,
    # The target's labels say which server it is; each election would begin new series.
    (Relabel(regex="cl_id|cl_role|cluster_role|rs_nm|rs_state|set|member_state", action="labeldrop"),),
)
