"""Grafana, tried."""

from __future__ import annotations

from rules.monitoring.alerts.grafana import NOTIFICATIONS_FAILING, REQUESTS_FAILING, RULES_FAILING
from rules.monitoring.cases.tried import CRITICAL, WARNING, of, pod, tried

_GRAFANA = pod("grafana")


def _requests(handler: str, failing: int, answered: int) -> dict[str, str]:
    counted, labels = "grafana_http_request_duration_seconds_count", {**_GRAFANA, "handler": handler, "method": "GET"}
    return {
        f"{counted}{of(labels, status_code='500')}": f"0+{failing}x20",
        f"{counted}{of(labels, status_code='200')}": f"0+{answered}x20",
    }


def _rules(failing: int, of_all: int) -> dict[str, str]:
    return {
        f"grafana_alerting_rule_evaluation_failures_total{of(_GRAFANA, org='1')}": f"0+{failing}x20",
        f"grafana_alerting_rule_evaluations_total{of(_GRAFANA, org='1')}": f"0+{of_all}x20",
    }


def _failed(values: str) -> dict[str, str]:
    return {f"grafana_alerting_notifications_failed_total{of(_GRAFANA, integration='slack', org='1')}": values}


CASES = (
    tried(
        REQUESTS_FAILING,
        "three of ten pages fail",
        _requests("/d/:uid", 30, 70),
        "10m",
        fires=(CRITICAL, WARNING),
        says="30% of the requests to Grafana fail.",
        value="30%",
    ),
    tried(
        REQUESTS_FAILING,
        "one of ten pages fails",
        _requests("/d/:uid", 10, 90),
        "10m",
        fires=(WARNING,),
        says="10% of the requests to Grafana fail.",
        value="10%",
    ),
    tried(REQUESTS_FAILING, "one of twenty-five pages fails", _requests("/d/:uid", 4, 96), "15m"),
    tried(REQUESTS_FAILING, "every query fails, since a datasource is away", _requests("/api/ds/query", 99, 0), "15m"),
    tried(REQUESTS_FAILING, "nobody is there but a probe", _requests("/api/health", 4, 0), "15m"),
    tried(
        RULES_FAILING,
        "six of ten evaluations fail",
        _rules(6, 10),
        "15m",
        fires=(CRITICAL, WARNING),
        says="60% of the evaluations of Grafana's own alert rules fail.",
        value="60%",
    ),
    tried(
        RULES_FAILING,
        "one of ten evaluations fails",
        _rules(1, 10),
        "15m",
        fires=(WARNING,),
        says="10% of the evaluations of Grafana's own alert rules fail.",
        value="10%",
    ),
    tried(RULES_FAILING, "one of twenty-five evaluations fails", _rules(1, 25), "20m"),
    tried(
        NOTIFICATIONS_FAILING,
        "a second notification fails",
        _failed("_x5 1x5 2x30"),
        "20m",
        fires=(WARNING,),
        labels={"integration": "slack"},
        says="1 notifications by slack failed in half an hour.",
        value="1.033",  # what it may have been a little before the first sample and after the last
    ),
    tried(NOTIFICATIONS_FAILING, "one notification has failed", _failed("_x5 1x40"), "20m"),
)
