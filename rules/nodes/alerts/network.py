"""Network interfaces, and the kernel's table of connections."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.nodes.recordings import BY_DEVICE, BY_NODE, PHYSICAL
from rules.nodes.scrape import NODE_EXPORTER


def _rate(what: str) -> str:
    """PromQL: rate of a counter by interface, both directions together."""
    return " + ".join(
        f"sum by {BY_DEVICE} (rate(node_network_{direction}_{what}_total{{{PHYSICAL}}}[5m]))"
        for direction in ("receive", "transmit")
    )


# With less traffic, single frames of unknown protocols are a large ratio.
_ENOUGH = f"({_rate('packets')}) > 100"

NETWORK_ERRORS = Alert(
    name="NodeNetworkErrors",
    value=f"({_rate('errs')}) / ({_rate('packets')})",
    # A healthy link has none. TCP halves its speed at about 1 % of loss.
    above={Severity.WARNING: 0.01},
    and_=_ENOUGH,
    unit=Unit.RATIO,
    for_=Duration.parse("15m"),  # longer than the renegotiation of a link
    keep_firing_for=Duration.parse("10m"),
    summary="A network interface has packet errors.",
    description="{{ $labels.device }} of {{ $labels.node }} has {{ $value | humanizePercentage }} bad packets.",
)
NETWORK_DROPS = Alert(
    name="NodeNetworkDrops",
    value=f"({_rate('drop')}) / ({_rate('packets')})",
    # The same as for errors. A machine drops packets if it has no time to read them or reaches a limit of the cloud.
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
    # A limit of 0 means no limit.
    value=f"max by {BY_NODE} (node_nf_conntrack_entries) / max by {BY_NODE} (node_nf_conntrack_entries_limit > 0)",
    # At 100 % the node drops every new connection of its pods. A burst of DNS lookups adds a fifth within a minute.
    above={Severity.WARNING: 0.75, Severity.CRITICAL: 0.9},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # closed connections stay in the table for two minutes
    keep_firing_for=Duration.parse("5m"),
    summary="A node's connection table is almost full.",
    description="{{ $labels.node }} has {{ $value | humanizePercentage }} of its connection table in use.",
)

_BY_BOND = "(cluster, environment, node, master)"
_MEMBERS = f"max by {_BY_BOND} (max_over_time(node_bonding_slaves[1d:1h]))"
_ACTIVE = f"max by {_BY_BOND} (node_bonding_active)"
BOND_DEGRADED = Alert(
    name="NodeBondDegraded",
    # Compared with its members within a day, because a removed interface is not a member. A bond that is missing on a
    # node that answers has lost all.
    value=(
        f"{_MEMBERS} - {_ACTIVE} > 0"
        f' or {_MEMBERS} unless {_ACTIVE} and on (cluster, node) up{{job="{NODE_EXPORTER}"}} == 1'
    ),
    severity=Severity.WARNING,  # the other interfaces carry the traffic
    for_=Duration.parse("10m"),  # longer than the restart of a switch
    summary="A bond has lost a network interface.",
    description="{{ $labels.master }} of {{ $labels.node }} has lost {{ $value }} of its interfaces.",
    runbook="NodeNetworkErrors",
)

ALERTS = (NETWORK_ERRORS, NETWORK_DROPS, CONNTRACK_FULL)
