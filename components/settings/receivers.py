"""Where notifications go, as a stack file describes it: one kind per receiver."""

from __future__ import annotations

from typing import Annotated, Self

from annotated_types import Len
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from components.settings.prometheus import BasicAuth
from model.quantities import Duration, HostPort, Url
from model.settings import DnsLabel, HostName, Many, Model, Port, Secret, Spelled

# Nothing that a template or a header could take for something else.
MailAddress = Annotated[str, Spelled(r"[^\s@\"'<>,;{}]+@[^\s@\"'<>,;{}]+", "a mail address like team@example.com")]
Channel = Annotated[
    str, Spelled(r"[#@]?[\w.-]{1,80}", 'a channel like "#alerts" (in quotes, or YAML takes it for a comment)')
]
SMTPS_PORT = 465
SHORTEST_HEARTBEAT = Duration.parse("10s")


def _unhurried(interval: Duration) -> Duration:
    # Alertmanager gives a delivery ten seconds, so a shorter interval would not keep its time.
    if interval < SHORTEST_HEARTBEAT:
        raise PydanticCustomError("heartbeat", f"a duration of at least {SHORTEST_HEARTBEAT}")
    return interval


class _Kind(Model):
    send_resolved: bool = True
    """Whether the end of an alert is sent as well."""


class Slack(_Kind):
    """Slack: an incoming webhook, or an app that posts to a channel."""

    url_secret: Secret | None = None
    """Where the URL of an incoming webhook comes from."""
    port: Port = 443
    """Port of that URL: it is opened in the NetworkPolicy, which cannot read the secret."""
    token_secret: Secret | None = None
    """Where an app's bot token (scope `chat:write`) comes from, instead of `urlSecret`."""
    channel: Channel | None = None
    """Channel to which the app posts; a webhook has its own."""
    api_url: Url = Url("https://slack.com/api/chat.postMessage")
    """Where the app posts."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.url_secret is None) == (self.token_secret is None):
            raise ValueError("urlSecret or tokenSecret: exactly one of them")
        if (self.token_secret is None) != (self.channel is None):
            raise ValueError("tokenSecret and channel belong together: give both or none")
        return self


class PagerDuty(_Kind):
    """PagerDuty, by the Events API v2."""

    routing_key_secret: Secret
    """Where the integration key of a service comes from."""
    api_url: Url = Url("https://events.pagerduty.com/v2/enqueue")
    """Where events go; `https://events.eu.pagerduty.com/v2/enqueue` for accounts in the EU."""


class Email(_Kind):
    """Mail, through a server of your own or your provider's."""

    to: Annotated[Many[MailAddress], Len(min_length=1)]
    """Who gets it."""
    from_: MailAddress = Field(alias="from")
    """Sender's address."""
    host: HostPort
    """Mail server and port."""
    hello: HostName | None = None
    """Name by which it greets the server; the domain of `from` when not given, since relays refuse `localhost`."""
    implicit_tls: bool | None = None
    """Whether TLS comes first, as with smtps, and not by STARTTLS; on port 465 only when not given."""
    user: str | None = None
    """User name; none logs in without."""
    password_secret: Secret | None = None
    """Where the password comes from."""
    require_tls: bool = True
    """Whether nothing is sent to a server that does not encrypt; with `implicitTls` nothing is in any case."""
    ca_secret: Secret | None = None
    """Certificate authority of the server, PEM; the system's when not given."""

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.user is None) != (self.password_secret is None):
            raise ValueError("user and passwordSecret belong together: give both or none")
        return self

    @property
    def greeting(self) -> str:
        """The name by which it greets the server."""
        return self.hello or self.from_.rpartition("@")[2]

    @property
    def is_encrypted(self) -> bool:
        """Whether nothing is sent in plain."""
        first = self.host.port == SMTPS_PORT if self.implicit_tls is None else self.implicit_tls
        return first or self.require_tls


class Webhook(_Kind):
    """An HTTP endpoint of your own, which takes Alertmanager's JSON."""

    url_secret: Secret
    """Where the URL comes from: it is a secret, since whoever knows it can post."""
    port: Port = 443
    """Port of that URL: it is opened in the NetworkPolicy, which cannot read the secret."""
    token_secret: Secret | None = None
    """Where a bearer token comes from; none is sent when not given."""
    basic_auth: BasicAuth | None = None
    """User name and password, instead of a token."""

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.token_secret and self.basic_auth:
            raise ValueError("tokenSecret or basicAuth: one of them at most")
        return self


class Discord(_Kind):
    """A channel of Discord."""

    url_secret: Secret
    """Where the URL of the channel's webhook comes from."""
    port: Port = 443
    """Port of that URL: it is opened in the NetworkPolicy, which cannot read the secret."""


class Teams(_Kind):
    """A channel or chat of Microsoft Teams, by a workflow."""

    url_secret: Secret
    """Where the URL of the workflow "Post to a channel when a webhook request is received" comes from."""
    port: Port = 443
    """Port of that URL: it is opened in the NetworkPolicy, which cannot read the secret."""


class Opsgenie(_Kind):
    """Opsgenie: critical alerts are P1, warnings P3, the rest P5."""

    api_key_secret: Secret
    """Where the key of an API integration comes from."""
    api_url: Url = Url("https://api.opsgenie.com/")
    """Where alerts go; `https://api.eu.opsgenie.com/` for accounts in the EU."""


class DeadMan(Model):
    """A service that raises the alarm when it is not called any more. It gets the alert Watchdog and nothing else."""

    url_secret: Secret
    """Where the URL that is called comes from."""
    port: Port = 443
    """Port of that URL: it is opened in the NetworkPolicy, which cannot read the secret."""
    interval: Annotated[Duration, AfterValidator(_unhurried)] = Duration.parse("1m")
    """How often it is called. Let the service wait at least three of these, so that one lost call wakes nobody."""


Kind = Slack | PagerDuty | Email | Webhook | Discord | Teams | Opsgenie | DeadMan


class Receiver(Model):
    """Where notifications go: a name, and exactly one kind."""

    name: DnsLabel
    """Name of the receiver, unique."""
    slack: Slack | None = None
    """Slack."""
    pagerduty: PagerDuty | None = None
    """PagerDuty."""
    email: Email | None = None
    """Mail."""
    webhook: Webhook | None = None
    """An endpoint of your own."""
    discord: Discord | None = None
    """Discord."""
    teams: Teams | None = None
    """Microsoft Teams."""
    opsgenie: Opsgenie | None = None
    """Opsgenie."""
    dead_man: DeadMan | None = None
    """A heartbeat: it needs no route, and may have none."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self._kinds) != 1:
            fields = type(self).model_fields
            kinds = [fields[name].alias or name for name in fields if name != "name"]
            raise ValueError(f"exactly one kind of {', '.join(kinds)}")
        return self

    @property
    def _kinds(self) -> list[Kind]:
        return [value for name, value in self if name != "name" and value is not None]

    @property
    def kind(self) -> Kind:
        """What it is."""
        (kind,) = self._kinds
        return kind
