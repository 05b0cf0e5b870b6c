"""Alerts over the stack itself, each with the reason of its numbers."""

from __future__ import annotations

from rules.model import Group, Inhibition
from rules.monitoring.alerts import alertmanager, collector, grafana, logs, prometheus, prometheus_data, targets, traces
from rules.monitoring.scrape import JAEGER, SERVERS

GROUPS = (
    Group("monitoring", targets.ALERTS),
    Group("monitoring-prometheus", (*prometheus.ALERTS, *prometheus_data.ALERTS)),
    Group("monitoring-alertmanager", alertmanager.ALERTS),
    Group("monitoring-collector", collector.ALERTS),
    Group("monitoring-logs", logs.ALERTS),
    Group("monitoring-traces", traces.ALERTS),
)
OF_GRAFANA = Group("monitoring-grafana", grafana.ALERTS)
"""When the stack has its own."""

_STACK = ("cluster", "environment")
_POD = (*_STACK, "namespace", "pod")


def _gone(job: str, **target: str) -> Inhibition:
    """While no ``job`` answers, what follows from that tells nobody."""
    return Inhibition(source={"alertname": targets.SERVER_DOWN.name, "job": job}, target=target, equal=_STACK)


INHIBITIONS = (
    # A server that is gone, and each of its pods; the same server without any.
    Inhibition(
        source={"alertname": targets.SERVER_DOWN.name},
        target={"alertname": f"{targets.TARGET_DOWN.name}|{targets.WITHOUT_TARGETS.name}"},
        equal=(*_STACK, "job"),
    ),
    # A pod that does not answer, and what was last heard of it. (Two alerts without a pod would be of the same one.)
    Inhibition(
        source={"alertname": targets.TARGET_DOWN.name, "pod": ".+"},
        target={"alertname": "(Prometheus|Alertmanager|Collector|Loki|Jaeger).+"},
        equal=_POD,
    ),
    *(_gone(name, alertname=targets.PROBE_FAILS.name, instance=rf"http://{name}\..+") for name in (*SERVERS, JAEGER)),
    _gone("loki", alertname=f"{logs.PROMTAIL_BEHIND.name}|{logs.RING_UNHEALTHY.name}"),
    *(_gone(name, alertname=collector.STUCK.name, exporter=f".+/{name}") for name in ("loki", JAEGER)),
    # One cause, said twice.
    Inhibition(
        source={"alertname": prometheus.NO_ALERTMANAGER.name},
        target={"alertname": prometheus.UNDELIVERED.name},
        equal=_POD,
    ),
    Inhibition(
        source={"alertname": alertmanager.RELOAD_FAILED.name},
        target={"alertname": alertmanager.CONFIGS_DIFFER.name},
        equal=_STACK,
    ),
    Inhibition(
        source={"alertname": prometheus.RULES_SLOW.name, "severity": "critical"},
        target={"alertname": prometheus.RULES_MISSED.name},
        equal=(*_POD, "rule_group"),
    ),
    Inhibition(
        source={"alertname": collector.QUEUE_FILLS.name},
        target={"alertname": collector.STUCK.name},
        equal=(*_POD, "exporter"),
    ),
)
