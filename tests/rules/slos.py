"""The objectives of a stack file by example: one with each kind of indicator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.settings.slos import SloSettings
from tests.rules.examples import Example, Series, counters, example, metric, of, steady
from tests.rules.objectives import SAMPLES, objective

SETTINGS: tuple[Mapping[str, Any], ...] = (
    {
        "name": "checkout",
        "objective": 99,
        "total": "checkout_requests_total",
        "errors": 'checkout_requests_total{code="500"}',
        "owner": "shop",
    },
    {
        "name": "answers",
        "objective": 95,
        "total": "answers_total",
        "good": 'answers_total{quality="good"}',
        "owner": "shop",
    },
    {
        "name": "in-time",
        "objective": 99.5,
        "latency": {"histogram": 'answer_seconds{job="shop"}', "atMost": "1s"},
        "owner": "shop",
    },
    {"name": "queue", "objective": 90, "gauge": {"metric": "queue_age_seconds", "atMost": 60}, "owner": "shop"},
)
"""`slos` of the stack on which they are tried."""


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

_CHECKOUT, _ANSWERS, _IN_TIME, _QUEUE = (SloSettings.model_validate(each).slo for each in SETTINGS)


def _in_ten(rule: str, result: float) -> Example:
    when = "1 in 10 of 6000 a minute fails"
    return example(when, rule, group="slo-checkout", series=_counted(6000, 600), gives={of(): result})


def _unused(rule: str) -> Example:
    return example("nobody calls", rule, group="slo-checkout", gives={})


OWNER = "shop"
EXAMPLES = (
    *objective(_CHECKOUT, _counted),
    *objective(_ANSWERS, _judged),
    *objective(_IN_TIME, _timed),
    *objective(_QUEUE, _queues, events=100),
    _in_ten("slo:events:rate5m", 100),
    _in_ten("slo:errors:rate5m", 10),
    *(_in_ten(f"slo:sli_error:ratio_rate{window}", 0.1) for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")),
    _in_ten("slo:objective:ratio", 0.99),
    _in_ten("slo:error_budget:ratio", 0.01),
    *(_in_ten(f"slo:events:sum{window}", 57_000) for window in COUNTED),
    *(_in_ten(f"slo:errors:sum{window}", 5_700) for window in COUNTED),
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
