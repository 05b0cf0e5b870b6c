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
    # It answers, scrapes, stores and evaluates: whichever of them stops, this age grows, or nobody tells it.
    value="time() - max(prometheus_rule_group_last_evaluation_timestamp_seconds)",
    by=(),
    unit=Unit.SECONDS,
    above={Severity.CRITICAL: 300},  # groups are evaluated every minute or more often, and one may be slow
    for_=Duration.parse("5m"),  # a single replica that restarts reads its write-ahead log first
    no_data_state="Alerting",  # it answers, and knows of no rule that was ever evaluated
    exec_err_state="Alerting",  # it does not answer: this is the very thing that is watched
    summary="Prometheus evaluates no rules.",
    description="Prometheus does not answer, or evaluates no rules, the Watchdog included: no alert can be trusted.",
)
ALERTMANAGER_DOWN = GrafanaAlert(
    name="AlertmanagerDown",
    datasource=PROMETHEUS,
    value='max(up{job="alertmanager"})',
    by=(),
    below={Severity.CRITICAL: 1},  # the last one: while one answers, it delivers for all
    for_=Duration.parse("5m"),  # longer than a restart, its volume's move to another node included
    no_data_state="Alerting",  # nobody even tries to scrape it: it was not deployed, or is not found
    exec_err_state="Alerting",  # who does not answer about Alertmanager sends it nothing either
    summary="No Alertmanager answers.",
    description="No Alertmanager answers Prometheus: whatever fires there reaches nobody.",
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
    above={Severity.CRITICAL: 0.5},  # each is tried again for minutes before it counts as failed; half is no accident
    for_=Duration.parse("5m"),  # five evaluations: a receiver that is updated is away for one or two
    no_data_state="OK",  # nothing fires, nothing is sent, nothing can fail
    exec_err_state="OK",  # AlertmanagerDown tells it, and once is enough
    summary="Alertmanager cannot deliver.",
    description="{{ $value | humanizePercentage }} of what Alertmanager sends by {{ $labels.integration }} is lost.",
)

GRAFANA_GROUPS = (GrafanaGroup("outside", (PROMETHEUS_SILENT, ALERTMANAGER_DOWN, ALERTMANAGER_NOT_DELIVERING)),)
