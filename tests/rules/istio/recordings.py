"""Recordings of Istio, by example."""

from __future__ import annotations

from rules.istio.alerts import GATEWAY_EXPECTED, GATEWAY_LIVE, ISTIOD_UP
from rules.istio.recordings import (
    BUCKETS,
    BYTES,
    BYTES_REPORTED,
    ERRORS,
    MTLS,
    P95,
    REQUESTS,
    REQUESTS_REPORTED,
    STARTED,
)
from tests.rules.examples import (
    Labels,
    Series,
    example,
    gauges,
    growing,
    metric,
    of,
)
from tests.rules.istio.shapes import FROM, INGRESS, PAYMENTS, WAYPOINT, edge, live, up

_CALL = {
    "source_workload": "checkout",
    "source_workload_namespace": "shop",
    "destination_service_name": "payments",
    "destination_service_namespace": "shop",
}
_TARGET = {"namespace": "istio-system", "pod": "p"}
"""Labels of the scraped pod, which are not those of the edge."""


def _counted(name: str, per_minute: float, *given: Labels, **labels: str) -> Series:
    return {metric(name, _TARGET, _CALL, *given, **labels): growing(per_minute)}


def _requests(per_minute: float, reporter: str, code: str = "200", **labels: str) -> Series:
    return _counted("istio_requests_total", per_minute, {"reporter": reporter, "response_code": code}, **labels)


def _timed(reporter: str, code: str, **ends: float) -> Series:
    found: Series = {}
    for end, count in ends.items():
        le = {"inf": "+Inf"}.get(end, end.removeprefix("le"))
        found |= _counted(
            "istio_request_duration_milliseconds_bucket", count, reporter=reporter, response_code=code, le=le
        )
    return found


def _tcp(reporter: str, sent: float, received: float) -> Series:
    by = {"reporter": reporter, "connection_security_policy": "mutual_tls"}
    return _counted("istio_tcp_sent_bytes_total", sent, by) | _counted("istio_tcp_received_bytes_total", received, by)


def _started(**policies: float) -> Series:
    return gauges({metric(STARTED, PAYMENTS, connection_security_policy=name): n for name, n in policies.items()})


EXAMPLES = (
    example(
        "one of two istiods answers",
        ISTIOD_UP,
        series=up(0) | gauges({metric("up", job="istiod"): 1}),
        gives={of(): 1},
    ),
    example("there is none", ISTIOD_UP, gives={of(): 0}),
    example("a gateway must run", GATEWAY_EXPECTED, gives={of(): 1}),
    example(
        "one of two pods of each takes requests, and Envoy of one says nothing",
        GATEWAY_LIVE,
        series=live(WAYPOINT, 0, 1) | gauges({metric("up", INGRESS, job="istio-proxies"): 1}),
        gives={of(WAYPOINT): 1, of(INGRESS): 0},
    ),
    example(
        "both sides count the same requests, some of which find no pod and some fail by gRPC",
        REQUESTS_REPORTED,
        series=_requests(60, "source")
        | _requests(6, "source", "503", destination_workload="unknown")
        | _requests(12, "source", grpc_response_status="14")
        | _requests(9, "source", "0")
        | _requests(60, "destination"),
        gives={
            of(PAYMENTS, FROM, reporter="source", status="2xx"): 1,
            of(PAYMENTS, FROM, reporter="source", status="5xx"): 0.3,
            of(PAYMENTS, FROM, reporter="destination", status="2xx"): 1,
        },
    ),
    *(
        example(
            f"of {' and '.join(reporters)} the first counts",
            recording,
            series={
                metric(reported, PAYMENTS, FROM, {"reporter": each}, status): str(n) + "x60"
                for n, each in enumerate(reporters, start=1)
            },
            gives={of(PAYMENTS, FROM, status, reporter=reporters[0]): 1},
        )
        for recording, reported, status in (
            (REQUESTS, REQUESTS_REPORTED, {"status": "2xx"}),
            (BYTES, BYTES_REPORTED, {}),
        )
        for reporters in (("source", "waypoint", "destination"), ("waypoint", "destination"), ("destination",))
    ),
    example(
        "another edge is seen by its server alone",
        REQUESTS,
        series=gauges(
            {
                metric(REQUESTS_REPORTED, PAYMENTS, FROM, reporter="source", status="2xx"): 1,
                metric(REQUESTS_REPORTED, PAYMENTS, FROM, reporter="destination", status="2xx"): 1,
                metric(REQUESTS_REPORTED, PAYMENTS, source="unknown", reporter="destination", status="2xx"): 2,
            }
        ),
        gives={
            of(PAYMENTS, FROM, reporter="source", status="2xx"): 1,
            of(PAYMENTS, source="unknown", reporter="destination", status="2xx"): 2,
        },
    ),
    example(
        "one of four fails, on two edges",
        ERRORS,
        series=edge(2) | edge(1, source="web") | edge(1, status="5xx"),
        gives={of(PAYMENTS): 0.25},
    ),
    example("none fails", ERRORS, series=edge(2), gives={of(PAYMENTS): 0}),
    example(
        "half take up to 1 s and half up to 2.5 s, beside the server's count and a WebSocket",
        BUCKETS,
        series=edge(1)
        | _timed("source", "200", le500=0, le1000=30, le2500=60, inf=60)
        | _timed("destination", "200", le500=60, le1000=60, le2500=60, inf=60)
        | _timed("source", "101", le500=0, le1000=0, le2500=0, inf=60),
        gives={of(PAYMENTS, le=end): rate for end, rate in (("500", 0), ("1000", 0.5), ("2500", 1), ("+Inf", 1))},
    ),
    example(
        "half take up to 1 s and half up to 2.5 s",
        P95,
        series=gauges(
            {
                metric(BUCKETS, PAYMENTS, le=end): rate
                for end, rate in (("500", 0), ("1000", 0.5), ("2500", 1), ("+Inf", 1))
            }
        ),
        gives={of(PAYMENTS): 2.35},
    ),
    example(
        "a thousand bytes a second go each way",
        BYTES_REPORTED,
        series=_tcp("source", 60_000, 60_000),
        gives={of(PAYMENTS, FROM, reporter="source"): 2000},
    ),
    example(
        "of twenty requests and connections one has none, and the client does not know",
        STARTED,
        series=_requests(60, "destination", connection_security_policy="mutual_tls")
        | _counted(
            "istio_tcp_connections_opened_total", 54, reporter="destination", connection_security_policy="mutual_tls"
        )
        | _counted("istio_tcp_connections_opened_total", 6, reporter="destination", connection_security_policy="none")
        | _requests(60, "source", connection_security_policy="unknown"),
        gives={
            of(PAYMENTS, connection_security_policy="mutual_tls"): 1.9,
            of(PAYMENTS, connection_security_policy="none"): 0.1,
        },
    ),
    example("one of twenty has none", MTLS, series=_started(mutual_tls=1.9, none=0.1), gives={of(PAYMENTS): 0.95}),
    example("none has any", MTLS, series=_started(none=1), gives={of(PAYMENTS): 0}),
)
