"""The datasources and their uids, which panels, rules and links refer to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Datasource:
    """A datasource, identified by its uid in Grafana."""

    uid: str
    type: str
    name: str


PROMETHEUS = Datasource("prometheus", "prometheus", "Prometheus")
LOKI = Datasource("loki", "loki", "Loki")
JAEGER = Datasource("jaeger", "jaeger", "Jaeger")
ALERTMANAGER = Datasource("alertmanager", "alertmanager", "Alertmanager")

ALL = (PROMETHEUS, LOKI, JAEGER, ALERTMANAGER)
