"""What the stack's own servers say of themselves, as far as rules and panels ask for it."""

from __future__ import annotations

from rules.metrics import Metrics

_PROMETHEUS = Metrics("prometheus")

METRICS = (
    _PROMETHEUS.gauge("prometheus_config_last_reload_successful"),
    _PROMETHEUS.counter("prometheus_rule_evaluation_failures_total", "rule_group"),
    _PROMETHEUS.gauge("prometheus_notifications_alertmanagers_discovered"),
)
