"""The collector: refused, queued and lost telemetry."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.monitoring.recordings import BY_POD

_BY_EXPORTER = "(cluster, environment, namespace, pod, exporter)"
_OURS = '{job="otel-collector"}'
SIGNALS = {"traces": "spans", "logs": "log_records", "metrics": "metric_points"}
"""Signals, with the name of their items in the collector's metrics."""


def _taken(items: str, *outcomes: str) -> str:
    of_pod = (f"sum by {BY_POD} (rate(otelcol_receiver_{outcome}_{items}_total{_OURS}[10m]))" for outcome in outcomes)
    return f"({' + '.join(of_pod)})"


def _passed_on(outcome: str) -> str:
    """PromQL: items per second by exporter; each exporter has one signal."""
    rates = (f"rate(otelcol_exporter_{outcome}_{items}_total{_OURS}[10m])" for items in SIGNALS.values())
    return f"sum by {_BY_EXPORTER} ({' or '.join(rates)})"


def _share(part: str, rest: str) -> str:
    """PromQL: ``part`` / (``part`` + ``rest``), in a form that reads each once; 0 without any ``part``."""
    return f"1 / (1 + {rest} / {part})"


REFUSED = Alert(
    name="CollectorTelemetryRefused",
    value=" or ".join(
        f"label_replace({_share(_taken(items, 'refused', 'failed'), _taken(items, 'accepted'))},"
        f' "signal", "{signal}", "", "")'
        for signal, items in SIGNALS.items()
    ),
    # Senders retry for some minutes, then they lose the data.
    above={Severity.WARNING: 0.01, Severity.CRITICAL: 0.25},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # as long as senders retry
    keep_firing_for=Duration.parse("5m"),
    summary="The collector refuses telemetry.",
    description="{{ $labels.pod }} refuses {{ $value | humanizePercentage }} of the {{ $labels.signal }} sent to it.",
)
LOST = Alert(
    name="CollectorTelemetryLost",
    value=_share(_passed_on("send_failed"), _passed_on("sent")),
    # Counted after the last retry: the store rejected the data, or was down for too long.
    above={Severity.WARNING: 0.01, Severity.CRITICAL: 0.1},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # longer than a single rejected batch
    keep_firing_for=Duration.parse("10m"),
    summary="The collector loses telemetry.",
    description="{{ $labels.pod }} loses {{ $value | humanizePercentage }} of the data for {{ $labels.exporter }}.",
)
QUEUE_FILLS = Alert(
    name="CollectorQueueFilling",
    value=f"max by {_BY_EXPORTER} (otelcol_exporter_queue_size{_OURS} / otelcol_exporter_queue_capacity{_OURS})",
    # A queue holds the data of a store's outage. At half, about as much time is left. A full queue refuses new data.
    above={Severity.WARNING: 0.5, Severity.CRITICAL: 0.9},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # a burst is sent within a minute or two
    keep_firing_for=Duration.parse("5m"),
    summary="A queue of the collector fills up.",
    description="The queue of {{ $labels.pod }} to {{ $labels.exporter }} is {{ $value | humanizePercentage }} full.",
)
STUCK = Alert(
    name="CollectorDeliveryStuck",
    # However little comes in: on a quiet cluster a queue takes days to fill, and data is dropped after one day.
    value=f"min by {_BY_EXPORTER} (min_over_time(otelcol_exporter_queue_size{_OURS}[15m]))",
    above={Severity.WARNING: 0},
    unless=f"{_passed_on('sent')} > 0",
    unit=Unit.BYTES,
    for_=Duration.parse("5m"),  # together with the window longer than any restart of a store
    summary="A store accepts no data from the collector.",
    description="{{ $labels.pod }} has {{ $value | humanize1024 }}B for {{ $labels.exporter }} and sends nothing.",
    runbook="CollectorQueueFilling",
)

ALERTS = (REFUSED, LOST, QUEUE_FILLS, STUCK)
