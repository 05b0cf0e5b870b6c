"""The watch over Prometheus and Alertmanager, tried."""

from __future__ import annotations

from model.quantities import Duration
from model.rules import Severity
from rules.cases import Firing, GrafanaCase
from rules.monitoring.outside import ALERTMANAGER_DOWN, PROMETHEUS_SILENT

_EVALUATED = 'prometheus_rule_group_last_evaluation_timestamp_seconds{job="prometheus", rule_group="nodes"}'
_UP = 'up{job="alertmanager", instance="10.0.0.1:9093"}'
_SENT = 'alertmanager_notifications_total{job="alertmanager", integration="webhook"}'
_FAILED = 'alertmanager_notifications_failed_total{job="alertmanager", integration="webhook", reason="other"}'

CASES = (
    GrafanaCase(
        alert="PrometheusSilent",
        when="no rule was evaluated since five minutes and a second",
        series={_EVALUATED: "299x10"},
        at=Duration.parse("10m"),
        value=301,
        firing=(Firing(severity=Severity.CRITICAL, description=PROMETHEUS_SILENT.description, value="5m 1s"),),
    ),
    GrafanaCase(
        alert="PrometheusSilent",
        when="the newest of its groups was evaluated five minutes ago",
        series={_EVALUATED: "300x10", _EVALUATED.replace("nodes", "slow"): "100x10"},
        value=300,
        quiet=(Severity.CRITICAL,),
    ),
    GrafanaCase(
        alert="PrometheusSilent",
        when="it answers, but has no rule that was ever evaluated",
        series={_UP: "1x10"},
        value=None,
        firing=(Firing(severity=Severity.CRITICAL, description=PROMETHEUS_SILENT.description),),
    ),
    GrafanaCase(
        alert="AlertmanagerDown",
        when="none of two answers",
        series={_UP: "0x10", _UP.replace("0.1", "0.2"): "0x10"},
        value=0,
        firing=(Firing(severity=Severity.CRITICAL, description=ALERTMANAGER_DOWN.description, value="0"),),
    ),
    GrafanaCase(
        alert="AlertmanagerDown",
        when="one of two answers",
        series={_UP: "0x10", _UP.replace("0.1", "0.2"): "1x10"},
        value=1,
        quiet=(Severity.CRITICAL,),
    ),
    GrafanaCase(
        alert="AlertmanagerDown",
        when="there is none to ask",
        series={_UP.replace("alertmanager", "prometheus"): "1x10"},
        value=None,
        firing=(Firing(severity=Severity.CRITICAL, description=ALERTMANAGER_DOWN.description),),
    ),
    GrafanaCase(
        alert="AlertmanagerNotDelivering",
        when="three of four notifications are lost",
        series={_SENT: "0+4x20", _FAILED: "0+3x20"},
        at=Duration.parse("20m"),
        subject={"integration": "webhook"},
        value=0.75,
        firing=(
            Firing(
                severity=Severity.CRITICAL,
                labels={"integration": "webhook"},
                description="75% of what Alertmanager sends by webhook is lost.",
                value="75%",
            ),
        ),
    ),
    GrafanaCase(
        alert="AlertmanagerNotDelivering",
        when="half of the notifications are lost",
        series={_SENT: "0+4x20", _FAILED: "0+2x20"},
        at=Duration.parse("20m"),
        subject={"integration": "webhook"},
        value=0.5,
        quiet=(Severity.CRITICAL,),
    ),
    GrafanaCase(
        alert="AlertmanagerNotDelivering",
        when="nothing fires, and so nothing is sent",
        series={_SENT: "7x20", _FAILED: "0x20"},
        at=Duration.parse("20m"),
        value=None,
    ),
)
