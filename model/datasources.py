"""The uids of the datasources: what panels, rules and links name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Datasource:
    """A datasource by the name that Grafana knows it under."""

    uid: str
    type: str
    name: str


PROMETHEUS = Datasource("prometheus", "prometheus", "Prometheus")
LOKI = Datasource("loki", "loki", "Loki")
JAEGER = Datasource("jaeger", "jaeger", "Jaeger")
ALERTMANAGER = Datasource("alertmanager", "alertmanager", "Alertmanager")

ALL = (PROMETHEUS, LOKI, JAEGER, ALERTMANAGER)
