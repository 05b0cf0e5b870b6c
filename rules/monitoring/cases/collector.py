"""The collector, tried."""

from __future__ import annotations

from rules.monitoring.alerts.collector import LOST, QUEUE_FILLS, REFUSED, STUCK
from rules.monitoring.cases.tried import COLLECTOR, CRITICAL, WARNING, of, place, tried

_TO_LOKI = {**COLLECTOR, "exporter": "otlp_http/loki"}
_PLACE = {**place(COLLECTOR), "exporter": "otlp_http/loki"}
_LOGS = {**place(COLLECTOR), "signal": "logs"}


def _received(items: str, accepted: int, refused: int) -> dict[str, str]:
    """Every minute, half of it by each transport."""
    counted = {"accepted": accepted, "refused": refused, "failed": 0}
    return {
        f"otelcol_receiver_{outcome}_{items}_total{of(COLLECTOR, receiver='otlp', transport=transport)}": f"0+{n}x20"
        for transport in ("http", "grpc")
        for outcome, n in counted.items()
    }


def _delivered(sent: int, failed: int) -> dict[str, str]:
    return {
        f"otelcol_exporter_sent_log_records_total{of(_TO_LOKI)}": f"0+{sent}x20",
        f"otelcol_exporter_send_failed_log_records_total{of(_TO_LOKI)}": f"0+{failed}x20",
    }


def _queued(size: int, capacity: int = 1024) -> dict[str, str]:
    return {
        f"otelcol_exporter_queue_size{of(_TO_LOKI)}": f"{size}x25",
        f"otelcol_exporter_queue_capacity{of(_TO_LOKI)}": f"{capacity}x25",
    }


CASES = (
    tried(
        REFUSED,
        "three of ten lines are refused, and no span",
        {**_received("log_records", 70, 30), **_received("spans", 100, 0)},
        "10m",
        fires=(CRITICAL, WARNING),
        labels=_LOGS,
        says="otel-collector-0 refuses 30% of the logs sent to it.",
        value="30%",
    ),
    tried(
        REFUSED,
        "one of ten lines is refused",
        _received("log_records", 90, 10),
        "10m",
        fires=(WARNING,),
        labels=_LOGS,
        says="otel-collector-0 refuses 10% of the logs sent to it.",
        value="10%",
    ),
    tried(REFUSED, "one of two hundred points is refused", _received("metric_points", 199, 1), "15m"),
    tried(
        LOST,
        "Loki refuses two of ten lines for good",
        _delivered(80, 20),
        "10m",
        fires=(CRITICAL, WARNING),
        labels=_PLACE,
        says="otel-collector-0 loses 20% of what goes to otlp_http/loki.",
        value="20%",
    ),
    tried(
        LOST,
        "Loki refuses one of twenty lines for good",
        _delivered(95, 5),
        "10m",
        fires=(WARNING,),
        labels=_PLACE,
        says="otel-collector-0 loses 5% of what goes to otlp_http/loki.",
        value="5%",
    ),
    tried(LOST, "Loki refuses one of two hundred lines for good", _delivered(199, 1), "15m"),
    tried(
        QUEUE_FILLS,
        "hardly anything has room any more",
        _queued(973),
        "10m",
        fires=(CRITICAL, WARNING),
        labels=_PLACE,
        says="The queue of otel-collector-0 to otlp_http/loki is 95.02% full.",
        value="95.02%",
    ),
    tried(
        QUEUE_FILLS,
        "three quarters are full",
        _queued(768),
        "10m",
        fires=(WARNING,),
        labels=_PLACE,
        says="The queue of otel-collector-0 to otlp_http/loki is 75% full.",
        value="75%",
    ),
    tried(QUEUE_FILLS, "half of it is full", _queued(512), "10m"),
    tried(
        STUCK,
        "a little waits, and nothing was sent since the collector started",
        _queued(1024, capacity=2**20),
        "20m",
        fires=(WARNING,),
        labels=_PLACE,
        says="otel-collector-0 has 1kiB for otlp_http/loki, and none of it leaves.",
        value="1kiB",
    ),
    tried(
        STUCK,
        "there is always something on its way",
        {**_queued(1024, capacity=2**20), **_delivered(1, 0)},
        "20m",
    ),
    tried(STUCK, "nothing waits", _queued(0, capacity=2**20), "20m"),
)
