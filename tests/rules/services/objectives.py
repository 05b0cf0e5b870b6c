"""Objectives of listed services, by example, on the recorded series that they read."""

from __future__ import annotations

from rules.services.objectives import slos
from rules.services.recordings import BY_STATUS, REQUESTS, SERVICE_BUCKETS
from rules.services.settings import EXAMPLE
from tests.rules.examples import Labels, Series, example, gauges, metric, of, warning
from tests.rules.objectives import SAMPLES, alerts_of, objective
from tests.rules.services.subjects import LISTED, NAMED

_OF_CHECKOUT, _OF_CART, _LATENCY = slos(EXAMPLE)
_PAY: Labels = {"namespace": "shop", "route": "/pay"}
_TOO_MANY = alerts_of(_OF_CHECKOUT)["SloTooManyValues"]


def _by_route(events: int, bad: int) -> Series:
    its = LISTED | {"route": "/pay", "source": "otel"}
    return gauges(
        {metric(REQUESTS, its, status="2xx"): events - bad, metric(REQUESTS, its, status="5xx"): bad}, SAMPLES
    )


def _answered(events: int, bad: int) -> Series:
    return gauges(
        {metric(BY_STATUS, NAMED, status=s): n for s, n in {"2xx": events - bad, "5xx": bad}.items()}, SAMPLES
    )


def _timed(events: int, late: int) -> Series:
    """Beside a service of the same name in another namespace, which is not this one."""
    other = NAMED | {"namespace": "test"}
    return gauges(
        {
            metric(SERVICE_BUCKETS, NAMED, le="0.5"): events - late,
            metric(SERVICE_BUCKETS, NAMED, le="+Inf"): events,
            metric(SERVICE_BUCKETS, other, le="0.5"): 0,
            metric(SERVICE_BUCKETS, other, le="+Inf"): events,
        },
        SAMPLES,
    )


def _routes(minutes: int) -> Series:
    """A second route, for the last minutes of an hour."""
    cart = metric(REQUESTS, LISTED, route="/cart", source="otel", status="2xx")
    return _by_route(100, 0) | {cart: f"_x{60 - minutes} 1x{minutes}"}


EXAMPLES = (
    *objective(_OF_CHECKOUT, _by_route, value=_PAY),
    *objective(_OF_CART, _answered),
    *objective(_LATENCY, _timed),
    example(
        "there are two routes where one is kept",
        _TOO_MANY,
        series=_routes(10),
        at="60m",
        fires=[
            warning(
                "checkout-availability on c-1 has budgets of their own for 1 of the values of namespace and route: all"
                " others share one.",
                namespace="other",
                route="other",
                value="other, other",
            )
        ],
    ),
    example("a second route is there for nine minutes", _TOO_MANY, series=_routes(9), at="60m"),
    example(
        "a quarter takes longer than half a second",
        "slo:sli_error:ratio_rate5m",
        group="slo-shop-cart-latency",
        series=_timed(80, 20),
        gives={of(): 0.25},
    ),
)
