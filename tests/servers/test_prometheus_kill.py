"""Prometheus killed under load, and started again on the same volume: what it had acknowledged is still there, once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_json, http_text
from tools.local.rendered import Rendered
from tools.local.server import LocalServer

SERIES = 500
"""Per batch: with a batch every few milliseconds, far more than a cluster's scrapes."""
ENOUGH = 100
"""Acknowledged batches before a kill."""


@dataclass
class Sender:
    """Pushes batch after batch, numbered from 1, until the server is gone; the number is the value of every series."""

    url: str
    sent: int = 0
    acknowledged: list[int] = field(default_factory=list)

    def run(self) -> None:
        while True:
            self.sent += 1
            try:
                http_text(
                    f"{self.url}/api/v1/otlp/v1/metrics",
                    method="POST",
                    body=batch(self.sent),
                    headers={"Content-Type": "application/x-protobuf"},
                )
            except OSError:
                return
            self.acknowledged.append(self.sent)


def batch(number: int) -> bytes:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add()
    metric.name = "steps"
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    for series in range(SERIES):
        label = KeyValue(key="series", value=AnyValue(string_value=str(series)))
        metric.sum.data_points.add(time_unix_nano=time.time_ns(), as_int=number, attributes=[label])
    return bytes(request.SerializeToString())


def stored(url: str, series: int) -> list[int]:
    """Every value of a series, as it lies in the database."""
    asked = urlencode({"query": f'steps_total{{series="{series}"}}[15m]'})
    (found,) = http_json(f"{url}/api/v1/query?{asked}")["data"]["result"]
    return [int(value) for _, value in found["values"]]


def killed_under_load(local: LocalServer) -> Sender:
    """Run the server, push to it, kill it in the middle of that; what was pushed and what it acknowledged."""
    with local.process() as process:
        process.ready(lambda: http_text(f"{local.url}/-/ready"))
        sender = Sender(local.url)
        pushing = threading.Thread(target=sender.run)
        pushing.start()
        eventually(lambda: len(sender.acknowledged) >= ENOUGH, 60, f"{ENOUGH} batches are acknowledged")
        process.kill()
        pushing.join(timeout=30)
    return sender


def test_a_killed_prometheus_keeps_what_it_acknowledged_and_doubles_nothing(
    control_plane: ControlPlane, rendered: Callable[[str], Rendered], tmp_path: Path
) -> None:
    local = LocalServer(rendered("dev"), "prometheus", tmp_path / "pod", Account.admin(control_plane))

    sender = killed_under_load(local)

    with local.process() as process:
        process.ready(lambda: http_text(f"{local.url}/-/ready"))
        for series in (0, SERIES // 2, SERIES - 1):
            values = stored(local.url, series)
            assert values == sorted(set(values)), "nothing is there twice"
            assert set(sender.acknowledged) <= set(values), "what was acknowledged is still there"
            assert set(values) <= set(range(1, sender.sent + 1)), "and nothing that was not sent"
