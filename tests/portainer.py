"""A Portainer for tests: the parts of its HTTP API, and of Docker's behind it, that the discovery service asks.

Written from the published OpenAPI documents: stacks are 1 active or 2 inactive, of type 1 Swarm or 2 Compose; endpoints
are of type 1 Docker, 2 agent, 5 Kubernetes; Docker answers for one container, with its restarts, at its own path.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

Json = Any
TOKEN = "ptr_planted-word-Kq81"  # noqa: S105  no secret
NOW = "2026-11-28T22:00:00.123456789+02:00"
"""What a Docker host's clock shows."""
SWARM = {"com.docker.stack.namespace": "shop", "com.docker.swarm.service.name": "shop_web"}


def container(name: str, labels: dict[str, str], **more: Any) -> Json:
    """One that runs, as the list has it."""
    return {"Id": f"id-{name}", "Names": [f"/{name}"], "State": "running", "Labels": labels, **more}


def details(restarts: int = 0, health: str | None = None, started: str = "2026-11-28T20:00:00.123456789Z") -> Json:
    state = {"StartedAt": started, **({"Health": {"Status": health}} if health else {})}
    return {"RestartCount": restarts, "State": state}


def service(name: str, running: int, desired: int, mode: str = "Replicated") -> Json:
    labels = {"com.docker.stack.namespace": name.partition("_")[0]}
    status = {"RunningTasks": running, "DesiredTasks": desired}
    return {"Spec": {"Name": name, "Labels": labels, "Mode": {mode: {}}}, "ServiceStatus": status}


def event(action: str, second: int, name: str = "blog-app-1", **attributes: str) -> Json:
    """One of a container, this many seconds before or after NOW."""
    at = round(datetime.fromisoformat(NOW).timestamp() * 1e6) * 1000 + second * 10**9
    return {
        "Type": "container",
        "Action": action,
        "Actor": {"Attributes": {"name": name, **attributes}},
        "timeNano": at,
    }


def answers(port: int = 9000) -> dict[str, Json]:
    """By path below ``/api``: a Swarm with a stack `shop`, a host with a project `blog`, and a Kubernetes."""
    scraped = {"prometheus.io/scrape": "true", "prometheus.io/port": "9000", "prometheus.io/path": "/stats"}
    task = {"com.docker.swarm.task.id": "t9", "com.docker.swarm.task.name": "shop_web.1.t9", **SWARM}
    web = container(
        "shop_web.1.t9",
        {**task, **scraped},
        Ports=[{"IP": "0.0.0.0", "PrivatePort": 9000, "PublicPort": port, "Type": "tcp"}],  # noqa: S104
        NetworkSettings={"Networks": {"overlay": {"IPAddress": "10.0.1.7"}}},
        Portainer={"Agent": {"NodeName": "node-1"}},
    )
    ended = {**container("shop_web.1.t8", task), "State": "exited"}
    blog = {"com.docker.compose.project": "blog", "com.docker.compose.service": "app"}
    return {
        "system/status": {"Version": "2.33.0"},
        "endpoints": [
            {"Id": 3, "Name": "swarm", "Type": 2, "URL": "tcp://tasks.agent:9001", "PublicURL": ""},
            {"Id": 4, "Name": "host", "Type": 1, "URL": "unix:///var/run/docker.sock", "PublicURL": "192.0.2.4"},
            {"Id": 5, "Name": "cluster", "Type": 5, "URL": "https://kubernetes", "PublicURL": ""},
        ],
        "stacks": [
            {"Id": 1, "Name": "shop", "Type": 1, "EndpointId": 3, "Status": 1, "UpdateDate": 1_764_000_000},
            {"Id": 2, "Name": "blog", "Type": 2, "EndpointId": 4, "Status": 1, "CreationDate": 1_763_000_000},
            {"Id": 3, "Name": "old", "Type": 2, "EndpointId": 4, "Status": 2},
        ],
        "endpoints/3/docker/info": {"SystemTime": NOW, "Swarm": {"ControlAvailable": True}},
        "endpoints/3/docker/events": [],
        "endpoints/3/docker/nodes": [{"Description": {"Hostname": "node-1"}, "Status": {"Addr": "127.0.0.1"}}],
        "endpoints/3/docker/services": [service("shop_web", 1, 1), service("shop_import", 0, 0, "ReplicatedJob")],
        "endpoints/3/docker/containers/json": [web, ended],
        "endpoints/3/docker/containers/id-shop_web.1.t9/json": details(health="healthy"),
        "endpoints/3/docker/containers/id-shop_web.1.t8/json": details(),
        "endpoints/4/docker/info": {"SystemTime": NOW, "Swarm": {"ControlAvailable": False}},
        "endpoints/4/docker/events": [],
        "endpoints/4/docker/containers/json": [container("blog-app-1", blog)],
        "endpoints/4/docker/containers/id-blog-app-1/json": details(restarts=2),
    }


class FakePortainer(ThreadingHTTPServer):
    """Answers what ``answers`` has; a number there is a status."""

    daemon_threads = True

    def __init__(self, given: dict[str, Json]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.requests = given, list[tuple[str, str]]()
        """Path of each request, with the node that it is meant for."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @contextmanager
    def running(self, context: ssl.SSLContext | None = None) -> Iterator[FakePortainer]:
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        thread = Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: FakePortainer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.removeprefix("/api/")
        self.server.requests.append((path, self.headers.get("X-PortainerAgent-Target", "")))
        allowed = path in ("system/status", "/ping") or self.headers.get("X-API-Key") == TOKEN
        found = self.server.answers.get(path, 404) if allowed else 401
        self.send_response(found if isinstance(found, int) else 200)
        if found == 302:
            self.send_header("Location", f"http://{self.server.address}/api/elsewhere")
        self.end_headers()
        if isinstance(found, int):
            return
        # Docker sends events one after the other, as they happen.
        lines = found if path.endswith("/events") else [found]
        self.wfile.write("".join(f"{json.dumps(each)}\n" for each in lines).encode())

    def log_message(self, *_: Any) -> None:
        pass


def token(folder: Path, text: str = TOKEN) -> Path:
    """The file of a token."""
    path = folder / "token"
    path.write_text(f"{text}\n", encoding="utf-8")
    return path
