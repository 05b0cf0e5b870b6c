"""The watch over Prometheus and Alertmanager, by example."""

from __future__ import annotations

from rules.monitoring.outside import ALERTMANAGER_DOWN, ALERTMANAGER_NOT_DELIVERING, PROMETHEUS_SILENT
from tests.rules.examples import Series, counters, critical, down, example, gauges, metric, of

_ONE, _OTHER = ({"job": "alertmanager", "instance": f"10.0.0.{n}:9093"} for n in (1, 2))
_SENT, _FAILED = "alertmanager_notifications_total", "alertmanager_notifications_failed_total"
_BY_WEBHOOK = {"job": "alertmanager", "integration": "webhook"}


def _evaluated(**groups: int) -> Series:
    """When each group of rules was evaluated, in seconds since the first sample."""
    last = "prometheus_rule_group_last_evaluation_timestamp_seconds"
    return gauges({metric(last, job="prometheus", rule_group=group): at for group, at in groups.items()}, 10)


def _notifications(sent: int, failed: int) -> Series:
    """A minute."""
    return counters(
        {metric(_SENT, _BY_WEBHOOK): sent, metric(_FAILED, _BY_WEBHOOK, reason="other"): failed},
        20,
    )


EXAMPLES = (
    example(
        "no rule was evaluated since five minutes and a second",
        PROMETHEUS_SILENT,
        series=_evaluated(nodes=299),
        at="10m",
        gives={of(): 301},
        fires=[critical(PROMETHEUS_SILENT.description, "5m 1s")],
    ),
    example(
        "the newest of its groups was evaluated five minutes ago",
        PROMETHEUS_SILENT,
        series=_evaluated(nodes=300, slow=100),
        gives={of(): 300},
    ),
    example(
        "it answers, but has no rule that was ever evaluated",
        PROMETHEUS_SILENT,
        series=gauges({metric("up", _ONE): 1}, 10),
        gives={},
        fires=[critical(PROMETHEUS_SILENT.description)],
    ),
    example(
        "none of two answers",
        ALERTMANAGER_DOWN,
        series=down(_ONE, _OTHER, samples=10),
        gives={of(): 0},
        fires=[critical(ALERTMANAGER_DOWN.description, "0")],
    ),
    example(
        "one of two answers",
        ALERTMANAGER_DOWN,
        series=down(_ONE, samples=10) | gauges({metric("up", _OTHER): 1}, 10),
        gives={of(): 1},
    ),
    example(
        "there is none to ask",
        ALERTMANAGER_DOWN,
        series=gauges({metric("up", _ONE | {"job": "prometheus"}): 1}, 10),
        gives={},
        fires=[critical(ALERTMANAGER_DOWN.description)],
    ),
    example(
        "three of five notifications are lost",
        ALERTMANAGER_NOT_DELIVERING,
        series=_notifications(sent=5, failed=3),
        at="20m",
        gives={of(integration="webhook"): 0.6},
        fires=[critical("60% of Alertmanager's notifications by webhook fail.", "60%", integration="webhook")],
    ),
    example(
        "half of the notifications are lost",
        ALERTMANAGER_NOT_DELIVERING,
        series=_notifications(sent=4, failed=2),
        at="20m",
        gives={of(integration="webhook"): 0.5},
    ),
    example(
        "nothing fires, and so nothing is sent",
        ALERTMANAGER_NOT_DELIVERING,
        series=gauges({metric(_SENT, _BY_WEBHOOK): 7, metric(_FAILED, _BY_WEBHOOK, reason="other"): 0}, 20),
        at="20m",
        gives={},
        near=False,
    ),
)
