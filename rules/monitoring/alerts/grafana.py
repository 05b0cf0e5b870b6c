"""A Grafana that the stack deploys."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity

# Without queries to datasources, which have alerts of their own.
_REQUESTS = 'grafana_http_request_duration_seconds_count{handler!~"/api/(ds/query|datasources/.*)"'

REQUESTS_FAILING = Alert(
    name="GrafanaRequestsFailing",
    value=f'sum by (cluster, environment) (rate({_REQUESTS}, status_code=~"5.."}}[10m]))'
    f" / sum by (cluster, environment) (rate({_REQUESTS}}}[10m]))",
    # At one in twenty, pages have gaps. At a quarter, nobody can work.
    above={Severity.WARNING: 0.05, Severity.CRITICAL: 0.25},
    and_=f"sum by (cluster, environment) (rate({_REQUESTS}}}[10m])) > 0.1",  # more than the probes: people use it
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # longer than a restart
    keep_firing_for=Duration.parse("5m"),
    summary="Grafana answers with errors.",
    description="{{ $value | humanizePercentage }} of the requests to Grafana fail.",
)
RULES_FAILING = Alert(
    name="GrafanaRulesFailing",
    value="sum by (cluster, environment) (rate(grafana_alerting_rule_evaluation_failures_total[10m]))"
    " / sum by (cluster, environment) (rate(grafana_alerting_rule_evaluations_total[10m]))",
    # A few failures are wrong rules. When half fail, a datasource is down and all alerts on it are blind.
    above={Severity.WARNING: 0.05, Severity.CRITICAL: 0.5},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # longer than a restart of the datasource
    keep_firing_for=Duration.parse("5m"),
    summary="Grafana cannot evaluate its rules.",
    description="{{ $value | humanizePercentage }} of the evaluations of Grafana's own alert rules fail.",
)
NOTIFICATIONS_FAILING = Alert(
    name="GrafanaNotificationsFailing",
    value="sum by (cluster, environment, integration) (increase(grafana_alerting_notifications_failed_total[30m]))",
    # The series starts at the first failure, so the increase shows the second one.
    above={Severity.WARNING: 0},
    for_=Duration.parse("5m"),
    keep_firing_for=Duration.parse("15m"),
    summary="Grafana cannot deliver notifications.",
    description='{{ printf "%.0f" $value }} notifications by {{ $labels.integration }} failed in half an hour.',
    runbook="AlertmanagerNotificationsFailing",
)

ALERTS = (REQUESTS_FAILING, RULES_FAILING, NOTIFICATIONS_FAILING)
