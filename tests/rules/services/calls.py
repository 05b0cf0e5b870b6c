"""Calls that services make, by example."""

from __future__ import annotations

from rules.services.labels import MOST
from rules.services.recordings import CALL_BUCKETS, CALL_ERRORS, CALL_LARGEST, CALL_P95, CALL_SOURCE, CALLS
from tests.rules.examples import Labels, Series, counters, example, histogram, metric, of
from tests.rules.services.subjects import CLIENT, FOUND, PUSHED, SPAN

HTTP = "http_client_request_duration_seconds"
SPANS = "traces_span_metrics_calls_total"
BANK: Labels = {"server_address": "bank.example"}
OF_BANK = FOUND | {"dependency": "bank.example"}


def _called(**rates: float) -> Series:
    """Calls a second by status; ``lost`` are those without an answer."""
    labels = {"lost": {"error_type": "ConnectionRefused"}}
    return counters(
        {
            metric(f"{HTTP}_count", PUSHED, BANK, labels.get(name, {"http_response_status_code": name[1:]})): 60 * rate
            for name, rate in rates.items()
        }
    )


_MANY = counters(
    {
        metric(f"{HTTP}_count", PUSHED, server_address=f"{number}.example", http_response_status_code="200"): 60
        * (number + 1)
        for number in range(MOST + 1)
    },
    10,
)
_SPANS = counters({metric(SPANS, SPAN, CLIENT, BANK, status_code="STATUS_CODE_ERROR"): 60})
_TIMES = {"0.5": 60, "1": 60, "2": 120, "+Inf": 120}
_TIMED = counters({metric(f"{HTTP}_count", PUSHED, BANK): 120}) | histogram(HTTP, PUSHED | BANK, _TIMES)

EXAMPLES = (
    example(
        "a client calls a bank",
        CALLS,
        series=_called(s200=8, s404=1, s503=0.5, lost=0.5) | _SPANS,
        gives={of(OF_BANK, source="otel", status=each): rate for each, rate in {"2xx": 8, "4xx": 1, "5xx": 1}.items()},
    ),
    example(
        "a client has spans alone",
        CALLS,
        series=_SPANS | counters({metric(SPANS, SPAN, CLIENT, span_name="no host"): 60}),
        gives={of(OF_BANK, source="spans", status="5xx"): 1},
    ),
    example(
        "calls of gRPC by spans have no host",
        CALLS,
        series=counters(
            {
                metric(SPANS, SPAN, CLIENT, span_name=f"{slash}shop.Cart/{method}", rpc_grpc_status_code="14"): 60
                for slash in ("", "/")
                for method in ("Add", "Remove")
            }
        ),
        gives={of(FOUND, dependency="shop.Cart", source="spans", status="5xx"): 4},
    ),
    example(
        "a call of gRPC by a span has a host",
        CALLS,
        series=counters({metric(SPANS, SPAN, CLIENT, BANK, span_name="/bank.Cards/Pay", rpc_grpc_status_code="0"): 60}),
        gives={of(OF_BANK, source="spans", status="2xx"): 1},
    ),
    example(
        "a client calls one host for each customer",
        CALLS,
        series=_MANY,
        gives={
            of(FOUND, dependency=f"{number}.example", source="otel", status="2xx"): number + 1
            for number in range(1, MOST + 1)
        },
    ),
    example(
        "one in ten calls fails",
        CALL_ERRORS,
        series=_called(s200=8, s404=1, s503=0.5, lost=0.5),
        gives={of(OF_BANK): 0.1},
    ),
    example(
        "two sources count calls", CALL_SOURCE, series=_called(s200=1) | _SPANS, gives={of(FOUND, source="otel"): 1}
    ),
    example("spans count calls", CALL_SOURCE, series=_SPANS, gives={of(FOUND, source="spans"): 1}),
    example("one host is called", CALL_LARGEST, series=_called(s200=1), gives={of(OF_BANK, source="otel"): 600}),
    example("no call fails", CALL_ERRORS, series=_called(s200=1), gives={of(OF_BANK): 0}),
    example(
        "calls are timed",
        CALL_BUCKETS,
        series=_TIMED,
        gives={of(OF_BANK, le=end): number / 60 for end, number in _TIMES.items()},
    ),
    example("half of the calls take between one and two seconds", CALL_P95, series=_TIMED, gives={of(OF_BANK): 1.9}),
)
