"""Each kind of receiver as a contact point of Grafana. Pure: secrets are references."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.settings.receivers import (
    DeadMan,
    Discord,
    Email,
    Opsgenie,
    PagerDuty,
    Receiver,
    Slack,
    Teams,
    Webhook,
)


@dataclass(frozen=True)
class ContactPoint:
    """A name, and one integration with the provider's keys: ``slacks=[settings]``."""

    name: str
    integration: str
    settings: dict[str, Any]
    """Settings of the integration. A ConfigSecret stands for its value. Keys that Grafana leaves out of its answers are
    absent."""


def contact_point(receiver: Receiver) -> ContactPoint:
    """The integration for the same service as in Alertmanager, with the same texts; TypeError for a dead man."""
    match kind := receiver.kind:
        case Slack():
            integration, settings = "slacks", _slack(kind)
        case PagerDuty():
            integration, settings = "pagerduties", _pagerduty(kind)
        case Email():
            integration = "emails"
            # Grafana's own mail server and sender replace the receiver's.
            settings = {
                "addresses": list(kind.to),
                "single_email": True,
                "subject": _use("title"),
                "message": _use("text"),
            }
        case Webhook():
            integration, settings = "webhooks", _webhook(kind)
        case Discord():
            integration = "discords"
            settings = {
                "url": kind.url_secret,
                "use_discord_username": True,  # the webhook's own name, as from Alertmanager
                "title": _use("title"),
                "message": _use("markdown"),
            }
        case Teams():
            integration = "teams"
            settings = {"url": kind.url_secret, "title": _use("title"), "message": _use("markdown")}
        case Opsgenie():
            integration, settings = "opsgenies", _opsgenie(kind)
        case DeadMan():
            raise TypeError(f"{receiver.name}: a dead man is called by Alertmanager alone")
    return ContactPoint(receiver.name, integration, {**settings, "disable_resolve_message": not kind.send_resolved})


def _use(template: str) -> str:
    """A template action that inserts one of the templates that Alertmanager has as well."""
    return f'{{{{ template "notify.{template}" . }}}}'


def _slack(slack: Slack) -> dict[str, Any]:
    way = (
        {"url": slack.url_secret}
        if slack.url_secret
        else {"token": slack.token_secret, "endpoint_url": str(slack.api_url), "recipient": slack.channel}
    )
    return {**way, "color": _use("color"), "title": _use("title"), "text": _use("slack")}


def _pagerduty(pagerduty: PagerDuty) -> dict[str, Any]:
    return {
        "integration_key": pagerduty.routing_key_secret,
        "url": str(pagerduty.api_url),
        "client_url": _use("link"),
        "summary": _use("title"),
        "severity": _use("pagerduty.severity"),
        "source": _use("source"),
        "class_": _use("name"),
        "component": _use("system"),
        "group": _use("namespace"),
        "details": {"firing": _use("pagerduty.firing"), "resolved": _use("pagerduty.resolved")},
    }


def _webhook(webhook: Webhook) -> dict[str, Any]:
    login: dict[str, Any] = {}
    if webhook.token_secret:
        login = {"authorization_scheme": "Bearer", "authorization_credentials": webhook.token_secret}
    elif webhook.basic_auth:
        login = {
            "basic_auth_user": webhook.basic_auth.username,
            "basic_auth_password": webhook.basic_auth.password_secret,
        }
    if webhook.headers:
        login["headers"] = {header.name: header.value_secret for header in webhook.headers}
    return {"url": webhook.url_secret, "http_method": "POST", **login, "title": _use("title"), "message": _use("text")}


def _opsgenie(opsgenie: Opsgenie) -> dict[str, Any]:
    return {
        "api_key": opsgenie.api_key_secret,
        "url": f"{str(opsgenie.api_url).rstrip('/')}/v2/alerts",
        "auto_close": True,
        # Grafana reads a priority only from an annotation of the alert.
        "override_priority": True,
        "message": _use("title"),
        "description": _use("text"),
    }
