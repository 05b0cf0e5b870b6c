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
    for_=Duration.parse("5m"),  # a kubelet may update two files of one change up to two minutes apart
    summary="Prometheus runs on an old configuration.",
    description="{{ $labels.pod }} rejects the deployed configuration; its log names the file and the line.",
)
BLIND = Alert(
    name="PrometheusBlind",
    # Prometheus scrapes itself. Without these samples it stores nothing, and only alerts that need no series can fire.
    value='absent(up{job="prometheus"})',
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # discovery and the first scrape take less than a minute
    summary="Prometheus stores no samples.",
    description="Even {{ $labels.job }} itself has no samples: no alert except the Watchdog can fire.",
)
RULES_FAILING = Alert(
    name="PrometheusRulesFailing",
    value="increase(prometheus_rule_evaluation_failures_total[5m]) > 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("10m"),  # two evaluations may fail during the start of a replica
    summary="Prometheus cannot evaluate rules.",
    description=f"{{{{ $labels.pod }}}} fails to evaluate {_GROUP}: its alerts do not fire.",
)
RULES_SLOW = Alert(
    name="PrometheusRulesSlow",
    value="prometheus_rule_group_last_duration_seconds / prometheus_rule_group_interval_seconds",
    # A tenth is normal. At half, twice as many series would make it skip evaluations.
    above={Severity.WARNING: 0.5, Severity.CRITICAL: 0.9},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # after a start, the first evaluations read data that is not in memory yet
    keep_firing_for=Duration.parse("10m"),
    summary="A rule group takes nearly as long as its interval.",
    description=f"{_GROUP} on {{{{ $labels.pod }}}} takes {{{{ $value | humanizePercentage }}}} of its interval.",
)
RULES_MISSED = Alert(
    name="PrometheusRulesMissed",
    value="increase(prometheus_rule_group_iterations_missed_total[15m])",
    # One or two are skipped when the machine halts for a moment. Each further one delays alerts.
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
    summary="Prometheus finds no Alertmanager.",
    description="{{ $labels.pod }} finds no Alertmanager: none of its alerts reaches anyone.",
)
_DROPPED = "rate(prometheus_notifications_dropped_total[10m])"
_SENT = "rate(prometheus_notifications_sent_total[10m])"
UNDELIVERED = Alert(
    name="PrometheusAlertsUndelivered",
    # The Alertmanager with the fewest losses: one that gets all alerts is enough, because it informs the others.
    value=f"min by {BY_POD} ({_DROPPED} / ({_DROPPED} + {_SENT}))",
    # An alert is sent again about every minute. If half of the sends are lost, it is minutes late.
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
