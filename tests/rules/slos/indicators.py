"""Objectives with each kind of indicator, by example."""

from __future__ import annotations

from tests.rules.examples import Example, Series, counters, critical, example, metric, of, steady
from tests.rules.objectives import SAMPLES, alerts_of, objective
from tests.rules.slos.settings import ANSWERS, CHECKOUT, IN_TIME, QUEUE


def _counted(total: int, bad: int) -> Series:
    requests = "checkout_requests_total"
    return counters({metric(requests, code="200"): total - bad, metric(requests, code="500"): bad}, SAMPLES)


def _judged(total: int, bad: int) -> Series:
    answers = "answers_total"
    return counters({metric(answers, quality="good"): total - bad, metric(answers, quality="bad"): bad}, SAMPLES)


def _timed(total: int, bad: int) -> Series:
    """Half of them scraped and half pushed, which spell a bucket's end differently, or have no buckets.

    The bad ones are scraped; the pushed ones are as well, when that is not half of all.
    """
    all_bad = bad > total // 2
    pushed, native, scraped = ({"job": "shop", "by": by} for by in ("push", "push-exponential", "scrape"))
    each = f"{{{{schema:0 count:{total // 4} sum:{total // 4} offset:{4 * all_bad} buckets:[{total // 4}]}}}}"
    none = f"{{{{schema:0 count:0 sum:0 offset:{4 * all_bad} buckets:[0]}}}}"
    return {metric("answer_seconds", native): f"{none}+{each}x{SAMPLES}"} | counters(
        {
            metric("answer_seconds_count", pushed): total // 2 - total // 4,
            metric("answer_seconds_count", scraped): total // 2,
            metric("answer_seconds_bucket", pushed, le="1"): 0 if all_bad else total // 2 - total // 4,
            metric("answer_seconds_bucket", scraped, le="1.0"): max(total // 2 - bad, 0),
            metric("answer_seconds_bucket", scraped, le="10.0"): total // 2,
        },
        SAMPLES,
    )


def _queues(total: int, bad: int) -> Series:
    """A queue each, of which some are too old, and all others just not."""
    return {metric("queue_age_seconds", queue=str(n)): steady(61 if n < bad else 60, SAMPLES) for n in range(total)}


COUNTED = ("30m", "1h", "2h", "6h", "1d", "3d", "_window")
"""Windows of counts: of ten minutes 60 000 events, less what a rate lacks until its minutes are full of samples."""


def _in_ten(rule: str, result: float) -> Example:
    when = "1 in 10 of 6000 a minute fails"
    return example(when, rule, group="slo-checkout", series=_counted(6000, 600), gives={of(): result})


def _lasting(when: str, rule: str, bad: int, gives: float) -> Example:
    return example(when, rule, group="slo-checkout", series=_counted(6000, bad), at="30m", gives={of(): gives})


def _unused(rule: str) -> Example:
    return example("nobody calls", rule, group="slo-checkout", gives={})


OWNER = "shop"
EXAMPLES = (
    *objective(CHECKOUT, _counted),
    *objective(ANSWERS, _judged),
    *objective(IN_TIME, _timed),
    *objective(QUEUE, _queues, events=100),
    _in_ten("slo:events:rate5m", 100),
    _in_ten("slo:errors:rate5m", 10),
    *(_in_ten(f"slo:sli_error:ratio_rate{window}", 0.1) for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")),
    _in_ten("slo:objective:ratio", 0.99),
    _in_ten("slo:error_budget:ratio", 0.01),
    *(_in_ten(f"slo:events:sum{window}", 57_000) for window in COUNTED),
    *(_in_ten(f"slo:errors:sum{window}", 5_700) for window in COUNTED),
    _in_ten("slo:events:sum5m", 30_000),
    _in_ten("slo:errors:sum5m", 3_000),
    _in_ten("slo:events:newest5m", 9_000),
    _in_ten("slo:errors:newest5m", 900),
    _in_ten("slo:sli:ratio_window", 0.9),
    _in_ten("slo:current_burn_rate:ratio", 10),
    _in_ten("slo:period_burn_rate:ratio", 10),
    example(
        "somebody calls",
        "slo:objective:info",
        group="slo-checkout",
        series=_counted(6000, 0),
        gives={of(): 1},
    ),
    _in_ten("slo:error_budget_remaining:ratio", -9),
    # A tenth of the budget of 1 % is gone. A whole one is 30 d * 0.01 = 25,920 s of nothing but failures:
    # 0.9 * 25,920 s / 0.001 = 23,328,000 s, nine times 30 days.
    _lasting("1 in 1000 fails, where 1 in 100 may", "slo:time_to_exhaustion:seconds", 6, 23_328_000),
    _lasting("twice as many fail as may", "slo:time_to_exhaustion:seconds", 120, 0),
    example(
        "nothing fails",
        "slo:time_to_exhaustion:seconds",
        group="slo-checkout",
        series=_counted(6000, 0),
        at="30m",
        gives={},
    ),
    # 90 d * 0.05 = 388,800 s. Half of the budget is left: 0.5 * 388,800 s / 0.025 = 7,776,000 s, 90 days.
    example(
        "a fortieth is bad, where a twentieth may be",
        "slo:time_to_exhaustion:seconds",
        group="slo-answers",
        series=_judged(6000, 150),
        at="30m",
        gives={of(): 7_776_000},
    ),
    # 1270 minutes, of which the last 70 were bad. The budget's group comes after the alert's, which reads it a minute
    # later: it knows of 69 of them. Of a counter's first minute half is missing.
    # 1199.5 * 6000 + 69 * 5100 + 68.5 * 900 events, and 68.5 * 900 of them failed: 81.0060 % of 1 %.
    # 0.189940 * 25,920 s / 0.15 = 32,822 s.
    example(
        "15 % fail for 70 minutes after 20 good hours",
        alerts_of(CHECKOUT)["ErrorBudgetBurnFast"],
        series={
            metric("checkout_requests_total", code="200"): "0+6000x1200 7205100+5100x69",
            metric("checkout_requests_total", code="500"): "0x1200 900+900x69",
        },
        at="1270m",
        fires=[
            critical(
                "15% of the events of checkout on c-1 failed within 1h; the objective is 99 % in 30d."
                " Its budget is spent in 9h 7m 1s at this rate.",
                "15%",
            )
        ],
        near=False,
    ),
    _unused("slo:sli_error:ratio_rate5m"),
    _unused("slo:objective:ratio"),
    example(
        "nothing has ever failed",
        "slo:errors:rate5m",
        group="slo-checkout",
        series=counters({metric("checkout_requests_total", code="200"): 60}, 20),
        gives={of(): 0},
    ),
    example(
        "nothing was ever good",
        "slo:errors:rate5m",
        group="slo-answers",
        series=counters({metric("answers_total", quality="bad"): 60}, 20),
        gives={of(): 1},
    ),
    example(
        "three queues are measured, each an event a minute",
        "slo:events:rate5m",
        group="slo-queue",
        series=_queues(3, 1),
        gives={of(): 0.05},
    ),
)
