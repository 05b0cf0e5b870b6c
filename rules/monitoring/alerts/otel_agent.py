"""The node collector, if it collects the logs: lines that do not leave a node."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity

_OURS = '{job="otel-agent"}'
_BY_NODE = "(cluster, environment, node)"
# The counter of failed sends exists after the first failure. The two counters of the receiver always exist.
_NOT_SENT = f"rate(otelcol_exporter_send_failed_log_records_total{_OURS}[10m])"
_NOT_KEPT = " + ".join(
    f"rate(otelcol_receiver_{outcome}_log_records_total{_OURS}[10m])" for outcome in ("refused", "failed")
)

LOST = Alert(
    name="OtelAgentLinesLost",
    value=f"sum by {_BY_NODE} ({_NOT_SENT} or {_NOT_KEPT})",
    # It retries without end, so lost lines were rejected. Six lines per minute are more than a few old ones.
    above={Severity.WARNING: 0.1},
    unit=Unit.PER_SECOND,
    for_=Duration.parse("10m"),  # longer than a single rejected batch
    keep_firing_for=Duration.parse("10m"),
    summary="A node collector loses log lines.",
    description='{{ $labels.node }} loses {{ printf "%.1f" $value }} lines per second.',
)
QUEUE_FILLS = Alert(
    name="OtelAgentQueueFilling",
    value=f"max by {_BY_NODE} (otelcol_exporter_queue_size{_OURS} / otelcol_exporter_queue_capacity{_OURS})",
    # The queue holds the lines of an outage of the collector. When it is full, reading stops, and the kubelet deletes
    # unread logs when it rotates them.
    above={Severity.WARNING: 0.5, Severity.CRITICAL: 0.9},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # a burst is sent within a minute or two
    keep_firing_for=Duration.parse("5m"),
    summary="A node's log lines do not reach the collector.",
    description="The queue of {{ $labels.node }} is {{ $value | humanizePercentage }} full.",
)
BEHIND = Alert(
    name="OtelAgentBehind",
    # It pauses after it has read all files. If every sample sees it reading, it has not reached the end.
    value=f"min by {_BY_NODE} (min_over_time(otelcol_fileconsumer_reading_files{_OURS}[10m]))",
    above={Severity.WARNING: 0},
    for_=Duration.parse("10m"),  # the lines of an outage are read within minutes
    keep_firing_for=Duration.parse("10m"),
    summary="A node collector does not keep up with the logs.",
    description="{{ $labels.node }} has not reached the end of its logs for 20 minutes.",
)

ALERTS = (LOST, QUEUE_FILLS, BEHIND)
