"""The API server's alerts and objectives, by example."""

from __future__ import annotations

from rules.kubernetes.alerts.control_plane import (
    AGGREGATED_API_DOWN,
    API_SERVER_DOWN,
    AVAILABILITY,
    CLIENT_CERTIFICATE_EXPIRES,
    LATENCY,
    REQUESTS_REJECTED,
    WEBHOOK_FAILING,
)
from tests.rules.examples import Series, counters, critical, down, example, growing, metric, shares, warning
from tests.rules.objectives import SAMPLES, objective

_DOWN = down({"job": "apiservers", "instance": "10.0.0.1:6443"}, samples=10)
_ONE_LEFT = _DOWN | {metric("up", job="apiservers", instance="10.0.0.2:6443"): "1x10"}
_UNAVAILABLE = {metric("aggregator_unavailable_apiservice", name="v1beta1.metrics.k8s.io"): "1x12"}


def _requests(rejected: float, dispatched: float) -> Series:
    level = {"priority_level": "workload-low", "flow_schema": "service-accounts"}
    return counters(
        {
            metric("apiserver_flowcontrol_rejected_requests_total", level, reason="queue-full"): rejected,
            metric("apiserver_flowcontrol_dispatched_requests_total", level): dispatched,
        },
        30,
    )


_TWO_DAYS = 2 * 24 * 60


def _certificates(upper: int, before: int = 2_592_000, later: int = 0) -> Series:
    """Sixty requests a minute, after two days all with certificates that expire just before a bound of the histogram.

    In the days before, just before another. Others come on top whose certificates expire ``later``.
    """

    def values(end: float) -> str:
        each_minute = 60 * (end >= upper) + later * (end >= 2_592_000)
        return f"{growing(60 * (end >= before), _TWO_DAYS)} {60 * _TWO_DAYS * (end >= before)}+{each_minute}x30"

    return {
        metric("apiserver_client_certificate_expiration_seconds_bucket", le=str(float(end)).replace("inf", "+Inf")): (
            values(end)
        )
        for end in (43_200, 86_400, 172_800, 345_600, 604_800, 2_592_000, float("inf"))
    }


def _webhook(refused: float, let_through: float) -> Series:
    name = {"name": "policy.example.com", "type": "validating"}
    rejected, creation = "apiserver_admission_webhook_rejection_count", name | {"operation": "CREATE"}
    return counters(
        {
            metric(rejected, creation, error_type="calling_webhook_error", rejection_code="500"): refused,
            # Its work: it says no.
            metric(rejected, creation, error_type="no_error", rejection_code="403"): 100,
            metric("apiserver_admission_webhook_fail_open_count", name): let_through,
        },
        30,
    )


def _answered(total: int, bad: int) -> Series:
    name, one = "apiserver_request_total", {"verb": "GET", "scope": "resource", "resource": "pods"}
    return counters(
        {
            metric(name, one, code="200"): total - bad,
            metric(name, one, code="503"): bad,
            # What the objective is not about: watches that are cut, and health checks.
            metric(name, verb="WATCH", scope="cluster", resource="pods", code="500"): total,
            metric(name, verb="GET", code="500"): total,
        },
        SAMPLES,
    )


def _timed(total: int, bad: int) -> Series:
    """Half are about one object, and ``bad`` of these take longer than a second; half are lists of up to 30 seconds.

    Lists take longer as well, when that is not half of all.
    """
    name = "apiserver_request_sli_duration_seconds"
    one, many, watch = (
        {"verb": verb, "scope": scope}
        for verb, scope in (("GET", "resource"), ("LIST", "cluster"), ("WATCH", "cluster"))
    )
    return counters(
        {
            metric(f"{name}_count", one): total // 2,
            metric(f"{name}_bucket", one, le="1.0"): max(total // 2 - bad, 0),
            metric(f"{name}_bucket", one, le="30.0"): total // 2,
            metric(f"{name}_count", many): total // 2,
            metric(f"{name}_bucket", many, le="1.0"): 0,
            metric(f"{name}_bucket", many, le="30.0"): total // 2 if bad <= total // 2 else 0,
            metric(f"{name}_count", watch): total,
            metric(f"{name}_bucket", watch, le="30.0"): 0,
        },
        SAMPLES,
    )


_EXPIRES = "Clients use a certificate that expires in"

EXAMPLES = (
    example(
        "the only one has not answered for five minutes",
        API_SERVER_DOWN,
        series=_DOWN,
        at="5m",
        fires=[critical("Nothing can be deployed, scaled or rescheduled. Running pods continue until they fail.")],
    ),
    example("the only one has not answered for four minutes", API_SERVER_DOWN, series=_DOWN, at="4m"),
    example("one of two answers", API_SERVER_DOWN, series=_ONE_LEFT, at="8m"),
    *shares(
        REQUESTS_REJECTED,
        "{} are rejected",
        lambda percent: _requests(percent * 10, 1000 - percent * 10),
        "{} of the requests of priority level workload-low are rejected because of overload.",
        {4.5: None, 5.5: warning},
        at="11m",
        priority_level="workload-low",
    ),
    example("three of twelve a minute are rejected", REQUESTS_REJECTED, series=_requests(3, 9), at="20m"),
    example(
        "not quite four days are left for one in 91",
        CLIENT_CERTIFICATE_EXPIRES,
        series=_certificates(345_600, later=5400),
        at="2901m",
        fires=[warning(f"{_EXPIRES} 3d 19h 40m 48s.", "3d 19h 40m 48s")],
    ),
    example(
        "between one and two days are left",
        CLIENT_CERTIFICATE_EXPIRES,
        series=_certificates(172_800),
        at="2905m",
        fires=[warning(f"{_EXPIRES} 1d 0h 14m 24s.", "1d 0h 14m 24s")],
    ),
    example(
        "not quite a day is left for one in 91",
        CLIENT_CERTIFICATE_EXPIRES,
        series=_certificates(86_400, later=5400),
        at="2905m",
        fires=[critical(f"{_EXPIRES} 22h 55m 12s.", "22h 55m 12s")],
    ),
    example(
        "between four days and a week are left",
        CLIENT_CERTIFICATE_EXPIRES,
        series=_certificates(604_800),
        at="2905m",
    ),
    example(
        "half a day is left, as there was two days ago: they live for a day",
        CLIENT_CERTIFICATE_EXPIRES,
        series=_certificates(86_400, before=86_400),
        at="2905m",
    ),
    example(
        "it has been unavailable for ten minutes",
        AGGREGATED_API_DOWN,
        series=_UNAVAILABLE,
        at="10m",
        fires=[
            warning(
                "v1beta1.metrics.k8s.io is unavailable: its clients, such as autoscalers, get errors.",
                name="v1beta1.metrics.k8s.io",
            )
        ],
    ),
    example("it has been unavailable for nine minutes", AGGREGATED_API_DOWN, series=_UNAVAILABLE, at="9m"),
    example(
        "more than two calls a minute are refused and more than one let through",
        WEBHOOK_FAILING,
        series=_webhook(2.2, 1.1),
        at="15m",
        fires=[
            warning(
                "Calls to policy.example.com fail: objects are rejected, or admitted without its check.",
                "55m per second",
                name="policy.example.com",
            )
        ],
    ),
    example(
        "less than three calls a minute fail, and it refuses a hundred objects",
        WEBHOOK_FAILING,
        series=_webhook(1.8, 0.9),
        at="25m",
    ),
    *objective(AVAILABILITY, _answered),
    *objective(LATENCY, _timed),
)
