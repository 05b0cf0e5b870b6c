"""Network interfaces and connections, by example."""

from __future__ import annotations

from rules.nodes.alerts.network import BOND_DEGRADED, CONNTRACK_FULL, NETWORK_DROPS, NETWORK_ERRORS
from rules.nodes.recordings import TRAFFIC
from tests.rules.examples import Series, counters, critical, example, gauges, metric, of, shares, warning
from tests.rules.nodes.subjects import NODE


def _interface(device: str = "eth0", *, packets: int = 60000, errs: float = 0, drop: float = 0) -> Series:
    """Each way, per minute."""
    return counters(
        {
            metric(f"node_network_{direction}_{what}_total", NODE, device=device): count
            for direction in ("receive", "transmit")
            for what, count in (("packets", packets), ("errs", errs), ("drop", drop), ("bytes", packets * 100))
        }
    )


def _bond(members: str, active: str) -> Series:
    return {
        metric("node_bonding_slaves", NODE, master="bond0"): members,
        metric("node_bonding_active", NODE, master="bond0"): active,
    }


_LOST_ONE = "bond0 of n-1 has lost 1 of its interfaces."


def _connections(used: int, limit: int = 100) -> Series:
    return gauges(
        {metric("node_nf_conntrack_entries", NODE): used, metric("node_nf_conntrack_entries_limit", NODE): limit}, 40
    )


EXAMPLES = (
    *shares(
        NETWORK_ERRORS,
        "{} of the packets are damaged",
        lambda percent: _interface(errs=percent * 600),
        "eth0 of n-1 has {} bad packets.",
        {0.9: None, 1.1: warning},
        at="16m",
        node="n-1",
        device="eth0",
    ),
    example("an interface is hardly used", NETWORK_ERRORS, series=_interface(packets=2400, errs=240), at="40m"),
    example("a bond counts what its members count", NETWORK_ERRORS, series=_interface("bond0", errs=1200), at="40m"),
    *shares(
        NETWORK_DROPS,
        "{} of the packets are dropped",
        lambda percent: _interface(drop=percent * 600),
        "eth0 of n-1 drops {} of its packets.",
        {0.9: None, 1.1: warning},
        at="16m",
        node="n-1",
        device="eth0",
    ),
    example(
        "frames of a protocol that nobody speaks", NETWORK_DROPS, series=_interface(packets=2400, drop=60), at="40m"
    ),
    example(
        "95 of 100 connections are in use",
        CONNTRACK_FULL,
        series=_connections(95),
        at="5m",
        fires=[critical("n-1 has 95% of its connection table in use.", "95%", node="n-1")],
    ),
    example(
        "85 of 100 connections are in use",
        CONNTRACK_FULL,
        series=_connections(85),
        at="5m",
        fires=[warning("n-1 has 85% of its connection table in use.", "85%", node="n-1")],
    ),
    example("74 of 100 connections are in use", CONNTRACK_FULL, series=_connections(74), at="20m"),
    example(
        "it may track as many connections as it likes, which the kernel writes as 0",
        CONNTRACK_FULL,
        series=_connections(74, limit=0),
        at="20m",
    ),
    example(
        "of two interfaces one has no link",
        BOND_DEGRADED,
        series=_bond("2x40", "1x40"),
        at="10m",
        fires=[warning(_LOST_ONE, node="n-1", master="bond0")],
    ),
    example(
        "of two interfaces one is no longer there, and is no member any more",
        BOND_DEGRADED,
        series=_bond("2x70 1x40", "2x70 1x40"),
        at="85m",
        fires=[warning(_LOST_ONE, node="n-1", master="bond0")],
    ),
    example(
        "the bond is no longer there, and the node answers",
        BOND_DEGRADED,
        series=_bond("2x70 _x40", "2x70 _x40") | {metric("up", NODE): "1x120"},
        at="95m",
        fires=[warning("bond0 of n-1 has lost 2 of its interfaces.", node="n-1", master="bond0")],
    ),
    example(
        "the bond is no longer there, and its node neither",
        BOND_DEGRADED,
        series=_bond("2x70 _x40", "2x70 _x40") | {metric("up", NODE): "1x70 0x50"},
        at="95m",
    ),
    example("both interfaces have a link", BOND_DEGRADED, series=_bond("2x40", "2x40"), at="20m"),
    *(
        example(
            "two interfaces, and loopback",
            recording,
            series=_interface() | _interface("eth1") | _interface("lo"),
            gives={of(node="n-1"): 200_000},
        )
        for recording in TRAFFIC
    ),
)
