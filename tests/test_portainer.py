"""Portainer: what its discovery service makes of its answers, and what the service is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from rules.portainer.discovery import DiscoveryServer, Portainer, Read, Reading, exposition, read
from tests.conftest import NOTHING, Stacks
from tests.portainer import NOW, FakePortainer, answers, container, details, event, service, token
from tools.local.certificate import made as certificate
from tools.local.harness import free_port

LISTS = ("endpoints", "stacks", "endpoints/4/docker/containers/json")


@pytest.fixture
def fake() -> Iterator[FakePortainer]:
    with FakePortainer(answers()).running() as running:
        yield running


def _read(fake: FakePortainer, folder: Path) -> Reading:
    return read(Portainer(f"http://{fake.address}", token(folder)), {})


def _value(reading: Reading, name: str, **labels: str) -> float:
    (found,) = (value for of, its, value in reading.series if of == name and labels.items() <= its.items())
    return found


def test_a_container_is_scraped_at_its_published_port_with_its_own_path(fake: FakePortainer, tmp_path: Path) -> None:
    (target,) = _read(fake, tmp_path).targets
    assert target["targets"] == ["127.0.0.1:9000"], "of its node, and not of the overlay"
    assert {name.removeprefix("__meta_portainer_"): value for name, value in target["labels"].items()} == {
        "endpoint": "swarm",
        "stack_name": "shop",
        "service": "shop_web",
        "container": "shop_web.1",
        "container_id": "id-shop_web.1.t9",
        "node": "node-1",
        "__metrics_path__": "/stats",
        "__scheme__": "http",
    }


@pytest.mark.parametrize(
    ("more", "address"),
    [
        ({"Ports": [{"IP": "::", "PrivatePort": 9090, "PublicPort": 49}]}, "192.0.2.4:49"),
        ({"Ports": [{"IP": "192.0.2.9", "PrivatePort": 9090, "PublicPort": 49}]}, "192.0.2.9:49"),
        ({"NetworkSettings": {"Networks": {"host": {"IPAddress": ""}}}}, "192.0.2.4:9090"),
        ({"NetworkSettings": {"Networks": {"lan": {"IPAddress": "10.1.0.7"}}}}, "10.1.0.7:9090"),
        (
            {
                "Ports": [{"IP": "127.0.0.1", "PrivatePort": 9090, "PublicPort": 49}],
                "NetworkSettings": {"Networks": {"lan": {"IPAddress": "10.1.0.7"}}},
            },
            "10.1.0.7:9090",
        ),
    ],
)
def test_an_address_is_one_that_others_can_reach(
    fake: FakePortainer, tmp_path: Path, more: dict[str, Any], address: str
) -> None:
    listed = fake.answers["endpoints/4/docker/containers/json"]
    listed[0] = container("blog-app-1", {"prometheus.io/scrape": "true"}, **more)
    assert [address] in [target["targets"] for target in _read(fake, tmp_path).targets]


@pytest.mark.parametrize("port", ["http", "", "-1", "80.5"])
def test_a_port_that_is_no_number_costs_its_container_alone(
    fake: FakePortainer, tmp_path: Path, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    wrong = {"prometheus.io/scrape": "true", "prometheus.io/port": port}
    fake.answers["endpoints/4/docker/containers/json"][0] = container("blog-app-1", wrong)
    reading = _read(fake, tmp_path)
    assert [target["targets"] for target in reading.targets] == [["127.0.0.1:9000"]]
    assert _value(reading, "portainer_endpoint_up", endpoint="host") == 1
    assert _served(reading, "/discovery")[0] == HTTPStatus.OK
    said = f"container blog-app-1 on host is not scraped: its label prometheus.io/port is {port!r}, and no number\n"
    assert capsys.readouterr().err == said


def test_an_inactive_stack_is_0_and_an_active_one_1(fake: FakePortainer, tmp_path: Path) -> None:
    reading = _read(fake, tmp_path)
    found = {its["stack_name"]: value for name, its, value in reading.series if name == "portainer_stack_status"}
    assert found == {"shop": 1, "blog": 1, "old": 0}


def test_what_runs_of_a_stack_is_counted_in_tasks_or_containers(fake: FakePortainer, tmp_path: Path) -> None:
    fake.answers["endpoints/3/docker/services"] = [service("shop_web", 2, 3), service("shop_db", 1, 1)]
    reading = _read(fake, tmp_path)
    assert _value(reading, "portainer_stack_running", stack_name="shop") == 3
    assert _value(reading, "portainer_stack_running", stack_name="blog") == 1
    assert _value(reading, "portainer_service_replicas_running", service="shop_web") == 2
    assert _value(reading, "portainer_service_replicas_desired", service="shop_web") == 3


def test_of_containers_the_state_health_and_restarts_are_known(fake: FakePortainer, tmp_path: Path) -> None:
    fake.answers["endpoints/4/docker/containers/id-blog-app-1/json"] = details(restarts=2, health="unhealthy")
    reading = _read(fake, tmp_path)
    assert _value(reading, "portainer_container_state", container="blog-app-1", state="running") == 1
    assert _value(reading, "portainer_container_health", container="blog-app-1", health="unhealthy") == 1
    assert _value(reading, "portainer_container_restarts", container="blog-app-1") == 2
    assert [its for _, its, _ in reading.series if its.get("state") == "exited"] == [], "an ended task of a Swarm"


def test_a_container_of_a_swarm_is_asked_of_its_own_node(fake: FakePortainer, tmp_path: Path) -> None:
    _read(fake, tmp_path)
    assert ("endpoints/3/docker/containers/id-shop_web.1.t9/json", "node-1") in fake.requests


def test_a_container_that_is_removed_meanwhile_is_no_error(fake: FakePortainer, tmp_path: Path) -> None:
    fake.answers["endpoints/4/docker/containers/id-blog-app-1/json"] = 404
    assert _read(fake, tmp_path).failures == []


@pytest.mark.parametrize(
    ("broken", "answer"),
    [
        *((path, status) for path in ("system/status", *LISTS) for status in (302, 500)),
        *((path, {"message": "of another form"}) for path in LISTS),
    ],
)
def test_an_error_is_an_error_and_never_an_empty_list(
    fake: FakePortainer, tmp_path: Path, broken: str, answer: Any
) -> None:
    fake.answers[broken] = answer
    status, _, text = _served(_read(fake, tmp_path), "/discovery")
    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert text
    assert "elsewhere" not in [path for path, _ in fake.requests], "the token goes nowhere else"


def test_an_endpoint_that_fails_is_down_and_the_others_are_still_measured(fake: FakePortainer, tmp_path: Path) -> None:
    fake.answers["endpoints/4/docker/containers/json"] = 502
    reading = _read(fake, tmp_path)
    assert _value(reading, "portainer_endpoint_up", endpoint="host") == 0
    assert _value(reading, "portainer_endpoint_up", endpoint="swarm") == 1
    assert {its["endpoint"] for _, its, _ in reading.series if "stack_name" in its} == {"swarm"}


def test_a_refused_token_is_no_outage_of_portainer(fake: FakePortainer, tmp_path: Path) -> None:
    reading = read(Portainer(f"http://{fake.address}", token(tmp_path, "another")), {})
    assert _value(reading, "portainer_up") == 1
    assert "401" in reading.failures[0]


def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    trusted = certificate(tmp_path)
    with FakePortainer(answers()).running(trusted.context) as fake:
        url, secret = f"https://{fake.address}", token(tmp_path)
        assert _value(read(Portainer(url, secret, trusted.public), {}), "portainer_up") == 1
        assert _value(read(Portainer(url, secret), {}), "portainer_up") == 0


# --- events ---


def _events(fake: FakePortainer, folder: Path, *given: Any, until: Read | None = None) -> list[Any]:
    """Lines of what happened on the endpoint `host` in the last ten seconds, or since ``until``."""
    fake.answers["endpoints/4/docker/events"] = list(given)
    now = event("start", 0)["timeNano"]
    since = {("host", ""): now - 10 * 10**9} if until is None else until
    return read(Portainer(f"http://{fake.address}", token(folder)), since).events


def test_what_happens_to_a_container_is_a_line_with_the_labels_of_its_series(
    fake: FakePortainer, tmp_path: Path
) -> None:
    blog = {"com.docker.compose.project": "blog", "com.docker.compose.service": "app"}
    (line,) = _events(fake, tmp_path, event("die", -3, exitCode="137", **blog))
    assert line == {
        "time": "2026-11-28T19:59:57.123+00:00",
        "level": "warn",
        "message": "container blog-app-1 on host: die 137",
        "event": "die",
        "endpoint": "host",
        "stack_name": "blog",
        "service": "app",
        "container": "blog-app-1",
        "exit_code": "137",
    }


@pytest.mark.parametrize(
    ("happened", "level"),
    [
        (event("start", -1), "info"),
        (event("die", -1, exitCode="0"), "info"),
        (event("die", -1, exitCode="143"), "info"),
        (event("die", -1, exitCode="1"), "warn"),
        (event("oom", -1), "error"),
        (event("health_status: healthy", -1), "info"),
        (event("health_status: unhealthy", -1), "warn"),
    ],
)
def test_a_line_is_as_urgent_as_what_happened(fake: FakePortainer, tmp_path: Path, happened: Any, level: str) -> None:
    assert [line["level"] for line in _events(fake, tmp_path, happened)] == [level]


def test_an_event_is_read_once_though_docker_answers_both_ends_of_a_span(fake: FakePortainer, tmp_path: Path) -> None:
    until: Read = {}
    assert _events(fake, tmp_path, event("start", 0), until=until) == [], "at first, nothing is new"
    assert _events(fake, tmp_path, event("start", 0), until=until) == []
    info = fake.answers["endpoints/4/docker/info"]
    info["SystemTime"] = NOW.replace("22:00:00", "22:00:30")
    both = event("start", 0), event("die", 30, exitCode="1")
    assert [line["event"] for line in _events(fake, tmp_path, *both, until=until)] == ["die"]
    info["SystemTime"] = NOW.replace("22:00:00", "22:01:00")
    assert _events(fake, tmp_path, event("die", 30, exitCode="1"), until=until) == []


def test_of_a_swarm_each_node_is_asked_for_its_events(fake: FakePortainer, tmp_path: Path) -> None:
    _read(fake, tmp_path)
    assert [of for of in fake.requests if of[0].endswith("/events")] == [
        ("endpoints/3/docker/events", "node-1"),
        ("endpoints/4/docker/events", ""),
    ]


def test_events_that_cannot_be_read_cost_nothing_else_and_come_later(
    fake: FakePortainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    until: Read = {("host", ""): event("start", -10)["timeNano"]}
    fake.answers["endpoints/4/docker/events"] = 403
    reading = read(Portainer(f"http://{fake.address}", token(tmp_path)), until)
    assert _value(reading, "portainer_endpoint_up", endpoint="host") == 1
    assert _served(reading, "/discovery")[0] == HTTPStatus.OK
    assert "events of host: HTTP Error 403" in capsys.readouterr().err
    assert len(_events(fake, tmp_path, event("oom", -5), until=until)) == 1


def test_each_line_is_json(fake: FakePortainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _served(Reading(events=_events(fake, tmp_path, event("oom", -5))), "/metrics")
    assert json.loads(capsys.readouterr().out)["message"] == "container blog-app-1 on host: oom"


# --- agents ---


def test_an_agent_is_asked_without_portainer_and_gets_no_token(tmp_path: Path) -> None:
    trusted = certificate(tmp_path)
    with FakePortainer({"/ping": 204}).running(trusted.context) as agent:
        gone = f"127.0.0.1:{free_port()}"
        portainer = Portainer(f"http://{gone}", token(tmp_path), agents={"swarm": agent.address, "host": gone})
        reading = read(portainer, {})
    assert _value(reading, "portainer_agent_up", endpoint="swarm") == 1
    assert _value(reading, "portainer_agent_up", endpoint="host") == 0
    assert _value(reading, "portainer_up") == 0


# --- the service ---


def _served(reading: Reading | None, path: str) -> tuple[HTTPStatus, str, str]:
    with DiscoveryServer("127.0.0.1", 0) as server:
        if reading:
            server.update(reading)
        return server.answer(path)


def test_it_is_live_at_once_and_ready_after_the_first_reading() -> None:
    unavailable = HTTPStatus.SERVICE_UNAVAILABLE
    assert [_served(None, path)[0] for path in ("/live", "/ready", "/discovery")] == [200, unavailable, unavailable]
    assert [_served(Reading(), path)[0] for path in ("/ready", "/discovery", "/else")] == [200, 200, 404]


def test_a_label_may_have_quotes_and_lines() -> None:
    text = exposition([("portainer_endpoint_up", {"endpoint": 'a"b\\c\nd'}, 1)])
    assert text.splitlines()[-1] == r'portainer_endpoint_up{endpoint="a\"b\\c\nd"} 1.0'


def test_the_token_is_a_file_and_the_policy_opens_the_ports_that_are_named(stack: Stacks) -> None:
    server = {"url": "https://p.example.com:9443", "tokenSecret": {"name": "p", "key": "t"}, "targetPorts": [9101]}
    server["agents"] = {"Docker 1": "docker-1.example.com:9001"}
    made = stack("dev", systems={**NOTHING, "portainer": {"servers": {"main": server}}})
    command = made.container("portainer-exporter-main")["command"]
    assert command == ["python3", "/etc/portainer-exporter-main/config/discovery.py"]
    assert "portainer-exporter-main/config/discovery.py" in made.files
    assert "--agent=Docker 1=docker-1.example.com:9001" in made.container("portainer-exporter-main")["args"]
    policies = made.kind("NetworkPolicy")
    asked = policies["portainer-exporter-main"]["spec"]["egress"]
    assert {port["port"] for rule in asked for port in rule["ports"]} == {9443, 9001, 53}
    assert {9101, 8080} <= {port["port"] for rule in policies["prometheus"]["spec"]["egress"] for port in rule["ports"]}
