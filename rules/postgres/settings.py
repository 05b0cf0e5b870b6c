"""The settings of PostgreSQL: the servers, how to reach them, and which belong together."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from model.settings import Secret, Spelled
from rules.stores import Store, Stores

Identifier = Annotated[
    str, Spelled(r"[A-Za-z0-9_.@-]{1,63}", "a PostgreSQL name of at most 63 letters, digits and _ . @ -")
]


class PostgresServer(Store):
    """A PostgreSQL server: `address` and `passwordSecret` for an exporter of this stack, or an existing `exporter`."""

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

    @model_validator(mode="after")
    def _password(self) -> Self:
        if (self.address is None) != (self.password_secret is None):
            raise ValueError("address and passwordSecret: both, or none beside an existing exporter")
        return self


class PostgresSettings(Stores[PostgresServer]):
    """The `postgres` system."""
