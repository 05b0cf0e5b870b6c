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

from rules.services.recordings import CALL_ERRORS, ERRORS, P50, P95, REQUESTS, SOURCE, TOTAL
from tests.servers.instrumented import ROUTE
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port
from tools.local.log_receiver import LogReceiver
from tools.local.rendered import render_text
from tools.local.server import LocalServer
from tools.local.stack_text import stack_text
from tools.local.telemetry import Platform

SERVICES = {"orders": "opentelemetry", "checkout": "prometheus", "cart": "middleware"}
"""What measures each."""
QUICK, SLOW, FAILED = 60, 10, 30
"""Requests of each kind. Those before them have the same proportions, so that all rates begin alike."""
BEFORE = 10
NEAR = 0.08
"""Relative: the first export may come amid the first requests, so that a rate counts up to six more than a hundred."""
RELAYED, LOST = 30, 10
"""Calls of another service that are answered, and that fail."""


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
    ports = {name: free_port() for name in SERVICES}
    made = render_text("test", home, stack_text(stack(ports)))
    platform = Platform(made, home, control_plane, LogReceiver(home / "logs"))
    with platform.started(), ExitStack() as exits:
        (prometheus,) = platform.prometheus
        for name, kind in SERVICES.items():
            argv = [sys.executable, "-m", "tests.servers.instrumented", kind, str(ports[name]), platform.collector.url]
            env = {**os.environ, "OTEL_SEMCONV_STABILITY_OPT_IN": "http"}
            process = exits.enter_context(Process(argv, log=home / f"{name}.log", env=env))
            process.ready(lambda port=ports[name]: httpx.get(f"http://127.0.0.1:{port}/docs"))  # type: ignore[misc]  # mypy types no lambda with a default
        ask_all(ports, BEFORE)
        for metric in ("http_server_request_duration_seconds_count", "http_requests_total", "starlette_requests_total"):
            eventually(lambda metric=metric: query(prometheus, metric), 60, f"{metric} is there")  # type: ignore[misc]  # as above
        ask_all(ports, 1)
        yield prometheus


def ask_all(ports: dict[str, int], part: int) -> None:
    """All requests, or a ``part`` of them."""
    with ThreadPoolExecutor(20) as pool:
        for name, port in ports.items():
            url = f"http://127.0.0.1:{port}/orders/7"
            for times, seconds, status in ((QUICK, 0.3, 200), (SLOW, 1.5, 200), (FAILED, 0.3, 503)):
                params: dict[str, float] = {"seconds": seconds, "status": status}
                for _ in range(times // part):
                    pool.submit(partial(httpx.get, url, params=params, timeout=60))
            if name == "orders":
                for times, status in ((RELAYED, 200), (LOST, 500)):
                    for _ in range(times // part):
                        to: dict[str, str | int] = {"to": f"127.0.0.1:{ports['cart']}", "status": status}
                        pool.submit(partial(httpx.get, f"http://127.0.0.1:{port}/relay", params=to, timeout=60))


def value(server: LocalServer, expression: str) -> float:
    series = query(server, expression)
    assert len(series) == 1, f"{expression}: {series}"
    return float(series[0]["value"][1])


@pytest.mark.parametrize("name", SERVICES)
def test_a_services_failures_and_durations_are_those_that_it_was_asked_for(asked: LocalServer, name: str) -> None:
    of_orders = f'{{service="{name}", route="{ROUTE}"}}'

    def share() -> float:
        failed = f'sum({REQUESTS}{{service="{name}", route="{ROUTE}", status="5xx"}})'
        return value(asked, f"{failed} / sum({REQUESTS}{of_orders})")

    more = LOST if name == "cart" else 0  # the relayed calls
    calls = RELAYED if name == "cart" else 0
    expected = (FAILED + more) / (QUICK + SLOW + FAILED + more + calls)
    eventually(lambda: share() == pytest.approx(expected, rel=NEAR), 180, f"{expected:.0%} of {name} fail")
    if name != "orders":  # whose relayed requests succeed
        assert value(asked, f'{ERRORS}{{service="{name}"}}') == pytest.approx(expected, rel=NEAR)
        return
    # Between the ends of the buckets that hold 0.3 and 1.5 seconds.
    assert value(asked, f'{P50}{{service="{name}"}}') <= 0.5
    assert 1 < value(asked, f'{P95}{{service="{name}"}}') <= 2.5


def test_a_services_rate_is_what_it_was_asked(asked: LocalServer) -> None:
    sent = QUICK + SLOW + FAILED

    def counted() -> float:
        return 300 * value(asked, f'{TOTAL}{{service="checkout"}}')

    # A rate is estimated to the ends of its range: by half of the time between two samples at most.
    eventually(lambda: sent <= counted() <= 1.5 * sent, 120, f"about {sent} requests in five minutes")


def test_calls_of_a_service_are_known_by_the_host_that_it_calls(asked: LocalServer) -> None:
    expected = LOST / (RELAYED + LOST)
    failing = f'{CALL_ERRORS}{{service="orders", namespace="shop", dependency="127.0.0.1"}}'
    eventually(lambda: value(asked, failing) == pytest.approx(expected, rel=NEAR), 180, "a quarter fails")


def test_each_service_says_what_counts_its_requests(asked: LocalServer) -> None:
    def sources() -> dict[str, str]:
        return {each["metric"]["service"]: each["metric"]["source"] for each in query(asked, SOURCE)}

    expected = {"orders": "otel", "checkout": "prometheus", "cart": "mapped"}
    eventually(lambda: expected.items() <= sources().items(), 120, "each has its source")
