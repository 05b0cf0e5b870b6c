"""Prometheus: its configuration, its rules, and the delivery of alerts to Alertmanager."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.monitoring.recordings import BY_POD

# The label says `<file>;<group>`.
_GROUP = '{{ reReplaceAll ".*;" "" $labels.rule_group }}'

RELOAD_FAILED = Alert(
    name="PrometheusReloadFailed",
    value="max_over_time(prometheus_config_last_reload_successful[5m]) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # a kubelet may bring the halves of an edit up to two minutes apart
    summary="Prometheus runs on an old configuration.",
    description="{{ $labels.pod }} refuses the configuration that was deployed; its log names the file and the line.",
)
BLIND = Alert(
    name="PrometheusBlind",
    # It scrapes itself: without that, nothing is stored, and of all alerts only those that need no series are left.
    value='absent(up{job="prometheus"})',
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # discovery and a first scrape take less than a minute
    summary="Prometheus stores nothing of what it scrapes.",
    description="Not even {{ $labels.job }} itself has samples: every alert but the Watchdog is silent.",
)
RULES_FAILING = Alert(
    name="PrometheusRulesFailing",
    value="increase(prometheus_rule_evaluation_failures_total[5m]) > 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("10m"),  # two evaluations may fail while a replica starts
    summary="Prometheus cannot evaluate rules.",
    description=f"{{{{ $labels.pod }}}} fails to evaluate {_GROUP}: its alerts are blind.",
)
RULES_SLOW = Alert(
    name="PrometheusRulesSlow",
    value="prometheus_rule_group_last_duration_seconds / prometheus_rule_group_interval_seconds",
    # A group may take a tenth; from half on, the next doubling of series makes it skip.
    above={Severity.WARNING: 0.5, Severity.CRITICAL: 0.9},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # after a start, the first evaluations read what is not in memory yet
    keep_firing_for=Duration.parse("10m"),
    summary="Rules take nearly as long as their interval.",
    description=f"{_GROUP} on {{{{ $labels.pod }}}} takes {{{{ $value | humanizePercentage }}}} of its interval.",
)
RULES_MISSED = Alert(
    name="PrometheusRulesMissed",
    value="increase(prometheus_rule_group_iterations_missed_total[15m])",
    # One or two are lost when the machine halts for a moment; every further one lengthens each `for`.
    above={Severity.WARNING: 3},
    keep_firing_for=Duration.parse("10m"),
    summary="Prometheus skips evaluations of rules.",
    description=f"{_GROUP} on {{{{ $labels.pod }}}} was skipped {{{{ $value | humanize }}}} times in 15 minutes.",
    runbook="PrometheusRulesSlow",
)
NO_ALERTMANAGER = Alert(
    name="PrometheusWithoutAlertmanager",
    value="prometheus_notifications_alertmanagers_discovered < 1",
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # longer than a restart of every Alertmanager
    summary="Prometheus has nobody to send alerts to.",
    description="{{ $labels.pod }} finds no Alertmanager: no alert of this server reaches anyone.",
)
_DROPPED = "rate(prometheus_notifications_dropped_total[10m])"
_SENT = "rate(prometheus_notifications_sent_total[10m])"
UNDELIVERED = Alert(
    name="PrometheusAlertsUndelivered",
    # By the Alertmanager that takes most: one that takes all is enough, since it tells the others.
    value=f"min by {BY_POD} ({_DROPPED} / ({_DROPPED} + {_SENT}))",
    # An alert is sent again every minute or so; what does not arrive half of the time is late by minutes.
    above={Severity.WARNING: 0.01, Severity.CRITICAL: 0.5},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # longer than a restart of every Alertmanager
    keep_firing_for=Duration.parse("5m"),
    summary="Alerts do not reach Alertmanager.",
    description="{{ $labels.pod }} loses {{ $value | humanizePercentage }} of its alerts on the way to Alertmanager.",
    runbook="PrometheusWithoutAlertmanager",
)

ALERTS = (
    RELOAD_FAILED,
    BLIND,
    RULES_FAILING,
    RULES_SLOW,
    RULES_MISSED,
    NO_ALERTMANAGER,
    UNDELIVERED,
)
