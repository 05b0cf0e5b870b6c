"""CPU and memory."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.nodes.recordings import BY_NODE, CPU_LOAD, CPU_UTILISATION, MEMORY_UTILISATION

HIGH_CPU = Alert(
    name="NodeHighCPUUsage",
    value=CPU_UTILISATION.name,
    # A machine that is used is money well spent; it is too small once more work waits than half of its cores could do.
    above={Severity.WARNING: 0.9},
    and_=f"{CPU_LOAD.name} > 1.5",
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # builds and batch jobs take all there is for some minutes
    keep_firing_for=Duration.parse("5m"),
    summary="A node has more work than its processors can do.",
    description="{{ $labels.node }} uses {{ $value | humanizePercentage }} of its processors, and work waits for them.",
)
HIGH_MEMORY = Alert(
    name="NodeHighMemoryUsage",
    value=MEMORY_UTILISATION.name,
    # What a kernel needs to move caches about is some 5 %; the kubelet evicts only at 100 MiB, which is often too late.
    above={Severity.WARNING: 0.9, Severity.CRITICAL: 0.95},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # an eviction or a restart gives memory back within that
    keep_firing_for=Duration.parse("5m"),
    summary="A node is almost out of memory.",
    description="{{ $labels.node }} uses {{ $value | humanizePercentage }} of its memory.",
)
THRASHING = Alert(
    name="NodeMemoryThrashing",
    value=f"max by {BY_NODE} (rate(node_vmstat_pgmajfault[5m]))",
    # Each fault is a read from disk of 0.1 to 1 ms: 500 a second are a tenth of a second or more of every second.
    above={Severity.WARNING: 500},
    # With memory to spare it is programs that start, or files that are read for the first time.
    and_=f"{MEMORY_UTILISATION.name} > 0.8",
    unit=Unit.PER_SECOND,
    for_=Duration.parse("15m"),  # longer than the start of the largest image
    keep_firing_for=Duration.parse("5m"),
    summary="A node reads back from disk what it had to drop from memory.",
    description="{{ $labels.node }} has {{ $value | humanize }} major page faults per second, with little memory left.",
    runbook="NodeHighMemoryUsage",
)
OOM_KILLS = Alert(
    name="NodeOOMKills",
    value=f"max by {BY_NODE} (increase(node_vmstat_oom_kill[15m])) > 0",
    severity=Severity.WARNING,
    # A container killed at its own limit is its owner's matter, and counted here as well: on a machine with a fifth of
    # its memory free all through these minutes it was that.
    and_=f"max_over_time({MEMORY_UTILISATION.name}[15m]) > 0.8",
    keep_firing_for=Duration.parse("15m"),
    summary="A node ran out of memory and killed processes.",
    description="{{ $labels.node }} killed processes within the last quarter of an hour because it was out of memory.",
    runbook="NodeHighMemoryUsage",
)
MEMORY_ERRORS = Alert(
    name="NodeMemoryErrors",
    # One uncorrected error is one too many, and machines are not exchanged within the hour: it is shown for a day, of
    # which a sample in five minutes is enough.
    value=f"max by {BY_NODE} (increase(node_edac_uncorrectable_errors_total[1d:5m])) > 0",
    severity=Severity.WARNING,
    summary="A node's memory is broken.",
    description="{{ $labels.node }} has read memory errors that could not be corrected: its data may be wrong.",
)

ALERTS = (HIGH_CPU, HIGH_MEMORY, THRASHING, OOM_KILLS)
