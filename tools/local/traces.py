"""Jaeger of a rendered stack on this machine, and the traces that tests send it."""

from __future__ import annotations

import re
import time
import urllib.error
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from tools.local.harness import Process, free_port, http_json, http_text
from tools.servers.find import binary

MS = 1_000_000
"""Nanoseconds in a millisecond."""


@dataclass
class Jaeger:
    """A Jaeger on its rendered configuration: ports, addresses and paths mapped, nothing else."""

    home: Path
    files: dict[str, Any]
    prometheus: int = field(default_factory=free_port)
    replaced: Mapping[str, str] = field(default_factory=dict)
    """Further addresses of the configuration that stand elsewhere here."""
    everywhere: bool = False
    """Listens as it was rendered to, not on loopback."""
    base: str = ""

    def __post_init__(self) -> None:
        rendered = self.files["jaeger/config/jaeger.yaml"]
        numbers = {int(port) for port in re.findall(r"(?:0\.0\.0\.0:|127\.0\.0\.1:|port: )(\d+)", rendered)}
        self.ports = {port: free_port() for port in sorted(numbers)}
        text = re.sub(r"(0\.0\.0\.0:|127\.0\.0\.1:|port: )(\d+)", lambda m: f"{m[1]}{self.ports[int(m[2])]}", rendered)
        text = text.replace("http://prometheus.monitoring.svc:9090", f"http://127.0.0.1:{self.prometheus}")
        text = text.replace("/badger/", f"{self.home}/badger/").replace("/etc/jaeger/", f"{self.home}/etc/")
        for address, here in self.replaced.items():
            text = text.replace(address, here)
        if not self.everywhere:
            text = text.replace("0.0.0.0", "127.0.0.1")  # noqa: S104  it is taken away
        self.home.mkdir(parents=True, exist_ok=True)
        self.config = self.home / "jaeger.yaml"
        self.config.write_text(text)

    @property
    def container(self) -> dict[str, Any]:
        made = next(
            made
            for made in self.files["objects"]
            if (made["kind"], made["metadata"]["name"]) == ("StatefulSet", "jaeger")
        )
        (container,) = made["spec"]["template"]["spec"]["containers"]
        return dict(container)

    def url(self, port: int, path: str = "") -> str:
        return f"http://127.0.0.1:{self.ports[port]}{path}"

    @contextmanager
    def running(self) -> Iterator[Process]:
        """It, started and healthy as its probes see it."""
        args = [arg.replace("/etc/jaeger/config/jaeger.yaml", str(self.config)) for arg in self.container["args"]]
        env = {variable["name"]: variable["value"] for variable in self.container["env"]}
        # Where it would send spans of its own, were that not turned off: by default to port 4317 of its own host.
        env["OTEL_EXPORTER_OTLP_ENDPOINT"] = self.url(4317)
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        probes = [self.container[probe]["httpGet"] for probe in ("livenessProbe", "readinessProbe")]
        with Process([binary("jaeger"), *args], log=self.home / "jaeger.log", env=env) as process:
            process.ready(
                lambda: all(http_text(self.url(ports[probe["port"]], probe["path"])) for probe in probes), within=60
            )
            yield process

    def send(self, *traces: Trace, service: str = "planner", pod: str = "pod-1") -> None:
        """By OTLP over HTTP; returns when it was acknowledged, raises when it was not."""
        http_text(
            self.url(4318, "/v1/traces"),
            body=request(traces, service, pod).SerializeToString(),
            headers={"Content-Type": "application/x-protobuf"},
            timeout=30,
        )

    def found(self, trace: Trace) -> list[str] | None:
        """The ids of a trace's spans as the API gives them, None when it has no such trace."""
        try:
            answer = http_json(self.url(16686, f"{self.base}/api/traces/{trace.id.hex()}"), timeout=30)
        except urllib.error.HTTPError as refusal:
            if refusal.code == 404:
                return None
            raise
        (only,) = answer["data"]
        return sorted(span["spanID"] for span in only["spans"])

    def stored(self, service: str) -> dict[str, list[str]]:
        """All traces of a service, id to the ids of its spans."""
        asked = urlencode({"service": service, "limit": 100_000, "lookback": "1h"})
        answer = http_json(self.url(16686, f"{self.base}/api/traces?{asked}"), timeout=60)
        return {trace["traceID"]: sorted(span["spanID"] for span in trace["spans"]) for trace in answer["data"]}


@dataclass(frozen=True)
class Trace:
    """A trace of some spans under a root."""

    id: bytes
    spans: int = 3
    milliseconds: int = 20
    failed: bool = False
    name: str = "invoke_agent planner"
    attributes: Mapping[str, str] = field(default_factory=dict)


def request(traces: tuple[Trace, ...], service: str, pod: str) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    resource = made.resource_spans.add()
    for key, value in {"service.name": service, "service.instance.id": pod}.items():
        resource.resource.attributes.append(KeyValue(key=key, value=AnyValue(string_value=value)))
    scope = resource.scope_spans.add()
    now = time.time_ns()
    for trace in traces:
        for number in range(trace.spans):
            span = scope.spans.add()
            span.trace_id, span.span_id = trace.id, (number + 1).to_bytes(8)
            span.parent_span_id = b"" if number == 0 else (1).to_bytes(8)
            span.name, span.kind = (trace.name, 2) if number == 0 else ("execute_tool search", 1)
            span.start_time_unix_nano = now - trace.milliseconds * MS
            span.end_time_unix_nano = now
            span.status.code = 2 if trace.failed and number == trace.spans - 1 else 0
            for key, value in trace.attributes.items():
                span.attributes.append(KeyValue(key=key, value=AnyValue(string_value=value)))
    return made
