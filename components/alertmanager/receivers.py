"""Each kind of receiver in Alertmanager's configuration. Every secret is a file."""

from __future__ import annotations

from typing import Any

from components.settings.client import Header
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
from model.settings import Secret

SECRETS = "/etc/alertmanager/secrets"
_LINKS = {"link": "Incident", "runbook": "Runbook", "dashboard": "Dashboard", "silence": "Silence"}
"""The links of an incident in PagerDuty: template to text."""


def plain(receiver: Receiver) -> dict[str, Any]:
    """A receiver with its one integration."""
    kind, files = receiver.kind, {part: f"{SECRETS}/{receiver.name}-{part}" for part in _secrets(receiver)}
    match kind:
        case Slack():
            integration, config = "slack_configs", _slack(kind, files)
        case PagerDuty():
            integration, config = "pagerduty_configs", _pagerduty(kind, files)
        case Email():
            integration, config = "email_configs", _email(kind, files)
        case Webhook():
            integration, config = "webhook_configs", {"url_file": files["url"], **_login(kind, files)}
        case Discord():
            integration = "discord_configs"
            config = {"webhook_url_file": files["url"], "title": _use("title"), "message": _use("markdown")}
        case Teams():
            integration = "msteamsv2_configs"
            config = {"webhook_url_file": files["url"], "title": _use("title"), "text": _use("markdown")}
        case Opsgenie():
            integration, config = "opsgenie_configs", _opsgenie(kind, files)
        case DeadMan():
            # A heartbeat ends by the absence of calls; a call about its end would look like another heartbeat.
            return {
                "name": receiver.name,
                "webhook_configs": [{"url_file": files["url"], "max_alerts": 1, "send_resolved": False}],
            }
    return {"name": receiver.name, integration: [{**config, "send_resolved": kind.send_resolved}]}


def secrets(receiver: Receiver) -> dict[str, Secret]:
    """Secrets as files: file name below SECRETS to source."""
    return {f"{receiver.name}-{part}": source for part, source in _secrets(receiver).items()}


def _secrets(receiver: Receiver) -> dict[str, Secret]:
    kind = receiver.kind
    given: dict[str, Secret | None]
    match kind:
        case Slack():
            given = {"url": kind.url_secret, "token": kind.token_secret}
        case PagerDuty():
            given = {"routing-key": kind.routing_key_secret}
        case Email():
            given = {"password": kind.password_secret, "ca": kind.ca_secret}
        case Webhook():
            password = kind.basic_auth.password_secret if kind.basic_auth else None
            headers = {_file(header): header.value_secret for header in kind.headers}
            given = {"url": kind.url_secret, "token": kind.token_secret, "password": password, **headers}
        case Opsgenie():
            given = {"api-key": kind.api_key_secret}
        case Discord() | Teams() | DeadMan():
            given = {"url": kind.url_secret}
    return {part: source for part, source in given.items() if source is not None}


def _use(template: str) -> str:
    """A template action that inserts one of our templates."""
    return f'{{{{ template "notify.{template}" . }}}}'


def _slack(slack: Slack, files: dict[str, str]) -> dict[str, Any]:
    way = (
        {"api_url_file": files["url"]}
        if slack.url_secret
        else {"app_token_file": files["token"], "app_url": str(slack.api_url), "channel": slack.channel}
    )
    return {
        **way,
        "username": "",  # the app's own: another name needs a further scope
        "color": _use("color"),
        "title": _use("title"),
        "title_link": _use("link"),
        "text": _use("slack"),
        "fallback": _use("title"),
    }


def _pagerduty(pagerduty: PagerDuty, files: dict[str, str]) -> dict[str, Any]:
    return {
        "routing_key_file": files["routing-key"],
        "url": str(pagerduty.api_url),
        "client": _use("client"),
        "client_url": _use("link"),
        "description": _use("title"),
        "severity": _use("pagerduty.severity"),
        "source": _use("source"),
        "class": _use("name"),
        "component": _use("system"),
        "group": _use("namespace"),
        # The first two are always present, and would be JSON.
        "details": {"firing": _use("pagerduty.firing"), "resolved": _use("pagerduty.resolved")},
        "links": [{"href": _use(link), "text": words} for link, words in _LINKS.items()],
    }


def _email(email: Email, files: dict[str, str]) -> dict[str, Any]:
    login = {"auth_username": email.user, "auth_password_file": files["password"]} if email.user else {}
    return {
        "to": ", ".join(email.to),
        "from": email.from_,
        "smarthost": str(email.host),
        "hello": email.greeting,
        **login,
        "require_tls": email.require_tls,
        **({} if email.implicit_tls is None else {"force_implicit_tls": email.implicit_tls}),
        **({"tls_config": {"ca_file": files["ca"]}} if email.ca_secret else {}),
        "headers": {"Subject": _use("title")},
        "text": _use("text"),
        "html": _use("html"),
        # One conversation per group, which has the message about its end too.
        "threading": {"enabled": True, "thread_by_date": "none"},
    }


def _file(header: Header) -> str:
    return f"header-{header.name.lower()}"


def _login(webhook: Webhook, files: dict[str, str]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if webhook.token_secret:
        config["authorization"] = {"type": "Bearer", "credentials_file": files["token"]}
    if webhook.basic_auth:
        config["basic_auth"] = {"username": webhook.basic_auth.username, "password_file": files["password"]}
    if webhook.headers:
        config["http_headers"] = {header.name: {"files": [files[_file(header)]]} for header in webhook.headers}
    return {"http_config": config} if config else {}


def _opsgenie(opsgenie: Opsgenie, files: dict[str, str]) -> dict[str, Any]:
    return {
        "api_key_file": files["api-key"],
        "api_url": str(opsgenie.api_url),
        "message": _use("title"),
        "description": _use("text"),
        "source": _use("source"),
        "entity": _use("namespace"),
        "tags": _use("opsgenie.tags"),
        "priority": _use("opsgenie.priority"),
    }
