"""Requests from each source, under one set of names and labels, by example."""

from __future__ import annotations

from rules.services.labels import MOST
from rules.services.recordings import ACTIVE, BUCKETS, LARGEST, REQUESTS, ROUTES, SOURCE, VERSIONS
from tests.rules.agents.subjects import native
from tests.rules.examples import Labels, Series, counters, gauges, histogram, metric, of
from tests.rules.services.subjects import FOUND, OWNED, PUSHED, SCRAPED, SERVER, SHOP, SPAN, counted

HTTP = "http_server_request_duration_seconds"
RPC, OLDER_RPC = "rpc_server_call_duration_seconds", "rpc_server_duration_milliseconds"
SPANS = "traces_span_metrics_calls_total"
COUNTED, TIMED = "http_requests_total", "http_request_duration_seconds"


def of_web(source: str, **labels: str) -> str:
    return of(FOUND, source=source, **labels)


def _http(status: str, route: str = "/pay") -> Labels:
    return PUSHED | {"http_route": route, "http_request_method": "POST", "http_response_status_code": status}


def _statuses(codes: dict[str, str], name: str, labels: Labels, label: str) -> Series:
    return counters({metric(name, labels, {label: code}): 60 for code in codes})


CLASSES = {"201": "2xx", "302": "3xx", "404": "4xx", "401": "401", "403": "403", "429": "429", "503": "5xx"}
GRPC_NUMBERS = {"0": "2xx", "5": "4xx", "7": "403", "8": "429", "16": "401", "14": "5xx"}
GO_NAMES = {"OK": "2xx", "NotFound": "4xx", "PermissionDenied": "403", "DeadlineExceeded": "5xx", "success": ""}
"""Go's libraries spell them so; other libraries have words of their own, which say nothing known."""
GRPC_NAMES = {"OK": "2xx", "NOT_FOUND": "4xx", "PERMISSION_DENIED": "403", "UNAVAILABLE": "5xx"}

OPENTELEMETRY = (
    counted(
        "OpenTelemetry's metrics have each class of status",
        REQUESTS,
        series=counters({metric(f"{HTTP}_count", _http(code)): 60 for code in CLASSES}),
        gives={of_web("otel", route="/pay", method="POST", status=status): 1 for status in CLASSES.values()},
    ),
    counted(
        "a request breaks before it has a status",
        REQUESTS,
        series=counters({metric(f"{HTTP}_count", PUSHED, http_route="/pay", error_type="timeout"): 60}),
        gives={of_web("otel", route="/pay", status="5xx"): 1},
    ),
    counted(
        "a process pushes a native histogram beside the classic one",
        REQUESTS,
        series=counters({metric(f"{HTTP}_count", _http("200")): 60}) | {metric(HTTP, _http("200")): native(-32, 60)},
        gives={of_web("otel", route="/pay", method="POST", status="2xx"): 1},
    ),
    counted(
        "a process pushes native histograms alone",
        REQUESTS,
        series={metric(HTTP, _http("200")): native(-32, 60)},
        gives={of_web("otel", route="/pay", method="POST", status="2xx"): 1},
    ),
    counted(
        "gRPC's codes are numbers, as in older conventions",
        REQUESTS,
        series=counters(
            {
                metric(
                    f"{OLDER_RPC}_count", PUSHED, rpc_service="shop.Cart", rpc_method="Add", rpc_grpc_status_code=each
                ): 60
                for each in GRPC_NUMBERS
            }
        ),
        gives={of_web("otel", route="shop.Cart/Add", status=status): 1 for status in GRPC_NUMBERS.values()},
    ),
    counted(
        "gRPC's codes are words, as in newer conventions, and the process speaks both",
        REQUESTS,
        series=counters(
            {
                **{
                    metric(f"{RPC}_count", PUSHED, rpc_method="shop.Cart/Add", rpc_response_status_code=each): 60
                    for each in GRPC_NAMES
                },
                metric(
                    f"{OLDER_RPC}_count", PUSHED, rpc_service="shop.Cart", rpc_method="Add", rpc_grpc_status_code="0"
                ): 60,
            }
        ),
        gives={of_web("otel", route="shop.Cart/Add", status=status): 1 for status in GRPC_NAMES.values()},
    ),
    *(
        counted(
            f"its pods belong to a {kind}",
            REQUESTS,
            series=counters(
                {
                    metric(
                        f"{HTTP}_count",
                        {"job": "x", "instance": "i", "service_name": "x", "k8s_namespace_name": "shop"},
                        {label: "web"} if label else {},
                        http_response_status_code="200",
                    ): 60
                }
            ),
            gives={of(SHOP, service="web" if label else "x", source="otel", status="2xx"): 1},
        )
        for kind, label in {
            "Deployment": "k8s_deployment_name",
            "StatefulSet": "k8s_statefulset_name",
            "DaemonSet": "k8s_daemonset_name",
            "workload that it does not name": "",
        }.items()
    ),
)

_SERVICE = SHOP | {"job": "annotated-services", "instance": "i-3", "pod": "web-3", "service": "web"}
PROMETHEUS = (
    *(
        counted(
            f"a library calls the route {route} and the status {code}",
            REQUESTS,
            series=OWNED | counters({metric(COUNTED, SCRAPED, {route: "/pay", code: "404"}, method="GET"): 60}),
            gives={of_web("prometheus", route="/pay", method="GET", status="4xx"): 1},
        )
        for route, code in (("path", "status"), ("route", "code"), ("handler", "status_code"), ("endpoint", "status"))
    ),
    counted(
        "a library counts classes of status",
        REQUESTS,
        series=OWNED | counters({metric(COUNTED, SCRAPED, handler="/pay", status="5xx"): 60}),
        gives={of_web("prometheus", route="/pay", status="5xx"): 1},
    ),
    counted(
        "a status is none of HTTP's",
        REQUESTS,
        series=OWNED | counters({metric(COUNTED, SCRAPED, handler="/pay", status="success"): 60}),
        gives={of_web("prometheus", route="/pay"): 1},
    ),
    counted(
        "a library has a histogram and no counter",
        REQUESTS,
        series=OWNED | counters({metric(f"{TIMED}_count", SCRAPED, route="/pay", code="200"): 60}),
        gives={of_web("prometheus", route="/pay", status="2xx"): 1},
    ),
    counted(
        "a library has a histogram and a counter",
        REQUESTS,
        series=OWNED
        | counters({metric(f"{TIMED}_count", SCRAPED, route="/pay"): 60, metric(COUNTED, SCRAPED, code="200"): 60}),
        gives={of_web("prometheus", status="2xx"): 1},
    ),
    counted(
        "nobody knows whose the pod is",
        REQUESTS,
        series=counters({metric(COUNTED, SCRAPED, code="200"): 60}),
        gives={of(SHOP, service="ui", source="prometheus", status="2xx"): 1},
    ),
    counted(
        "a Service is scraped, and nobody knows whose its pods are",
        REQUESTS,
        series=counters({metric(COUNTED, _SERVICE, code="200"): 60}) | gauges({metric("up", _SERVICE): 1}),
        gives={of_web("prometheus", status="2xx"): 1},
    ),
    counted(
        "it runs outside the cluster",
        REQUESTS,
        series=counters({metric(COUNTED, job="legacy", instance="10.1.0.1:80", code="200"): 60}),
        gives={of(service="legacy", source="prometheus", status="2xx"): 1},
    ),
    counted(
        "the metrics have names that the stack file maps",
        REQUESTS,
        series=OWNED | counters({metric("shop_calls_total", SCRAPED, action="/pay", verb="GET", outcome="200"): 60}),
        gives={of_web("mapped", route="/pay", method="GET", status="2xx"): 1},
    ),
    counted(
        "the mapped metrics are those of a gRPC server in Go",
        REQUESTS,
        series=OWNED
        | counters(
            {
                metric("shop_calls_total", SCRAPED, action="shop.Cart/Add", verb="unary", outcome=each): 60
                for each in GO_NAMES
            }
        ),
        gives={
            of_web("mapped", route="shop.Cart/Add", method="unary", **({"status": status} if status else {})): 1
            for status in GO_NAMES.values()
        },
    ),
)

_SPAN_OF_HTTP = SPAN | SERVER | {"http_route": "/pay", "http_request_method": "GET", "span_name": "GET /pay"}
SPAN_METRICS = (
    counted(
        "there are spans alone",
        REQUESTS,
        series=counters(
            {
                metric(SPANS, _SPAN_OF_HTTP, http_response_status_code="404", status_code="STATUS_CODE_UNSET"): 60,
                metric(SPANS, _SPAN_OF_HTTP, status_code="STATUS_CODE_ERROR"): 60,
                metric(SPANS, SPAN, span_kind="SPAN_KIND_INTERNAL", status_code="STATUS_CODE_ERROR"): 60,
            }
        ),
        gives={
            of_web("spans", route="/pay", method="GET", status="4xx"): 1,
            of_web("spans", route="/pay", method="GET", status="5xx"): 1,
        },
    ),
    counted(
        "a span of HTTP has the status of older conventions",
        REQUESTS,
        series=counters({metric(SPANS, SPAN, SERVER, span_name="GET", http_status_code="404"): 60}),
        gives={of_web("spans", status="4xx"): 1},
    ),
    *(
        counted(
            f"a span of gRPC is called {name}",
            REQUESTS,
            series=counters({metric(SPANS, SPAN, SERVER, span_name=name, rpc_grpc_status_code="14"): 60}),
            gives={of_web("spans", route="shop.Cart/Add", status="5xx"): 1},
        )
        for name in ("shop.Cart/Add", "/shop.Cart/Add")
    ),
    counted(
        "spans of gRPC have words for codes",
        REQUESTS,
        series=counters(
            {
                metric(SPANS, SPAN, SERVER, span_name="shop.Cart/Add", rpc_response_status_code=each): 60
                for each in GRPC_NAMES
            }
        ),
        gives={of_web("spans", route="shop.Cart/Add", status=status): 1 for status in GRPC_NAMES.values()},
    ),
    counted(
        "a span of JSON-RPC fails with a code of its own",
        REQUESTS,
        series=counters(
            {
                metric(
                    SPANS,
                    SPAN,
                    SERVER,
                    span_name="tools/call search",
                    rpc_response_status_code="-32603",
                    status_code="STATUS_CODE_ERROR",
                ): 60
            }
        ),
        gives={of_web("spans", status="5xx"): 1},
    ),
    counted(
        "spans of HTTP have no route, and names with a path or without",
        REQUESTS,
        series=counters(
            {
                metric(SPANS, SPAN, SERVER, span_name=name, http_response_status_code="200"): 60
                for name in ("GET /pay", "GET", "HTTP GET")
            }
        ),
        gives={of_web("spans", route="/pay", status="2xx"): 1, of_web("spans", status="2xx"): 2},
    ),
)

_ALL = (
    OWNED
    | counters({metric(f"{HTTP}_count", _http("200")): 60})
    | counters({metric(COUNTED, SCRAPED, path="/pay", code="200"): 120})
    | counters({metric(SPANS, _SPAN_OF_HTTP, http_response_status_code="200"): 180})
)
_SECOND = {series: values for series, values in _ALL.items() if not series.startswith(HTTP)}
ORDER = (
    counted(
        "a service arrives by three sources",
        REQUESTS,
        series=_ALL,
        gives={of_web("otel", route="/pay", method="POST", status="2xx"): 1},
    ),
    counted(
        "it is scraped, and has spans",
        REQUESTS,
        series=_SECOND,
        gives={of_web("prometheus", route="/pay", status="2xx"): 2},
    ),
    counted("three sources know it", SOURCE, series=_ALL, gives={of_web("otel"): 1}),
    counted("two sources know it", SOURCE, series=_SECOND, gives={of_web("prometheus"): 1}),
)


def _many(routes: int, name: str = f"{HTTP}_count", **labels: str) -> Series:
    """Routes of which each has more requests than the one before."""
    return counters(
        {
            metric(name, PUSHED, http_route=f"/{number}", http_response_status_code="200", **labels): 60 * (number + 1)
            for number in range(routes)
        },
        10,
    )


_KEPT = {of(FOUND, source="otel", route=f"/{number}", status="2xx"): number + 1 for number in range(20, 120)}
BOUND = (
    counted(
        f"it has {MOST + 20} routes",
        REQUESTS,
        series=_many(MOST + 20),
        gives={**_KEPT, of(FOUND, source="otel", route="other", status="2xx"): sum(range(1, 21))},
    ),
    counted(
        f"it has {MOST} routes",
        REQUESTS,
        series=_many(MOST),
        gives={of(FOUND, source="otel", route=f"/{number}", status="2xx"): number + 1 for number in range(MOST)},
    ),
    counted("more routes than are kept apart", ROUTES, series=_many(MOST + 20), gives={of(FOUND): MOST + 1}),
    counted(
        "two routes",
        LARGEST,
        series=_many(2),
        gives={of_web("otel", route="/0"): 600, of_web("otel", route="/1"): 1200},
    ),
    counted("two routes", ROUTES, series=_many(2), gives={of(FOUND): 2}),
    counted(
        f"{MOST + 20} routes are timed",
        BUCKETS,
        series=_many(MOST + 20) | _many(MOST + 20, f"{HTTP}_bucket", le="0.5"),
        gives={of(FOUND, route=f"/{number}", le="0.5"): number + 1 for number in range(20, 120)},
    ),
)

_TIMES = {"0.1": 30, "0.5": 60, "+Inf": 60}
_IN_MS = {"5.0": 6, "50": 30, "500": 60, "2500": 60, "10000.0": 60, "+Inf": 60}
_IN_SECONDS = {"0.0050": 0.1, "0.050": 0.5, "0.500": 1, "2.500": 1, "10.0000": 1, "+Inf": 1}
DURATIONS = (
    counted(
        "a histogram comes from OpenTelemetry",
        BUCKETS,
        series=counters({metric(f"{HTTP}_count", _http("200")): 60}) | histogram(HTTP, _http("200"), _TIMES),
        gives={of(FOUND, route="/pay", le=end): number / 60 for end, number in _TIMES.items()},
    ),
    counted(
        "a histogram comes from a library, whose counter knows no routes",
        BUCKETS,
        series=OWNED
        | counters({metric(COUNTED, SCRAPED, code="200"): 60, metric(f"{TIMED}_count", SCRAPED, handler="/pay"): 60})
        | histogram(TIMED, SCRAPED | {"handler": "/pay"}, _TIMES),
        gives={of(FOUND, route="/pay", le=end): number / 60 for end, number in _TIMES.items()},
    ),
    counted(
        "a histogram is of spans, in milliseconds",
        BUCKETS,
        series=counters(
            {
                metric(SPANS, _SPAN_OF_HTTP): 60,
                metric("traces_span_metrics_duration_milliseconds_count", _SPAN_OF_HTTP): 60,
            }
        )
        | histogram("traces_span_metrics_duration_milliseconds", _SPAN_OF_HTTP, _IN_MS),
        gives={of(FOUND, route="/pay", le=end): rate for end, rate in _IN_SECONDS.items()},
    ),
    counted(
        "two sources time it, and one counts it",
        BUCKETS,
        series=_ALL
        | histogram(HTTP, _http("200"), _TIMES)
        | histogram(TIMED, SCRAPED | {"path": "/pay"}, _TIMES)
        | counters({metric(f"{TIMED}_count", SCRAPED, path="/pay"): 60}),
        gives={of(FOUND, route="/pay", le=end): number / 60 for end, number in _TIMES.items()},
    ),
)

_OTHER_POD = PUSHED | {"instance": "i-2"}
OPEN = (
    counted(
        "its pods have open requests",
        ACTIVE,
        series=gauges(
            {
                metric("http_server_active_requests", PUSHED, http_request_method="GET"): 30,
                metric("http_server_active_requests", PUSHED, http_request_method="POST"): 10,
                metric("http_server_active_requests", _OTHER_POD, http_request_method="GET"): 20,
            }
        ),
        gives={of(FOUND): 30},
    ),
    counted(
        "a library counts open requests",
        ACTIVE,
        series=OWNED | gauges({metric("http_requests_inprogress", SCRAPED, handler="/pay"): 7}),
        gives={of(FOUND): 7},
    ),
)
VERSIONED = (
    counted(
        "a pod has a newer version than another, and a process says none",
        VERSIONS,
        series=gauges(
            {
                metric("target_info", PUSHED, service_version="1.0"): 1,
                metric("target_info", _OTHER_POD, service_version="1.1"): 1,
                metric("target_info", PUSHED, instance="i-3"): 1,
            }
        ),
        gives={of(FOUND, version="1.0"): 1, of(FOUND, version="1.1"): 1},
    ),
    counted(
        "a process outside the cluster has a version, and its service a namespace",
        VERSIONS,
        series=gauges({metric("target_info", job="billing/teller", instance="i-9", service_version="3.0"): 1}),
        gives={of(service="teller", version="3.0"): 1},
    ),
    counted(
        "an application exposes its version",
        VERSIONS,
        series=OWNED | gauges({metric("app_info", SCRAPED, version="2.0"): 1}),
        gives={of(FOUND, version="2.0"): 1},
    ),
)

EXAMPLES = (*OPENTELEMETRY, *PROMETHEUS, *SPAN_METRICS, *ORDER, *BOUND, *DURATIONS, *OPEN, *VERSIONED)
