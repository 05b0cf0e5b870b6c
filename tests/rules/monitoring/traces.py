"""Jaeger, by example."""

from __future__ import annotations

from rules.monitoring.alerts.traces import DECIDED_EARLY, QUERIES_FAILING, SPANS_LOST, SPANS_REFUSED
from tests.rules.examples import Series, counters, critical, example, metric, warning
from tests.rules.monitoring.subjects import JAEGER, place

_SEARCH = {"operation": "find_traces"}


def _received(accepted: int, refused: int) -> Series:
    """Every minute, half of it by each transport."""
    return counters(
        {
            metric(f"otelcol_receiver_{outcome}_spans_total", JAEGER, receiver="otlp", transport=transport): count
            for transport in ("http", "grpc")
            for outcome, count in (("accepted", accepted), ("refused", refused), ("failed", 0))
        },
        20,
    )


def _stored(sent: int, failed: int) -> Series:
    labels = JAEGER | {"exporter": "jaeger_storage_exporter"}
    return counters(
        {
            metric("otelcol_exporter_sent_spans_total", labels): sent,
            metric("otelcol_exporter_send_failed_spans_total", labels): failed,
        },
        20,
    )


def _decided(early: int, of_all: int) -> Series:
    sampling = "otelcol_processor_tail_sampling"
    return counters(
        {
            metric(f"{sampling}_sampling_trace_dropped_too_early_total", JAEGER): early,
            metric(f"{sampling}_new_trace_id_received_total", JAEGER): of_all,
        },
        30,
    )


def _asked(failing: int, answered: int) -> Series:
    labels = {**JAEGER, "kind": "badger", "name": "traces", "role": "tracestore", **_SEARCH}
    return counters(
        {
            metric("jaeger_storage_requests_total", labels, result="err"): failing,
            metric("jaeger_storage_requests_total", labels, result="ok"): answered,
        },
        20,
    )


EXAMPLES = (
    example(
        "three of ten spans are refused",
        SPANS_REFUSED,
        series=_received(70, 30),
        at="10m",
        fires=[critical("jaeger-0 refuses 30% of the spans that are sent to it.", "30%", **place(JAEGER))],
    ),
    example(
        "one of ten spans is refused",
        SPANS_REFUSED,
        series=_received(90, 10),
        at="10m",
        fires=[warning("jaeger-0 refuses 10% of the spans that are sent to it.", "10%", **place(JAEGER))],
    ),
    example("one of two hundred spans is refused", SPANS_REFUSED, series=_received(199, 1), at="15m"),
    example(
        "the storage does not take two of ten",
        SPANS_LOST,
        series=_stored(80, 20),
        at="10m",
        fires=[critical("jaeger-0 loses 20% of its spans: they are not stored.", "20%", **place(JAEGER))],
    ),
    example(
        "the storage does not take one of twenty",
        SPANS_LOST,
        series=_stored(95, 5),
        at="10m",
        fires=[warning("jaeger-0 loses 5% of its spans: they are not stored.", "5%", **place(JAEGER))],
    ),
    example("the storage does not take one of two hundred", SPANS_LOST, series=_stored(199, 1), at="15m"),
    example(
        "one trace of twenty is not waited for",
        DECIDED_EARLY,
        series=_decided(5, 100),
        at="20m",
        fires=[warning("jaeger-0 drops 5% of all traces before they are complete.", "5%", **JAEGER)],
    ),
    example("one trace of two hundred is not waited for", DECIDED_EARLY, series=_decided(1, 200), at="25m"),
    example(
        "half of all searches fail",
        QUERIES_FAILING,
        series=_asked(3, 3),
        at="10m",
        fires=[warning("50% of Jaeger's find_traces requests to storage fail.", "50%", **_SEARCH)],
    ),
    example("one of ten searches fails", QUERIES_FAILING, series=_asked(1, 9), at="15m"),
    example("the only search of each minute fails", QUERIES_FAILING, series=_asked(1, 0), at="15m"),
)
