"""The node collector, tried."""

from __future__ import annotations

from rules.monitoring.alerts.otel_agent import BEHIND, LOST, QUEUE_FILLS
from rules.monitoring.cases.tried import CRITICAL, WARNING, of, pod, tried

_AGENT = pod("otel-agent")
_NODE = {"node": "n-0"}
_TO_COLLECTOR = {**_AGENT, "exporter": "otlp_grpc"}
_OF_FILES = {**_AGENT, "receiver": "file_log", "transport": ""}


def _lost(exporting: int, reading: int) -> dict[str, str]:
    """Every minute."""
    return {
        f"otelcol_exporter_send_failed_log_records_total{of(_TO_COLLECTOR)}": f"0+{exporting}x30",
        f"otelcol_receiver_refused_log_records_total{of(_OF_FILES)}": "0x30",
        f"otelcol_receiver_failed_log_records_total{of(_OF_FILES)}": f"0+{reading}x30",
    }


def _queued(size: int) -> dict[str, str]:
    return {
        f"otelcol_exporter_queue_size{of(_TO_COLLECTOR)}": f"{size}x20",
        f"otelcol_exporter_queue_capacity{of(_TO_COLLECTOR)}": "1024x20",
    }


def _reading(files: str) -> dict[str, str]:
    return {f"otelcol_fileconsumer_reading_files{of(_AGENT)}": files}


CASES = (
    tried(
        LOST,
        "two lines are refused each second, half of them before they are in the queue",
        _lost(60, 60),
        "15m",
        fires=(WARNING,),
        labels=_NODE,
        says="n-0 loses 2.0 lines per second.",
        value="2 per second",
    ),
    tried(
        LOST,
        "two lines are lost each second before they are in the queue, and nothing was refused yet",
        {name: values for name, values in _lost(0, 120).items() if "exporter" not in name},
        "15m",
        fires=(WARNING,),
        labels=_NODE,
        says="n-0 loses 2.0 lines per second.",
        value="2 per second",
    ),
    tried(LOST, "five lines are refused each minute", _lost(5, 0), "20m"),
    tried(
        QUEUE_FILLS,
        "hardly anything has room any more",
        _queued(973),
        "10m",
        fires=(CRITICAL, WARNING),
        labels=_NODE,
        says="The queue of n-0 is 95.02% full.",
        value="95.02%",
    ),
    tried(
        QUEUE_FILLS,
        "three quarters are full",
        _queued(768),
        "10m",
        fires=(WARNING,),
        labels=_NODE,
        says="The queue of n-0 is 75% full.",
        value="75%",
    ),
    tried(QUEUE_FILLS, "half of it is full", _queued(512), "10m"),
    tried(
        BEHIND,
        "a file is read all the time",
        _reading("1x30"),
        "20m",
        fires=(WARNING,),
        labels=_NODE,
        says="n-0 has not come to the end of its logs for 20 minutes.",
        value="1",
    ),
    tried(BEHIND, "it pauses now and then", _reading("1x8 0 1x8 0 1x8"), "25m"),
)
