"""Grafana, by example."""

from __future__ import annotations

from rules.monitoring.alerts.grafana import NOTIFICATIONS_FAILING, REQUESTS_FAILING, RULES_FAILING
from tests.rules.examples import Series, counters, critical, example, metric, shares, warning
from tests.rules.monitoring.subjects import pod

_GRAFANA = pod("grafana")


def _requests(handler: str, failing: float, answered: float) -> Series:
    counted, labels = "grafana_http_request_duration_seconds_count", {**_GRAFANA, "handler": handler, "method": "GET"}
    return counters(
        {metric(counted, labels, status_code="500"): failing, metric(counted, labels, status_code="200"): answered}, 20
    )


def _rules(failing: float, of_all: float) -> Series:
    return counters(
        {
            metric("grafana_alerting_rule_evaluation_failures_total", _GRAFANA, org="1"): failing,
            metric("grafana_alerting_rule_evaluations_total", _GRAFANA, org="1"): of_all,
        },
        20,
    )


def _failed(values: str) -> Series:
    return {metric("grafana_alerting_notifications_failed_total", _GRAFANA, integration="slack", org="1"): values}


EXAMPLES = (
    *shares(
        REQUESTS_FAILING,
        "{} of the pages fail",
        lambda percent: _requests("/d/:uid", percent, 100 - percent),
        "{} of the requests to Grafana fail.",
        {4.5: None, 5.5: warning, 24: warning, 26: critical},
        at="6m",
    ),
    example(
        "every query fails, since a datasource is away",
        REQUESTS_FAILING,
        series=_requests("/api/ds/query", 99, 0),
        at="15m",
    ),
    example("nobody is there but a probe", REQUESTS_FAILING, series=_requests("/api/health", 4, 0), at="15m"),
    *shares(
        RULES_FAILING,
        "{} of the evaluations fail",
        lambda percent: _rules(percent, 100),
        "{} of the evaluations of Grafana's own alert rules fail.",
        {4.5: None, 5.5: warning, 49: warning, 51: critical},
        at="11m",
    ),
    example(
        "a second notification fails",
        NOTIFICATIONS_FAILING,
        series=_failed("_x5 1x5 2x30"),
        at="16m",
        # The value has what it may have been a little before the first sample and after the last.
        fires=[warning("1 notifications by slack failed in half an hour.", "1.045", integration="slack")],
    ),
    example("one notification has failed", NOTIFICATIONS_FAILING, series=_failed("_x5 1x40"), at="20m"),
)
