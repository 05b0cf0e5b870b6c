"""Jaeger: ingestion, storage and queries of spans."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.monitoring.recordings import BY_POD

# By pod, summed over transports.
_TAKEN, _REFUSED, _FAILED = (
    f'sum by {BY_POD} (rate(otelcol_receiver_{outcome}_spans_total{{job="jaeger"}}[10m]))'
    for outcome in ("accepted", "refused", "failed")
)
_TO_STORAGE = 'job="jaeger", exporter="jaeger_storage_exporter"'

SPANS_REFUSED = Alert(
    name="JaegerSpansRefused",
    value=f"({_REFUSED} + {_FAILED}) / ({_TAKEN} + {_REFUSED} + {_FAILED})",
    # Senders retry for some minutes, then they lose spans.
    above={Severity.WARNING: 0.01, Severity.CRITICAL: 0.25},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # as long as senders retry
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
    # Jaeger does not retry. One lost span in a hundred leaves noticeable gaps.
    above={Severity.WARNING: 0.01, Severity.CRITICAL: 0.1},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # longer than a single rejected batch
    keep_firing_for=Duration.parse("10m"),
    summary="Spans do not reach Jaeger's storage.",
    description="{{ $labels.pod }} loses {{ $value | humanizePercentage }} of its spans: they are not stored.",
    runbook="SpansLost",
)
DECIDED_EARLY = Alert(
    name="JaegerTracesDecidedEarly",
    value="rate(otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total[10m])"
    " / rate(otelcol_processor_tail_sampling_new_trace_id_received_total[10m])",
    # Each dropped trace may contain an error that nobody finds.
    above={Severity.WARNING: 0.01},
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # shorter bursts are normal
    keep_firing_for=Duration.parse("10m"),
    summary="Jaeger has more open traces than it can hold.",
    description="{{ $labels.pod }} drops {{ $value | humanizePercentage }} of all traces before they are complete.",
)
_ASKED = "sum by (cluster, environment, operation) (rate(jaeger_storage_requests_total"
QUERIES_FAILING = Alert(
    name="JaegerQueriesFailing",
    value=f'{_ASKED}{{result="err"}}[10m])) / {_ASKED}[10m]))',
    # Searches over long times may fail. At one in five, people cannot work.
    above={Severity.WARNING: 0.2},
    and_=f"{_ASKED}[10m])) > 0.02",  # twelve in ten minutes
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),
    keep_firing_for=Duration.parse("5m"),
    summary="Jaeger cannot read traces.",
    description="{{ $value | humanizePercentage }} of Jaeger's {{ $labels.operation }} requests to storage fail.",
)

ALERTS = (SPANS_REFUSED, SPANS_LOST, QUERIES_FAILING)
SLOW = (DECIDED_EARLY,)
