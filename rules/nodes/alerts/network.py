"""Network interfaces, and the kernel's table of connections."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.nodes.recordings import BY_DEVICE, BY_NODE, PHYSICAL
from rules.nodes.scrape import NODE_EXPORTER


def _rate(what: str) -> str:
    """Of an interface, both ways."""
    return " + ".join(
        f"sum by {BY_DEVICE} (rate(node_network_{direction}_{what}_total{{{PHYSICAL}}}[5m]))"
        for direction in ("receive", "transmit")
    )


# Below that, the odd frame of a protocol that nobody here speaks is a large share.
_ENOUGH = f"({_rate('packets')}) > 100"

NETWORK_ERRORS = Alert(
    name="NodeNetworkErrors",
    value=f"({_rate('errs')}) / ({_rate('packets')})",
    # A healthy link has none; TCP halves its speed at about 1 % of loss.
    above={Severity.WARNING: 0.01},
    and_=_ENOUGH,
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # a link that is renegotiated
    keep_firing_for=Duration.parse("10m"),
    summary="A network interface damages packets.",
    description="{{ $labels.device }} of {{ $labels.node }} damages {{ $value | humanizePercentage }} of packets.",
)
NETWORK_DROPS = Alert(
    name="NodeNetworkDrops",
    value=f"({_rate('drop')}) / ({_rate('packets')})",
    # As with errors; drops happen when a machine has no time to read its packets, or a cloud's limit is reached.
    above={Severity.WARNING: 0.01},
    and_=_ENOUGH,
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # a burst drops for seconds
    keep_firing_for=Duration.parse("10m"),
    summary="A network interface drops packets.",
    description="{{ $labels.device }} of {{ $labels.node }} drops {{ $value | humanizePercentage }} of its packets.",
    runbook="NodeNetworkErrors",
)
CONNTRACK_FULL = Alert(
    name="NodeConntrackNearlyFull",
    # A limit of 0 is none.
    value=f"max by {BY_NODE} (node_nf_conntrack_entries) / max by {BY_NODE} (node_nf_conntrack_entries_limit > 0)",
    # At 100 % every new connection of every pod there is dropped; a burst of DNS lookups adds a fifth within a minute.
    above={Severity.WARNING: 0.75, Severity.CRITICAL: 0.9},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # closed connections stay for two minutes
    keep_firing_for=Duration.parse("5m"),
    summary="A node can hardly track more connections.",
    description="{{ $labels.node }} has {{ $value | humanizePercentage }} of its connection table in use.",
)

_BY_BOND = "(cluster, environment, node, master)"
_MEMBERS = f"max by {_BY_BOND} (max_over_time(node_bonding_slaves[1d:1h]))"
_ACTIVE = f"max by {_BY_BOND} (node_bonding_active)"
BOND_DEGRADED = Alert(
    name="NodeBondDegraded",
    # By the members that it had within a day: an interface that is gone altogether is no member any more. A bond that
    # is gone on a node that still answers has lost all.
    value=(
        f"{_MEMBERS} - {_ACTIVE} > 0"
        f' or {_MEMBERS} unless {_ACTIVE} and on (cluster, node) up{{job="{NODE_EXPORTER}"}} == 1'
    ),
    severity=Severity.WARNING,  # the others carry its traffic
    for_=Duration.parse("10m"),  # a switch that restarts
    summary="A bond has lost a network interface.",
    description="{{ $labels.master }} of {{ $labels.node }} has lost {{ $value }} of its interfaces.",
    runbook="NodeNetworkErrors",
)

ALERTS = (NETWORK_ERRORS, NETWORK_DROPS, CONNTRACK_FULL)
