"""The stack's own alerts, tried."""

from __future__ import annotations

from components.settings.quantities import Duration
from rules.cases import Case, Firing
from rules.model import Severity

_POD = 'job="prometheus", instance="10.0.0.1:9090", namespace="monitoring", pod="prometheus-0", node="n-1"'
_OF_POD = {
    "job": "prometheus",
    "instance": "10.0.0.1:9090",
    "namespace": "monitoring",
    "pod": "prometheus-0",
    "node": "n-1",
}

CASES = (
    Case(
        alert="Watchdog",
        when="everything works",
        series={},
        at=Duration.parse("1m"),
        firing=(
            Firing(
                severity=Severity.INFO,
                description=(
                    "Always fires. Whoever stops receiving it has lost Prometheus, Alertmanager, or the way between."
                ),
            ),
        ),
    ),
    Case(
        alert="TargetDown",
        when="a target has not answered for five minutes",
        series={f"up{{{_POD}}}": "0x10"},
        at=Duration.parse("5m"),
        firing=(
            Firing(
                severity=Severity.WARNING, labels=_OF_POD, description="prometheus at 10.0.0.1:9090 does not answer."
            ),
        ),
    ),
    Case(
        alert="TargetDown",
        when="a target was away, and is back after four minutes",
        series={f"up{{{_POD}}}": "0x4 1x10"},
        at=Duration.parse("6m"),
        quiet=(Severity.WARNING,),
    ),
    Case(
        alert="PrometheusReloadFailed",
        when="Prometheus has refused its configuration for ten minutes",
        series={f"prometheus_config_last_reload_successful{{{_POD}}}": "0x15"},
        at=Duration.parse("10m"),
        firing=(
            Firing(
                severity=Severity.CRITICAL,
                labels=_OF_POD,
                description=(
                    "prometheus-0 refuses the configuration that was deployed; its log names the file and the line."
                ),
            ),
        ),
    ),
    Case(
        alert="PrometheusReloadFailed",
        when="the halves of an edit arrived two minutes apart, and the second has mended it",
        series={f"prometheus_config_last_reload_successful{{{_POD}}}": "1x5 0x2 1x15"},
        at=Duration.parse("12m"),
        quiet=(Severity.CRITICAL,),
    ),
    Case(
        alert="PrometheusRulesFailing",
        when="a group fails every minute for a quarter of an hour",
        series={f'prometheus_rule_evaluation_failures_total{{{_POD}, rule_group="nodes"}}': "0+1x20"},
        at=Duration.parse("15m"),
        firing=(
            Firing(
                severity=Severity.CRITICAL,
                labels=_OF_POD | {"rule_group": "nodes"},
                description="prometheus-0 fails to evaluate nodes: its alerts are blind.",
            ),
        ),
    ),
    Case(
        alert="PrometheusRulesFailing",
        when="a group failed twice, and never again",
        series={f'prometheus_rule_evaluation_failures_total{{{_POD}, rule_group="nodes"}}': "0 1 2x20"},
        at=Duration.parse("15m"),
        quiet=(Severity.CRITICAL,),
    ),
    Case(
        alert="PrometheusWithoutAlertmanager",
        when="Prometheus has found no Alertmanager for five minutes",
        series={f"prometheus_notifications_alertmanagers_discovered{{{_POD}}}": "0x10"},
        at=Duration.parse("5m"),
        firing=(
            Firing(
                severity=Severity.CRITICAL,
                labels=_OF_POD,
                description="prometheus-0 finds no Alertmanager: no alert of this server reaches anyone.",
            ),
        ),
    ),
    Case(
        alert="PrometheusWithoutAlertmanager",
        when="two of three Alertmanagers are gone, but one is left",
        series={f"prometheus_notifications_alertmanagers_discovered{{{_POD}}}": "1x10"},
        at=Duration.parse("8m"),
        quiet=(Severity.CRITICAL,),
    ),
)
VALUES = ()
