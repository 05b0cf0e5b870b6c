"""Promtail, if it collects the logs: lines that do not leave a node."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity

DROPS = Alert(
    name="PromtailLinesDropped",
    value="sum by (cluster, environment, node, reason) (rate(promtail_dropped_entries_total[10m]))",
    # It retries without end, so dropped lines were rejected. Six lines per minute are more than a few old ones.
    above={Severity.WARNING: 0.1},
    unit=Unit.PER_SECOND,
    for_=Duration.parse("10m"),  # the lines of an outage are sent or rejected within minutes
    keep_firing_for=Duration.parse("10m"),
    summary="Promtail drops log lines.",
    description='{{ $labels.node }} loses {{ printf "%.1f" $value }} lines per second: {{ $labels.reason }}.',
)
BEHIND = Alert(
    name="PromtailBehind",
    value="max by (cluster, environment, node) (promtail_file_bytes_total - promtail_read_bytes_total)",
    # A kubelet rotates a log at 10 MiB and keeps five files. More than a file behind, lines may be deleted unread.
    above={Severity.WARNING: 5 * 2**20, Severity.CRITICAL: 10 * 2**20},
    unit=Unit.BYTES,
    for_=Duration.parse("10m"),  # after a restart of Loki it catches up within minutes
    summary="Promtail does not keep up with a log.",
    description="A log on {{ $labels.node }} has {{ $value | humanize1024 }}B that Loki does not have yet.",
)

ALERTS = (DROPS, BEHIND)
