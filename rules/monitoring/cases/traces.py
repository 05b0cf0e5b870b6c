"""Jaeger, tried."""

from __future__ import annotations

from rules.monitoring.alerts.traces import DECIDED_EARLY, QUERIES_FAILING, SPANS_LOST, SPANS_REFUSED
from rules.monitoring.cases.tried import CRITICAL, JAEGER, WARNING, of, place, tried

_SEARCH = {"operation": "find_traces"}


def _received(accepted: int, refused: int) -> dict[str, str]:
    """Every minute, half of it by each transport."""
    return {
        f"otelcol_receiver_{outcome}_spans_total{of(JAEGER, receiver='otlp', transport=transport)}": f"0+{count}x20"
        for transport in ("http", "grpc")
        for outcome, count in (("accepted", accepted), ("refused", refused), ("failed", 0))
    }


def _stored(sent: int, failed: int) -> dict[str, str]:
    labels = of(JAEGER, exporter="jaeger_storage_exporter")
    return {
        f"otelcol_exporter_sent_spans_total{labels}": f"0+{sent}x20",
        f"otelcol_exporter_send_failed_spans_total{labels}": f"0+{failed}x20",
    }


def _decided(early: int, of_all: int) -> dict[str, str]:
    sampling = "otelcol_processor_tail_sampling"
    return {
        f"{sampling}_sampling_trace_dropped_too_early_total{of(JAEGER)}": f"0+{early}x30",
        f"{sampling}_new_trace_id_received_total{of(JAEGER)}": f"0+{of_all}x30",
    }


def _asked(failing: int, answered: int) -> dict[str, str]:
    labels = {**JAEGER, "kind": "badger", "name": "traces", "role": "tracestore", **_SEARCH}
    return {
        f"jaeger_storage_requests_total{of(labels, result='err')}": f"0+{failing}x20",
        f"jaeger_storage_requests_total{of(labels, result='ok')}": f"0+{answered}x20",
    }


CASES = (
    tried(
        SPANS_REFUSED,
        "three of ten spans are refused",
        _received(70, 30),
        "10m",
        fires=(CRITICAL, WARNING),
        labels=place(JAEGER),
        says="jaeger-0 refuses 30% of the spans that are sent to it.",
        value="30%",
    ),
    tried(
        SPANS_REFUSED,
        "one of ten spans is refused",
        _received(90, 10),
        "10m",
        fires=(WARNING,),
        labels=place(JAEGER),
        says="jaeger-0 refuses 10% of the spans that are sent to it.",
        value="10%",
    ),
    tried(SPANS_REFUSED, "one of two hundred spans is refused", _received(199, 1), "15m"),
    tried(
        SPANS_LOST,
        "the storage does not take two of ten",
        _stored(80, 20),
        "10m",
        fires=(CRITICAL, WARNING),
        labels=place(JAEGER),
        says="jaeger-0 loses 20% of its spans: they are not stored.",
        value="20%",
    ),
    tried(
        SPANS_LOST,
        "the storage does not take one of twenty",
        _stored(95, 5),
        "10m",
        fires=(WARNING,),
        labels=place(JAEGER),
        says="jaeger-0 loses 5% of its spans: they are not stored.",
        value="5%",
    ),
    tried(SPANS_LOST, "the storage does not take one of two hundred", _stored(199, 1), "15m"),
    tried(
        DECIDED_EARLY,
        "one trace of twenty is not waited for",
        _decided(5, 100),
        "20m",
        fires=(WARNING,),
        labels=JAEGER,
        says="jaeger-0 drops 5% of all traces before they are complete.",
        value="5%",
    ),
    tried(DECIDED_EARLY, "one trace of two hundred is not waited for", _decided(1, 200), "25m"),
    tried(
        QUERIES_FAILING,
        "half of all searches fail",
        _asked(3, 3),
        "10m",
        fires=(WARNING,),
        labels=_SEARCH,
        says="50% of Jaeger's find_traces fail in its storage.",
        value="50%",
    ),
    tried(QUERIES_FAILING, "one of ten searches fails", _asked(1, 9), "15m"),
    tried(QUERIES_FAILING, "the only search of each minute fails", _asked(1, 0), "15m"),
)
