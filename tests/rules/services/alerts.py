"""Alerts on the requests of services, by example. What they read is made in the examples of recordings."""

from __future__ import annotations

from rules.services import alerts
from rules.services.labels import MOST
from rules.services.settings import EXAMPLE
from tests.rules.examples import (
    Example,
    Firing,
    Labels,
    Series,
    critical,
    day_then,
    example,
    gauges,
    metric,
    warning,
)
from tests.rules.services.past import TOTAL, after, history
from tests.rules.services.subjects import FOUND, LISTED, NAMED

ALERTS = {alert.name: alert for alert in (*alerts.of_requests(EXAMPLE), *alerts.of_calls(), *alerts.of_traffic())}
STATUS = "service_status:requests:rate5m"
P95, P99 = (f"service:request_duration_seconds:p{number}_5m" for number in (95, 99))
BANK = FOUND | {"dependency": "bank.example"}
PAGING: Series = gauges({metric("service:pages:info", service): 1 for service in (LISTED, NAMED)})


def _rate(service: Labels, rate: float = 1) -> Series:
    return gauges({metric(TOTAL, service): rate})


def _name(service: Labels) -> str:
    return f"{service['service']} (shop)"


# --- failures ---


def _failing(service: Labels, ratio: float, rate: float = 1) -> Series:
    return PAGING | _rate(service, rate) | gauges({metric("service:requests:error_ratio5m", service): ratio})


def _fails(service: Labels, percent: str) -> str:
    return f"{_name(service)} fails {percent} of its requests."


_HIGH = ALERTS["HighErrorRate"]
ERRORS = (
    example(
        "6 % of a service that nobody lists fail",
        _HIGH,
        series=_failing(FOUND, 0.06),
        at="5m",
        fires=[warning(_fails(FOUND, "6%"), "6%", **FOUND)],
    ),
    example(
        "6 % of a listed service fail",
        _HIGH,
        series=_failing(NAMED, 0.06),
        at="5m",
        fires=[critical(_fails(NAMED, "6%"), "6%", **NAMED)],
    ),
    example("4.5 % of a listed service fail", _HIGH, series=_failing(NAMED, 0.045)),
    example(
        "3 % fail of a service that may fail 2 %",
        _HIGH,
        series=_failing(LISTED, 0.03),
        fires=[critical(_fails(LISTED, "3%"), "3%", **LISTED)],
    ),
    example("1.9 % fail of a service that may fail 2 %", _HIGH, series=_failing(LISTED, 0.019)),
    example("all of a few requests fail", _HIGH, series=_failing(NAMED, 1, rate=0.15), near=False),
    example(
        "few requests fail of a service that says that few matter",
        _HIGH,
        series=_failing(LISTED, 0.5, rate=0.06),
        fires=[critical(_fails(LISTED, "50%"), "50%", **LISTED)],
    ),
)

_RISING = ALERTS["ClientErrorsRising"]
_RATIO = "service_status:client_errors:ratio5m"


def _refused(before: float, now: float, yesterday: float = 1, status: str = "403") -> Series:
    return {
        metric(_RATIO, FOUND, status=status): day_then(before, now),
        metric(TOTAL, FOUND): day_then(yesterday, 1),
    }


def _refuses(percent: str, status: str) -> str:
    return f"web (shop) answers {percent} of its requests with {status}, more than twice as many as the day before."


REFUSALS = (
    *(
        example(
            f"{status} was seldom, and is 12 % now",
            _RISING,
            series=_refused(0.05, 0.12, status=status),
            at="1d20m",
            step="5m",
            fires=[warning(_refuses("12%", status), "12%", **FOUND, status=status)],
        )
        for status in ("4xx", "401", "403", "429")
    ),
    example("9 % are refused", _RISING, series=_refused(0.01, 0.09), at="1d20m", step="5m"),
    example("12 % are refused, and 7 % were", _RISING, series=_refused(0.07, 0.12), at="1d20m", step="5m", near=False),
    example("nobody asked the day before", _RISING, series=_refused(0, 0.5, 0.1), at="1d20m", step="5m", near=False),
    example(
        "nothing was refused the day before",
        _RISING,
        series={metric(_RATIO, FOUND, status="401"): "_x288 0.5x24", metric(TOTAL, FOUND): day_then(1, 1)},
        at="1d20m",
        step="5m",
        fires=[warning(_refuses("50%", "401"), "50%", **FOUND, status="401")],
    ),
)

# --- durations ---


def _slow(name: str, service: Labels, seconds: float, rate: float = 2) -> Series:
    return PAGING | _rate(service, rate) | gauges({metric(name, service): seconds})


_P95, _P99 = ALERTS["SlowResponseTime"], ALERTS["SlowestResponses"]
SLOW = (
    example(
        "one in twenty takes 2.2 seconds",
        _P95,
        series=_slow(P95, FOUND, 2.2),
        at="5m",
        fires=[warning("One in twenty requests to web (shop) takes longer than 2.2s.", "2.2s", **FOUND)],
    ),
    example("one in twenty takes 1.9 seconds", _P95, series=_slow(P95, FOUND, 1.9)),
    example(
        "one in twenty takes 600 ms where 500 are allowed",
        _P95,
        series=_slow(P95, LISTED, 0.6),
        fires=[warning("One in twenty requests to checkout (shop) takes longer than 600ms.", "600ms", **LISTED)],
    ),
    example("one in twenty of few takes long", _P95, series=_slow(P95, FOUND, 9, rate=0.1), near=False),
    example(
        "one in a hundred takes six seconds",
        _P99,
        series=_slow(P99, NAMED, 6),
        at="5m",
        fires=[critical("One in a hundred requests to cart (shop) takes longer than 6s.", "6s", **NAMED)],
    ),
    example("one in a hundred takes 4.9 seconds", _P99, series=_slow(P99, NAMED, 4.9)),
    example("nobody lists the service whose slowest answers are slow", _P99, series=_slow(P99, FOUND, 6), near=False),
    example("one in a hundred of few takes long", _P99, series=_slow(P99, NAMED, 6, rate=0.9), near=False),
)

_LATER = ALERTS["LatencyRising"]


def _latency(week: float, day: float, now: float) -> Series:
    """With a sample every quarter of an hour, from a week before."""
    day_ = 24 * 4
    return {
        metric(P95, FOUND): f"{week}x{5 * day_ - 1} {day}x{2 * day_ - 1} {now}x{day_}",
        metric(TOTAL, FOUND): f"1x{8 * day_}",
    }


LATENCY = (
    example(
        "it is 2.5 times as slow as a day and a week before",
        _LATER,
        series=_latency(0.2, 0.2, 0.5),
        at="7d15m",
        step="15m",
        fires=[
            warning(
                "The 95th percentile of web (shop) is 2.5 times that of the same hour a day before, and more than twice"
                " that of a week before.",
                "2.5",
                **FOUND,
            )
        ],
    ),
    example(
        "it is 1.9 times as slow as a day before", _LATER, series=_latency(0.15, 0.2, 0.38), at="7d15m", step="15m"
    ),
    example("it was as slow a week before", _LATER, series=_latency(0.5, 0.2, 0.5), at="7d15m", step="15m", near=False),
    example("it is quick all the same", _LATER, series=_latency(0.02, 0.02, 0.1), at="7d15m", step="15m", near=False),
    example(
        "there is no week yet",
        _LATER,
        series={metric(P95, FOUND): "0.2x48 0.5x6", metric(TOTAL, FOUND): "1x60"},
        at="52h",
        step="1h",
        near=False,
    ),
)

# --- traffic ---

_DROPPED, _SPIKE = ALERTS["TrafficDropped"], ALERTS["TrafficSpike"]


def _dropped(when: str, *weeks: float, last: float, fires: str = "", near: bool = True) -> Example:
    says = f"web (shop) gets {fires} of the fewest requests that it had at this hour in the last weeks."
    firing = [warning(says, fires, **FOUND)] if fires else []
    return _compared(when, "TrafficDropped", weeks, last, firing, near=near)


def _rose(when: str, *weeks: float, last: float, fires: str = "", near: bool = True) -> Example:
    says = f"web (shop) gets {fires} times the most requests that it had at this hour in the last weeks."
    firing = [warning(says, fires, **FOUND)] if fires else []
    return _compared(when, "TrafficSpike", weeks, last, firing, near=near)


def _compared(
    when: str, alert: str, weeks: tuple[float, ...], last: float, fires: list[Firing], *, near: bool
) -> Example:
    """A quarter of an hour after ``last`` has begun where that is near."""
    series = history(TOTAL, FOUND, *weeks, last=last, hour=4 if near else 1)
    at, step = (f"{7 * len(weeks)}d3h15m", "15m") if near else (after(len(weeks)), "1h")
    return example(when, ALERTS[alert], series=series, at=at, step=step, fires=fires, near=near)


TRAFFIC = (
    _dropped("a fifth of the requests of the week before is left", 10, last=2, fires="20%"),
    _dropped("a bit less than half is left", 10, last=4.5, fires="45%"),
    _dropped("a bit more than half is left", 10, last=5.1),
    _dropped("one of the weeks had as few", 10, 3, last=2, near=False),
    _dropped("there never were many", 0.9, last=0, near=False),
    example(
        "it is the first week",
        _DROPPED,
        series={metric(TOTAL, FOUND): "10x140 1x10"},
        at="145h",
        step="1h",
        near=False,
    ),
    _rose("3.5 times as many come as the week before", 10, last=35, fires="3.5"),
    _rose("2.9 times as many come", 10, last=29),
    _rose("one of the weeks had as many", 10, 20, last=40, near=False),
    _rose("there are few all the same", 0.1, last=0.9, near=False),
)

# --- dependencies ---

_CALLS = "service_dependency:requests:rate5m"
_CALL_P95 = "service_dependency:request_duration_seconds:p95_5m"


def _calls(ratio: float, rate: float = 1, dependency: Labels = BANK) -> Series:
    shares = {"2xx": 1 - ratio, "5xx": ratio}
    return gauges(
        {metric(_CALLS, dependency, status=status, source="otel"): rate * share for status, share in shares.items()}
    )


def _slow_calls(before: float, now: float, rate: float = 1) -> Series:
    return {
        metric(_CALLS, BANK, status="2xx", source="otel"): day_then(rate, rate),
        metric(_CALL_P95, BANK): day_then(before, now),
    }


_FAILING, _SLOW = ALERTS["DependencyFailing"], ALERTS["DependencySlow"]
_CART = FOUND | {"dependency": "cart.shop.svc:80"}
_CART_GONE = gauges({metric("service:replicas_missing:ratio", NAMED, workload="cart", workload_type="Deployment"): 1})
_CART_GONE_IN_TEST = gauges(
    {metric("service:replicas_missing:ratio", NAMED, namespace="test", workload="cart", workload_type="Deployment"): 1}
)
DEPENDENCIES = (
    example(
        "12 % of the calls of a bank fail",
        _FAILING,
        series=_calls(0.12),
        at="5m",
        fires=[warning("12% of the calls from web (shop) to bank.example fail.", "12%", **BANK)],
    ),
    example("9 % of the calls of a bank fail", _FAILING, series=_calls(0.09)),
    example("all of a few calls fail", _FAILING, series=_calls(1, rate=0.1), near=False),
    example(
        "a service of ours is called, and is not down",
        _FAILING,
        series=_calls(1, dependency=_CART),
        fires=[warning("100% of the calls from web (shop) to cart.shop.svc:80 fail.", "100%", **_CART)],
    ),
    example(
        "a service of ours is called, and is down",
        _FAILING,
        series=_calls(1, dependency=_CART) | _CART_GONE,
        near=False,
    ),
    example(
        "a service of that name is down in another namespace",
        _FAILING,
        series=_calls(1, dependency=_CART) | _CART_GONE_IN_TEST,
        fires=[warning("100% of the calls from web (shop) to cart.shop.svc:80 fail.", "100%", **_CART)],
    ),
    example(
        "a service is called by its name alone, and is down",
        _FAILING,
        series=_calls(1, dependency=FOUND | {"dependency": "cart"}) | _CART_GONE,
        near=False,
    ),
    example(
        "a bank takes 2.2 seconds that took one",
        _SLOW,
        series=_slow_calls(1, 2.2),
        at="1d20m",
        step="5m",
        fires=[
            warning(
                "One in twenty calls from web (shop) to bank.example takes longer than 2.2s, more than twice as long as"
                " the day before.",
                "2.2s",
                **BANK,
            )
        ],
    ),
    example("a bank takes 1.9 seconds", _SLOW, series=_slow_calls(0.1, 1.9), at="1d20m", step="5m"),
    example("a model always takes half a minute", _SLOW, series=_slow_calls(30, 31), at="1d20m", step="5m", near=False),
    example("few calls are slow", _SLOW, series=_slow_calls(1, 5, 0.1), at="1d20m", step="5m", near=False),
)

# --- what is full ---


def _open(service: Labels, requests: int) -> Series:
    return gauges({metric("service:active_requests:avg", service): requests})


def _routes(count: int) -> Series:
    return gauges({metric("service:routes:count", FOUND): count})


_CONNECTIONS, _OVERFLOW = ALERTS["ConnectionsHigh"], ALERTS["ServiceRoutesOverflow"]
FULL = (
    example(
        "a pod has 950 open requests",
        _CONNECTIONS,
        series=_open(FOUND, 950),
        at="15m",
        fires=[warning("A pod of web (shop) has 950 open requests.", "950", **FOUND)],
    ),
    example("a pod has 890 open requests", _CONNECTIONS, series=_open(FOUND, 890), at="20m"),
    example("a pod has 1900 where 2000 are usual", _CONNECTIONS, series=_open(LISTED, 1900), at="20m", near=False),
    example(
        "a pod has 2500 where 2000 are usual",
        _CONNECTIONS,
        series=_open(LISTED, 2500),
        at="20m",
        fires=[warning("A pod of checkout (shop) has 2.5k open requests.", "2.5k", **LISTED)],
    ),
    example(
        "it has a route too many",
        _OVERFLOW,
        series=_routes(MOST + 1),
        at="15m",
        fires=[warning(f"web (shop) has more than {MOST} routes; the others are counted as other.", "101", **FOUND)],
    ),
    example(f"it has {MOST} routes", _OVERFLOW, series=_routes(MOST), at="20m"),
)

EXAMPLES = (*ERRORS, *REFUSALS, *SLOW, *LATENCY, *TRAFFIC, *DEPENDENCIES, *FULL)
