"""Network interfaces and connections, tried."""

from __future__ import annotations

from rules.nodes.alerts.network import CONNTRACK_FULL, NETWORK_DROPS, NETWORK_ERRORS
from rules.nodes.cases.tried import CRITICAL, NODE, WARNING, gives, tried
from rules.nodes.recordings import TRAFFIC


def _interface(device: str = "eth0", *, packets: int = 60000, errs: int = 0, drop: int = 0) -> dict[str, str]:
    """Each way, per minute."""
    return {
        f'node_network_{direction}_{what}_total{{{NODE}, device="{device}"}}': f"0+{count}x60"
        for direction in ("receive", "transmit")
        for what, count in (("packets", packets), ("errs", errs), ("drop", drop), ("bytes", packets * 100))
    }


def _connections(used: int) -> dict[str, str]:
    """Of a table of 100."""
    return {
        f"node_nf_conntrack_entries{{{NODE}}}": f"{used}x40",
        f"node_nf_conntrack_entries_limit{{{NODE}}}": "100x40",
    }


CASES = (
    tried(
        NETWORK_ERRORS,
        "2 % of the packets are damaged for a quarter of an hour",
        _interface(errs=1200),
        "17m",
        fires=(WARNING,),
        says="eth0 of n-1 damages 2% of packets.",
        value="2%",
        device="eth0",
    ),
    tried(NETWORK_ERRORS, "0.9 % of the packets are damaged", _interface(errs=540), "40m"),
    tried(NETWORK_ERRORS, "an interface is hardly used", _interface(packets=2400, errs=240), "40m"),
    tried(NETWORK_ERRORS, "a bond counts what its members count", _interface("bond0", errs=1200), "40m"),
    tried(
        NETWORK_DROPS,
        "2 % of the packets are dropped for a quarter of an hour",
        _interface(drop=1200),
        "17m",
        fires=(WARNING,),
        says="eth0 of n-1 drops 2% of its packets.",
        value="2%",
        device="eth0",
    ),
    tried(NETWORK_DROPS, "0.9 % of the packets are dropped", _interface(drop=540), "40m"),
    tried(NETWORK_DROPS, "frames of a protocol that nobody speaks", _interface(packets=2400, drop=60), "40m"),
    tried(
        CONNTRACK_FULL,
        "95 of 100 connections are in use",
        _connections(95),
        "5m",
        fires=(CRITICAL, WARNING),
        says="n-1 has 95% of its connection table in use.",
        value="95%",
    ),
    tried(
        CONNTRACK_FULL,
        "85 of 100 connections are in use",
        _connections(85),
        "5m",
        fires=(WARNING,),
        says="n-1 has 85% of its connection table in use.",
        value="85%",
    ),
    tried(CONNTRACK_FULL, "74 of 100 connections are in use", _connections(74), "20m"),
)
VALUES = tuple(
    gives(
        recording,
        "two interfaces, and loopback",
        _interface() | _interface("eth1") | _interface("lo"),
        {'node="n-1"': 200_000},
    )
    for recording in TRAFFIC
)
