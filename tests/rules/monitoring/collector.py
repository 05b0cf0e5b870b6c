"""The collector, by example."""

from __future__ import annotations

from rules.monitoring.alerts.collector import LOST, QUEUE_FILLS, REFUSED, STUCK
from tests.rules.examples import Series, counters, critical, example, gauges, metric, shares, warning
from tests.rules.monitoring.subjects import COLLECTOR, place

_TO_LOKI = {**COLLECTOR, "exporter": "otlp_http/loki"}
_PLACE = {**place(COLLECTOR), "exporter": "otlp_http/loki"}
_LOGS = {**place(COLLECTOR), "signal": "logs"}


def _received(items: str, accepted: float, refused: float) -> Series:
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


def _delivered(sent: float, failed: float) -> Series:
    return counters(
        {
            metric("otelcol_exporter_sent_log_records_total", _TO_LOKI): sent,
            metric("otelcol_exporter_send_failed_log_records_total", _TO_LOKI): failed,
        },
        20,
    )


def _queued(size: float, capacity: int = 1024) -> Series:
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
    *shares(
        REFUSED,
        "{} of the lines are refused",
        lambda percent: _received("log_records", 100 - percent, percent),
        "otel-collector-0 refuses {} of the logs sent to it.",
        {0.9: None, 1.1: warning, 24: warning, 26: critical},
        at="6m",
        **_LOGS,
    ),
    *shares(
        LOST,
        "Loki refuses {} of the lines for good",
        lambda percent: _delivered(100 - percent, percent),
        "otel-collector-0 loses {} of the data for otlp_http/loki.",
        {0.9: None, 1.1: warning, 9: warning, 11: critical},
        at="6m",
        **_PLACE,
    ),
    *shares(
        QUEUE_FILLS,
        "{} of it is full",
        lambda percent: _queued(percent, capacity=100),
        "The queue of otel-collector-0 to otlp_http/loki is {} full.",
        {50: None, 51: warning, 90: warning, 91: critical},
        at="5m",
        **_PLACE,
    ),
    example(
        "a little waits, and nothing was sent since the collector started",
        STUCK,
        series=_queued(1024, capacity=2**20),
        at="5m",
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
