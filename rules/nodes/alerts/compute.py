"""CPU and memory."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.nodes.recordings import BY_NODE, CPU_LOAD, CPU_UTILISATION, MEMORY_UTILISATION

HIGH_CPU = Alert(
    name="NodeHighCPUUsage",
    value=CPU_UTILISATION.name,
    # High usage alone is fine. The machine is too small if the waiting work would need another half of its cores.
    above={Severity.WARNING: 0.9},
    and_=f"{CPU_LOAD.name} > 1.5",
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # builds and batch jobs use all CPU for some minutes
    keep_firing_for=Duration.parse("5m"),
    summary="A node has too little CPU for its work.",
    description="{{ $labels.node }} uses {{ $value | humanizePercentage }} of its CPU, and processes wait for it.",
)
HIGH_MEMORY = Alert(
    name="NodeHighMemoryUsage",
    value=MEMORY_UTILISATION.name,
    # The kernel needs about 5 % for its caches. The kubelet evicts pods only at 100 MiB, which is often too late.
    above={Severity.WARNING: 0.9, Severity.CRITICAL: 0.95},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # longer than an eviction or a restart, which frees memory
    keep_firing_for=Duration.parse("5m"),
    summary="A node is almost out of memory.",
    description="{{ $labels.node }} uses {{ $value | humanizePercentage }} of its memory.",
)
THRASHING = Alert(
    name="NodeMemoryThrashing",
    value=f"max by {BY_NODE} (rate(node_vmstat_pgmajfault[5m]))",
    # Each fault is a read from disk of 0.1 to 1 ms. 500 per second take at least 50 ms of every second.
    above={Severity.WARNING: 500},
    # With free memory, the faults come from programs that start or files that are read for the first time.
    and_=f"{MEMORY_UTILISATION.name} > 0.8",
    unit=Unit.PER_SECOND,
    for_=Duration.parse("15m"),  # longer than the start of the largest image
    keep_firing_for=Duration.parse("5m"),
    summary="A node is short of memory and rereads pages from disk.",
    description="{{ $labels.node }} has {{ $value | humanize }} major page faults per second, with little memory left.",
    runbook="NodeHighMemoryUsage",
)
OOM_KILLS = Alert(
    name="NodeOOMKills",
    value=f"max by {BY_NODE} (increase(node_vmstat_oom_kill[15m])) > 0",
    severity=Severity.WARNING,
    # The counter includes containers killed at their own limit, which have another alert. If a fifth of the machine's
    # memory was free all the time, it was such a container.
    and_=f"max_over_time({MEMORY_UTILISATION.name}[15m]) > 0.8",
    keep_firing_for=Duration.parse("15m"),
    summary="A node ran out of memory and killed processes.",
    description="{{ $labels.node }} killed processes within the last quarter of an hour because it was out of memory.",
    runbook="NodeHighMemoryUsage",
)
MEMORY_ERRORS = Alert(
    name="NodeMemoryErrors",
    # One uncorrected error is too many. The alert fires for a day, because machines are not replaced within an hour.
    # One sample in five minutes is enough for a day.
    value=f"max by {BY_NODE} (increase(node_edac_uncorrectable_errors_total[1d:5m])) > 0",
    severity=Severity.WARNING,
    summary="A node has uncorrectable memory errors.",
    description="{{ $labels.node }} had memory errors that could not be corrected: its data may be corrupt.",
)

ALERTS = (HIGH_CPU, HIGH_MEMORY, THRASHING, OOM_KILLS)
