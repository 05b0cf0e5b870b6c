"""Jaeger of a rendered stack on this machine, and traces for tests."""

from __future__ import annotations

import re
import time
import urllib.error
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from tools.local.account import Account
from tools.local.harness import http_json, http_text
from tools.local.rendered import Rendered
from tools.local.server import LocalServer

MS = 1_000_000
"""Nanoseconds in a millisecond."""


FLUSHED = "1s"
"""Interval of metrics of spans, as short as the scrapes of tests: they wait for some intervals."""


class Jaeger(LocalServer):
    """A rendered Jaeger that passes metrics of spans on more often."""

    def __init__(self, stack: Rendered, home: Path, account: Account | None = None, **options: Any) -> None:
        super().__init__(stack, "jaeger", home, account, **options)
        text = self.config.read_text()
        self.config.write_text(re.sub(r"(?<=metrics_flush_interval: )\w+", FLUSHED, text))
        # Path prefix of the UI and its API.
        self.base = yaml.safe_load(self.config.read_text())["extensions"]["jaeger_query"].get("base_path", "")

    @property
    def env(self) -> dict[str, str]:
        # Address for its own spans, which are turned off. The default is port 4317 of its own host.
        return {**super().env, "OTEL_EXPORTER_OTLP_ENDPOINT": self.url_of(4317)}

    def send(self, *traces: Trace, service: str = "planner", pod: str = "pod-1") -> None:
        """Send by OTLP over HTTP; returns after the acknowledgement, raises without one."""
        http_text(
            self.url_of(4318, "/v1/traces"),
            body=request(traces, service, pod).SerializeToString(),
            headers={"Content-Type": "application/x-protobuf"},
            timeout=30,
        )

    def found(self, trace: Trace) -> list[str] | None:
        """The ids of a trace's spans from the API; None if it has no such trace."""
        try:
            answer = http_json(self.url_of(16686, f"{self.base}/api/traces/{trace.id.hex()}"), timeout=30)
        except urllib.error.HTTPError as refusal:
            if refusal.code == 404:
                return None
            raise
        (only,) = answer["data"]
        return sorted(span["spanID"] for span in only["spans"])

    def stored(self, service: str) -> dict[str, list[str]]:
        """All traces of a service, id to the ids of its spans."""
        asked = urlencode({"service": service, "limit": 100_000, "lookback": "1h"})
        answer = http_json(self.url_of(16686, f"{self.base}/api/traces?{asked}"), timeout=60)
        return {trace["traceID"]: sorted(span["spanID"] for span in trace["spans"]) for trace in answer["data"]}


@dataclass(frozen=True)
class Trace:
    """A trace with a root span and some children."""

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
