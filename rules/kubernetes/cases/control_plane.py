"""The API server's alerts and objectives, tried."""

from __future__ import annotations

from collections.abc import Mapping

from model.rules import Severity
from rules.kubernetes.alerts.control_plane import (
    AGGREGATED_API_DOWN,
    API_SERVER_DOWN,
    AVAILABILITY,
    CLIENT_CERTIFICATE_EXPIRES,
    LATENCY,
    REQUESTS_REJECTED,
    WEBHOOK_FAILING,
)
from rules.kubernetes.cases.tried import fires, fires_all, quiet
from rules.slo_cases import per_minute, slo_cases

_DOWN = {'up{job="apiservers", instance="10.0.0.1:6443"}': "0x10"}
_ONE_LEFT = _DOWN | {'up{job="apiservers", instance="10.0.0.2:6443"}': "1x10"}
_UNAVAILABLE = {'aggregator_unavailable_apiservice{name="v1beta1.metrics.k8s.io"}': "1x12"}


def _requests(rejected: int, dispatched: int) -> dict[str, str]:
    level = 'priority_level="workload-low", flow_schema="service-accounts"'
    return {
        f'apiserver_flowcontrol_rejected_requests_total{{{level}, reason="queue-full"}}': f"0+{rejected}x30",
        f"apiserver_flowcontrol_dispatched_requests_total{{{level}}}": f"0+{dispatched}x30",
    }


def _certificates(lower: int, upper: int) -> dict[str, str]:
    """Sixty requests a minute, all with certificates that expire between two bounds of the histogram."""
    counts = {f"{lower}.0": 0, f"{upper}.0": 60, "+Inf": 60}
    return {
        f'apiserver_client_certificate_expiration_seconds_bucket{{le="{bound}"}}': f"0+{count}x30"
        for bound, count in counts.items()
    }


def _webhook(refused: int, let_through: int) -> dict[str, str]:
    name = 'name="policy.example.com", type="validating"'
    count = f"apiserver_admission_webhook_rejection_count{{{name}"
    return {
        f'{count}, operation="CREATE", error_type="calling_webhook_error", rejection_code="500"}}': f"0+{refused}x30",
        # Its work: it says no.
        f'{count}, operation="CREATE", error_type="no_error", rejection_code="403"}}': "0+100x30",
        f"apiserver_admission_webhook_fail_open_count{{{name}}}": f"0+{let_through}x30",
    }


def _answered(total: int, bad: int) -> Mapping[str, str]:
    name, one = "apiserver_request_total", 'verb="GET", scope="resource", resource="pods"'
    return {
        f'{name}{{{one}, code="200"}}': per_minute(total - bad),
        f'{name}{{{one}, code="503"}}': per_minute(bad),
        # What the objective is not about: watches that are cut, and health checks.
        f'{name}{{verb="WATCH", scope="cluster", resource="pods", code="500"}}': per_minute(total),
        f'{name}{{verb="GET", code="500"}}': per_minute(total),
    }


def _timed(total: int, bad: int) -> Mapping[str, str]:
    """Half are about one object, and ``bad`` of these take longer than a second; half are lists of up to 30 seconds."""
    name = "apiserver_request_sli_duration_seconds"
    one, many, watch = (
        f'verb="{verb}", scope="{scope}"'
        for verb, scope in (("GET", "resource"), ("LIST", "cluster"), ("WATCH", "cluster"))
    )
    return {
        f"{name}_count{{{one}}}": per_minute(total // 2),
        f'{name}_bucket{{{one}, le="1.0"}}': per_minute(total // 2 - bad),
        f'{name}_bucket{{{one}, le="30.0"}}': per_minute(total // 2),
        f"{name}_count{{{many}}}": per_minute(total // 2),
        f'{name}_bucket{{{many}, le="1.0"}}': per_minute(0),
        f'{name}_bucket{{{many}, le="30.0"}}': per_minute(total // 2),
        f"{name}_count{{{watch}}}": per_minute(total),
        f'{name}_bucket{{{watch}, le="30.0"}}': per_minute(0),
    }


_EXPIRES = "Clients come with a certificate that expires in"

CASES = (
    fires_all(
        API_SERVER_DOWN,
        "the only one has not answered for five minutes",
        _DOWN,
        "5m",
        {},
        "Nothing can be deployed, scaled or moved; what runs goes on until it fails.",
    ),
    quiet(API_SERVER_DOWN, "the only one has not answered for four minutes", _DOWN, "4m"),
    quiet(API_SERVER_DOWN, "one of two answers", _ONE_LEFT, "8m"),
    fires(
        REQUESTS_REJECTED,
        "one in ten is rejected",
        _requests(60, 540),
        "20m",
        {"priority_level": "workload-low"},
        "10% of the requests of priority level workload-low are rejected for lack of room.",
        "10%",
    ),
    quiet(REQUESTS_REJECTED, "three in a hundred are rejected", _requests(30, 970), "20m"),
    quiet(REQUESTS_REJECTED, "three of twelve a minute are rejected", _requests(3, 9), "20m"),
    fires(
        CLIENT_CERTIFICATE_EXPIRES,
        "between four and seven days are left",
        _certificates(345600, 604800),
        "25m",
        {},
        f"{_EXPIRES} 4d 0h 43m 12s.",
        "4d 0h 43m 12s",
    ),
    fires_all(
        CLIENT_CERTIFICATE_EXPIRES,
        "between half a day and a day is left",
        _certificates(43200, 86400),
        "25m",
        {},
        f"{_EXPIRES} 12h 7m 12s.",
        "12h 7m 12s",
    ),
    quiet(
        CLIENT_CERTIFICATE_EXPIRES,
        "between a week and a month is left",
        _certificates(604800, 2592000),
        "25m",
        Severity.WARNING,
    ),
    fires(
        AGGREGATED_API_DOWN,
        "it has been unavailable for ten minutes",
        _UNAVAILABLE,
        "10m",
        {"name": "v1beta1.metrics.k8s.io"},
        "v1beta1.metrics.k8s.io is unavailable: whoever asks for it, like an autoscaler, gets errors.",
    ),
    quiet(AGGREGATED_API_DOWN, "it has been unavailable for nine minutes", _UNAVAILABLE, "9m"),
    fires(
        WEBHOOK_FAILING,
        "four calls a minute are refused and two let through",
        _webhook(4, 2),
        "20m",
        {"name": "policy.example.com"},
        "Calls of policy.example.com fail: objects are refused, or let through without its check.",
        "100m per second",
    ),
    quiet(WEBHOOK_FAILING, "two calls a minute fail, and it refuses a hundred objects", _webhook(1, 1), "20m"),
    *slo_cases(AVAILABILITY, _answered),
    *slo_cases(LATENCY, _timed),
)
