"""Receivers, as a stack file describes them: one kind per receiver."""

from __future__ import annotations

from typing import Annotated, Self

from annotated_types import Len
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from components.settings.client import BasicAuth, Header
from model.quantities import Duration, HostPort, Url
from model.settings import DnsLabel, HostName, Many, Model, Port, Secret, Spelled

# No characters with a meaning in templates or mail headers.
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
    """Whether to notify when an alert is resolved."""


class Slack(_Kind):
    """Slack: an incoming webhook, or an app that posts to a channel."""

    url_secret: Secret | None = None
    """Secret with the URL of an incoming webhook."""
    port: Port = 443
    """Port of that URL. The NetworkPolicy opens it, since the policy cannot be made from a secret."""
    token_secret: Secret | None = None
    """Secret with an app's bot token (scope `chat:write`), instead of `urlSecret`."""
    channel: Channel | None = None
    """Channel to which the app posts. A webhook has its own channel."""
    api_url: Url = Url("https://slack.com/api/chat.postMessage")
    """URL of Slack's API."""

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
    """Secret with the integration key of a service."""
    api_url: Url = Url("https://events.pagerduty.com/v2/enqueue")
    """URL of the Events API; `https://events.eu.pagerduty.com/v2/enqueue` for accounts in the EU."""


class Email(_Kind):
    """Mail, through a server of your own or your provider's."""

    to: Annotated[Many[MailAddress], Len(min_length=1)]
    """Recipients' addresses."""
    from_: MailAddress = Field(alias="from")
    """Sender's address."""
    host: HostPort
    """Mail server and port."""
    hello: HostName | None = None
    """Name in the EHLO command. The default is the domain of `from`, since relays refuse `localhost`."""
    implicit_tls: bool | None = None
    """Whether to use implicit TLS instead of STARTTLS. By default, only port 465 does."""
    user: str | None = None
    """User name. Without it, the client does not log in."""
    password_secret: Secret | None = None
    """Secret with the password."""
    require_tls: bool = True
    """Whether to refuse a server without TLS. With `implicitTls` such a server is always refused."""
    ca_secret: Secret | None = None
    """Secret with the server's certificate authority, PEM. By default, the system's authorities are used."""

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.user is None) != (self.password_secret is None):
            raise ValueError("user and passwordSecret belong together: give both or none")
        return self

    @property
    def greeting(self) -> str:
        """The name in the EHLO command."""
        return self.hello or self.from_.rpartition("@")[2]

    @property
    def is_encrypted(self) -> bool:
        """Whether a connection without TLS is refused."""
        first = self.host.port == SMTPS_PORT if self.implicit_tls is None else self.implicit_tls
        return first or self.require_tls


class Webhook(_Kind):
    """An HTTP endpoint of your own, which takes Alertmanager's JSON."""

    url_secret: Secret
    """Secret with the URL. It is a secret, since anybody who knows the URL can post."""
    port: Port = 443
    """Port of that URL. The NetworkPolicy opens it, since the policy cannot be made from a secret."""
    token_secret: Secret | None = None
    """Secret with a bearer token. By default, none is sent."""
    basic_auth: BasicAuth | None = None
    """User name and password, instead of a token."""
    headers: Many[Header] = ()
    """Further headers, such as Supabase's `apikey`."""

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.token_secret and self.basic_auth:
            raise ValueError("tokenSecret or basicAuth: one of them at most")
        if len({header.name.lower() for header in self.headers}) < len(self.headers):
            raise ValueError("headers: each name once")
        return self


class Discord(_Kind):
    """A channel of Discord."""

    url_secret: Secret
    """Secret with the URL of the channel's webhook."""
    port: Port = 443
    """Port of that URL. The NetworkPolicy opens it, since the policy cannot be made from a secret."""


class Teams(_Kind):
    """A channel or chat of Microsoft Teams, by a workflow."""

    url_secret: Secret
    """Secret with the URL of the workflow "Post to a channel when a webhook request is received"."""
    port: Port = 443
    """Port of that URL. The NetworkPolicy opens it, since the policy cannot be made from a secret."""


class Opsgenie(_Kind):
    """Opsgenie: critical alerts are P1, warnings P3, the rest P5."""

    api_key_secret: Secret
    """Secret with the key of an API integration."""
    api_url: Url = Url("https://api.opsgenie.com/")
    """URL of the API; `https://api.eu.opsgenie.com/` for accounts in the EU."""


class DeadMan(Model):
    """A dead man's switch: a service that raises an alarm when its calls stop. It gets only the alert Watchdog."""

    url_secret: Secret
    """Secret with the URL that Alertmanager calls."""
    port: Port = 443
    """Port of that URL. The NetworkPolicy opens it, since the policy cannot be made from a secret."""
    interval: Annotated[Duration, AfterValidator(_unhurried)] = Duration.parse("1m")
    """Time between calls. Let the service wait at least three intervals, so that one lost call wakes nobody."""


Kind = Slack | PagerDuty | Email | Webhook | Discord | Teams | Opsgenie | DeadMan


class Receiver(Model):
    """A receiver: a name, and exactly one kind."""

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
    """A dead man's switch. No route may refer to it."""

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
        """The kind that is set."""
        (kind,) = self._kinds
        return kind
