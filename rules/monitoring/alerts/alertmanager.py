"""Alertmanager: its configuration, its cluster and its notifications."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity

RELOAD_FAILED = Alert(
    name="AlertmanagerReloadFailed",
    value="max_over_time(alertmanager_config_last_reload_successful[5m]) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # a kubelet may update a Secret two minutes after the file that names it
    summary="Alertmanager runs on an old configuration.",
    description="{{ $labels.pod }} rejects the deployed configuration: new receivers and routes have no effect.",
)
CONFIGS_DIFFER = Alert(
    name="AlertmanagerConfigsDiffer",
    value='count by (cluster, environment) (count_values by (cluster, environment) ("hash", alertmanager_config_hash))'
    " > 1",
    severity=Severity.WARNING,
    for_=Duration.parse("15m"),  # an edit reaches all nodes within two minutes, a rolling update takes ten
    summary="Alertmanagers of one cluster have different configurations.",
    description="{{ $value }} configurations are in use: who is notified depends on the Alertmanager that sends.",
    runbook="AlertmanagerReloadFailed",
)
MEMBERS_MISSING = Alert(
    name="AlertmanagerMembersMissing",
    # Of the running ones: TargetDown fires for the others.
    value="alertmanager_cluster_members / on (cluster, environment) group_left ()"
    ' count by (cluster, environment) (up{job="alertmanager"} == 1)',
    below={Severity.WARNING: 1},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # a new one joins within a minute, and a rolling update restarts three
    summary="Replicas of Alertmanager do not see each other.",
    description="{{ $labels.pod }} sees {{ $value | humanizePercentage }} of its cluster: notifications come twice.",
)
NOTIFICATIONS_FAILING = Alert(
    name="AlertmanagerNotificationsFailing",
    # Notifications after all their attempts. A quarter of an hour: a group notifies every five minutes at most.
    value="sum by (cluster, environment, integration) (rate(alertmanager_notifications_failed_total[15m]))"
    " / sum by (cluster, environment, integration) (rate(alertmanager_notifications_total[15m]))",
    # Each failure is a lost notification. When half are lost, the integration is down.
    above={Severity.WARNING: 0.05, Severity.CRITICAL: 0.5},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # longer than a short outage of a provider, after which notifications are sent again
    keep_firing_for=Duration.parse("15m"),  # without notifications there are no failures
    summary="Alertmanager cannot deliver notifications.",
    description="{{ $value | humanizePercentage }} of the notifications by {{ $labels.integration }} fail.",
)
STATE_NOT_SAVED = Alert(
    name="AlertmanagerStateNotSaved",
    value="increase(alertmanager_silences_maintenance_errors_total[1h])"
    " + increase(alertmanager_nflog_maintenance_errors_total[1h])",
    # It saves both every minute. More than one failure is no accident.
    above={Severity.WARNING: 1},
    keep_firing_for=Duration.parse("15m"),
    summary="Alertmanager cannot save its silences.",
    description="{{ $labels.pod }} cannot write to its volume: after a restart it notifies about silenced alerts.",
)

ALERTS = (RELOAD_FAILED, CONFIGS_DIFFER, MEMBERS_MISSING, NOTIFICATIONS_FAILING)
SLOW = (STATE_NOT_SAVED,)
