"""Prometheus, its rules and its alerts, tried."""

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
from rules.monitoring.cases.tried import CRITICAL, PROMETHEUS, WARNING, of, place, tried

_GROUP = "/etc/prometheus/config/../rules/nodes.yml;nodes"
_OF_GROUP = {**PROMETHEUS, "rule_group": _GROUP}


def _failures(values: str) -> dict[str, str]:
    return {f"prometheus_rule_evaluation_failures_total{of(_OF_GROUP)}": values}


def _takes(seconds: int) -> dict[str, str]:
    """Of a minute."""
    return {
        f"prometheus_rule_group_last_duration_seconds{of(_OF_GROUP)}": f"{seconds}x20",
        f"prometheus_rule_group_interval_seconds{of(_OF_GROUP)}": "60x20",
    }


def _missed(values: str) -> dict[str, str]:
    return {f"prometheus_rule_group_iterations_missed_total{of(_OF_GROUP)}": values}


def _delivery(dropped: int, sent: int) -> dict[str, str]:
    """To one Alertmanager, every minute; the other takes nothing."""
    first, second = (of(PROMETHEUS, alertmanager=f"http://10.0.0.{n}:9093/api/v2/alerts") for n in (7, 8))
    return {
        f"prometheus_notifications_dropped_total{first}": f"0+{dropped}x20",
        f"prometheus_notifications_sent_total{first}": f"0+{sent}x20",
        f"prometheus_notifications_dropped_total{second}": "0+10x20",
        f"prometheus_notifications_sent_total{second}": "0x20",
    }


CASES = (
    tried(
        RELOAD_FAILED,
        "Prometheus has refused its configuration for ten minutes",
        {f"prometheus_config_last_reload_successful{of(PROMETHEUS)}": "0x15"},
        "10m",
        fires=(CRITICAL,),
        labels=PROMETHEUS,
        says="prometheus-0 refuses the configuration that was deployed; its log names the file and the line.",
    ),
    tried(
        RELOAD_FAILED,
        "the halves of an edit arrived two minutes apart, and the second has mended it",
        {f"prometheus_config_last_reload_successful{of(PROMETHEUS)}": "1x5 0x2 1x15"},
        "12m",
    ),
    tried(
        BLIND,
        "nothing has been stored for five minutes",
        {},
        "5m",
        fires=(CRITICAL,),
        labels={"job": "prometheus"},
        says="Not even prometheus itself has samples: every alert but the Watchdog is silent.",
    ),
    tried(
        BLIND,
        "the only target that was ever there is Prometheus, and it is down",
        {f"up{of(PROMETHEUS)}": "0x20"},
        "9m",
    ),
    tried(
        RULES_FAILING,
        "a group fails every minute for a quarter of an hour",
        _failures("0+1x20"),
        "15m",
        fires=(CRITICAL,),
        labels=_OF_GROUP,
        says="prometheus-0 fails to evaluate nodes: its alerts are blind.",
    ),
    tried(RULES_FAILING, "a group failed twice, and never again", _failures("0 1 2x20"), "15m"),
    tried(
        RULES_SLOW,
        "a group takes 57 seconds of its minute",
        _takes(57),
        "10m",
        fires=(CRITICAL, WARNING),
        labels=_OF_GROUP,
        says="nodes on prometheus-0 takes 95% of its interval.",
        value="95%",
    ),
    tried(
        RULES_SLOW,
        "a group takes 33 seconds of its minute",
        _takes(33),
        "10m",
        fires=(WARNING,),
        labels=_OF_GROUP,
        says="nodes on prometheus-0 takes 55% of its interval.",
        value="55%",
    ),
    tried(RULES_SLOW, "a group takes 29 seconds of its minute", _takes(29), "20m"),
    tried(
        RULES_MISSED,
        "every evaluation is skipped",
        _missed("0+1x20"),
        "16m",
        fires=(WARNING,),
        labels=_OF_GROUP,
        says="nodes on prometheus-0 was skipped 15 times in 15 minutes.",
        value="15",
    ),
    tried(RULES_MISSED, "two evaluations were skipped", _missed("0x8 1x2 2x20"), "16m"),
    tried(
        NO_ALERTMANAGER,
        "Prometheus has found no Alertmanager for five minutes",
        {f"prometheus_notifications_alertmanagers_discovered{of(PROMETHEUS)}": "0x10"},
        "5m",
        fires=(CRITICAL,),
        labels=PROMETHEUS,
        says="prometheus-0 finds no Alertmanager: no alert of this server reaches anyone.",
    ),
    tried(
        NO_ALERTMANAGER,
        "two of three Alertmanagers are gone, but one is left",
        {f"prometheus_notifications_alertmanagers_discovered{of(PROMETHEUS)}": "1x10"},
        "8m",
    ),
    tried(
        UNDELIVERED,
        "even the better Alertmanager does not take six of ten",
        _delivery(dropped=6, sent=4),
        "10m",
        fires=(CRITICAL, WARNING),
        labels=place(PROMETHEUS),
        says="prometheus-0 loses 60% of its alerts on the way to Alertmanager.",
        value="60%",
    ),
    tried(
        UNDELIVERED,
        "even the better Alertmanager does not take one of ten",
        _delivery(dropped=1, sent=9),
        "10m",
        fires=(WARNING,),
        labels=place(PROMETHEUS),
        says="prometheus-0 loses 10% of its alerts on the way to Alertmanager.",
        value="10%",
    ),
    tried(UNDELIVERED, "one Alertmanager takes nothing, the other everything", _delivery(dropped=0, sent=10), "10m"),
)
