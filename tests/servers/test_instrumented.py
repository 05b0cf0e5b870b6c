"""What services with public instrumentation are asked is what is recorded of them, on the rendered servers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx
import pytest

from rules.services.recordings import BY_STATUS, CALL_ERRORS, ERRORS, P50, P95, REQUESTS, SOURCE, TOTAL
from rules.spans import SPAN_CALLS
from tests.servers.instrumented import ROUTE
from tests.servers.instrumented_grpc import CALL, SERVICE
from tests.servers.traces import SCRAPE, scraped_here
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, listens
from tools.local.log_receiver import LogReceiver
from tools.local.rendered import render_text
from tools.local.server import LocalServer
from tools.local.stack_text import stack_text
from tools.local.telemetry import Platform

SOURCES = {
    "orders": "otel",
    "billing": "spans",
    "checkout": "prometheus",
    "cart": "mapped",
    "ledger": "spans",
}
"""What counts the requests of each. Of ``orders`` there are spans as well, and of ``ledger``, which speaks gRPC, no
metrics."""
KINDS = {"orders": "opentelemetry", "billing": "spans", "checkout": "prometheus", "cart": "middleware"}
RELAYING = ("orders", "billing")
QUICK, SLOW, FAILED = 50, 20, 30
"""Requests of each kind. Those before them have the same proportions, so that all rates begin alike."""
REFUSED = {"NOT_FOUND": 20, "PERMISSION_DENIED": 10}
"""Calls by gRPC that are the client's fault, besides requests of each kind."""
BEFORE = 10
"""The first part of the requests, a tenth, which makes all series: a rate does not know what came before a series."""
NEAR = 0.08
"""Relative: the first export may come amid the first part, so that a rate has some of it, and not of each kind."""
RELAYED, LOST = 30, 10
"""Calls of another service that are answered, and that fail."""
SENT = {
    **dict.fromkeys(KINDS, QUICK + SLOW + FAILED),
    **dict.fromkeys(RELAYING, QUICK + SLOW + FAILED + RELAYED + LOST),
    "ledger": QUICK + SLOW + FAILED + sum(REFUSED.values()),
}
SENT["cart"] += len(RELAYING) * (RELAYED + LOST)
SERVED = 'span_kind="SPAN_KIND_SERVER"'
COUNTED = {
    "orders": 'http_server_request_duration_seconds_count{service_name="orders"}',
    "billing": f'{SPAN_CALLS}{{service_name="billing", {SERVED}}}',
    "checkout": "http_requests_total",
    "cart": "starlette_requests_total",
    "ledger": f'{SPAN_CALLS}{{service_name="ledger", {SERVED}}}',
}
"""What counts the requests of each, as it arrives."""
ANSWERED_5XX = dict.fromkeys(SENT, FAILED) | {"cart": FAILED + len(RELAYING) * LOST}


def stack(ports: dict[str, int]) -> dict[str, Any]:
    scraped = [{"name": name, "targets": [f"127.0.0.1:{ports[name]}"]} for name in ("checkout", "cart")]
    mapped = {
        "requests": "starlette_requests_total",
        "duration": "starlette_request_duration_seconds",
        "labels": {"route": "path", "status": "status_code"},
    }
    return {
        "cluster": {"name": "measured-1", "environment": "test", "context": "test", "flavour": "kubeadm"},
        "prometheus": {"scrapeInterval": "5s", "scrapeJobs": scraped},
        "systems": {"services": {"sources": [mapped]}},
    }


@pytest.fixture(scope="module")
def asked(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """Prometheus, once each service has been asked."""
    home = tmp_path_factory.mktemp("measured")
    ports = {name: free_port() for name in (*KINDS, "ledger", "teller")}
    made = render_text("test", home, stack_text(stack(ports)))
    platform = Platform(made, home, control_plane, LogReceiver(home / "logs"))
    (prometheus,) = platform.prometheus
    prometheus.put(SCRAPE, prometheus.files(SCRAPE) | scraped_here(prometheus, platform.jaeger))
    env = {**os.environ, "OTEL_SEMCONV_STABILITY_OPT_IN": "http"}
    with platform.started(), ExitStack() as exits:

        def start(name: str, module: str, kind: str, *more: str) -> Process:
            argv = [sys.executable, "-m", f"tests.servers.{module}", kind, str(ports[name]), platform.collector.url]
            return exits.enter_context(Process([*argv, *more], log=home / f"{name}.log", env=env))

        ledger = f"127.0.0.1:{ports['ledger']}"
        started = {name: start(name, "instrumented", kind) for name, kind in KINDS.items()}
        started["ledger"] = start("ledger", "instrumented_grpc", "server")
        started["teller"] = start("teller", "instrumented_grpc", "client", ledger)
        for name, process in started.items():
            process.ready(partial(listens, ports[name]))  # a request would be counted
        ask_all(ports, BEFORE)
        for name, sent in SENT.items():
            eventually(lambda name=name, sent=sent: counted(prometheus, name) == sent / BEFORE, 60, f"{name} is known")  # type: ignore[misc]  # mypy types no lambda with a default
        ask_all(ports, 1)
        yield prometheus


def ask_all(ports: dict[str, int], part: int) -> None:
    """All requests, or a ``part`` of them."""
    with ThreadPoolExecutor(20) as pool:

        def ask(times: int, name: str, path: str, **params: str | float) -> None:
            for _ in range(times // part):
                pool.submit(httpx.get, f"http://127.0.0.1:{ports[name]}/{path}", params=params, timeout=60)

        for name in KINDS:
            for times, seconds, status in ((QUICK, 0.3, 200), (SLOW, 1.5, 200), (FAILED, 0.3, 503)):
                ask(times, name, "orders/7", seconds=seconds, status=status)
        for name in RELAYING:
            for times, status in ((RELAYED, 200), (LOST, 500)):
                ask(times, name, "relay", to=f"127.0.0.1:{ports['cart']}", status=status)
        calls = [(QUICK, 0.3, "OK"), (SLOW, 1.5, "OK"), (FAILED, 0.3, "UNAVAILABLE")]
        for times, seconds, code in (*calls, *((times, 0.3, code) for code, times in REFUSED.items())):
            ask(times, "teller", "book", seconds=seconds, code=code)


def counted(server: LocalServer, name: str) -> float:
    """All requests of a service that have been counted."""
    return value(server, f"sum({COUNTED[name]}) or vector(0)")


def value(server: LocalServer, expression: str) -> float:
    series = query(server, expression)
    assert len(series) == 1, f"{expression}: {series}"
    return float(series[0]["value"][1])


def share(server: LocalServer, name: str, status: str) -> float:
    """Ratio of a service's requests that have this status."""
    return value(server, f'sum({BY_STATUS}{{service="{name}", status="{status}"}}) / sum({TOTAL}{{service="{name}"}})')


@pytest.mark.parametrize("name", SOURCES)
def test_a_services_failures_are_those_that_it_was_asked_for(asked: LocalServer, name: str) -> None:
    expected = pytest.approx(ANSWERED_5XX[name] / SENT[name], rel=NEAR)
    eventually(lambda: share(asked, name, "5xx") == expected, 180, f"{expected} of {name} fail")
    eventually(lambda: value(asked, f'{ERRORS}{{service="{name}"}}') == expected, 60, "the error ratio is the same")


@pytest.mark.parametrize("name", SOURCES)
def test_a_services_durations_are_those_that_it_was_asked_for(asked: LocalServer, name: str) -> None:
    # Between the ends of the buckets that hold 0.3 and 1.5 seconds.
    eventually(lambda: 0.25 < value(asked, f'{P50}{{service="{name}"}}') <= 0.5, 180, "most requests are quick")
    eventually(lambda: 1 < value(asked, f'{P95}{{service="{name}"}}') <= 2.5, 60, "one in ten is slow")


@pytest.mark.parametrize("name", SOURCES)
def test_a_services_rate_is_what_it_was_asked_once_whatever_counts_it(asked: LocalServer, name: str) -> None:
    all_ = SENT[name] + SENT[name] / BEFORE
    eventually(lambda: counted(asked, name) == all_, 60, f"each of {all_} requests is counted")

    def within_range() -> float:
        return 300 * value(asked, f'{TOTAL}{{service="{name}"}}')

    # A rate is estimated to the ends of its range: by half of the time between two samples at most.
    eventually(lambda: SENT[name] <= within_range() <= 1.5 * SENT[name], 120, f"{SENT[name]} requests in five minutes")


@pytest.mark.parametrize(("name", "route"), [("orders", ROUTE), ("billing", ROUTE), ("ledger", CALL.lstrip("/"))])
def test_a_services_routes_are_those_that_its_author_wrote(asked: LocalServer, name: str, route: str) -> None:
    def routes() -> set[str]:
        return {each["metric"].get("route", "") for each in query(asked, f'{REQUESTS}{{service="{name}"}}')}

    expected = {route, "/relay"} if name in RELAYING else {route}
    eventually(lambda: routes() == expected, 120, f"{name} has {expected}")


def test_codes_of_grpc_are_told_apart_as_those_of_http(asked: LocalServer) -> None:
    for code, status in {"NOT_FOUND": "4xx", "PERMISSION_DENIED": "403"}.items():
        expected = pytest.approx(REFUSED[code] / SENT["ledger"], rel=NEAR)
        eventually(lambda status=status, expected=expected: share(asked, "ledger", status) == expected, 120, code)  # type: ignore[misc]  # as above


@pytest.mark.parametrize(
    ("name", "dependency", "expected"),
    [
        ("orders", "127.0.0.1", LOST / (RELAYED + LOST)),
        ("billing", "127.0.0.1", LOST / (RELAYED + LOST)),
        ("teller", SERVICE, FAILED / SENT["ledger"]),
    ],
)
def test_calls_of_a_service_are_known_by_what_it_calls(
    asked: LocalServer, name: str, dependency: str, expected: float
) -> None:
    failing = f'{CALL_ERRORS}{{service="{name}", namespace="shop", dependency="{dependency}"}}'
    eventually(lambda: value(asked, failing) == pytest.approx(expected, rel=NEAR), 180, f"{expected} fail")


def test_each_service_says_what_counts_its_requests(asked: LocalServer) -> None:
    def sources() -> dict[str, str]:
        return {each["metric"]["service"]: each["metric"]["source"] for each in query(asked, SOURCE)}

    eventually(lambda: SOURCES.items() <= sources().items(), 120, "each has its source")


def test_metrics_of_spans_have_no_address_of_a_caller_and_no_path(asked: LocalServer) -> None:
    series = query(asked, f'{SPAN_CALLS}{{service_name=~"billing|orders|ledger|teller"}}')
    assert series
    values = {text for each in series for text in each["metric"].values()}
    assert not [text for text in values if "/orders/7" in text or "?" in text]
    assert not [label for each in series for label in each["metric"] if label.startswith(("net_", "client_", "url_"))]
