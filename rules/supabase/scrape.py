"""The settings of Supabase, its scrape jobs, and their metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Self

from annotated_types import Len
from pydantic import model_validator

from model.flows import Internet
from model.metrics import Metric, Metrics, Unit
from model.quantities import Duration, HostPort
from model.scrape import SECRETS, Relabel, ScrapeJob, StaticTargets, label
from model.settings import Model, Secret, Spelled
from rules.stores import Name


def _job_name(part: str, project: str) -> str:
    return f"supabase-{part}-{project}"


HOSTED = _job_name("hosted", ".+")
"""Jobs of hosted projects."""
PREFIX = "supabase_"
"""Of every stored name: the endpoint's `node_*` and `pg_*` would count for the rules of ``nodes`` and ``postgres``."""
_IN_CLUSTER = (".svc", ".svc.cluster.local")


class SupabasePart(Model):
    """A part of a self-hosted project, which is scraped over HTTP."""

    address: HostPort
    """Address of its metrics."""


class GuardedPart(SupabasePart):
    """A part whose metrics need a token."""

    token_secret: Secret
    """Secret with the token: a JWT, signed with the part's `METRICS_JWT_SECRET`."""

    @model_validator(mode="after")
    def _hidden(self) -> Self:
        if not self.address.host.endswith(_IN_CLUSTER):
            raise ValueError("address: a Service of the cluster (NAME.NAMESPACE.svc:PORT), since HTTP hides no token")
        return self


class SupabaseProject(Model):
    """A hosted project, by `ref` and `keySecret`, or the parts of a self-hosted one beside its PostgreSQL."""

    ref: (
        Annotated[str, Spelled(r"[a-z0-9][-a-z0-9]{1,61}[a-z0-9]", "the reference of a project, as in its URL")] | None
    ) = None
    """Reference of the project, or the identifier of a read replica: the first part of its host name."""
    key_secret: Secret | None = None
    """Secret with a secret API key of the project."""
    rest: SupabasePart | None = None
    """PostgREST's admin server."""
    auth: SupabasePart | None = None
    """Auth (GoTrue)."""
    realtime: GuardedPart | None = None
    """Realtime."""
    storage: SupabasePart | None = None
    """Storage."""
    pooler: GuardedPart | None = None
    """Supavisor."""

    @model_validator(mode="after")
    def _hosted_or_not(self) -> Self:
        if (self.ref is None) != (self.key_secret is None):
            raise ValueError("ref and keySecret: both of a hosted project, or none")
        if bool(self.ref) == bool(self.parts):
            raise ValueError(f"ref, or parts of a self-hosted project ({', '.join(PARTS)}): one of these")
        return self

    @property
    def parts(self) -> dict[str, SupabasePart]:
        found = {part: getattr(self, part) for part in PARTS}
        return {part: given for part, given in found.items() if given is not None}


class SupabaseSettings(Model):
    """The `supabase` system: hosted projects and self-hosted ones, whose PostgreSQL belongs to `postgres`."""

    projects: Annotated[dict[Name, SupabaseProject], Len(1, 50)]
    """Projects by name, the label `instance`."""


def jobs(settings: SupabaseSettings) -> Iterator[ScrapeJob]:
    """One for each hosted project and each part, since each has a login of its own."""
    for name, project in sorted(settings.projects.items()):
        if project.ref and project.key_secret:
            job = _job_name("hosted", name)
            yield _job(
                job,
                name,
                HostPort.parse(f"{project.ref}.supabase.co:443"),
                scheme="https",
                path="/customer/v1/privileged/metrics",
                interval=Duration.parse("60s"),  # the endpoint has new values no more often
                timeout=Duration.parse("30s"),
                login={"basic_auth": {"username": "service_role", "password_file": f"{SECRETS}/{job}.key"}},
                secrets={f"{job}.key": project.key_secret},
            )
        for part, given in project.parts.items():
            job = _job_name(part, name)
            token = {f"{job}.token": given.token_secret} if isinstance(given, GuardedPart) else {}
            sent = {"authorization": {"credentials_file": f"{SECRETS}/{job}.token"}} if token else {}
            yield _job(job, name, given.address, login=sent, secrets=token)


def _job(job: str, project: str, address: HostPort, **settings: Any) -> ScrapeJob:
    return ScrapeJob(
        name=job,
        discovery=StaticTargets((str(address),)),
        egress=((Internet(address.host), (address.port,)),),
        relabel=(label("instance", project),),
        # Always few: the endpoint offers about 400.
        keeps=tuple(sorted(metric.name for metric in metrics(job))),
        prefix=PREFIX,
        metric_relabel=(
            Relabel(regex="supabase_identifier|service_type|server|otel_scope_.+|gotrue_version", action="labeldrop"),
        ),
        **settings,
    )


def _rest(of: Metrics) -> tuple[Metric, ...]:
    return (of.gauge("supabase_pgrst_db_pool_waiting"), of.counter("supabase_pgrst_db_pool_timeouts_total"))


def _auth(of: Metrics) -> tuple[Metric, ...]:
    return (of.counter("supabase_http_status_codes_total", "code http_route"),)


def _pooler(of: Metrics) -> tuple[Metric, ...]:
    return (of.gauge("supabase_supavisor_connections_active", "db_name mode user"),)


def _hosted(of: Metrics) -> tuple[Metric, ...]:
    disk = "device fstype mountpoint"
    return (
        of.gauge("supabase_pg_up", "supabase_project_ref"),
        of.gauge("supabase_pg_stat_database_num_backends"),
        of.gauge("supabase_max_connections_connection_count"),
        of.counter("supabase_pg_stat_statements_total_queries"),
        of.counter("supabase_pg_stat_statements_total_time_seconds", unit=Unit.SECONDS),
        of.gauge("supabase_pg_settings_default_transaction_read_only"),
        of.gauge("supabase_pg_status_in_recovery"),
        of.gauge("supabase_physical_replication_lag_physical_replication_lag_seconds", unit=Unit.SECONDS),
        of.gauge("supabase_physical_replication_lag_is_connected_to_primary"),
        of.gauge("supabase_realtime_postgres_changes_total_subscriptions"),
        *(of.gauge(f"supabase_node_filesystem_{what}_bytes", disk, Unit.BYTES) for what in ("avail", "size")),
        of.counter("supabase_node_disk_io_time_seconds_total", "device", Unit.SECONDS),
        of.counter("supabase_node_cpu_seconds_total", "cpu mode", Unit.SECONDS),
        *(of.gauge(f"supabase_node_memory_{what}_bytes", unit=Unit.BYTES) for what in ("MemAvailable", "MemTotal")),
        *_rest(of),
        *_auth(of),
        *_pooler(of),
    )


PARTS: Mapping[str, Callable[[Metrics], tuple[Metric, ...]]] = {
    "auth": _auth,
    "pooler": _pooler,
    "realtime": lambda of: (of.gauge("supabase_realtime_connections_global_connected"),),
    "rest": _rest,
    "storage": lambda of: (
        of.counter("supabase_storage_api_http_request_duration_seconds_count", "method status_code"),
    ),
}
"""Parts of a self-hosted project, with their metrics."""
PART = "|".join(_job_name(part, ".+") for part in PARTS)
"""Their jobs."""


def metrics(job: str) -> tuple[Metric, ...]:
    """Metrics that rules and panels use, of one job."""
    return PARTS.get(job.split("-")[1], _hosted)(Metrics(job))
