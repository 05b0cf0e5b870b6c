"""A service is killed, one fails, and one is slow: on the shipped production stack, each pages in time, and once."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from components.settings.stack import Settings
from rules.kubernetes.recordings import DESIRED
from rules.services.availability import MISSING, SEEN
from rules.services.recordings import SOURCE, TOTAL
from tools import stack_file
from tools.local.account import Account
from tools.local.alerting_path import QUICK, AlertingPath, alerting_path, firing
from tools.local.asked import get, number, wait_until
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, listens
from tools.local.receiving import Posted
from tools.local.stack_text import merged

KILLED, FAILING, SLOW = ASKED = "checkout", "orders", "search"
"""Processes of this machine, which are scraped."""
NOT_READY = "billing"
"""A Deployment in the namespace shop, by its figures."""
PAGES = {KILLED: "ServiceDown", NOT_READY: "ServiceDown", FAILING: "HighErrorRate", SLOW: "SlowestResponses"}
"""What each service pages with."""
ON_THE_WAY = {
    NOT_READY: ("kubernetes-recordings-workloads", "services-availability"),
    # The target of a service is gone when nothing counts its requests any more.
    KILLED: ("services-requests", "services-availability"),
    FAILING: ("services-requests",),
    SLOW: ("services-requests",),
}
"""The groups that are evaluated between a fault and its page."""
DELIVERY = 15
"""Seconds, in which whatever is no interval of the stack's must be done."""
SETTINGS = merged(
    QUICK,
    {
        "systems": {"services": {"listed": {name: {} for name in PAGES}}},
        # A group that is evaluated once a minute rounds `for` up to minutes.
        "alerts": {"ServiceDown": {"for": "2s"}, "HighErrorRate": {"for": "0s"}, "SlowestResponses": {"for": "0s"}},
    },
)


@dataclass(frozen=True)
class Faulty:
    """Production and its services, and the seconds of the clock at which each fault had happened."""

    path: AlertingPath
    settings: Settings
    since: Mapping[str, float]

    def within(self, service: str) -> float:
        """Seconds that the page of a service may take, by the settings of the stack and of the groups that run."""
        settings, groups = self.settings, get(self.path.prometheus[0].local, "rules")["groups"]
        evaluations: float = sum(group["interval"] for group in groups if group["name"] in ON_THE_WAY[service])
        (alert,) = (alert for alert in settings.watched.alerts if alert.name == PAGES[service])
        parts = (settings.prometheus.scrape_interval, alert.for_, settings.notifications.critical_group_wait)
        return evaluations + sum(part.seconds for part in parts) + DELIVERY

    def pages(self, service: str) -> list[Posted]:
        """All that on-call was sent about a service."""
        return [each for each in self.path.services.of("on-call") if service in json.dumps(each.body)]


def remembered(home: Path) -> Path:
    """An hour in which each service has answered requests: one that was never seen does not page."""
    here, shop = 'cluster="prod-1",environment="prod"', f'namespace="shop",service="{NOT_READY}",source="otel"'
    services = [*(f'service="{name}",source="prometheus"' for name in ASKED), shop]
    series = {f"{metric}{{{here},{service}}}": 1 for metric in (SEEN, SOURCE) for service in services}
    series[f'{DESIRED}{{{here},namespace="shop",workload="{NOT_READY}",workload_type="Deployment"}}'] = 3
    now = int(time.time())
    lines = [f"{each} {value} {at}" for each, value in series.items() for at in range(now - 3600, now + 1, 60)]
    (home / "history").write_text("\n".join([*lines, "# EOF\n"]))
    return home / "history"


def replicas(available: int) -> tuple[str, ...]:
    """What kube-state-metrics says of the Deployment."""
    labels = f'{{namespace="shop",deployment="{NOT_READY}"}}'
    return f"kube_deployment_spec_replicas{labels} 3", f"kube_deployment_status_replicas_available{labels} {available}"


@pytest.fixture(scope="module")
def faulty(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    home = tmp_path_factory.mktemp("outages")
    ports = {name: free_port() for name in ASKED}
    targets = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    with ExitStack() as exits:
        argv = [sys.executable, "-m", "tests.servers.instrumented", "prometheus"]
        services = {
            name: exits.enter_context(Process([*argv, str(port), ""], log=home / f"{name}.log"))
            for name, port in ports.items()
        }
        for name, process in services.items():
            process.ready(partial(listens, ports[name]))
        # Of connections that it keeps, httpx may close one that another thread has just been given.
        client = exits.enter_context(httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0)))
        pool = exits.enter_context(ThreadPoolExecutor(40))

        def ask(name: str, times: int, **params: float) -> None:
            url = f"http://{targets[name]}/orders/7"
            list(pool.map(lambda _: client.get(url, params=params), range(times)))

        account, history = Account.admin(control_plane), remembered(home)
        path = exits.enter_context(
            alerting_path("prod", home / "stack", account, {}, SETTINGS, targets=targets, history=history)
        )
        path.exporter.also = replicas(3)
        # A rate does not know what came before a series.
        for name in ASKED:
            ask(name, 20)
        ask(FAILING, 1, status=503)
        for server in path.prometheus:
            for name in ASKED:
                counted = partial(number, server.local, f'sum(http_requests_total{{job="{name}"}}) >= 20')
                eventually(counted, 60, f"{name} is scraped")
        for name in ASKED:
            ask(name, 400)
        for server in path.prometheus:
            for name in ASKED:
                busy = partial(number, server.local, f'{TOTAL}{{service="{name}"}} > 1')
                eventually(busy, 120, f"{name} is busy")
            wait_until(server.local, f'{MISSING}{{service="{NOT_READY}"}}', 0)
        assert not any(path.told("on-call", page) for page in PAGES.values()), "all is well"

        since = {}
        services[KILLED].kill()
        path.exporter.also = replicas(0)
        since[KILLED] = since[NOT_READY] = time.monotonic()
        ask(FAILING, 60, status=503)
        since[FAILING] = time.monotonic()
        ask(SLOW, 40, seconds=6)
        since[SLOW] = time.monotonic()
        yield Faulty(path, stack_file.settings(home / "stack" / "Pulumi.prod.yaml"), since)


@pytest.mark.parametrize("service", PAGES)
def test_a_fault_of_a_service_pages_in_time(faulty: Faulty, service: str) -> None:
    within = faulty.within(service)
    page, *_ = eventually(lambda: faulty.pages(service), within, f"{service} pages")
    assert page.body["event_action"] == "trigger"
    assert f"critical: {PAGES[service]}" in page.body["payload"]["summary"]
    assert page.at - faulty.since[service] <= within


def test_no_fault_pages_twice(faulty: Faulty) -> None:
    for server in faulty.path.prometheus:
        eventually(lambda server=server: set(PAGES.values()) <= firing(server), 90, f"{server.local.pod} sees all")  # type: ignore[misc]  # mypy types no lambda with a default
    for service in PAGES:
        assert len(faulty.pages(service)) == 1, f"{service} pages once"
