"""Every field of the receivers of an AlertmanagerConfig."""

from __future__ import annotations

from typing import Any

from tests.adopt.shapes import SECRET
from tests.adopt.shared_fields import LOGIN, PROXY, TLS, below

HTTP = below(
    "httpConfig",
    {
        **LOGIN,
        **PROXY,
        "bearerTokenSecret": SECRET,
        "enableHttp2": False,
        "followRedirects": False,
        "proxyURL": "http://proxy:3128",
        "tlsConfig": {"insecureSkipVerify": True},
    },
)
_LISTED = [{"a": "b"}]
RECEIVERS: dict[str, dict[str, Any]] = {
    "discordConfigs[]": {
        **HTTP,
        **dict.fromkeys(("avatarURL", "content", "message", "title", "username"), "a"),
        "apiURL": SECRET,
    },
    "emailConfigs[]": {
        **dict.fromkeys(("authIdentity", "hello", "html", "text"), "a"),
        "authUsername": "a",
        "authPassword": SECRET,
        "authSecret": SECRET,
        "forceImplicitTLS": True,
        "from": "b@example.com",
        "headers": _LISTED,
        "requireTLS": False,
        "smarthost": "other:25",
        "threading": {"enabled": True},
        **TLS,
        "to": "b@example.com",
    },
    "msteamsv2Configs[]": {**HTTP, **dict.fromkeys(("text", "title"), "a"), "webhookURL": SECRET},
    "opsgenieConfigs[]": {
        **HTTP,
        **dict.fromkeys(("actions", "description", "entity", "message", "note", "priority", "source", "tags"), "a"),
        "apiKey": SECRET,
        "apiURL": "https://api.eu.opsgenie.com/",
        "details": _LISTED,
        "responders": _LISTED,
        "updateAlerts": True,
    },
    "pagerdutyConfigs[]": {
        **HTTP,
        **dict.fromkeys(("class", "client", "clientURL", "component", "description", "group", "severity"), "a"),
        **dict.fromkeys(("details", "pagerDutyImageConfigs", "pagerDutyLinkConfigs"), _LISTED),
        "routingKey": SECRET,
        "serviceKey": SECRET,
        "source": "a",
        "timeout": "7s",
        "url": "https://events.eu.pagerduty.com/v2/enqueue",
    },
    "slackConfigs[]": {
        **HTTP,
        **dict.fromkeys(("callbackId", "channel", "color", "fallback", "footer", "iconEmoji", "iconURL", "text"), "a"),
        **dict.fromkeys(("imageURL", "messageText", "pretext", "thumbURL", "title", "titleLink", "username"), "a"),
        **dict.fromkeys(("actions", "fields", "mrkdwnIn"), _LISTED),
        **dict.fromkeys(("linkNames", "shortFields", "updateMessage"), True),
        "apiURL": {**SECRET, "name": "other"},
        "timeout": "7s",
    },
    "webhookConfigs[]": {
        **HTTP,
        "maxAlerts": 7,
        "payload": "a",
        "timeout": "7s",
        "url": "http://hook:7",
        "urlSecret": SECRET,
    },
}
OTHER_RECEIVERS = ("msteams", "pushover", "rocketchat", "sns", "telegram", "victorops", "webex", "wechat")
