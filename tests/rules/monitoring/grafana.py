"""Grafana, by example."""

from __future__ import annotations

from rules.monitoring.alerts.grafana import NOTIFICATIONS_FAILING, REQUESTS_FAILING, RULES_FAILING
from tests.rules.examples import Series, counters, critical, example, metric, warning
from tests.rules.monitoring.subjects import pod

_GRAFANA = pod("grafana")


def _requests(handler: str, failing: int, answered: int) -> Series:
    counted, labels = "grafana_http_request_duration_seconds_count", {**_GRAFANA, "handler": handler, "method": "GET"}
    return counters(
        {metric(counted, labels, status_code="500"): failing, metric(counted, labels, status_code="200"): answered}, 20
    )


def _rules(failing: int, of_all: int) -> Series:
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
    example(
        "three of ten pages fail",
        REQUESTS_FAILING,
        series=_requests("/d/:uid", 30, 70),
        at="10m",
        fires=[critical("30% of the requests to Grafana fail.", "30%")],
    ),
    example(
        "one of ten pages fails",
        REQUESTS_FAILING,
        series=_requests("/d/:uid", 10, 90),
        at="10m",
        fires=[warning("10% of the requests to Grafana fail.", "10%")],
    ),
    example("one of twenty-five pages fails", REQUESTS_FAILING, series=_requests("/d/:uid", 4, 96), at="15m"),
    example(
        "every query fails, since a datasource is away",
        REQUESTS_FAILING,
        series=_requests("/api/ds/query", 99, 0),
        at="15m",
    ),
    example("nobody is there but a probe", REQUESTS_FAILING, series=_requests("/api/health", 4, 0), at="15m"),
    example(
        "six of ten evaluations fail",
        RULES_FAILING,
        series=_rules(6, 10),
        at="15m",
        fires=[critical("60% of the evaluations of Grafana's own alert rules fail.", "60%")],
    ),
    example(
        "one of ten evaluations fails",
        RULES_FAILING,
        series=_rules(1, 10),
        at="15m",
        fires=[warning("10% of the evaluations of Grafana's own alert rules fail.", "10%")],
    ),
    example("one of twenty-five evaluations fails", RULES_FAILING, series=_rules(1, 25), at="20m"),
    example(
        "a second notification fails",
        NOTIFICATIONS_FAILING,
        series=_failed("_x5 1x5 2x30"),
        at="20m",
        # The value has what it may have been a little before the first sample and after the last.
        fires=[warning("1 notifications by slack failed in half an hour.", "1.033", integration="slack")],
    ),
    example("one notification has failed", NOTIFICATIONS_FAILING, series=_failed("_x5 1x40"), at="20m"),
)
