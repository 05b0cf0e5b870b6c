"""Alerts over the stack itself, each with the reason of its numbers."""

from __future__ import annotations

from components.settings.quantities import Duration
from dashboards.uids import Dashboard
from rules.model import Alert, Group, Severity

WATCHDOG = Alert(
    name="Watchdog",
    value="vector(1)",
    severity=Severity.INFO,
    owner="platform",
    summary="The alerting path works.",
    description="Always fires. Whoever stops receiving it has lost Prometheus, Alertmanager, or the way between.",
    dashboard=Dashboard.MONITORING,
)
TARGET_DOWN = Alert(
    name="TargetDown",
    value="up == 0",
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # a rolling update of a server is over within five minutes
    owner="platform",
    summary="A scrape target does not answer.",
    description="{{ $labels.job }} at {{ $labels.instance }} does not answer.",
    dashboard=Dashboard.MONITORING,
)
RELOAD_FAILED = Alert(
    name="PrometheusReloadFailed",
    value="max_over_time(prometheus_config_last_reload_successful[5m]) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # a kubelet may bring the halves of an edit up to two minutes apart
    owner="platform",
    summary="Prometheus runs on an old configuration.",
    description="{{ $labels.pod }} refuses the configuration that was deployed; its log names the file and the line.",
    dashboard=Dashboard.MONITORING,
)
RULES_FAILING = Alert(
    name="PrometheusRulesFailing",
    value="increase(prometheus_rule_evaluation_failures_total[5m]) > 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("10m"),  # two evaluations may fail while a replica starts
    owner="platform",
    summary="Prometheus cannot evaluate rules.",
    description="{{ $labels.pod }} fails to evaluate {{ $labels.rule_group }}: its alerts are blind.",
    dashboard=Dashboard.MONITORING,
)
NO_ALERTMANAGER = Alert(
    name="PrometheusWithoutAlertmanager",
    value="prometheus_notifications_alertmanagers_discovered < 1",
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # longer than a restart of every Alertmanager
    owner="platform",
    summary="Prometheus has nobody to send alerts to.",
    description="{{ $labels.pod }} finds no Alertmanager: no alert of this server reaches anyone.",
    dashboard=Dashboard.MONITORING,
)

GROUPS = (Group("monitoring", (WATCHDOG, TARGET_DOWN, RELOAD_FAILED, RULES_FAILING, NO_ALERTMANAGER)),)
