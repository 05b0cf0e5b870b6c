"""Alerts on the stack itself; comments give the reason for each number."""

from __future__ import annotations

from model.quantities import Duration
from model.rules import SELDOM, Group, Inhibition
from rules.monitoring.alerts import (
    alertmanager,
    collector,
    grafana,
    logs,
    otel_agent,
    prometheus,
    prometheus_data,
    promtail,
    targets,
    traces,
)
from rules.monitoring.scrape import JAEGER, SERVERS

# The `for` of their alerts is five minutes, or their windows are a quarter of an hour.
_EVERY = Duration.parse("1m")
GROUPS = (
    Group("monitoring", targets.ALERTS),
    # Their windows are hours, or their `for` is ten minutes or more.
    Group(
        "monitoring-slow", (*targets.SLOW, *prometheus_data.SLOW, *alertmanager.SLOW, *logs.SLOW, *traces.SLOW), SELDOM
    ),
    Group("monitoring-prometheus", (*prometheus.ALERTS, *prometheus_data.ALERTS), _EVERY),
    Group("monitoring-alertmanager", alertmanager.ALERTS, _EVERY),
    Group("monitoring-collector", collector.ALERTS, _EVERY),
    Group("monitoring-logs", logs.ALERTS, _EVERY),
    Group("monitoring-traces", traces.ALERTS, _EVERY),
)
OF_GRAFANA = Group("monitoring-grafana", grafana.ALERTS, _EVERY)
"""The group for a Grafana that the stack deploys."""
# One collector per node.
OF_PROMTAIL = Group("monitoring-promtail", promtail.ALERTS, Duration.parse("2m"))
OF_AGENT = Group("monitoring-otel-agent", otel_agent.ALERTS, Duration.parse("2m"))
"""The stack has one of the last two, depending on its log collector."""

_STACK = ("cluster", "environment")
_POD = (*_STACK, "namespace", "pod")


def _gone(job: str, **target: str) -> Inhibition:
    """While no target of ``job`` answers, alerts that match ``target`` notify nobody."""
    return Inhibition(source={"alertname": targets.SERVER_DOWN.name, "job": job}, target=target, equal=_STACK)


INHIBITIONS = (
    # A server that is down, its pods that do not answer, and its scrape job without targets.
    Inhibition(
        source={"alertname": targets.SERVER_DOWN.name},
        target={"alertname": f"{targets.TARGET_DOWN.name}|{targets.WITHOUT_TARGETS.name}"},
        equal=(*_STACK, "job"),
    ),
    # A pod that does not answer, and alerts on its last samples. Without a pod, alerts on different pods would match.
    Inhibition(
        source={"alertname": targets.TARGET_DOWN.name, "pod": ".+"},
        target={"alertname": "(Prometheus|Alertmanager|Collector|Loki|Jaeger).+"},
        equal=_POD,
    ),
    *(_gone(name, alertname=targets.PROBE_FAILS.name, instance=rf"http://{name}\..+") for name in (*SERVERS, JAEGER)),
    _gone("loki", alertname=logs.RING_UNHEALTHY.name),
    *(_gone(name, alertname=collector.STUCK.name, exporter=f".+/{name}") for name in ("loki", JAEGER)),
    # Two alerts with one cause.
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

GONE_BEFORE_PROMTAIL = (_gone("loki", alertname=promtail.BEHIND.name),)
GONE_BEFORE_AGENT = (_gone("otel-collector", alertname=f"{otel_agent.QUEUE_FILLS.name}|{otel_agent.BEHIND.name}"),)
"""While the destination of the lines is down, alerts on the nodes' collectors notify nobody."""
