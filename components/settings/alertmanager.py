"""Alertmanager, as a stack file describes it."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from model.quantities import Bytes, Duration, Url
from model.settings import LogLevel, Resources, Workload, resources


class AlertmanagerSettings(Workload):
    """Groups, silences and delivers the alerts of Prometheus."""

    replicas: Annotated[int, Ge(1), Le(5)] = 1
    """Number of peers. They gossip, so that one alert is notified once. Three survive the loss of a node during an
    upgrade."""
    resources: Resources = resources("50m", "64Mi", "256Mi")
    """Requests and limits."""
    storage: Bytes | None = Bytes.parse("2Gi")
    """Size of each replica's volume, which keeps silences and the notification log. With null, both are lost with the
    pod."""
    retention: Duration = Duration.parse("120h")
    """How long silences and the notification log are kept after they end. The default is Alertmanager's own."""
    log_level: LogLevel = "info"
    """Lowest level of the server's own log lines."""
    external_url: Url | None = None
    """URL of Alertmanager's web UI, if people can reach it; links in notifications use it. By default, the link that
    silences an alert leads to Grafana's page for this Alertmanager."""
