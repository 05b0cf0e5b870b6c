"""Grafana as it is rendered: it starts, admits who may log in, and sets the headers that browsers obey."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPMessage
from urllib.error import HTTPError

import pytest

from components.grafana.config import ADMIN
from model import ports
from tools.local.harness import Process, http_json
from tools.local.rendered import Rendered
from tools.local.server import TOKEN, LocalServer


def login(password: str) -> dict[str, str]:
    """The headers that log the administrator in."""
    return {"Authorization": f"Basic {b64encode(f'{ADMIN}:{password}'.encode()).decode()}"}


@dataclass(frozen=True)
class Running:
    local: LocalServer
    process: Process

    def get(self, path: str, password: str | None = TOKEN) -> object:
        """The API's answer to the administrator, or to anybody without a password."""
        return http_json(f"{self.local.url}{path}", headers=login(password) if password else {})

    def answer(self, method: str, path: str, send: object = None) -> HTTPMessage:
        """The headers of its answer."""
        connection = HTTPConnection(self.local.address)
        with closing(connection):
            connection.request(method, path, json.dumps(send), {"Content-Type": "application/json"})
            answered = connection.getresponse()
            assert answered.status == HTTPStatus.OK
            return answered.headers


@pytest.fixture(scope="module", params=["dev", "prod"])
def grafana(
    request: pytest.FixtureRequest, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    local = LocalServer(rendered(request.param), "grafana", tmp_path_factory.mktemp("grafana"), everywhere=True)
    with local.running() as process:
        yield Running(local, process)


def test_it_listens_for_other_pods_on_the_port_of_its_container_alone(grafana: Running) -> None:
    reached = {port for address, port in grafana.process.listens() if address in {"0.0.0.0", "::"}}  # noqa: S104  looked for, not bound
    assert reached == {grafana.local.ports[ports.GRAFANA]}


def test_the_administrator_logs_in_with_the_secret_and_nobody_without(grafana: Running) -> None:
    assert grafana.get("/api/search?query=nothing") == []
    for password in (None, "not-it"):
        with pytest.raises(HTTPError, match="401"):
            grafana.get("/api/search?query=nothing", password)
    assert grafana.get("/api/health", None) == {"database": "ok"}, "who has no login does not see the version"


def test_browsers_may_run_no_foreign_script(grafana: Running) -> None:
    headers = grafana.answer("GET", "/login")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_session_stays_with_this_site_and_where_the_url_is_https_with_tls(grafana: Running) -> None:
    cookies = grafana.answer("POST", "/login", {"user": ADMIN, "password": TOKEN}).get_all("Set-Cookie", [])
    (session,) = [cookie for cookie in cookies if cookie.startswith("grafana_session=")]
    assert {"HttpOnly", "SameSite=Lax"} <= set(session.split("; "))
    assert ("Secure" in session.split("; ")) == (grafana.local.rendered.stack.stack == "prod")


def test_it_logs_json_and_of_errors_only_that_it_has_no_plugins(grafana: Running) -> None:
    lines = [json.loads(line) for line in grafana.process.log().splitlines() if line.startswith("{")]
    errors = [line for line in lines if line["level"] in {"error", "critical"}]
    # Settings let nobody install any, so their folder is not made.
    assert {line["error"] for line in errors} == {"failed to open plugins path"}, errors
