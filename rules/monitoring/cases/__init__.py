"""The alerts and recording rules over the stack itself, tried."""

from __future__ import annotations

from rules.monitoring.cases import (
    alertmanager,
    collector,
    grafana,
    logs,
    prometheus,
    prometheus_data,
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
    *traces.CASES,
    *grafana.CASES,
)
VALUES = recordings.VALUES
