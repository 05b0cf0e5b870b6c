"""Work that does not proceed, by example."""

from __future__ import annotations

from rules.agents import progress
from tests.rules.agents.subjects import (
    ASKED,
    ASKS,
    FAILED,
    LONG,
    OF_MODEL,
    OF_PLANNER,
    OF_SERVICE,
    PLANNER,
    RAN,
)
from tests.rules.examples import Series, counters, example, gauges, histogram, metric, of, shares, warning

OLDEST, COMPACTED = "gen_ai_agent_oldest_open_seconds", "gen_ai_agent_context_compactions_total"
FILLED = "gen_ai_client_context_utilization"


def _open(kind: str, seconds: float, state: str = "") -> Series:
    """What is open of one kind, and nothing of the others."""
    labels = {"gen_ai_open_kind": kind} | ({"a2a_task_state": state} if state else {})
    others = {metric(OLDEST, PLANNER, gen_ai_open_kind=each): 0.0 for each in ("run", "approval", "a2a_task")}
    return gauges(others | {metric(OLDEST, PLANNER, labels): seconds})


_RUN = OF_PLANNER | {"kind": "run"}
_APPROVAL = OF_PLANNER | {"kind": "approval"}
_TASK = OF_PLANNER | {"kind": "a2a_task", "state": "working"}
WAITS = (
    example(
        "a run has had no step for 16 minutes",
        progress.HANGS,
        series=_open("run", 960),
        at="5m",
        fires=[warning("planner of billing has a run without a step for 16m 0s.", "16m 0s", **_RUN)],
    ),
    example(
        "a long run had its last step 14 minutes ago, and an approval waits longer",
        progress.HANGS,
        series=_open("run", 840) | gauges({metric(OLDEST, PLANNER, gen_ai_open_kind="approval"): 3600}),
        at=LONG,
    ),
    example(
        "the run that hung has ended",
        progress.HANGS,
        series={metric(OLDEST, PLANNER, gen_ai_open_kind="run"): "960x10 0x20"},
        at="12m",
        near=False,
    ),
    example(
        "an approval has been asked for longer than four hours ago",
        progress.UNAPPROVED,
        series=_open("approval", 15_000),
        at="5m",
        fires=[warning("planner of billing has waited for an approval for 4h 10m 0s.", "4h 10m 0s", **_APPROVAL)],
    ),
    example(
        "an approval was asked for this morning",
        progress.UNAPPROVED,
        series=_open("approval", 14_000),
        at=LONG,
    ),
    example(
        "another agent has worked on a task for longer than an hour",
        progress.STUCK,
        series=_open("a2a_task", 3900, "working"),
        at="5m",
        fires=[warning("planner of billing has a task that is working for 1h 5m 0s.", "1h 5m 0s", **_TASK)],
    ),
    example(
        "another agent has worked on a task for nearly an hour",
        progress.STUCK,
        series=_open("a2a_task", 3500, "working"),
        at=LONG,
    ),
)


def _storm(failing: float, runs: float, succeeding: float = 0) -> Series:
    return counters(
        {
            metric(f"{ASKED}_count", ASKS, FAILED): failing,
            metric(f"{ASKED}_count", ASKS): succeeding,
            metric(f"{RAN}_count", PLANNER, FAILED): runs,
        }
    )


STORMS = (
    example(
        "seven requests fail for each run that ends",
        progress.RETRIES,
        series=_storm(70, 10),
        at="8m",
        fires=[warning("billing makes 7 failing requests to models per finished run.", "7", **OF_SERVICE)],
    ),
    example(
        "every run fails in an outage, and many users try, each with three requests and again",
        progress.RETRIES,
        series=_storm(500, 100),
        at=LONG,
    ),
    example(
        "one user repeats a failing request",
        progress.RETRIES,
        series=_storm(1.5, 0),
        at=LONG,
        near=False,
    ),
    example(
        "runs have many requests, and few fail",
        progress.RETRIES,
        series=_storm(5, 10, succeeding=300),
        at=LONG,
        near=False,
    ),
)


def _filled(percent: float, per_minute: float = 10) -> Series:
    """A share of the requests above nine tenths."""
    below = per_minute * (1 - percent / 100)
    return histogram(FILLED, ASKS, {"0.5": below / 2, "0.9": below, "+Inf": per_minute})


def _compacted(per_run: float, runs: float = 1) -> Series:
    return counters({metric(COMPACTED, PLANNER): per_run * runs, metric(f"{RAN}_count", PLANNER): runs})


CONTEXTS = (
    *shares(
        progress.NO_ROOM,
        "{} of the requests nearly fill the context window",
        _filled,
        "{} of the requests of planner to gpt-4o fill more than 90% of the context window.",
        {9: None, 11: warning},
        at="19m",
        **OF_MODEL,
    ),
    example("a few do, all there are", progress.NO_ROOM, series=_filled(100, 0.6), at=LONG, near=False),
    example(
        "a context is compacted four times a run",
        progress.COMPACTED_AGAIN,
        series=_compacted(3.5, 10),
        at="7m",
        fires=[warning("planner of billing compacts its context 3.5 times per finished run.", "3.5", **OF_PLANNER)],
    ),
    example("long runs compact theirs now and then", progress.COMPACTED_AGAIN, series=_compacted(2.8), at=LONG),
    example(
        "one run that lasts the night compacts its context often",
        progress.COMPACTED_AGAIN,
        series=_compacted(9, 0.03),
        at=LONG,
        near=False,
    ),
)

RECORDINGS = (
    example(
        "two processes have open runs, and one has none",
        progress.OPEN,
        series=_open("run", 30) | gauges({metric(OLDEST, PLANNER, instance="i-2", gen_ai_open_kind="run"): 70.0}),
        at=LONG,
        gives={of(_RUN): 70, of(_APPROVAL): 0, of(OF_PLANNER, kind="a2a_task"): 0},
    ),
    example(
        "half of the requests fill more than nine tenths",
        progress.FILLED_BUCKETS,
        series=_filled(50, 120),
        at=LONG,
        gives={of(OF_MODEL, le="0.5"): 0.5, of(OF_MODEL, le="0.9"): 1, of(OF_MODEL, le="+Inf"): 2},
    ),
    example(
        "two contexts a minute are compacted",
        progress.COMPACTIONS,
        series=_compacted(2),
        at=LONG,
        gives={of(OF_PLANNER): 2 / 60},
    ),
)

EXAMPLES = (*WAITS, *STORMS, *CONTEXTS, *RECORDINGS)
