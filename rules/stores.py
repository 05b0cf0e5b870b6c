"""What systems of stores share: servers with an exporter each, that form services of a primary and its replicas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Any, Generic, Self, TypeVar

from annotated_types import Ge, Le, Len
from pydantic import model_validator

from model.exporter import Exporter, scrape_job
from model.flows import Internet
from model.metrics import Metric, Unit
from model.quantities import Duration, HostPort
from model.rules import Alert, Group, Inhibition, Recording, Severity
from model.scrape import Relabel, ScrapeJob, StaticTargets
from model.settings import Model, Resources, Secret, Spelled, misfit, resources
from model.slo import EVERY, Slo, aggregated, events_of_gauge
from rules.system import Watched

SERVICE = "cluster, service"
BY = f"{SERVICE}, instance"
Name = Annotated[
    str,
    Spelled(r"[a-z]([-a-z0-9]{0,28}[a-z0-9])?", "a name of at most 30 lower-case letters, digits and dashes"),
]
MOST_REPLICAS = 20


class Store(Model):
    """A server of a store: `address`, for an exporter of this stack, or an existing `exporter`."""

    address: HostPort | None = None
    """Address of the server, inside or outside the cluster. The network policy opens its port."""
    exporter: HostPort | None = None
    """Address of an existing exporter of this server, which is scraped over HTTP."""
    service: Name | None = None
    """Service of which this server is the primary or a replica: the label `service`. The default is its own name."""

    @model_validator(mode="after")
    def _one_exporter(self) -> Self:
        if (self.address is None) == (self.exporter is None):
            raise ValueError("address or exporter: exactly one of them")
        return self


class StoreWithLogin(Store):
    """A server of a store, with a login and TLS or without."""

    password_secret: Secret | None = None
    """Secret with the password; none for a server without one."""
    tls: bool = False
    """Whether the connection has TLS, with a certificate that is valid for the host."""
    ca_secret: Secret | None = None
    """Secret with the server's certificate authority, PEM. By default, public authorities are used."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.exporter and self.model_fields_set - Store.model_fields.keys():
            raise ValueError("exporter: alone, since it has its own login")
        if self.ca_secret and not self.tls:
            raise ValueError("caSecret: only with tls: true")
        return self


S = TypeVar("S", bound=Store)


class Stores(Model, Generic[S]):
    """Settings of a system of stores."""

    servers: Annotated[dict[Name, S], Len(1, 50)]
    """Servers by name, the label `instance`."""
    replicas: dict[Name, Annotated[int, Ge(1), Le(MOST_REPLICAS)]] = {}
    """Number of streaming replicas that a service must have, watched or not."""
    resources: Resources = resources("10m", "32Mi", "96Mi")
    """Requests and limits of each exporter."""

    @model_validator(mode="after")
    def _of_known_services(self) -> Self:
        known = sorted(set(self.services.values()))
        for service in self.replicas:
            if service not in known:
                raise misfit(f"replicas.{service}", service, f"a service of a server: one of {', '.join(known)}")
        return self

    @property
    def services(self) -> dict[str, str]:
        """The service of each server."""
        return {name: server.service or name for name, server in sorted(self.servers.items())}

    def exporters(self, make: Callable[[str, S, HostPort], Exporter]) -> tuple[Exporter, ...]:
        """One for each server that has none: each has its own password, and a slow server delays no other."""
        given = sorted(self.servers.items())
        return tuple(make(name, server, server.address) for name, server in given if server.address)


@dataclass(frozen=True)
class Watch:
    """What is particular to the exporters of one kind of store."""

    exporter: str
    """Name of the job of the stack's own exporters, and theirs too unless they also ask others."""
    existing: str
    """Name of the job of existing ones."""
    metrics: Callable[[str], tuple[Metric, ...]]
    """Its metrics, by job."""
    metric_relabel: tuple[Relabel, ...] = ()

    @property
    def jobs(self) -> str:
        """A regular expression for both jobs."""
        return f"{self.exporter}|{self.existing}"

    def down(self, up: str) -> str:
        """PromQL: servers that do not answer, where ``up`` is what the exporter says of that.

        A server that hangs in the middle of an answer leaves the exporter without one.
        """
        return f'min by ({BY}) ({up}) == 0 or max by ({BY}) (up{{job=~"{self.jobs}"}}) == 0'

    def watched(
        self,
        settings: Stores[Any],
        exporters: tuple[Exporter, ...],
        namespace: str,
        groups: tuple[Group, ...],
        objective: Slo | None,
        inhibitions: tuple[Inhibition, ...],
    ) -> Watched:
        """All of a system whose exporters are in ``namespace``."""
        jobs = tuple(self._scrape_jobs(settings, exporters, namespace))
        return Watched(
            scrape_jobs=jobs,
            groups=groups,
            exporters=exporters,
            metrics=tuple(metric for job in jobs for metric in self.metrics(job.name)),
            slos=(objective,) if objective else (),
            inhibitions=inhibitions,
        )

    def _scrape_jobs(
        self, settings: Stores[Any], exporters: tuple[Exporter, ...], namespace: str
    ) -> Iterator[ScrapeJob]:
        """Jobs of the stack's own exporters, and of existing ones. Both have the labels `instance` and `service`."""
        services = tuple(_named("instance", name, "service", service) for name, service in settings.services.items())
        if exporters:
            job = scrape_job(exporters, namespace, **self._stored(self.exporter))
            yield replace(job, name=self.exporter, relabel=(*job.relabel, *services))
        existing = {name: server.exporter for name, server in sorted(settings.servers.items()) if server.exporter}
        if existing:
            yield ScrapeJob(
                name=self.existing,
                discovery=StaticTargets(tuple(map(str, existing.values()))),
                egress=tuple((Internet(address.host), (address.port,)) for address in existing.values()),
                relabel=(
                    *(_named("__address__", str(address), "instance", name) for name, address in existing.items()),
                    *services,
                ),
                **self._stored(self.existing),
            )

    def _stored(self, job: str) -> dict[str, Any]:
        # Always few: an exporter offers some for each table, command or client.
        keeps = tuple(sorted(metric.name for metric in self.metrics(job)))
        return {"keeps": keeps, "metric_relabel": self.metric_relabel}


def _named(source: str, value: str, target: str, name: str) -> Relabel:
    return Relabel(source=(source,), regex=re.escape(value), target=target, replacement=name)


def expected(recording: str, replicas: Mapping[str, int]) -> tuple[Recording, ...]:
    """Recordings of the replicas that services must have."""
    return tuple(
        Recording(name=recording, expr=f"vector({number})", labels={"service": service})
        for service, number in sorted(replicas.items())
    )


def availability(name: str, up: str) -> Slo:
    """The objective of servers that answer, where ``up`` is what their exporters say of that."""
    return Slo(
        name=name,
        objective=Decimal("0.9995"),  # 22 minutes in 30 days: one failover, and the restart of an upgrade
        by=("instance",),
        events=events_of_gauge(up, ("instance",)),
        errors=f"sum by ({aggregated(('instance',))}) (1 - {up}) / {EVERY.seconds:.0f}",
        minimum_events=30,
        span=EVERY,
    )


def high_connections(name: str, subject: str, share: str) -> Alert:
    """The alert on servers whose clients use up their connections; ``share`` is PromQL for what is in use of them."""
    return Alert(
        name=name,
        value=share,
        # At 80 % one more deployment of a client may not fit. At 95 % the next pool that fills is refused.
        above={Severity.WARNING: 0.8, Severity.CRITICAL: 0.95},
        unit=Unit.RATIO,
        for_=Duration.parse("5m"),  # a rolling update of a client has twice its connections for less
        summary=f"A {subject} is almost out of connections.",
        description="Clients of {{ $labels.instance }} use {{ $value | humanizePercentage }} of its connections.",
    )


def mutes(source: Alert, *targets: Alert, of: str, **matchers: str) -> Inhibition:
    """``source``, with these labels, mutes the other alerts that are equal in the labels ``of``."""
    names = "|".join(alert.name for alert in targets if alert is not source)
    by = {"alertname": source.name, **matchers}
    return Inhibition(source=by, target={"alertname": names}, equal=("environment", *of.split(", ")))


def mutes_outside(down: Alert, slo: Slo, jobs: str) -> Iterator[Inhibition]:
    """A server that is down mutes its objective's alerts, and those on its exporter."""
    for target in ({"slo": slo.name}, {"alertname": "TargetDown", "job": jobs}):
        yield Inhibition(source={"alertname": down.name}, target=target, equal=("cluster", "environment", "instance"))
