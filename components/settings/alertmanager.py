"""Alertmanager and where it sends, as a stack file describes them."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from components.settings.base import DnsLabel, LabelName, LogLevel, Many, Model, Resources, Secret, Workload, resources
from components.settings.quantities import Bytes, Duration


class AlertmanagerSettings(Workload):
    """Groups, silences and delivers what Prometheus finds."""

    replicas: Annotated[int, Ge(1), Le(5)] = 1
    """Peers that gossip; one alert, one notification. Three survive the loss of a node during an upgrade."""
    resources: Resources = resources("50m", "64Mi", "256Mi")
    """Requests and limits."""
    storage: Bytes | None = Bytes.parse("2Gi")
    """Size of each replica's volume (silences, notification log); null forgets both with the pod."""
    retention: Duration = Duration.parse("120h")
    """How long silences and the notification log are kept after they end; Alertmanager's own default."""
    log_level: LogLevel = "info"
    """Least severe log line that is written."""


class Webhook(Model):
    """An HTTP endpoint that takes Alertmanager's JSON."""

    url_secret: Secret
    """Where the URL comes from: it is a secret, since whoever knows it can post."""
    port: Annotated[int, Ge(1), Le(65535)] = 443
    """Port of that URL: it is opened in the NetworkPolicy, which cannot read the secret."""
    send_resolved: bool = True
    """Whether the end of an alert is sent as well."""


class Receiver(Model):
    """Where notifications go."""

    name: DnsLabel
    """Name of the receiver, unique."""
    webhook: Webhook
    """The endpoint."""


class NotificationSettings(Model):
    """Who is told of an alert, and how notifications are bundled. Every receiver gets every alert."""

    receivers: Many[Receiver] = ()
    """Where notifications go; production needs one."""
    group_by: Many[LabelName] = ("alertname", "cluster", "namespace")
    """Labels whose values make one notification."""
    group_wait: Duration = Duration.parse("30s")
    """How long a first notification waits for company: a cascade arrives as one message."""
    group_interval: Duration = Duration.parse("5m")
    """How long before news of a group is sent."""
    repeat_interval: Duration = Duration.parse("4h")
    """How long before an unchanged group is sent again: often enough for a shift, too rare to be filtered."""
