"""Jaeger, by example."""

from __future__ import annotations

from rules.monitoring.alerts.traces import DECIDED_EARLY, QUERIES_FAILING, SPANS_LOST, SPANS_REFUSED
from tests.rules.examples import Series, counters, critical, example, metric, shares, warning
from tests.rules.monitoring.subjects import JAEGER, place

_SEARCH = {"operation": "find_traces"}


def _received(accepted: float, refused: float) -> Series:
    """Every minute, half of it by each transport."""
    return counters(
        {
            metric(f"otelcol_receiver_{outcome}_spans_total", JAEGER, receiver="otlp", transport=transport): count
            for transport in ("http", "grpc")
            for outcome, count in (("accepted", accepted), ("refused", refused), ("failed", 0))
        },
        20,
    )


def _stored(sent: float, failed: float) -> Series:
    labels = JAEGER | {"exporter": "jaeger_storage_exporter"}
    return counters(
        {
            metric("otelcol_exporter_sent_spans_total", labels): sent,
            metric("otelcol_exporter_send_failed_spans_total", labels): failed,
        },
        20,
    )


def _decided(early: float, of_all: float) -> Series:
    sampling = "otelcol_processor_tail_sampling"
    return counters(
        {
            metric(f"{sampling}_sampling_trace_dropped_too_early_total", JAEGER): early,
            metric(f"{sampling}_new_trace_id_received_total", JAEGER): of_all,
        },
        30,
    )


def _asked(failing: float, answered: float) -> Series:
    labels = {**JAEGER, "kind": "badger", "name": "traces", "role": "tracestore", **_SEARCH}
    return counters(
        {
            metric("jaeger_storage_requests_total", labels, result="err"): failing,
            metric("jaeger_storage_requests_total", labels, result="ok"): answered,
        },
        20,
    )


EXAMPLES = (
    *shares(
        SPANS_REFUSED,
        "{} of the spans are refused",
        lambda percent: _received(100 - percent, percent),
        "jaeger-0 refuses {} of the spans that are sent to it.",
        {0.9: None, 1.1: warning, 24: warning, 26: critical},
        at="6m",
        **place(JAEGER),
    ),
    *shares(
        SPANS_LOST,
        "the storage does not take {} of the spans",
        lambda percent: _stored(100 - percent, percent),
        "jaeger-0 loses {} of its spans: they are not stored.",
        {0.9: None, 1.1: warning, 9: warning, 11: critical},
        at="6m",
        **place(JAEGER),
    ),
    *shares(
        DECIDED_EARLY,
        "{} of the traces are not waited for",
        lambda percent: _decided(percent, 100),
        "jaeger-0 drops {} of all traces before they are complete.",
        {0.9: None, 1.1: warning},
        at="16m",
        **JAEGER,
    ),
    *shares(
        QUERIES_FAILING,
        "{} of all searches fail",
        lambda percent: _asked(percent / 10, 10 - percent / 10),
        "{} of Jaeger's find_traces requests to storage fail.",
        {19: None, 21: warning},
        at="7m",
        **_SEARCH,
    ),
    example("the only search of each minute fails", QUERIES_FAILING, series=_asked(1, 0), at="15m"),
)
