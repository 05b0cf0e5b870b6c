"""The node collector, by example."""

from __future__ import annotations

from rules.monitoring.alerts.otel_agent import BEHIND, LOST, QUEUE_FILLS
from tests.rules.examples import Series, counters, critical, example, gauges, metric, warning
from tests.rules.monitoring.subjects import pod

_AGENT = pod("otel-agent")
_NODE = {"node": "n-0"}
_TO_COLLECTOR = {**_AGENT, "exporter": "otlp_grpc"}
_OF_FILES = {**_AGENT, "receiver": "file_log", "transport": ""}


def _lost(exporting: int, reading: int) -> Series:
    """Every minute."""
    return counters(
        {
            metric("otelcol_exporter_send_failed_log_records_total", _TO_COLLECTOR): exporting,
            metric("otelcol_receiver_refused_log_records_total", _OF_FILES): 0,
            metric("otelcol_receiver_failed_log_records_total", _OF_FILES): reading,
        },
        30,
    )


def _queued(size: int) -> Series:
    return gauges(
        {
            metric("otelcol_exporter_queue_size", _TO_COLLECTOR): size,
            metric("otelcol_exporter_queue_capacity", _TO_COLLECTOR): 1024,
        },
        20,
    )


def _reading(files: str) -> Series:
    return {metric("otelcol_fileconsumer_reading_files", _AGENT): files}


EXAMPLES = (
    example(
        "two lines are refused each second, half of them before they are in the queue",
        LOST,
        series=_lost(60, 60),
        at="15m",
        fires=[warning("n-0 loses 2.0 lines per second.", "2 per second", **_NODE)],
    ),
    example(
        "two lines are lost each second before they are in the queue, and nothing was refused yet",
        LOST,
        series={name: values for name, values in _lost(0, 120).items() if "exporter" not in name},
        at="15m",
        fires=[warning("n-0 loses 2.0 lines per second.", "2 per second", **_NODE)],
    ),
    example("five lines are refused each minute", LOST, series=_lost(5, 0), at="20m"),
    example(
        "hardly anything has room any more",
        QUEUE_FILLS,
        series=_queued(973),
        at="10m",
        fires=[critical("The queue of n-0 is 95.02% full.", "95.02%", **_NODE)],
    ),
    example(
        "three quarters are full",
        QUEUE_FILLS,
        series=_queued(768),
        at="10m",
        fires=[warning("The queue of n-0 is 75% full.", "75%", **_NODE)],
    ),
    example("half of it is full", QUEUE_FILLS, series=_queued(512), at="10m"),
    example(
        "a file is read all the time",
        BEHIND,
        series=_reading("1x30"),
        at="20m",
        fires=[warning("n-0 has not reached the end of its logs for 20 minutes.", "1", **_NODE)],
    ),
    example("it pauses now and then", BEHIND, series=_reading("1x8 0 1x8 0 1x8"), at="25m"),
)
