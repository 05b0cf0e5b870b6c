"""Alertmanager, as a stack file describes it."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from model.quantities import Bytes, Duration, Url
from model.settings import LogLevel, Resources, Workload, resources


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
    external_url: Url | None = None
    """Where people open Alertmanager's own pages, if something lets them in: links in notifications lead there. When
    not given, the link that silences an alert leads to Grafana's page for this Alertmanager."""
