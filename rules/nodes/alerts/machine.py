"""The whole machine: file descriptors, clock, reboots."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.nodes.recordings import BY_NODE

FILE_DESCRIPTORS = Alert(
    name="NodeFileDescriptorsRunningOut",
    value=f"max by {BY_NODE} (node_filefd_allocated) / max by {BY_NODE} (node_filefd_maximum)",
    # At 100 % no program can open a file or a connection. A leak takes hours from 75 to 90 %.
    above={Severity.WARNING: 0.75, Severity.CRITICAL: 0.9},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # a process that ends closes all of its files
    keep_firing_for=Duration.parse("5m"),
    summary="A node is almost out of file descriptors.",
    description="{{ $labels.node }} has {{ $value | humanizePercentage }} of its file descriptors in use.",
)
CLOCK_SKEW = Alert(
    name="NodeClockSkew",
    value=f"max by {BY_NODE} (abs(node_time_seconds - timestamp(node_time_seconds)))",
    # A scrape takes some tenths of a second. From a second, logs and traces of several machines are out of order. From
    # a minute, Kubernetes rejects tokens, because they come from the future.
    above={Severity.WARNING: 1, Severity.CRITICAL: 60},
    unit=Unit.SECONDS,
    for_=Duration.parse("10m"),  # longer than a boot takes to set the clock
    keep_firing_for=Duration.parse("5m"),
    summary="A node's clock is wrong.",
    description="The clock of {{ $labels.node }} differs from Prometheus's clock by {{ $value | humanizeDuration }}.",
)
CLOCK_NOT_SYNCHRONISED = Alert(
    name="NodeClockNotSynchronised",
    value=f"max by {BY_NODE} (max_over_time(node_timex_sync_status[5m])) == 0",
    severity=Severity.WARNING,
    # The kernel's estimate of the error grows by half a millisecond per second up to 16 s: nobody has set the clock for
    # nine hours. A daemon that sets the clock without setting the sync status keeps the estimate small.
    and_=f"min by {BY_NODE} (node_timex_maxerror_seconds) >= 16",
    for_=Duration.parse("15m"),  # longer than a boot takes to reach the time servers
    summary="A node's clock is not synchronised.",
    description="The clock of {{ $labels.node }} follows no time server: it will drift.",
    runbook="NodeClockSkew",
)
_BOOT_TIME = "node_boot_time_seconds[30m]"
REBOOTED = Alert(
    name="NodeRebooted",
    # The boot time is computed from the clock: a change of less than a minute comes from setting the clock.
    value=(f"max by {BY_NODE} (max_over_time({_BOOT_TIME})) - min by {BY_NODE} (min_over_time({_BOOT_TIME})) > 60"),
    severity=Severity.INFO,  # upgrades reboot nodes; it explains other alerts of that half hour
    summary="A node was rebooted.",
    description="{{ $labels.node }} was rebooted within the last half hour.",
)

ALERTS = (FILE_DESCRIPTORS, CLOCK_SKEW, CLOCK_NOT_SYNCHRONISED, REBOOTED)
