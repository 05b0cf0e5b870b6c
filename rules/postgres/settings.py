"""The settings of PostgreSQL: the servers, how to reach them, and which belong together."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Ge, Le, Len
from pydantic import model_validator

from model.quantities import HostPort
from model.settings import Model, Resources, Secret, Spelled, misfit, resources

Name = Annotated[
    str,
    Spelled(r"[a-z]([-a-z0-9]{0,28}[a-z0-9])?", "a name of at most 30 lower-case letters, digits and dashes"),
]
Identifier = Annotated[
    str, Spelled(r"[A-Za-z0-9_.@-]{1,63}", "a PostgreSQL name of at most 63 letters, digits and _ . @ -")
]


class PostgresServer(Model):
    """A PostgreSQL server: `address` and `passwordSecret` for an exporter of this stack, or an existing `exporter`."""

    address: HostPort | None = None
    """Address of the server, inside or outside the cluster. The network policy opens its port."""
    password_secret: Secret | None = None
    """Secret with the password of `user`."""
    user: Identifier = "exporter"
    """Role that the exporter logs in as; it needs `pg_monitor`."""
    database: Identifier = "postgres"
    """Database that the exporter connects to. Its statistics are of all databases."""
    ssl_mode: Literal["disable", "require", "verify-full"] = "verify-full"
    """TLS of the connection: none, encryption, or encryption with a certificate that is valid for the host."""
    ca_secret: Secret | None = None
    """Secret with the server's certificate authority, PEM. By default, the system's authorities are used."""
    tables: bool = False
    """Whether dead rows are counted: one series for each table of `database`."""
    exporter: HostPort | None = None
    """Address of an existing exporter of this server, which is scraped over HTTP."""
    service: Name | None = None
    """Database of which this server is the primary or a replica: the label `service`. The default is its own name."""

    @model_validator(mode="after")
    def _one_exporter(self) -> Self:
        if (self.address is None) == (self.exporter is None):
            raise ValueError("address or exporter: exactly one of them")
        if (self.address is None) != (self.password_secret is None):
            raise ValueError("address and passwordSecret: both, or none beside an existing exporter")
        return self


class PostgresSettings(Model):
    """The `postgres` system."""

    servers: Annotated[dict[Name, PostgresServer], Len(1, 50)]
    """Servers by name, the label `instance`."""
    replicas: dict[Name, Annotated[int, Ge(1), Le(20)]] = {}
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
