"""Prometheus, its rules and its alerts, by example."""

from __future__ import annotations

from rules.monitoring.alerts.prometheus import (
    BLIND,
    NO_ALERTMANAGER,
    RELOAD_FAILED,
    RULES_FAILING,
    RULES_MISSED,
    RULES_SLOW,
    UNDELIVERED,
)
from tests.rules.examples import Series, counters, critical, example, gauges, metric, shares, warning
from tests.rules.monitoring.subjects import PROMETHEUS, place

_GROUP = "/etc/prometheus/config/../rules/nodes.yml;nodes"
_OF_GROUP = {**PROMETHEUS, "rule_group": _GROUP}


def _failures(values: str) -> Series:
    return {metric("prometheus_rule_evaluation_failures_total", _OF_GROUP): values}


def _takes(seconds: int) -> Series:
    """Of a minute."""
    return gauges(
        {
            metric("prometheus_rule_group_last_duration_seconds", _OF_GROUP): seconds,
            metric("prometheus_rule_group_interval_seconds", _OF_GROUP): 60,
        },
        20,
    )


def _missed(values: str) -> Series:
    return {metric("prometheus_rule_group_iterations_missed_total", _OF_GROUP): values}


def _delivery(dropped: float, sent: float) -> Series:
    """To one Alertmanager, every minute; the other takes nothing."""
    first, second = (PROMETHEUS | {"alertmanager": f"http://10.0.0.{n}:9093/api/v2/alerts"} for n in (7, 8))
    return counters(
        {
            metric("prometheus_notifications_dropped_total", first): dropped,
            metric("prometheus_notifications_sent_total", first): sent,
            metric("prometheus_notifications_dropped_total", second): 10,
            metric("prometheus_notifications_sent_total", second): 0,
        },
        20,
    )


EXAMPLES = (
    example(
        "Prometheus has refused its configuration for five minutes",
        RELOAD_FAILED,
        series={metric("prometheus_config_last_reload_successful", PROMETHEUS): "0x15"},
        at="5m",
        fires=[
            critical(
                "prometheus-0 rejects the deployed configuration; its log names the file and the line.",
                **PROMETHEUS,
            )
        ],
    ),
    example(
        "the halves of an edit arrived two minutes apart, and the second has mended it",
        RELOAD_FAILED,
        series={metric("prometheus_config_last_reload_successful", PROMETHEUS): "1x5 0x2 1x15"},
        at="12m",
    ),
    example(
        "nothing has been stored for five minutes",
        BLIND,
        at="5m",
        fires=[
            critical("Even prometheus itself has no samples: no alert except the Watchdog can fire.", job="prometheus")
        ],
    ),
    example(
        "the only target that was ever there is Prometheus, and it is down",
        BLIND,
        series={metric("up", PROMETHEUS): "0x20"},
        at="9m",
    ),
    example(
        "a group fails every minute for ten minutes",
        RULES_FAILING,
        series=_failures("0+1x20"),
        at="11m",
        fires=[critical("prometheus-0 fails to evaluate nodes: its alerts do not fire.", **_OF_GROUP)],
    ),
    example("a group failed twice, and never again", RULES_FAILING, series=_failures("0 1 2x20"), at="15m"),
    example(
        "a group takes 57 seconds of its minute",
        RULES_SLOW,
        series=_takes(57),
        at="10m",
        fires=[critical("nodes on prometheus-0 takes 95% of its interval.", "95%", **_OF_GROUP)],
    ),
    example(
        "a group takes 33 seconds of its minute",
        RULES_SLOW,
        series=_takes(33),
        at="10m",
        fires=[warning("nodes on prometheus-0 takes 55% of its interval.", "55%", **_OF_GROUP)],
    ),
    example(
        "a group takes 51 seconds of its minute",
        RULES_SLOW,
        series=_takes(51),
        at="10m",
        fires=[warning("nodes on prometheus-0 takes 85% of its interval.", "85%", **_OF_GROUP)],
    ),
    example("a group takes 29 seconds of its minute", RULES_SLOW, series=_takes(29), at="20m"),
    example(
        "four evaluations were skipped",
        RULES_MISSED,
        series=_missed("0x8 0+1x4 4x20"),
        at="16m",
        fires=[warning("nodes on prometheus-0 was skipped 4 times in 15 minutes.", "4", **_OF_GROUP)],
    ),
    example("three evaluations were skipped", RULES_MISSED, series=_missed("0x8 0+1x3 3x20"), at="16m"),
    example(
        "Prometheus has found no Alertmanager for five minutes",
        NO_ALERTMANAGER,
        series={metric("prometheus_notifications_alertmanagers_discovered", PROMETHEUS): "0x10"},
        at="5m",
        fires=[critical("prometheus-0 finds no Alertmanager: none of its alerts reaches anyone.", **PROMETHEUS)],
    ),
    example(
        "two of three Alertmanagers are gone, but one is left",
        NO_ALERTMANAGER,
        series={metric("prometheus_notifications_alertmanagers_discovered", PROMETHEUS): "1x10"},
        at="8m",
    ),
    *shares(
        UNDELIVERED,
        "even the better Alertmanager does not take {}",
        lambda percent: _delivery(percent, 100 - percent),
        "prometheus-0 loses {} of its alerts on the way to Alertmanager.",
        {0.9: None, 1.1: warning, 49: warning, 51: critical},
        at="6m",
        **place(PROMETHEUS),
    ),
    example(
        "one Alertmanager takes nothing, the other everything",
        UNDELIVERED,
        series=_delivery(dropped=0, sent=10),
        at="10m",
    ),
)
