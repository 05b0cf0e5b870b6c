"""An agent's libraries are replaced by newer ones after half an hour, by example: what fired fires on, no more does.

The new process is another instance, and speaks other names or counts in another kind of histogram.
"""

from __future__ import annotations

from collections.abc import Mapping

from rules.agents import alerts
from tests.rules.agents.subjects import (
    ASKED,
    ASKS,
    FAILED,
    INPUT,
    OF_MODEL,
    OF_PLANNER,
    OUTPUT,
    PLANNER,
    RAN,
    USED_TOKENS,
    native,
)
from tests.rules.examples import Labels, Series, example, growing, histogram, metric, of, warning

HALF_AN_HOUR = 30
AFTER_IT = ("34m", "40m", "60m")
"""While the window has more of the old names, about as much of both, and of the new ones alone."""

OLD_ASKS = {name: value for name, value in ASKS.items() if name != "gen_ai_provider_name"} | {"gen_ai_system": "openai"}
OLD_RUN = PLANNER | {"gen_ai_operation_name": "invoke_agent"}
NEW_PROCESS: Labels = {"instance": "i-2", "job": "shop/billing", "service_name": "billing"}
NEW_ASKED = "gen_ai_client_inference_duration_seconds"


def before(step: float) -> str:
    return f"{growing(step, HALF_AN_HOUR)} _x{HALF_AN_HOUR}"


def after(step: float) -> str:
    return f"_x{HALF_AN_HOUR} {growing(step, HALF_AN_HOUR + 5)}"


def seconds(bucket: int, events: int) -> str:
    """A native histogram after the upgrade."""
    return f"_x{HALF_AN_HOUR} {native(bucket, events, HALF_AN_HOUR + 5)}"


def counted(old: Mapping[str, float], new: Mapping[str, float]) -> Series:
    """Counters, each a minute."""
    return {name: before(step) for name, step in old.items()} | {name: after(step) for name, step in new.items()}


def _of_requests(failed: float) -> Series:
    old, new = f"{ASKED}_count", f"{NEW_ASKED}_count"
    return counted(
        {metric(old, OLD_ASKS): 60 - failed, metric(old, OLD_ASKS, FAILED): failed},
        {metric(new, ASKS, NEW_PROCESS): 60 - failed, metric(new, ASKS, NEW_PROCESS, FAILED): failed},
    )


def _of_runs(failed: float) -> Series:
    old, new = f"{ASKED}_count", f"{RAN}_count"
    return counted(
        {metric(old, OLD_RUN): 60 - failed, metric(old, OLD_RUN, FAILED): failed},
        {metric(new, PLANNER, NEW_PROCESS): 60 - failed, metric(new, PLANNER, NEW_PROCESS, FAILED): failed},
    )


def _slow(end: str, bucket: int) -> Series:
    """Explicit buckets, of which ``end`` has all, and then exponential ones."""
    old = histogram(ASKED, OLD_ASKS, {end: 60, "+Inf": 60})
    return dict.fromkeys(old, before(60)) | {metric(NEW_ASKED, ASKS, NEW_PROCESS): seconds(bucket, 60)}


ALERTS = tuple(
    each
    for at in AFTER_IT
    for each in (
        example(
            f"a tenth of the requests fails, before an upgrade and after it ({at})",
            alerts.REQUESTS_FAILING,
            series=_of_requests(6),
            at=at,
            fires=[warning("10% of the requests of planner to gpt-4o (openai) fail.", "10%", **OF_MODEL)],
        ),
        example(
            f"few requests fail, before an upgrade and after it ({at})",
            alerts.REQUESTS_FAILING,
            series=_of_requests(1),
            at=at,
            near=False,
        ),
        example(
            f"a tenth of the runs fails, before an upgrade and after it ({at})",
            alerts.RUNS_FAILING,
            series=_of_runs(6),
            at=at,
            fires=[warning("planner of billing fails 10% of its runs.", "10%", **OF_PLANNER)],
        ),
        example(
            f"few runs fail, before an upgrade and after it ({at})",
            alerts.RUNS_FAILING,
            series=_of_runs(1),
            at=at,
            near=False,
        ),
        example(
            f"requests take a second, before an upgrade and after it ({at})",
            alerts.SLOW_MODEL,
            series=_slow("1.28", 0),
            at=at,
            near=False,
        ),
    )
)

_SLOW = "One in twenty requests of planner to gpt-4o (openai) takes longer than {}."
KINDS = (
    example(
        "requests take long, before an upgrade to exponential histograms and after it (34m)",
        alerts.SLOW_MODEL,
        series=_slow("60", 47),
        at="34m",
        near=False,
        fires=[warning(_SLOW.format("57s"), "57s", **OF_MODEL)],
    ),
    example(
        "requests take long, before an upgrade to exponential histograms and after it (60m)",
        alerts.SLOW_MODEL,
        series=_slow("60", 46),
        at="60m",
        near=False,
        fires=[warning(_SLOW.format("53.58s"), "53.58s", **OF_MODEL)],
    ),
    # Of these the longest few decide, and those are in the kind that has more events.
    example(
        "ten requests take 1 s in explicit buckets, and sixty take 2 s in exponential ones",
        "agent:request_duration_seconds:p95_30m",
        series=dict.fromkeys(histogram(ASKED, OLD_ASKS, {"1": 1, "+Inf": 1}), growing(10))
        | {
            metric(
                NEW_ASKED, ASKS, NEW_PROCESS
            ): "{{schema:3 count:0 sum:0 offset:8 buckets:[0]}}+{{schema:3 count:60 sum:120 offset:8 buckets:[60]}}x60"
        },
        at="45m",
        gives={of(OF_MODEL): 2 ** (7.95 / 8)},
    ),
)
TOKENS = (
    example(
        "tokens are counted by a histogram, and after an upgrade by counters",
        "agent:tokens:rate5m",
        series=counted(
            {metric(USED_TOKENS, OLD_ASKS, INPUT): 600, metric(USED_TOKENS, OLD_ASKS, OUTPUT): 120},
            {
                metric("gen_ai_client_inference_usage_input_tokens_total", ASKS, NEW_PROCESS): 600,
                metric("gen_ai_client_inference_usage_output_tokens_total", ASKS, NEW_PROCESS): 120,
            },
        ),
        at="40m",
        gives={of(OF_MODEL, direction="input"): 10, of(OF_MODEL, direction="output"): 2},
    ),
)

EXAMPLES = (*ALERTS, *KINDS, *TOKENS)
