"""What is made of the requests of each service, by example."""

from __future__ import annotations

from collections.abc import Mapping

from rules.services.recordings import (
    BY_STATUS,
    CLIENT_ERRORS,
    ERRORS,
    P50,
    P95,
    P99,
    SERVICE_BUCKETS,
    TOTAL,
)
from tests.rules.agents.subjects import native
from tests.rules.examples import Labels, Series, counters, histogram, metric, of
from tests.rules.services.subjects import FOUND, LISTED, PUSHED, SHOP, counted

HTTP = "http_server_request_duration_seconds"
OF_CHECKOUT: Labels = {"job": "checkout", "instance": "i-2", "service_name": "checkout", "k8s_namespace_name": "shop"}


def _answered(statuses: dict[str, float]) -> Series:
    return counters(
        {
            metric(f"{HTTP}_count", PUSHED, http_route=route, http_response_status_code=status): 30 * rate
            for status, rate in statuses.items()
            for route in ("/pay", "/cart")
        }
    )


_TRAFFIC = _answered({"200": 8, "404": 1, "429": 0.5, "500": 0.5})
RATES = (
    counted(
        "two routes answer",
        BY_STATUS,
        series=_TRAFFIC,
        gives={of(FOUND, status=status): rate for status, rate in {"2xx": 8, "4xx": 1, "429": 0.5, "5xx": 0.5}.items()},
    ),
    counted("two routes answer", TOTAL, series=_TRAFFIC, gives={of(FOUND): 10}),
    counted("one in twenty fails", ERRORS, series=_TRAFFIC, gives={of(FOUND): 0.05}),
    counted("nothing fails", ERRORS, series=_answered({"200": 1, "404": 1}), gives={of(FOUND): 0}),
    counted("nobody asks", ERRORS, series=_answered({"200": 0}), gives={}),
    counted(
        "a tenth is not found, and others come too often",
        CLIENT_ERRORS,
        series=_TRAFFIC,
        gives={of(FOUND, status="4xx"): 0.1, of(FOUND, status="429"): 0.05},
    ),
)


def _timed(labels: Labels, route: str, buckets: Mapping[str, float]) -> Series:
    its = labels | {"http_route": route}
    return counters({metric(f"{HTTP}_count", its): buckets["+Inf"]}) | histogram(HTTP, its, buckets)


_QUICK = {"0.1": 60, "1": 60, "2": 60, "+Inf": 60}
_SLOW = {"0.1": 0, "1": 0, "2": 60, "+Inf": 60}
_STREAMS = _timed(OF_CHECKOUT, "/pay", _QUICK) | _timed(OF_CHECKOUT, "/events", _SLOW)
_HALF = _timed(PUSHED, "/pay", _QUICK) | _timed(PUSHED, "/cart", _SLOW)
DURATIONS = (
    counted(
        "two routes are timed",
        SERVICE_BUCKETS,
        series=_HALF,
        gives={of(FOUND, le=end): rate for end, rate in {"0.1": 1, "1": 1, "2": 2, "+Inf": 2}.items()},
    ),
    counted(
        "a route streams",
        SERVICE_BUCKETS,
        series=_STREAMS,
        gives={of(SHOP, service="checkout", le=end): 1 for end in _QUICK},
    ),
    counted("half of the requests take between one and two seconds", P50, series=_HALF, gives={of(FOUND): 0.1}),
    counted("half of the requests take between one and two seconds", P95, series=_HALF, gives={of(FOUND): 1.9}),
    counted("half of the requests take between one and two seconds", P99, series=_HALF, gives={of(FOUND): 1.98}),
    counted("only a stream takes long", P99, series=_STREAMS, gives={of(LISTED): 0.099}),
    counted("nobody asks", P95, series=_timed(PUSHED, "/pay", dict.fromkeys(_QUICK, 0)), gives={}),
    counted(
        "there are native histograms alone",
        P50,
        # The bucket from 1 to 1.09 s, whose middle by its logarithm is this.
        series={metric(HTTP, PUSHED, http_route="/pay"): native(1, 60)},
        gives={of(FOUND): 2 ** (1 / 16)},
    ),
)

EXAMPLES = (*RATES, *DURATIONS)
