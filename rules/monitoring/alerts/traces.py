"""Jaeger: ingestion, storage and queries of spans."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.monitoring.recordings import BY_POD

# By pod: several transports are one way in.
_TAKEN, _REFUSED, _FAILED = (
    f'sum by {BY_POD} (rate(otelcol_receiver_{outcome}_spans_total{{job="jaeger"}}[10m]))'
    for outcome in ("accepted", "refused", "failed")
)
_TO_STORAGE = 'job="jaeger", exporter="jaeger_storage_exporter"'

SPANS_REFUSED = Alert(
    name="JaegerSpansRefused",
    value=f"({_REFUSED} + {_FAILED}) / ({_TAKEN} + {_REFUSED} + {_FAILED})",
    # Senders try again for some minutes, then they lose spans.
    above={Severity.WARNING: 0.01, Severity.CRITICAL: 0.25},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # as long as senders try again
    keep_firing_for=Duration.parse("5m"),
    summary="Jaeger refuses spans.",
    description="{{ $labels.pod }} refuses {{ $value | humanizePercentage }} of the spans that are sent to it.",
    runbook="SpansLost",
)
SPANS_LOST = Alert(
    name="JaegerSpansLost",
    value=f"sum by {BY_POD} (rate(otelcol_exporter_send_failed_spans_total{{{_TO_STORAGE}}}[10m])) / ("
    f"sum by {BY_POD} (rate(otelcol_exporter_send_failed_spans_total{{{_TO_STORAGE}}}[10m]))"
    f" + sum by {BY_POD} (rate(otelcol_exporter_sent_spans_total{{{_TO_STORAGE}}}[10m])))",
    # Nothing is tried again at this point. One in a hundred leaves holes that are noticed.
    above={Severity.WARNING: 0.01, Severity.CRITICAL: 0.1},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # a single batch that the store refuses is over by then
    keep_firing_for=Duration.parse("10m"),
    summary="Spans do not reach Jaeger's storage.",
    description="{{ $labels.pod }} loses {{ $value | humanizePercentage }} of its spans: they are not stored.",
    runbook="SpansLost",
)
DECIDED_EARLY = Alert(
    name="JaegerTracesDecidedEarly",
    value="rate(otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total[10m])"
    " / rate(otelcol_processor_tail_sampling_new_trace_id_received_total[10m])",
    # Each is a trace whose errors were not waited for; one in a hundred is an error that nobody finds.
    above={Severity.WARNING: 0.01},
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # a burst of that length is no longer one
    keep_firing_for=Duration.parse("10m"),
    summary="Jaeger has more traces at a time than it may hold.",
    description="{{ $labels.pod }} drops {{ $value | humanizePercentage }} of all traces before they are complete.",
)
_ASKED = "sum by (cluster, environment, operation) (rate(jaeger_storage_requests_total"
QUERIES_FAILING = Alert(
    name="JaegerQueriesFailing",
    value=f'{_ASKED}{{result="err"}}[10m])) / {_ASKED}[10m]))',
    # A search over too long a time may fail; one in five, and people cannot work.
    above={Severity.WARNING: 0.2},
    and_=f"{_ASKED}[10m])) > 0.02",  # a dozen in ten minutes
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),
    keep_firing_for=Duration.parse("5m"),
    summary="Traces cannot be read.",
    description="{{ $value | humanizePercentage }} of Jaeger's {{ $labels.operation }} fail in its storage.",
)

ALERTS = (SPANS_REFUSED, SPANS_LOST, DECIDED_EARLY, QUERIES_FAILING)
