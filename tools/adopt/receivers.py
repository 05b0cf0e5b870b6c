"""Receivers of Alertmanager as receivers of a stack file: one for each integration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from components.settings.receivers import Receiver
from tools.adopt import client
from tools.adopt.notes import Fields, filled, slug, unique
from tools.adopt.trial import refused

_TEXT = "the stack writes messages itself: docs/notifications.md"
_KINDS = "the stack has slack, pagerduty, email, webhook, discord, teams and opsgenie: a webhook can pass messages on"
_REASONS: Mapping[str, str] = {
    **client.REASONS,
    **dict.fromkeys(
        (
            *("actions", "avatarURL", "callbackId", "class", "client", "clientURL", "color", "component", "content"),
            *("description", "details", "entity", "fallback", "fields", "footer", "group", "headers", "html"),
            *("iconEmoji", "iconURL", "imageURL", "linkNames", "message", "messageText", "mrkdwnIn", "note", "payload"),
            *("pagerDutyImageConfigs", "pagerDutyLinkConfigs", "images", "links", "pretext", "priority", "severity"),
            *("shortFields", "source", "summary", "tags", "text", "threading", "thumbURL", "title", "titleLink"),
            *("updateAlerts", "updateMessage", "username"),
        ),
        _TEXT,
    ),
    "authIdentity": "the stack logs in with user and password",
    "authSecret": "the stack logs in with user and password, not by CRAM-MD5",
    "maxAlerts": "a message has every alert of its group",
    "timeout": "a delivery has ten seconds",
    "responders": "set them in the integration of Opsgenie",
    "serviceKey": "it is of PagerDuty's first API: make an integration of the Events API v2",
    "channel": "a webhook has its own channel: an app with a token can choose one",
    "tlsConfig": "the system's authorities are used, and no client certificate",
}
_LOST = {
    **dict.fromkeys(
        (
            *("pushoverConfigs", "rocketchatConfigs", "snsConfigs", "telegramConfigs", "victoropsConfigs"),
            *("webexConfigs", "wechatConfigs", "jiraConfigs", "incidentioConfigs", "mattermostConfigs"),
        ),
        _KINDS,
    ),
    "msteamsConfigs": "Microsoft ended these connectors: make a workflow, and a receiver of the kind teams",
}


@dataclass(frozen=True)
class Around:
    """Where a receiver is from."""

    name: str

    namespace: str
    """Of its Secrets."""
    general: Fields
    """The section ``global``."""


def receiver(given: Fields, prefix: str, namespace: str, general: Fields, made: dict[str, dict[str, Any]]) -> list[str]:
    """Adds a receiver for each integration to ``made``, by name; the names are the result."""
    name = given.text("name")
    around = Around(name, namespace, general)
    added = []
    for field, (kind, read) in _READ.items():
        for part in given.parts(field):
            its = read(part, around)
            if kind != "webhook":  # which has read it
                part.part("httpConfig").rest(_REASONS, client.DEFAULTS)
            part.rest(_REASONS)
            ours = unique(slug(f"{prefix}-{name}") or kind, made)
            wrong = refused(Receiver, {"name": ours, kind: its})
            if wrong:
                part.lost(f"{wrong}: correct it, and run this again")
            else:
                made[ours] = {"name": ours, kind: its}
                added.append(ours)
    for field, why in _LOST.items():
        if given.take(field):
            given.notes.lost(given.at(field), why)
    given.rest()
    return added


def dead_man(made: Mapping[str, Any]) -> dict[str, Any] | None:
    """The receiver as a dead man, if it is a webhook without a login."""
    hook = dict(made.get("webhook", {}))
    hook.pop("sendResolved", None)
    return {"name": made["name"], "deadMan": hook} if hook.keys() <= {"urlSecret", "port"} and hook else None


def _secret(given: Fields, field: str, around: Around, general: str = "") -> str | None:
    """Of the integration, else of the section ``global``."""
    own = client.secret(given, field, around.namespace, called=around.name)
    return own or (client.secret(around.general, general, around.namespace) if general else None)


def _resolved(given: Fields, default: bool) -> dict[str, bool]:
    """``sendResolved`` where it is not ours by default."""
    sends = given.take("sendResolved")
    return {} if (default if sends is None else bool(sends)) else {"sendResolved": False}


def _url(given: Fields, field: str, around: Around, general: str = "") -> dict[str, Any]:
    """``urlSecret``, and ``port`` if the URL can be seen and has another one."""
    raw = given.given.get(field) or around.general.given.get(general)
    key = _secret(given, field, around, general)
    if key is None and general:
        key = given.notes.secret((around.namespace, general), f"{general} of the old Alertmanager")
    parts = urlsplit(raw if isinstance(raw, str) else "")
    port = parts.port or (80 if parts.scheme == "http" else 443)
    return {"urlSecret": key, **({} if port == 443 else {"port": port})}


def _slack(given: Fields, around: Around) -> dict[str, Any]:
    if token := _secret(given, "appToken", around, "slackAppToken"):
        return {"tokenSecret": token, "channel": given.text("channel"), **_resolved(given, default=False)}
    return {**_url(given, "apiURL", around, "slackApiURL"), **_resolved(given, default=False)}


def _pagerduty(given: Fields, around: Around) -> dict[str, Any]:
    url = given.text("url") or around.general.text("pagerdutyURL")
    key = _secret(given, "routingKey", around)
    return {**filled(routingKeySecret=key, apiUrl=url), **_resolved(given, default=True)}


def _email(given: Fields, around: Around) -> dict[str, Any]:
    def either(own: str, general: str) -> str:
        return given.text(own) or around.general.text(general)

    user = either("authUsername", "smtpAuthUsername")
    password = _secret(given, "authPassword", around, "smtpAuthPassword")
    if bool(user) != bool(password):
        field = "authUsername" if user else "authPassword"
        given.notes.without(given.at(field), "a user and a password belong together, and the other is not given")
    tls = client.tls(given.part("tlsConfig"), around.namespace, secure=True)
    for name in sorted(tls.keys() - {"caSecret"}):
        given.notes.without(given.at(f"tlsConfig.{name}"), "the server's certificate is checked for its host name")
    required = either("requireTLS", "smtpRequireTLS")
    return {
        "to": [each.strip() for each in given.text("to").split(",") if each.strip()],
        "from": either("from", "smtpFrom"),
        "host": either("smarthost", "smtpSmarthost"),
        **filled(
            hello=either("hello", "smtpHello"),
            user=user if password else "",
            passwordSecret=password if user else "",
            implicitTls=given.take("forceImplicitTLS"),
            caSecret=tls.get("caSecret"),
        ),
        **({"requireTls": False} if required == "false" else {}),
        **_resolved(given, default=False),
    }


def _webhook(given: Fields, around: Around) -> dict[str, Any]:
    secret = "urlSecret" if given.given.get("urlSecret") else "url"
    http = given.part("httpConfig")
    login = client.login(http, around.namespace, around.name)
    http.rest(_REASONS, client.DEFAULTS)
    made = {**_url(given, secret, around), **_resolved(given, default=True)}
    return {
        **made,
        **filled(tokenSecret=login.get("bearerTokenSecret"), basicAuth=login.get("basicAuth")),
    }


def _discord(given: Fields, around: Around) -> dict[str, Any]:
    field = "webhookURL" if given.given.get("webhookURL") else "apiURL"
    return {**_url(given, field, around), **_resolved(given, default=True)}


def _teams(given: Fields, around: Around) -> dict[str, Any]:
    return {**_url(given, "webhookURL", around), **_resolved(given, default=True)}


def _opsgenie(given: Fields, around: Around) -> dict[str, Any]:
    url = given.text("apiURL") or around.general.text("opsgenieApiURL")
    key = _secret(given, "apiKey", around, "opsgenieApiKey")
    return {**filled(apiKeySecret=key, apiUrl=url), **_resolved(given, default=True)}


_READ: Mapping[str, tuple[str, Callable[[Fields, Around], dict[str, Any]]]] = {
    "slackConfigs": ("slack", _slack),
    "pagerdutyConfigs": ("pagerduty", _pagerduty),
    "emailConfigs": ("email", _email),
    "webhookConfigs": ("webhook", _webhook),
    "discordConfigs": ("discord", _discord),
    "msteamsv2Configs": ("teams", _teams),
    "opsgenieConfigs": ("opsgenie", _opsgenie),
}
