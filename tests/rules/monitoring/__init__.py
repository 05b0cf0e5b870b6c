"""The alerts and recording rules over the stack itself, by example."""

from __future__ import annotations

from tests.rules.monitoring import (
    alertmanager,
    collector,
    grafana,
    logs,
    otel_agent,
    outside,
    prometheus,
    prometheus_data,
    promtail,
    recordings,
    targets,
    traces,
)

OWNER = "platform"
EXAMPLES = (
    *targets.EXAMPLES,
    *prometheus.EXAMPLES,
    *prometheus_data.EXAMPLES,
    *alertmanager.EXAMPLES,
    *collector.EXAMPLES,
    *logs.EXAMPLES,
    *promtail.EXAMPLES,
    *otel_agent.EXAMPLES,
    *traces.EXAMPLES,
    *grafana.EXAMPLES,
    *recordings.EXAMPLES,
    *outside.EXAMPLES,
)
