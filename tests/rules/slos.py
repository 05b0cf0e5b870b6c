"""One objective of each kind, as a stack file has it, tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.settings.slos import SloSettings
from model.quantities import Duration
from rules.cases import Value
from rules.slo_cases import SAMPLES, per_minute, slo_cases

EXAMPLES: tuple[Mapping[str, Any], ...] = (
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


def _counted(total: int, bad: int) -> Mapping[str, str]:
    return {
        'checkout_requests_total{code="200"}': per_minute(total - bad),
        'checkout_requests_total{code="500"}': per_minute(bad),
    }


def _judged(total: int, bad: int) -> Mapping[str, str]:
    return {
        'answers_total{quality="good"}': per_minute(total - bad),
        'answers_total{quality="bad"}': per_minute(bad),
    }


def _timed(total: int, bad: int) -> Mapping[str, str]:
    # Half of them pushed and half scraped, which spell a bucket's end differently.
    return {
        'answer_seconds_count{job="shop", by="push"}': per_minute(total // 2),
        'answer_seconds_count{job="shop", by="scrape"}': per_minute(total // 2),
        'answer_seconds_bucket{job="shop", by="push", le="1"}': per_minute(total // 2),
        'answer_seconds_bucket{job="shop", by="scrape", le="1.0"}': per_minute(total // 2 - bad),
        'answer_seconds_bucket{job="shop", by="scrape", le="10.0"}': per_minute(total // 2),
    }


def _queues(total: int, bad: int) -> Mapping[str, str]:
    """A queue each, of which some are too old, and all others just not."""
    return {f'queue_age_seconds{{queue="{n}"}}': f"{61 if n < bad else 60}x{SAMPLES}" for n in range(total)}


_SLOS = [SloSettings.model_validate(example).slo for example in EXAMPLES]

CASES = (
    *slo_cases(_SLOS[0], _counted),
    *slo_cases(_SLOS[1], _judged),
    *slo_cases(_SLOS[2], _timed),
    *slo_cases(_SLOS[3], _queues, events=100),
)


def _value(of: str, result: float | None) -> Value:
    return Value(
        of=of,
        group="slo-checkout",
        when="1 in 10 of 6000 a minute fails" if result is not None else "nobody calls",
        series=_counted(6000, 600) if result is not None else {},
        at=Duration.parse("10m"),
        results={} if result is None else {"": result},
    )


VALUES = (
    _value("slo:events:rate5m", 100),
    _value("slo:errors:rate5m", 10),
    *(_value(f"slo:sli_error:ratio_rate{window}", 0.1) for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")),
    _value("slo:objective:ratio", 0.99),
    _value("slo:error_budget:ratio", 0.01),
    # Of ten minutes' 60 000: a rate is too low until its five minutes are full of samples.
    _value("slo:events:sum_window", 48_000),
    _value("slo:error_budget_remaining:ratio", -9),
    _value("slo:sli_error:ratio_rate5m", None),
    _value("slo:objective:ratio", None),
    Value(
        of="slo:errors:rate5m",
        group="slo-checkout",
        when="nothing has ever failed",
        series={'checkout_requests_total{code="200"}': "0+60x20"},
        at=Duration.parse("10m"),
        results={"": 0},
    ),
    Value(
        of="slo:errors:rate5m",
        group="slo-answers",
        when="nothing was ever good",
        series={'answers_total{quality="bad"}': "0+60x20"},
        at=Duration.parse("10m"),
        results={"": 1},
    ),
    Value(
        of="slo:events:rate5m",
        group="slo-queue",
        when="three queues are measured, each an event a minute",
        series=_queues(3, 1),
        at=Duration.parse("10m"),
        results={"": 0.05},
    ),
)
