"""The alerts and recording rules over the stack itself, tried."""

from __future__ import annotations

from rules.monitoring.cases import (
    alertmanager,
    collector,
    grafana,
    logs,
    otel_agent,
    prometheus,
    prometheus_data,
    promtail,
    recordings,
    targets,
    traces,
)

CASES = (
    *targets.CASES,
    *prometheus.CASES,
    *prometheus_data.CASES,
    *alertmanager.CASES,
    *collector.CASES,
    *logs.CASES,
    *promtail.CASES,
    *otel_agent.CASES,
    *traces.CASES,
    *grafana.CASES,
)
VALUES = recordings.VALUES
