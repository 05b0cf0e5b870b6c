"""The alerts over MongoDB, by example."""

from __future__ import annotations

from rules.mongodb.alerts import (
    AVAILABILITY,
    CURSORS_OPEN,
    CURSORS_TIMED_OUT,
    DOWN,
    EXPECTED,
    HIGH_CONNECTIONS,
    LAG,
    MEMBER_UNHEALTHY,
    NO_PRIMARY,
    OPLOG_SHORT,
    REJECTS,
    REPLICAS_MISSING,
)
from tests.rules.examples import Labels, Series, critical, example, gauges, metric, of, shares, warning
from tests.rules.objectives import SAMPLES, answering

OWNER = "database"
_SERVICE = {"service": "catalog"}
_A, _B = (_SERVICE | {"instance": f"catalog-{name}"} for name in "ab")
_STATES = {"primary": 1, "secondary": 2, "recovering": 3, "copying": 5, "arbiter": 7, "down": 8}
_HOUR = 60


def _of(name: str, value: float, server: Labels = _A, /, **labels: str) -> Series:
    return gauges({metric(name, server, labels): value}, SAMPLES)


def _members(*states: str, by: Labels = _A, me: str = "primary") -> Series:
    """The members of a replica set as one of them reports them, itself in the state ``me``."""
    reported = {metric("mongodb_rs_members_state", by, member_idx=str(n)): _STATES[s] for n, s in enumerate(states)}
    return gauges({**reported, metric("mongodb_rs_myState", by): _STATES[me]})


def _connections(percent: float) -> Series:
    counted = {"current": percent, "available": 100 - percent, "rejected": 0}
    return gauges({metric("mongodb_ss_connections", _A, conn_type=of): number for of, number in counted.items()})


def _secondaries(there: int, expected: int) -> Series:
    """Of a service that expects other numbers than the example's; those that are gone were removed."""
    server = {"service": "stock", "instance": "stock-a"}
    states = ["primary", *["secondary"] * there]
    return gauges({metric(EXPECTED, service="stock"): expected}) | _members(*states, by=server)


def _lag(seconds: float, state: str = "SECONDARY", me: str = "primary") -> Series:
    late = _of("mongodb_mongod_replset_member_replication_lag", seconds, name="b", self="0", state=state)
    return late | _members("primary", "secondary", me=me)


def _oplog(hours: float, drops: bool = True) -> Series:
    """Of so many hours all the time, with a sample a minute."""
    head, tail = (metric(f"mongodb_mongod_replset_oplog_{end}_timestamp", _A) for end in ("head", "tail"))
    begin = f"{1_000_000 - hours * 3600:.0f}"
    steps = "+60x600" if drops else "x600"
    return {head: f"1000000{steps}", tail: f"{begin}{steps}"}


_NONE = "No member of catalog that answers sees a primary: nobody can write."

EXAMPLES = (
    example(
        "it does not answer for a minute",
        DOWN,
        series=_of("mongodb_up", 0),
        at="1m",
        fires=[critical("catalog-a of catalog does not answer its exporter.", **_A)],
    ),
    example("it has not answered once", DOWN, series=_of("mongodb_up", 0), at="0m"),
    example("it answers", DOWN, series=_of("mongodb_up", 1), near=False),
    *shares(
        HIGH_CONNECTIONS,
        "{} are in use",
        _connections,
        "Clients of catalog-a use {} of its connections.",
        {79: None, 81: warning, 94: warning, 96: critical},
        at="5m",
        **_A,
    ),
    example(
        "one connection was rejected",
        REJECTS,
        series={metric("mongodb_ss_connections", _A, conn_type="rejected"): "0x10 1x20"},
        at="12m",
        fires=[critical("catalog-a rejected connections in the last five minutes: it had none left.", **_A)],
    ),
    example("some were, a day ago", REJECTS, series=_of("mongodb_ss_connections", 7, conn_type="rejected")),
    example(
        "both members that are left are secondaries, for two minutes",
        NO_PRIMARY,
        series=_members("down", "secondary", "secondary", by=_B, me="secondary"),
        at="2m",
        fires=[critical(_NONE, **_SERVICE)],
    ),
    example("an election takes a minute", NO_PRIMARY, series=_members("secondary", me="secondary"), at="1m"),
    example(
        "one member is cut off from a primary that others see",
        NO_PRIMARY,
        series=_members("primary", "down") | _members("down", "secondary", by=_B, me="secondary"),
        near=False,
    ),
    *(
        example(
            f"{there} of {expected} secondaries are there",
            REPLICAS_MISSING,
            series=_secondaries(there, expected),
            at="5m",
            fires=[fires(f"stock has {share} of its secondaries.", share, service="stock") for fires in found],
        )
        for there, expected, share, found in (
            (0, 1, "0%", [critical]),
            (1, 22, "4.545%", [critical]),
            (1, 20, "5%", [warning]),
            (9, 10, "90%", [warning]),
            (2, 2, "100%", []),
        )
    ),
    example(
        "one copies everything",
        REPLICAS_MISSING,
        series=_members("primary", "copying"),
        fires=[critical("catalog has 0% of its secondaries.", "0%", **_SERVICE)],
    ),
    example(
        "there is no primary to ask",
        REPLICAS_MISSING,
        series=_members("down", "secondary", by=_B, me="secondary"),
        near=False,
    ),
    *(
        example(
            f"one of three members is {state} for ten minutes",
            MEMBER_UNHEALTHY,
            series=_members("primary", "secondary", state),
            at="10m",
            fires=[warning("1 members of catalog are neither primary, secondary nor arbiter.", **_SERVICE)],
        )
        for state in ("recovering", "copying", "down")
    ),
    example("one restarts", MEMBER_UNHEALTHY, series=_members("primary", "secondary", "down"), at="9m"),
    example("one is an arbiter", MEMBER_UNHEALTHY, series=_members("primary", "secondary", "arbiter"), near=False),
    example(
        "a secondary is 31 seconds behind",
        LAG,
        series=_lag(31),
        at="5m",
        fires=[warning("A secondary of catalog shows the data of 31s ago.", "31s", **_SERVICE)],
    ),
    example("a secondary is 29 seconds behind", LAG, series=_lag(29)),
    example("it is down, and not late", LAG, series=_lag(3600, state="(not reachable/healthy)"), near=False),
    example("another secondary says so", LAG, series=_lag(3600, me="secondary"), near=False),
    example(
        "the oplog covers 23 hours",
        OPLOG_SHORT,
        series=_oplog(23),
        at="16m",
        fires=[warning("The oplog of catalog-a covers 23h 0m 0s.", "23h 0m 0s", **_A)],
    ),
    example("the oplog covers 25 hours", OPLOG_SHORT, series=_oplog(25), at="1h"),
    example("a young oplog has dropped nothing", OPLOG_SHORT, series=_oplog(1, drops=False), at="1h", near=False),
    example(
        "11 cursors without a timeout are open for half an hour",
        CURSORS_OPEN,
        series=_of("mongodb_ss_metrics_cursor_open", 11, csr_type="noTimeout"),
        at="30m",
        fires=[warning("catalog-a has 11 open cursors without a timeout.", "11", **_A)],
    ),
    example(
        "10 are open", CURSORS_OPEN, series=_of("mongodb_ss_metrics_cursor_open", 10, csr_type="noTimeout"), at="1h"
    ),
    example(
        "104 cursors time out in an hour",
        CURSORS_TIMED_OUT,
        series={metric("mongodb_ss_metrics_cursor_timedOut", _A): f"0+{104 / _HOUR:.12g}x120"},
        at="63m",
        fires=[warning("catalog-a has ended 104 forgotten cursors within an hour.", "104", **_A)],
    ),
    example(
        "96 time out in an hour",
        CURSORS_TIMED_OUT,
        series={metric("mongodb_ss_metrics_cursor_timedOut", _A): f"0+{96 / _HOUR:.12g}x120"},
        at="90m",
    ),
    *answering(AVAILABILITY, "mongodb_up", _A),
    example("the example has one secondary", EXPECTED, gives={of(): 1}),
)
