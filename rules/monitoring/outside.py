"""Alerts on Prometheus and Alertmanager that Grafana evaluates, since neither can report its own outage."""

from __future__ import annotations

from model.datasources import PROMETHEUS
from model.grafana_alert import GrafanaAlert, GrafanaGroup
from model.metrics import Metrics, Unit
from model.quantities import Duration
from model.rules import Severity

METRICS = (Metrics("prometheus").gauge("prometheus_rule_group_last_evaluation_timestamp_seconds", "rule_group"),)

PROMETHEUS_SILENT = GrafanaAlert(
    name="PrometheusSilent",
    datasource=PROMETHEUS,
    # Prometheus must answer, scrape, store and evaluate. If one of them stops, this age grows or the query fails.
    value="time() - max(prometheus_rule_group_last_evaluation_timestamp_seconds)",
    by=(),
    unit=Unit.SECONDS,
    above={Severity.CRITICAL: 300},  # groups are evaluated at least every minute, and one may be slow
    for_=Duration.parse("5m"),  # a restarting replica replays its WAL first
    no_data_state="Alerting",  # it answers, but has never evaluated a rule
    exec_err_state="Alerting",  # it does not answer
    summary="Prometheus evaluates no rules.",
    description="Prometheus does not answer, or evaluates no rules: none of its alerts can fire.",
)
ALERTMANAGER_DOWN = GrafanaAlert(
    name="AlertmanagerDown",
    datasource=PROMETHEUS,
    value='max(up{job="alertmanager"})',
    by=(),
    below={Severity.CRITICAL: 1},  # while one answers, it delivers all notifications
    for_=Duration.parse("5m"),  # longer than a restart on another node with its volume
    no_data_state="Alerting",  # no scrape target: it is not deployed, or not discovered
    exec_err_state="Alerting",  # a Prometheus that does not answer sends no alerts either
    summary="No Alertmanager answers.",
    description="No Alertmanager answers Prometheus: its alerts reach nobody.",
)
ALERTMANAGER_NOT_DELIVERING = GrafanaAlert(
    name="AlertmanagerNotDelivering",
    datasource=PROMETHEUS,
    value=(
        "sum by (integration) (rate(alertmanager_notifications_failed_total[15m]))"
        " / (sum by (integration) (rate(alertmanager_notifications_total[15m])) > 0)"
    ),
    by=("integration",),
    unit=Unit.RATIO,
    above={Severity.CRITICAL: 0.5},  # a notification is retried for minutes before it counts as failed
    for_=Duration.parse("5m"),  # longer than an update of a receiver
    no_data_state="OK",  # no alert fires, so no notification can fail
    exec_err_state="OK",  # AlertmanagerDown fires
    summary="Alertmanager cannot deliver notifications.",
    description="{{ $value | humanizePercentage }} of Alertmanager's notifications by {{ $labels.integration }} fail.",
)

GRAFANA_GROUPS = (GrafanaGroup("outside", (PROMETHEUS_SILENT, ALERTMANAGER_DOWN, ALERTMANAGER_NOT_DELIVERING)),)
