"""The servers of the stack; those of a system are its exporters."""

from __future__ import annotations

from model.flows import Agent, Server

PROMETHEUS = Server("prometheus")
ALERTMANAGER = Server("alertmanager")
COLLECTOR = Server("otel-collector")
JAEGER = Server("jaeger")
LOKI = Server("loki")
PROMTAIL = Agent("promtail")
OTEL_AGENT = Agent("otel-agent")
GRAFANA = Server("grafana")
