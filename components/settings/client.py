"""How a server of the stack logs in to another one over HTTP, as a stack file describes it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError

from model.settings import Model, Secret, Spelled

_OTHERWISE = {
    "authorization": "basicAuth or bearerTokenSecret",
    "host": "the host of the address",
    **dict.fromkeys(
        (
            *("accept-encoding", "connection", "content-encoding", "content-length", "content-type", "keep-alive"),
            *("proxy-authenticate", "proxy-authorization", "user-agent", "www-authenticate"),
            *("x-prometheus-remote-read-version", "x-prometheus-remote-write-version"),
            *("x-prometheus-scrape-timeout-seconds", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"),
        ),
        "another header: the server sets this one itself",
    ),
}
"""Headers that Prometheus refuses to send, and Alertmanager sets, and what there is in their place."""


def _free(name: str) -> str:
    if instead := _OTHERWISE.get(name.lower()):
        raise PydanticCustomError("header", "{expected}", {"expected": instead})
    return name


HeaderName = Annotated[
    str,
    Spelled(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", "the name of a header like X-API-Key"),
    AfterValidator(_free),
]


class BasicAuth(Model):
    """HTTP basic authentication."""

    username: str
    """User name."""
    password_secret: Secret
    """Secret with the password."""


class Header(Model):
    """A header with a secret, such as an API key."""

    name: HeaderName
    """Name of the header, like X-API-Key."""
    value_secret: Secret
    """Secret with its value."""


class Tls(Model):
    """TLS towards a remote end."""

    ca_secret: Secret | None = None
    """Certificate authority, PEM; the system's when not given."""
    cert_secret: Secret | None = None
    """Client certificate, PEM."""
    key_secret: Secret | None = None
    """Client key, PEM."""
    server_name: str | None = None
    """Name in the server's certificate, if it differs from the URL's host."""

    @model_validator(mode="after")
    def _whole_pair(self) -> Self:
        if (self.cert_secret is None) != (self.key_secret is None):
            raise ValueError("certSecret and keySecret belong together: give both or none")
        return self


class Client(Model):
    """Login and certificates towards a remote end."""

    basic_auth: BasicAuth | None = None
    """User and password; at most one of this, `bearerTokenSecret` and `header`."""
    bearer_token_secret: Secret | None = None
    """Secret with the bearer token."""
    header: Header | None = None
    """Header with an API key."""
    tls: Tls = Tls()
    """TLS certificates."""

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        given = {"basicAuth": self.basic_auth, "bearerTokenSecret": self.bearer_token_secret, "header": self.header}
        names = [name for name, login in given.items() if login is not None]
        if len(names) > 1:
            raise ValueError(f"one of {', '.join(given)}, not {' and '.join(names)}")
        return self

    @property
    def logs_in(self) -> bool:
        """Whether a password, token or key is sent with each request."""
        return any((self.basic_auth, self.bearer_token_secret, self.header))
