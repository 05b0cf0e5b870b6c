"""The stack `dev` on this machine: with shorter intervals, on the real servers, with a simulated cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from model import ports
from rules.systems import SYSTEMS
from tools import stack_file
from tools.demo import stores
from tools.demo.applications import Applications
from tools.demo.grafana import grafana
from tools.demo.platform import Agents
from tools.local.account import Account
from tools.local.control_plane import NODES, ControlPlane
from tools.local.harness import Process, eventually, free_port, http_json
from tools.local.logs import LogReader, Loki
from tools.local.platforms import PLATFORMS
from tools.local.pods import Pod
from tools.local.rendered import Rendered, render_text
from tools.local.server import LocalServer
from tools.local.stack_text import merged, stack_text
from tools.local.telemetry import Collector
from tools.local.traces import Jaeger
from tools.recorder import ROOT
from tools.servers.find import had

STACK = "dev"
NODE, *OTHER_NODES = NODES
"""One node is enough: each has a Promtail and a node-exporter."""
CHAT, ON_CALL = "team-chat", "on-call"
PRICES = {"model-large": {"input": 2.5, "output": 10}, "model-small": {"input": 0.15, "output": 0.6}}
"""USD per million tokens."""
LOGGING = ("loki", "promtail")
"""Both are needed for logs."""
OPTIONAL = (*LOGGING, "grafana")
"""Servers that some machines lack, and the demo does not need."""
EXPORTERS = ("blackbox-exporter", "kube-state-metrics", "node-exporter")
"""Exporters of what the demo always watches."""


def changes(services: str, systems: Sequence[str], platforms: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """Changes of the stack file: intervals, prices of the models, more ``systems`` and ``platforms``, and receivers at
    ``services``.
    """
    at_once = {"for": "0s"}
    agents = ["agents"]
    # Those of a platform that pushes send OTLP, and use models, as agents do.
    sending = [*agents, *(each.namespace for key in platforms for each in PLATFORMS[key].programs if not each.job)]
    prices = {**PRICES, **{model: price for key in platforms for model, price in PLATFORMS[key].prices.items()}}
    return {
        "prometheus": {"scrapeInterval": "2s", "evaluationInterval": "2s"},
        "collector": {"ingest": sending},
        "systems": {
            "agents": {"namespaces": sending, "prices": prices},
            **stores.settings(systems),
            **{key: {} for key in platforms},
        },
        "alerts": {
            **dict.fromkeys(("TargetDown", "AgentRunsFailing", "ModelRequestsFailing"), at_once),
            # In a container, or on a laptop without a time server, it would fire after a quarter of an hour.
            "NodeClockNotSynchronised": "off",
        },
        "notifications": {
            "receivers": [
                {"name": CHAT, "slack": {"urlSecret": {"name": "demo", "key": CHAT}}},
                {
                    "name": ON_CALL,
                    "pagerduty": {
                        "routingKeySecret": {"name": "demo", "key": ON_CALL},
                        "apiUrl": f"{services}/{ON_CALL}",
                    },
                },
            ],
            "routes": [
                {"receiver": ON_CALL, "namespace": agents, "severity": ["critical"], "continue": True},
                {"receiver": CHAT, "namespace": agents},
            ],
            "groupWait": "1s",
            "criticalGroupWait": "1s",
            "groupInterval": "2s",
        },
    }


def text(services: str, systems: Sequence[str], platforms: Sequence[str] = ()) -> str:
    """The stack file of the demo, with ``systems`` of stores, and ``platforms``."""
    config = stack_file.read(ROOT / f"Pulumi.{STACK}.yaml").config
    return stack_text(merged(config, changes(services, systems, platforms)))


class Stack:
    """Every server of the stack, with Grafana if it is found. Nothing runs before :meth:`running`."""

    def __init__(
        self,
        home: Path,
        services: str,
        say: Callable[[str], None],
        env: Mapping[str, str] | None = None,
        systems: Sequence[str] = (),
        platforms: Sequence[str] = (),
    ) -> None:
        """``services`` is the address of the receivers, ``env`` is for the agents, ``systems`` have stores to show, and
        ``platforms`` have applications.
        """
        self.home, self._services, self._say, self._env = home, services, say, env or {}
        self.plane = ControlPlane(home / "control-plane")
        self.rendered: Rendered = render_text(STACK, home / "stack", text(services, systems, platforms))
        self.systems, self.platforms = systems, platforms
        self.applications = Applications(self.plane, home / "platforms", platforms)
        self.processes: dict[str, Process] = {}
        """By server."""
        self.loki = Loki(self.rendered, home / "loki")
        self.has_logs = all(had(name) for name in LOGGING)
        self.grafana: LocalServer | None = None
        """None if Grafana is missing."""

    def _lay_out(self, of_stores: Sequence[LocalServer]) -> None:
        """Lay out the servers that need accounts of the cluster, after the stack was applied to it.

        ``of_stores`` are exporters of running stores.
        """
        stack, home = self.rendered, self.home
        prometheus = free_port()

        def account(server: str) -> Account:
            return Account.of(self.plane, Pod(stack, server).namespace, server)

        def local(server: str, **options: Any) -> LocalServer:
            return LocalServer(stack, server, home / server, account(server), **options)

        to_prometheus = {stack.address("prometheus", ports.PROMETHEUS): f"127.0.0.1:{prometheus}"}
        self.jaeger = Jaeger(stack, home / "jaeger", addresses=to_prometheus)
        to_loki = {stack.address("loki", ports.LOKI): self.loki.address}
        self.promtail = LogReader(stack, "promtail", home / "promtail", account("promtail"), NODE, addresses=to_loki)

        self.alertmanager = local("alertmanager", planted={f"{CHAT}-url": f"{self._services}/{CHAT}/hook"})
        own = [local(name) for name in EXPORTERS]
        blackbox, state_metrics, node_exporter = own
        self.exporters = [*own, *of_stores]
        answering = {
            **to_loki,
            **to_prometheus,
            stack.address("alertmanager", ports.ALERTMANAGER): self.alertmanager.address,
            stack.address("blackbox-exporter", 9115): blackbox.address,
            stack.address("jaeger", ports.JAEGER_HEALTH): self.jaeger.address_of(ports.JAEGER_HEALTH),
        }
        self.collector = Collector(
            stack,
            home / "collector",
            account("otel-collector"),
            addresses={
                **to_loki,
                stack.address("jaeger", ports.OTLP_GRPC): self.jaeger.address_of(ports.OTLP_GRPC),
                stack.address("prometheus-0.prometheus-headless", ports.PROMETHEUS): f"127.0.0.1:{prometheus}",
            },
        )
        self.agents = Agents(self.plane, home / "agents", self.collector.url, self.promtail, self._env)
        if had("grafana"):
            urls = {
                "prometheus": f"http://127.0.0.1:{prometheus}",
                "alertmanager": self.alertmanager.url,
                "loki": self.loki.url,
                "jaeger": self.jaeger.url_of(ports.JAEGER_QUERY),
            }
            self.grafana = grafana(self.rendered, self.home / "grafana", urls)
        self.prometheus = local(
            "prometheus",
            ports={ports.PROMETHEUS: prometheus},
            alertmanagers=[self.alertmanager.address],
            addresses=answering,
            redirect={
                "alertmanager": self.alertmanager.address,
                "annotated-pods": self.agents.model_address,
                "apiservers": self.plane.url.removeprefix("https://"),
                "blackbox-exporter": blackbox.address,
                **({"grafana": self.grafana.address} if self.grafana else {}),
                "jaeger": self.jaeger.address_of(ports.JAEGER_METRICS),
                "jaeger-span-metrics": self.jaeger.address_of(ports.JAEGER_SPAN_METRICS),
                "kube-state-metrics": state_metrics.address,
                "kube-state-metrics-telemetry": state_metrics.address_of(8081),
                "loki": self.loki.address,
                "node-exporter": node_exporter.address,
                "otel-collector": self.collector.address_of(ports.COLLECTOR_METRICS),
                "prometheus": f"127.0.0.1:{prometheus}",
                "promtail": self.promtail.address,
                **{
                    stores.STORES[key].exporter: each.address for key, each in zip(self.systems, of_stores, strict=True)
                },
                **self.applications.redirect,
                **dict.fromkeys(self.unanswerable),
            },
            # Every second instead of every minute: an alert resolves after four times that.
            faster=["--rules.alert.resend-delay=1s"],
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """All servers, ready, with running agents; ended on exit."""
        with ExitStack() as exits:

            def running(name: str, server: AbstractContextManager[Process]) -> Process:
                self.processes[name] = process = exits.enter_context(server)
                exits.callback(process.kill)  # nothing is kept, so nothing needs time to end
                return process

            if self.has_logs:
                running("loki", self.loki.process())  # the slowest: the next steps do not need it yet
            with self._step("a control plane with a simulated node"):
                exits.enter_context(self.plane)
            of_stores: list[LocalServer] = []
            if self.systems:
                with self._step(", ".join(self.systems)):
                    started = stores.running(self.systems, self.rendered, self.home / "stores")
                    of_stores = exits.enter_context(started)
            with self._step("the stack on the simulated cluster"):
                self.plane.kubectl("delete", "node", *OTHER_NODES)
                self.plane.apply(*self.rendered.objects)
                self._lay_out(of_stores)
                self.agents.deploy()
                self.applications.deploy()
                eventually(self._settled, 90, "every pod of the stack is up")
            for server in (self.alertmanager, *self.exporters, self.prometheus):
                running(server.server, server.process())
            with self._step("Jaeger"):
                running("jaeger", self.jaeger.running())
            with self._step("the collector"):
                running("otel-collector", self.collector.running())
            for server in (self.alertmanager, *self.exporters, self.prometheus):
                with self._step(server.server):
                    self.processes[server.server].ready(server.is_ready, within=60)
            with self._step("the agents"):
                exits.enter_context(self.agents.running())
            if self.platforms:
                with self._step(", ".join(self.platforms)):
                    exits.enter_context(self.applications.running(self.agents))
            if self.grafana:
                with self._step("Grafana"):
                    running("grafana", self.grafana.running())
            if self.has_logs:
                with self._step("Promtail"):
                    running("promtail", self.promtail.running())
                with self._step("Loki"):
                    self.processes["loki"].ready(self.loki.is_ready, within=120)
            with self._step("every target and every store"):
                eventually(self._complete, 90, "everything is scraped, and telemetry of the agents is everywhere")
            yield

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        self._say(f"{what} ...")
        began = time.monotonic()
        yield
        if (took := time.monotonic() - began) > 3:
            self._say(f"{what}: {took:.0f} s")

    def _settled(self) -> bool:
        self.plane.bind_claims()
        pods = self.plane.get("pods", "--all-namespaces")["items"]
        return bool(pods) and all(pod["status"]["phase"] == "Running" for pod in pods)

    def _complete(self) -> bool:
        if missing := self.missing():
            raise AssertionError(", ".join(missing))
        return True

    @property
    def unanswerable(self) -> tuple[str, ...]:
        """Jobs that are left out, since nothing answers for them: simulated nodes have no kubelet."""
        missing = () if self.has_logs else LOGGING
        return ("kubelet", "cadvisor", *missing, *(() if self.grafana else ("grafana",)))

    def missing(self) -> list[str]:
        """Targets that are not scraped yet, and stores without telemetry of the agents."""
        down = {target["labels"]["job"] for target in self.targets() if target["health"] != "up"}
        has = {
            "metrics": self.number('count(gen_ai_client_token_usage_sum{job="planner"})'),
            "spans": "planner" in (http_json(self.jaeger.url_of(ports.JAEGER_QUERY, "/api/services"))["data"] or ()),
            "lines": not self.has_logs or self.loki.series('{namespace="agents", app="planner"}'),
            **{f"work of {each.key}": self.number(each.busy) for each in self.applications.platforms},
        }
        return [*sorted(down), *(what for what, found in has.items() if not found)]

    def targets(self) -> list[dict[str, Any]]:
        return list(http_json(f"{self.prometheus.url}/api/v1/targets?state=active")["data"]["activeTargets"])

    def rules(self) -> int:
        """Number of evaluated rules."""
        return sum(len(group["rules"]) for group in http_json(f"{self.prometheus.url}/api/v1/rules")["data"]["groups"])

    def number(self, expression: str) -> float:
        """The sum of an instant query, 0 when it has no series."""
        result = self.query("query", query=expression)
        return sum(float(series["value"][1]) for series in result)

    def query(self, kind: str, **parameters: str | float) -> list[dict[str, Any]]:
        """The series of a query of Prometheus, ``query`` or ``query_range``."""
        answer = http_json(f"{self.prometheus.url}/api/v1/{kind}?{urlencode(parameters)}", timeout=30)
        return list(answer["data"]["result"])

    def urls(self) -> Mapping[str, str]:
        """Names and addresses of the running servers."""
        without = "not started: it is missing on this machine"
        return {
            "Prometheus": self.prometheus.url,
            "Alertmanager": self.alertmanager.url,
            "Loki": self.loki.url if self.has_logs else without,
            "Jaeger": self.jaeger.url_of(ports.JAEGER_QUERY),
            "OpenTelemetry collector": self.collector.url,
            "Promtail": self.promtail.url if self.has_logs else without,
            **{exporter.server: exporter.url for exporter in self.exporters},
            "Kubernetes API": self.plane.url,
            "Grafana": self.grafana.url if self.grafana else without,
            **{name: f"http://{address}" for name, address in self.applications.addresses.items()},
            **{
                f"{system.title} dashboard": f"{self.grafana.url}/d/{system.dashboard}" if self.grafana else without
                for system in SYSTEMS
                if system.key in (*self.systems, *self.platforms)
            },
        }
