"""Portainer's containers as targets and metrics for Prometheus. It runs alone on a stock Python image.

`/discovery` answers Prometheus's HTTP service discovery, and an error while anything could not be read: Prometheus then
keeps its last list. `/metrics` always answers. `/ready` answers after the first reading, good or not, `/live` always.
What happens to containers is printed, one JSON line each.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, NoReturn
from urllib.parse import quote, urlsplit

Json = Any
DOCKER = (1, 2, 4)
"""Types of endpoints with Docker's API: Docker, an agent, an edge agent. Others are Kubernetes and Azure."""
BY_AGENT = (2, 4)
"""Those with an agent on each node of a Swarm, which answers for its own containers."""
ACTIVE = 1
"""Portainer's status of a stack that runs; 2 is one that is stopped."""
SWARM, COMPOSE = 1, 2
"""Portainer's types of Docker's stacks."""
TIMEOUT = 10
"""Seconds for one answer."""
EVENTS = {"start": "info", "die": "warn", "oom": "error", "health_status": "warn"}
"""Docker's events of containers that are printed, with the level of their line."""
ASKED_TO_END = ("0", "143")
"""Exit codes of what ended by itself, or on the signal TERM."""
HELP = {
    "portainer_up": "Whether Portainer's API answers over TLS.",
    "portainer_discovery_last_success_timestamp_seconds": "When everything was last read; at first, the start.",
    "portainer_agent_up": "Whether an endpoint's agent answers without Portainer.",
    "portainer_endpoint_up": "Whether an endpoint's Docker answers through Portainer.",
    "portainer_stack_status": "1 for an active stack, 0 for an inactive one.",
    "portainer_stack_running": "Running tasks or containers of a stack.",
    "portainer_stack_updated_timestamp_seconds": "When a stack was last deployed.",
    "portainer_service_replicas_desired": "Tasks that a Swarm service should run.",
    "portainer_service_replicas_running": "Tasks that a Swarm service runs.",
    "portainer_container_state": "1 for the state that a container is in.",
    "portainer_container_health": "1 for the result of a container's health check.",
    "portainer_container_restarts": "Docker's restarts of a container since it was created.",
    "portainer_container_started_timestamp_seconds": "When a container last started.",
}
"""Every metric, all gauges, with its help."""
ERRORS = (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError)
"""What an answer that is missing, broken or of another form raises."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: it would take the token to another host."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> NoReturn:
        raise urllib.error.HTTPError(req.full_url, code, f"{msg}, to {newurl}: redirects are not followed", headers, fp)


@dataclass(frozen=True)
class Portainer:
    """Its API."""

    url: str
    token_file: Path
    ca_file: Path | None = None
    agents: Mapping[str, str] = field(default_factory=dict)
    """Host and port of an agent, by endpoint."""

    def ask(self, path: str, node: str = "") -> Json:
        """An answer; of one ``node`` of a Swarm with agents, which pass the request on."""
        return json.loads(self.text(path, node))

    def text(self, path: str, node: str = "") -> str:
        # Read each time: a mounted secret changes without a restart.
        headers = {"X-API-Key": self.token_file.read_text(encoding="utf-8").strip()}
        if node:
            headers["X-PortainerAgent-Target"] = node
        context = ssl.create_default_context(cafile=self.ca_file)
        opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))
        request = urllib.request.Request(f"{self.url.rstrip('/')}/api/{path}", headers=headers)  # noqa: S310 - a setting, http or https
        with opener.open(request, timeout=TIMEOUT) as answer:
            text: str = answer.read().decode()
            return text


def pinged(address: str) -> bool:
    """Whether an agent answers. It signs its certificate itself, which proves nothing: no secret is sent."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(f"https://{address}/ping", timeout=TIMEOUT):
            return True
    except ERRORS:
        return False


@dataclass
class Reading:
    """What was read at one time."""

    series: list[tuple[str, Mapping[str, str], float]] = field(default_factory=list)
    targets: list[Json] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """What is wrong with one container alone, or with events."""
    events: list[Json] = field(default_factory=list)

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        self.series.append((f"portainer_{name}", labels, value))


Read = dict[tuple[str, str], int]
"""Until when events were read, in nanoseconds of the Docker host's clock, by endpoint and node."""


def read(portainer: Portainer, until: Read) -> Reading:
    """All of Portainer. What cannot be read is a failure; of an endpoint that fails, nothing else is left.

    Events are those since ``until``, which moves on; at first none.
    """
    reading, answers = Reading(), 0
    try:
        portainer.ask("system/status")  # without a login: a refused token is not an outage
        answers = 1
        endpoints, stacks = portainer.ask("endpoints"), portainer.ask("stacks")
        docker = [(each, [s for s in stacks if s["EndpointId"] == each["Id"]]) for each in endpoints]
    except ERRORS as error:
        reading.failures.append(f"Portainer: {error}")
        docker = []
    reading.add("up", {}, answers)
    for endpoint, its_stacks in docker:
        if endpoint["Type"] not in DOCKER:
            continue
        try:
            found = _docker(portainer, endpoint, its_stacks, until)
        except ERRORS as error:
            found = Reading(failures=[f"endpoint {endpoint['Name']}: {error}"])
        reading.add("endpoint_up", {"endpoint": endpoint["Name"]}, not found.failures)
        reading.series += found.series
        reading.targets += found.targets
        reading.failures += found.failures
        reading.warnings += found.warnings
        reading.events += found.events
    for name, address in portainer.agents.items():
        reading.add("agent_up", {"endpoint": name}, pinged(address))
    return reading


def _docker(portainer: Portainer, endpoint: Json, stacks: Iterable[Json], until: Read, /) -> Reading:
    reading, running = Reading(), Counter[str]()
    of_endpoint = {"endpoint": endpoint["Name"]}
    api = f"endpoints/{endpoint['Id']}/docker"
    addresses = {"": _host(endpoint) or urlsplit(portainer.url).hostname or ""}
    info = portainer.ask(f"{api}/info")
    if info["Swarm"].get("ControlAvailable"):  # services are known to managers only
        for node in portainer.ask(f"{api}/nodes"):
            addresses[node["Description"]["Hostname"]] = node["Status"]["Addr"]
        for service in portainer.ask(f"{api}/services?status=true"):
            _service(service, of_endpoint, running, reading)
    for container in portainer.ask(f"{api}/containers/json?all=true"):
        _container(portainer, api, container, of_endpoint, addresses, running, reading)
    for stack in stacks:
        if stack["Type"] in (SWARM, COMPOSE):
            labels = {**of_endpoint, "stack_name": stack["Name"]}
            reading.add("stack_status", labels, stack["Status"] == ACTIVE)
            reading.add("stack_running", labels, running[stack["Name"].lower()])
            changed = stack.get("UpdateDate") or stack.get("CreationDate") or 0
            reading.add("stack_updated_timestamp_seconds", labels, changed)
    nodes = [node for node in addresses if node] if endpoint["Type"] in BY_AGENT else []
    try:
        now = round(datetime.fromisoformat(info["SystemTime"]).timestamp() * 1e6) * 1000
        for node in nodes or [""]:
            _events(portainer, api, {**of_endpoint, "node": node}, now, until, reading)
    except ERRORS as error:  # Docker keeps the last 256: the next reading has them
        reading.warnings.append(f"events of {endpoint['Name']}: {error}")
    return reading


def _events(portainer: Portainer, api: str, of: Mapping[str, str], now: int, until: Read, reading: Reading) -> None:
    """What happened to containers since the last reading, up to ``now``: for later events Docker would wait."""
    since = until.get((of["endpoint"], of["node"]), now)
    wanted = quote(json.dumps({"type": ["container"], "event": list(EVENTS)}))
    span = "&".join(f"{name}={at // 10**9}.{at % 10**9:09}" for name, at in (("since", since), ("until", now)))
    for line in portainer.text(f"{api}/events?{span}&filters={wanted}", of["node"]).splitlines():
        event = json.loads(line)
        if since < event["timeNano"] <= now:  # Docker counts both ends
            reading.events.append(_event(event, of))
    until[of["endpoint"], of["node"]] = now


def _event(event: Json, of: Mapping[str, str]) -> Json:
    """The line of an event: level, message, what happened, and the labels that the container's series have."""
    its = event["Actor"]["Attributes"]
    action, _, result = event["Action"].partition(": ")
    code = its.get("exitCode", "") if action == "die" else ""
    well = result == "healthy" or code in ASKED_TO_END
    labels = {**of, **_names(its, its["name"])}
    said = f"{action} {result or code}".rstrip()
    return {
        "time": datetime.fromtimestamp(event["timeNano"] / 1e9, UTC).isoformat(timespec="milliseconds"),
        "level": "info" if well else EVENTS[action],
        "message": f"container {labels['container']} on {of['endpoint']}: {said}",
        "event": action,
        **{name: text for name, text in {**labels, "health": result, "exit_code": code}.items() if text},
    }


def _names(its: Mapping[str, str], name: str) -> dict[str, str]:
    """Stack, service and container, from Docker's labels and the container's name."""
    # A task's name ends with its id, which a new task does not keep.
    task = its.get("com.docker.swarm.task.name", "").rpartition(".")[0]
    return {
        "stack_name": its.get("com.docker.stack.namespace") or its.get("com.docker.compose.project", ""),
        "service": its.get("com.docker.swarm.service.name") or its.get("com.docker.compose.service", ""),
        "container": task or name,
    }


def _service(service: Json, of_endpoint: Mapping[str, str], running: Counter[str], reading: Reading) -> None:
    spec, status = service["Spec"], service["ServiceStatus"]
    stack = spec.get("Labels", {}).get("com.docker.stack.namespace", "")
    running[stack.lower()] += status["RunningTasks"]
    if spec["Mode"].keys() & {"Replicated", "Global"}:  # a job's tasks end
        labels = {**of_endpoint, "stack_name": stack, "service": spec["Name"]}
        reading.add("service_replicas_desired", labels, status["DesiredTasks"])
        reading.add("service_replicas_running", labels, status["RunningTasks"])


def _container(
    portainer: Portainer,
    api: str,
    container: Json,
    of_endpoint: Mapping[str, str],
    addresses: Mapping[str, str],
    running: Counter[str],
    reading: Reading,
) -> None:
    its, runs = container.get("Labels") or {}, container["State"] == "running"
    of_swarm, project = "com.docker.swarm.task.id" in its, its.get("com.docker.compose.project", "")
    if of_swarm and not runs:
        return  # Swarm keeps the last ones of each task
    node = ((container.get("Portainer") or {}).get("Agent") or {}).get("NodeName", "")
    try:
        details = portainer.ask(f"{api}/containers/{container['Id']}/json", node)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return  # it was removed meanwhile
        raise
    labels = {**of_endpoint, **_names(its, container["Names"][0].lstrip("/")), "node": node}
    if project and runs:
        running[project.lower()] += 1
    state = details["State"]
    reading.add("container_state", {**labels, "state": container["State"]}, 1)
    if health := (state.get("Health") or {}).get("Status", "none").replace("none", ""):
        reading.add("container_health", {**labels, "health": health}, 1)
    reading.add("container_restarts", labels, details["RestartCount"])
    started = datetime.fromisoformat(state["StartedAt"][:19]).replace(tzinfo=UTC)
    if started.year > 1:  # otherwise it never did
        reading.add("container_started_timestamp_seconds", labels, started.timestamp())
    if runs and its.get("prometheus.io/scrape") == "true":
        port = its.get("prometheus.io/port", "9090")
        if port.isdecimal():
            host = addresses.get(node, addresses[""])
            reading.targets.append(_target(container, int(port), its, labels, host))
        else:  # nobody's label may take the targets and alerts of all others away
            of = f"container {labels['container']} on {of_endpoint['endpoint']}"
            reading.warnings.append(f"{of} is not scraped: its label prometheus.io/port is {port!r}, and no number")


def _target(container: Json, port: int, its: Mapping[str, str], labels: Mapping[str, str], host: str) -> Json:
    meta = {f"__meta_portainer_{name}": value for name, value in labels.items()}
    return {
        "targets": [_address(container, port, host)],
        "labels": {
            **meta,
            "__meta_portainer_container_id": container["Id"],
            "__metrics_path__": its.get("prometheus.io/path", "/metrics"),
            "__scheme__": its.get("prometheus.io/scheme", "http"),
        },
    }


def _address(container: Json, port: int, host: str) -> str:
    """The published port of the host, or else the container's own, for networks that reach it."""
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    if "host" not in networks:
        for published in container.get("Ports") or []:
            bound = ipaddress.ip_address(published.get("IP") or "0.0.0.0")  # noqa: S104 - what Docker calls any
            if published["PrivatePort"] == port and published.get("PublicPort") and not bound.is_loopback:
                return _joined(host if bound.is_unspecified else str(bound), published["PublicPort"])
        host = next((each["IPAddress"] for each in networks.values() if each.get("IPAddress")), host)
    return _joined(host, port)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _host(endpoint: Json) -> str | None:
    """The endpoint's host as its settings have it; None of a local socket."""
    for url in (endpoint.get("PublicURL"), endpoint.get("URL")):
        if url and (host := urlsplit(url if "://" in url else f"//{url}").hostname):
            return host
    return None


def exposition(series: Iterable[tuple[str, Mapping[str, str], float]]) -> str:
    """Series in Prometheus's text format, each once."""
    by_name: dict[str, dict[str, float]] = {}
    for name, labels, value in series:
        given = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items() if text)
        by_name.setdefault(name, {})[f"{name}{{{given}}}"] = float(value)
    lines = []
    for name, values in by_name.items():
        lines += [f"# HELP {name} {HELP[name]}", f"# TYPE {name} gauge"]
        lines += [f"{selector} {value!r}" for selector, value in values.items()]
    return "\n".join((*lines, ""))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class DiscoveryServer(ThreadingHTTPServer):
    """Answers from the latest reading."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        everywhere = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104 - some kernels have no IPv6
        self.address_family = socket.AF_INET6 if ":" in (host or everywhere) else socket.AF_INET
        super().__init__((host or everywhere, port), _Handler)
        self.latest = Reading(failures=["nothing was read yet"])
        self.succeeded, self.ready = time.time(), False

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def update(self, reading: Reading) -> None:
        known = {*self.latest.failures, *self.latest.warnings}
        for problem in (*reading.failures, *reading.warnings):
            if problem not in known:
                print(problem, file=sys.stderr, flush=True)
        for event in reading.events:
            print(json.dumps(event), flush=True)
        if not reading.failures:
            self.succeeded = time.time()
        self.latest, self.ready = reading, True

    def answer(self, path: str) -> tuple[HTTPStatus, str, str]:
        """Status, content type and text."""
        latest, unavailable, plain = self.latest, HTTPStatus.SERVICE_UNAVAILABLE, "text/plain; charset=utf-8"
        match urlsplit(path).path:
            case "/live":
                return HTTPStatus.OK, plain, "live\n"
            case "/ready":
                return (HTTPStatus.OK, plain, "ready\n") if self.ready else (unavailable, plain, "not ready\n")
            case "/metrics":
                success = ("portainer_discovery_last_success_timestamp_seconds", dict[str, str](), self.succeeded)
                return HTTPStatus.OK, f"{plain}; version=0.0.4", exposition([success, *latest.series])
            case "/discovery" if latest.failures:
                return unavailable, plain, "\n".join((*latest.failures, ""))
            case "/discovery":
                return HTTPStatus.OK, "application/json", json.dumps(latest.targets)
            case _:
                return HTTPStatus.NOT_FOUND, plain, "not found\n"


class _Handler(BaseHTTPRequestHandler):
    server: DiscoveryServer

    def do_GET(self) -> None:
        status, kind, text = self.server.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """No line for each scrape."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--token-file", type=Path, required=True)
    arguments.add_argument("--ca-file", type=Path)
    arguments.add_argument("--agent", action="append", default=[], metavar="ENDPOINT=HOST:PORT")
    arguments.add_argument("--listen-address", required=True, metavar="[HOST]:PORT")
    arguments.add_argument("--interval", type=float, required=True, metavar="SECONDS")
    given = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # as a container's first process it would be ignored
    host, _, port = given.listen_address.rpartition(":")
    server = DiscoveryServer(host.strip("[]"), int(port))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    agents = {name: address for name, _, address in (each.rpartition("=") for each in given.agent)}
    portainer, until = Portainer(given.url, given.token_file, given.ca_file, agents), Read()
    while True:  # an error that is not expected ends the process, and Kubernetes starts it again
        server.update(read(portainer, until))
        time.sleep(given.interval)


if __name__ == "__main__":
    main()
