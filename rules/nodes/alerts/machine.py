"""The machine as a whole: its clock, its files, its reboots."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.nodes.recordings import BY_NODE

FILE_DESCRIPTORS = Alert(
    name="NodeFileDescriptorsRunningOut",
    value=f"max by {BY_NODE} (node_filefd_allocated) / max by {BY_NODE} (node_filefd_maximum)",
    # At 100 % nothing on the machine opens a file or a connection. Who leaks one gets from 75 to 90 % in hours.
    above={Severity.WARNING: 0.75, Severity.CRITICAL: 0.9},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # a process that ends gives back all of its own
    keep_firing_for=Duration.parse("5m"),
    summary="A node can hardly open more files.",
    description="{{ $labels.node }} has {{ $value | humanizePercentage }} of its file descriptors in use.",
)
CLOCK_SKEW = Alert(
    name="NodeClockSkew",
    value=f"max by {BY_NODE} (abs(node_time_seconds - timestamp(node_time_seconds)))",
    # Measured across a scrape, which takes some tenths of a second. From a second on logs and traces of several
    # machines are out of order; Kubernetes takes tokens from the future up to a minute, and no further.
    above={Severity.WARNING: 1, Severity.CRITICAL: 60},
    unit=Unit.SECONDS,
    for_=Duration.parse("10m"),  # a clock that is wrong at boot is set within that
    keep_firing_for=Duration.parse("5m"),
    summary="A node's clock is wrong.",
    description="The clock of {{ $labels.node }} is {{ $value | humanizeDuration }} apart from that of Prometheus.",
)
CLOCK_NOT_SYNCHRONISED = Alert(
    name="NodeClockNotSynchronised",
    value=f"max by {BY_NODE} (max_over_time(node_timex_sync_status[5m])) == 0",
    severity=Severity.WARNING,
    # The kernel's estimate of its error grows by half a millisecond a second and ends here: nobody has set the clock
    # for nine hours. Daemons that set it without telling the kernel that they do keep the estimate small.
    and_=f"min by {BY_NODE} (node_timex_maxerror_seconds) >= 16",
    for_=Duration.parse("15m"),  # after a boot, the first answers of the time servers
    summary="Nothing sets a node's clock.",
    description="The clock of {{ $labels.node }} follows no time server: it will drift.",
    runbook="NodeClockSkew",
)
_BOOT_TIME = "node_boot_time_seconds[30m]"
REBOOTED = Alert(
    name="NodeRebooted",
    # The time of boot is reckoned from a clock that is being set: a minute more or less is no reboot.
    value=(f"max by {BY_NODE} (max_over_time({_BOOT_TIME})) - min by {BY_NODE} (min_over_time({_BOOT_TIME})) > 60"),
    severity=Severity.INFO,  # upgrades do it; it explains what else is seen in that half hour
    summary="A node was rebooted.",
    description="{{ $labels.node }} was rebooted within the last half hour.",
)

ALERTS = (FILE_DESCRIPTORS, CLOCK_SKEW, CLOCK_NOT_SYNCHRONISED, REBOOTED)
