"""The sample agents as pods: objects of a simulated cluster, processes of this machine, logs as a kubelet's."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, listens
from tools.local.logs import LogFile, LogReader
from tools.recorder import ROOT

NAMESPACE = "agents"
MODEL = "model"
INSTRUMENTED = ("tools", "researcher", "planner")
"""Order of the starts after the model: each needs those before it."""

_TELEMETRY = {
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    # The SDK's defaults are once a minute and every five seconds; the demo shows telemetry at once.
    "OTEL_METRIC_EXPORT_INTERVAL": "1000",
    "OTEL_BSP_SCHEDULE_DELAY": "500",
    # Messages are captured, so that there is something to mask.
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
    "OPENAI_API_KEY": "none",
}


@dataclass(frozen=True)
class Sent:
    """The telemetry that an agent reports as sent, after its end."""

    spans: Sequence[str]
    """Ids of the spans."""
    metrics: Mapping[str, float]
    """The last value of each series (the count of a histogram), by name, unit and attributes as JSON."""
    lines: int


@dataclass
class Agents:
    """Four processes; ``env`` is added to the environment of all."""

    plane: ControlPlane
    home: Path
    otlp: str
    """Address for telemetry."""
    promtail: LogReader
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ports = {name: free_port() for name in (MODEL, *INSTRUMENTED)}
        self.model_address = f"127.0.0.1:{self.ports[MODEL]}"
        self._pods: dict[str, dict[str, Any]] = {}
        self._processes: dict[str, Process] = {}
        self._logs: list[_Log] = []
        self.home.mkdir(parents=True, exist_ok=True)

    def deploy(self) -> None:
        """Create their pods. The model's pod is annotated for scraping, as pods of model servers are."""
        self.plane.namespace(NAMESPACE)
        self.plane.apply(*(_deployment(name) for name in self.ports))
        self._pods = eventually(self._running, 60, "the agents' pods run")

    def _running(self) -> dict[str, dict[str, Any]] | None:
        pods = self.plane.get("pods", f"--namespace={NAMESPACE}")["items"]
        by_app = {pod["metadata"]["labels"]["app"]: pod for pod in pods if pod["status"]["phase"] == "Running"}
        found = {name: by_app[name] for name in self.ports if name in by_app}  # Eliza's agents are there as well
        return found if found.keys() == self.ports.keys() else None

    @contextmanager
    def running(self) -> Iterator[None]:
        """All processes, running. On exit they export the rest, and report what they have sent."""
        with ExitStack() as exits:
            shipping = exits.enter_context(self._shipping())
            exits.callback(self.end)
            for name in self.ports:
                self.start(name)
            shipping.start()
            yield

    def end(self) -> None:
        """End all, callers first."""
        for name in reversed([*self._processes]):
            self._processes.pop(name).terminate()
        for log in self._logs:
            log.ship()

    def start(self, name: str) -> None:
        """Start one, and wait until it listens."""
        env = {
            **_TELEMETRY,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.otlp,
            "OTEL_SERVICE_NAME": name,
            "OTEL_RESOURCE_ATTRIBUTES": (
                f"k8s.pod.uid={self._pods[name]['metadata']['uid']},k8s.container.name=main,service.version=1.0.0"
            ),
            "OPENAI_BASE_URL": f"http://{self.model_address}/v1",
            "TOOLS_URL": f"http://127.0.0.1:{self.ports['tools']}/mcp",
            "RESEARCHER_URL": f"http://127.0.0.1:{self.ports['researcher']}/",
            "PORT": str(self.ports[name]),
            "SENT": str(self.home / f"{name}.json"),
            **self.env,
        }
        argv = [sys.executable, "-m", f"tools.demo.agents.{name}"]
        output = self.home / f"{name}.log"
        process = Process(argv, log=output, env=env, cwd=ROOT).__enter__()
        if name not in self._processes:  # was not started again
            self.ship(output, self._pods[name])
        self._processes[name] = process
        if name != "planner":  # it has no callers
            process.ready(partial(listens, self.ports[name]))

    def ship(self, printed: Path, pod: Mapping[str, Any]) -> None:
        """Write what a process prints to the log file of a pod's container from now on."""
        self._logs.append(_Log(printed, self.promtail.file(pod)))

    def kill(self, name: str) -> None:
        """End one as if its machine were lost."""
        self._processes[name].kill()

    def sent(self, name: str) -> Sent:
        """The telemetry that one of them has sent, after its end."""
        return Sent(**json.loads((self.home / f"{name}.json").read_text(encoding="utf-8")))

    @contextmanager
    def _shipping(self) -> Iterator[threading.Thread]:
        """Writes the processes' output to the log files of their containers, as the kubelet does."""
        ended = threading.Event()

        def ship() -> None:
            while not ended.wait(0.1):
                for log in self._logs:
                    log.ship()

        thread = threading.Thread(target=ship, daemon=True)
        try:
            yield thread
        finally:
            ended.set()
            thread.join()


@dataclass
class _Log:
    """The output of a process, and the log file of its container."""

    printed: Path
    file: LogFile
    _at: int = 0

    def ship(self) -> None:
        with self.printed.open("rb") as output:
            output.seek(self._at)
            whole = output.read().rpartition(b"\n")[0]
        if whole:
            self._at += len(whole) + 1
            self.file.write(*whole.decode().split("\n"), stream="stdout")


def _deployment(name: str) -> dict[str, Any]:
    scraped = {"prometheus.io/scrape": "true", "prometheus.io/port": "8000"} if name == MODEL else {}
    template = {
        "metadata": {"labels": {"app": name}, "annotations": scraped},
        "spec": {"containers": [{"name": "main", "image": f"registry.example/{name}:1.0.0"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
    }
