"""Portainer, a fake one, watched by its discovery service as rendered and a real Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from rules.portainer import SYSTEM
from rules.portainer.scrape import CONTAINERS, EXPORTER, OF_SCRIPT, PORT
from tests.portainer import TOKEN, FakePortainer, answers, details, service
from tests.servers.exposition import difference, exposition
from tests.servers.stores import Watching, stack, watching
from tools.local.asked import get
from tools.local.certificate import made as certificate
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, free_port, http_text
from tools.local.server import LocalServer

SETTINGS = {
    "servers": {
        "main": {
            "url": "https://portainer.shop.svc:9443",
            "tokenSecret": {"name": "theirs", "key": "token"},
            "caSecret": {"name": "theirs", "key": "ca"},
            "targetPorts": [9000],
            "agents": {"swarm": "agent.shop.svc:9001"},
        }
    }
}
SERVICES = "endpoints/3/docker/services"
PING = "/ping"
WEB = "endpoints/3/docker/containers/id-shop_web.1.t9/json"


class _Stats(BaseHTTPRequestHandler):
    """A container's own metrics, at the path that its label names."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/stats" else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"shop_orders_total 7\n")

    def log_message(self, *_: object) -> None:
        pass


@dataclass(frozen=True)
class Docker:
    fake: FakePortainer
    watch: Watching

    def settled(self) -> None:
        """Back to normal."""
        self.watch.fires()
        self.watch.notifies()


@pytest.fixture(scope="module")
def docker(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    home = tmp_path_factory.mktemp("portainer")
    made = stack(home, SYSTEM, SETTINGS, {})
    trusted, port = certificate(home), free_port()
    container = ThreadingHTTPServer(("127.0.0.1", 0), _Stats)
    Thread(target=container.serve_forever, daemon=True).start()
    with FakePortainer(answers(container.server_port) | {PING: 204}).running(trusted.context) as fake:
        exporter = LocalServer(
            made,
            f"{EXPORTER}-main",
            home / "exporter",
            ports={PORT: port},
            addresses={"portainer.shop.svc:9443": fake.address, "agent.shop.svc:9001": fake.address},
            planted={"token": TOKEN, "ca": trusted.public.read_text()},
            faster=("--interval=1",),
        )
        here = {f"{EXPORTER}-main.{exporter.rendered.namespace}.svc:{PORT}": exporter.address}
        with watching(made, home, control_plane, EXPORTER, {"main": exporter}, here) as watch:
            yield Docker(fake, watch)
    container.shutdown()
    container.server_close()


def test_prometheus_finds_the_containers_and_scrapes_their_own_metrics(docker: Docker) -> None:
    of_web = f'{{job="{CONTAINERS}", stack_name="shop", service="shop_web", container="shop_web.1", endpoint="swarm"}}'
    eventually(lambda: docker.watch.value(f"shop_orders_total{of_web}") == 7, 90, "its own metrics are scraped")
    docker.settled()


def test_an_error_of_portainer_leaves_the_targets_as_they_are(docker: Docker) -> None:
    docker.fake.answers["endpoints/4/docker/containers/json"] = 500
    try:
        docker.watch.fires(("PortainerEndpointDown", "warning", "main"))
        before = docker.watch.prometheus.metric("prometheus_sd_http_failures_total")
        eventually(
            lambda: docker.watch.prometheus.metric("prometheus_sd_http_failures_total") > before, 90, "it asks again"
        )
        active = get(docker.watch.prometheus, "targets", scrapePool=CONTAINERS)["activeTargets"]
        assert [target["health"] for target in active] == ["up"]
    finally:
        docker.fake.answers |= {"endpoints/4/docker/containers/json": answers()["endpoints/4/docker/containers/json"]}
    docker.settled()


def test_the_script_exposes_every_metric_that_rules_and_panels_ask_for(docker: Docker) -> None:
    exposed = exposition(http_text(f"{docker.watch.exporters['main'].url}/metrics"))
    assert [wrong for metric in OF_SCRIPT if (wrong := difference(metric, exposed))] == []


def test_a_task_that_is_missing_is_a_ticket(docker: Docker) -> None:
    docker.fake.answers[SERVICES] = [service("shop_web", 1, 2)]
    docker.watch.fires(("PortainerServiceReplicaMismatch", "warning", "main"))
    docker.fake.answers[SERVICES] = answers()[SERVICES]
    docker.settled()


def test_a_container_that_is_unhealthy_is_a_ticket(docker: Docker) -> None:
    before = docker.fake.answers[WEB]
    docker.fake.answers[WEB] = details(health="unhealthy")
    docker.watch.fires(("PortainerContainerUnhealthy", "warning", "main"))
    docker.fake.answers[WEB] = before
    docker.settled()


def test_a_stack_that_is_stopped_pages_and_one_that_was_stopped_before_does_not(docker: Docker) -> None:
    stacks = docker.fake.answers["stacks"]
    docker.fake.answers["stacks"] = [{**each, "Status": 2} if each["Name"] == "shop" else each for each in stacks]
    docker.watch.fires(("PortainerStackDown", "critical", "main"))
    docker.fake.answers["stacks"] = stacks
    docker.settled()


def test_an_agent_that_is_down_is_a_ticket_and_its_endpoint_no_second_one(docker: Docker) -> None:
    docker.fake.answers |= {PING: 502, "endpoints/3/docker/info": 502}
    docker.watch.fires(("PortainerAgentDown", "warning", "main"), ("PortainerEndpointDown", "warning", "main"))
    docker.watch.notifies(("PortainerAgentDown", "warning", "main"))
    docker.fake.answers |= {PING: 204, "endpoints/3/docker/info": answers()["endpoints/3/docker/info"]}
    docker.settled()


def test_a_portainer_that_is_down_pages_once(docker: Docker) -> None:
    docker.fake.answers["system/status"] = 503
    docker.watch.fires(("PortainerAPIDown", "critical", "main"))
    docker.watch.notifies(("PortainerAPIDown", "critical", "main"))
    docker.fake.answers["system/status"] = {}
    docker.settled()


def test_a_token_that_is_revoked_makes_the_list_old(docker: Docker) -> None:
    age = "time() - min(portainer_discovery_last_success_timestamp_seconds)"
    docker.fake.answers["stacks"], before = 401, docker.fake.answers["stacks"]
    eventually(lambda: (docker.watch.value(age) or 0) > 6, 45, "it grows old")
    assert docker.watch.value("portainer_up") == 1
    docker.fake.answers["stacks"] = before
    eventually(lambda: (docker.watch.value(age) or 99) < 6, 45, "it is new again")
