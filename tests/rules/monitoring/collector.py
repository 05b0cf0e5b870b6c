"""The collector, by example."""

from __future__ import annotations

from rules.monitoring.alerts.collector import LOST, QUEUE_FILLS, REFUSED, STUCK
from tests.rules.examples import Series, counters, critical, example, gauges, metric, warning
from tests.rules.monitoring.subjects import COLLECTOR, place

_TO_LOKI = {**COLLECTOR, "exporter": "otlp_http/loki"}
_PLACE = {**place(COLLECTOR), "exporter": "otlp_http/loki"}
_LOGS = {**place(COLLECTOR), "signal": "logs"}


def _received(items: str, accepted: int, refused: int) -> Series:
    """Every minute, half of it by each transport."""
    counted = {"accepted": accepted, "refused": refused, "failed": 0}
    return counters(
        {
            metric(f"otelcol_receiver_{outcome}_{items}_total", COLLECTOR, receiver="otlp", transport=transport): n
            for transport in ("http", "grpc")
            for outcome, n in counted.items()
        },
        20,
    )


def _delivered(sent: int, failed: int) -> Series:
    return counters(
        {
            metric("otelcol_exporter_sent_log_records_total", _TO_LOKI): sent,
            metric("otelcol_exporter_send_failed_log_records_total", _TO_LOKI): failed,
        },
        20,
    )


def _queued(size: int, capacity: int = 1024) -> Series:
    return gauges(
        {
            metric("otelcol_exporter_queue_size", _TO_LOKI): size,
            metric("otelcol_exporter_queue_capacity", _TO_LOKI): capacity,
        },
        25,
    )


EXAMPLES = (
    example(
        "three of ten lines are refused, and no span",
        REFUSED,
        series={**_received("log_records", 70, 30), **_received("spans", 100, 0)},
        at="10m",
        fires=[critical("otel-collector-0 refuses 30% of the logs sent to it.", "30%", **_LOGS)],
    ),
    example(
        "one of ten lines is refused",
        REFUSED,
        series=_received("log_records", 90, 10),
        at="10m",
        fires=[warning("otel-collector-0 refuses 10% of the logs sent to it.", "10%", **_LOGS)],
    ),
    example("one of two hundred points is refused", REFUSED, series=_received("metric_points", 199, 1), at="15m"),
    example(
        "Loki refuses two of ten lines for good",
        LOST,
        series=_delivered(80, 20),
        at="10m",
        fires=[critical("otel-collector-0 loses 20% of the data for otlp_http/loki.", "20%", **_PLACE)],
    ),
    example(
        "Loki refuses one of twenty lines for good",
        LOST,
        series=_delivered(95, 5),
        at="10m",
        fires=[warning("otel-collector-0 loses 5% of the data for otlp_http/loki.", "5%", **_PLACE)],
    ),
    example("Loki refuses one of two hundred lines for good", LOST, series=_delivered(199, 1), at="15m"),
    example(
        "hardly anything has room any more",
        QUEUE_FILLS,
        series=_queued(973),
        at="10m",
        fires=[critical("The queue of otel-collector-0 to otlp_http/loki is 95.02% full.", "95.02%", **_PLACE)],
    ),
    example(
        "three quarters are full",
        QUEUE_FILLS,
        series=_queued(768),
        at="10m",
        fires=[warning("The queue of otel-collector-0 to otlp_http/loki is 75% full.", "75%", **_PLACE)],
    ),
    example("half of it is full", QUEUE_FILLS, series=_queued(512), at="10m"),
    example(
        "a little waits, and nothing was sent since the collector started",
        STUCK,
        series=_queued(1024, capacity=2**20),
        at="20m",
        fires=[warning("otel-collector-0 has 1kiB for otlp_http/loki and sends nothing.", "1kiB", **_PLACE)],
    ),
    example(
        "there is always something on its way",
        STUCK,
        series={**_queued(1024, capacity=2**20), **_delivered(1, 0)},
        at="20m",
    ),
    example("nothing waits", STUCK, series=_queued(0, capacity=2**20), at="20m"),
)
