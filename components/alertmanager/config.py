"""What Alertmanager reads. Pure: values in, texts out."""

from __future__ import annotations

from typing import Any

from components.settings.alertmanager import NotificationSettings
from components.settings.base import Secret
from components.yaml_text import text

SECRETS = "/etc/alertmanager/secrets"
RECEIVER = "everyone"


def files(notifications: NotificationSettings) -> dict[str, dict[str, str]]:
    """Everything below ``/etc/alertmanager``: directory to files, name to text."""
    return {"config": {"alertmanager.yml": text(alertmanager_yml(notifications))}}


def alertmanager_yml(notifications: NotificationSettings) -> dict[str, Any]:
    """One route to all receivers."""
    webhooks = [
        {"url_file": f"{SECRETS}/{receiver.name}-url", "send_resolved": receiver.webhook.send_resolved}
        for receiver in notifications.receivers
    ]
    return {
        "route": {
            "receiver": RECEIVER,
            "group_by": list(notifications.group_by),
            "group_wait": str(notifications.group_wait),
            "group_interval": str(notifications.group_interval),
            "repeat_interval": str(notifications.repeat_interval),
        },
        "receivers": [{"name": RECEIVER, **({"webhook_configs": webhooks} if webhooks else {})}],
    }


def secrets(notifications: NotificationSettings) -> dict[str, Secret]:
    """File below SECRETS to its source."""
    return {f"{receiver.name}-url": receiver.webhook.url_secret for receiver in notifications.receivers}
