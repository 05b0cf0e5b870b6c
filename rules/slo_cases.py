"""Objectives, tried: each kind of indicator on events of which too many, or just not too many, are bad."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from components.settings.quantities import Duration
from components.settings.slos import SloSettings
from rules.cases import Case, Firing, Value
from rules.model import Severity, decimal
from rules.slo import BURNS, Burn, Slo

Series = Callable[[int, int], Mapping[str, str]]
"""The series of a service, from its events and its bad events per minute."""

EVENTS = 100_000
"""A minute: enough for whole numbers of bad ones at every threshold, and more than any minimum."""
SAMPLES = 300


def slo_cases(slo: Slo, series: Series, events: int = EVENTS) -> tuple[Case, ...]:
    """Every alert of an objective, fired and just not fired."""
    return (
        *(case for burn in BURNS if burn.threshold(slo) < 1 for case in _burning(slo, burn, series, events)),
        *_spent(slo, series, events),
        *_silent(slo, series, events),
    )


def per_minute(count: int) -> str:
    """A counter that grows by ``count`` a minute."""
    return f"0+{count}x{SAMPLES}"


def _burning(slo: Slo, burn: Burn, series: Series, events: int) -> tuple[Case, ...]:
    name, line = f"{slo.title}ErrorBudgetBurn{burn.name}", int(burn.threshold(slo) * events)
    bad = line + max(1, events // 1000)
    # Windows that have only begun hold what has been seen: all of it fails at the same ratio from the start.
    at = Duration(burn.for_.milliseconds + 600_000)
    firing = Firing(
        severity=burn.severity,
        description=(
            f"{_percent(bad / events)} of the events of {slo.name} on c-1 failed within {burn.long};"
            f" the objective is {decimal(slo.objective * 100)} % in {slo.window}."
        ),
        value=_percent(bad / events),
    )
    quiet = (burn.severity,)
    return (
        Case(alert=name, when="more fails than the line", series=series(events, bad), at=at, firing=(firing,)),
        Case(alert=name, when="a little less fails", series=series(events, line - 1), at=at, quiet=quiet),
    )


def _spent(slo: Slo, series: Series, events: int) -> tuple[Case, ...]:
    def case(when: str, spent: float, fires: tuple[Severity, ...], quiet: tuple[Severity, ...]) -> Case:
        bad = round(float(slo.budget) * events * spent)
        value = _percent(bad / events / float(slo.budget))
        description = (
            f"{value} of the error budget of {slo.name} on c-1 is spent;"
            f" the objective is {decimal(slo.objective * 100)} % in {slo.window}."
        )
        firing = tuple(Firing(severity=severity, description=description, value=value) for severity in fires)
        name, at = f"{slo.title}ErrorBudgetSpent", Duration.parse("30m")
        return Case(alert=name, when=when, series=series(events, bad), at=at, firing=firing, quiet=quiet)

    return (
        case("7 in 10 of what may fail has failed", 0.7, (), (Severity.INFO,)),
        case("9 in 10 of what may fail have failed", 0.9, (Severity.INFO,), (Severity.WARNING,)),
        case("more has failed than may", 1.2, (Severity.INFO, Severity.WARNING), ()),
    )


def _silent(slo: Slo, series: Series, events: int) -> tuple[Case, ...]:
    firing = Firing(
        severity=Severity.WARNING,
        description=f"No events of {slo.name} are counted: its burn-rate alerts are blind.",
    )
    name, soon = f"{slo.title}SloNoData", Duration.parse("59m")
    return (
        Case(alert=name, when="nothing is counted for an hour", series={}, at=Duration.parse("61m"), firing=(firing,)),
        Case(alert=name, when="nothing is counted for 59 minutes", series={}, at=soon, quiet=(Severity.WARNING,)),
        Case(alert=name, when="everything is fine", series=series(events, 0), at=Duration.parse("90m")),
    )


def _percent(ratio: float) -> str:
    """As Prometheus spells it: four digits."""
    return f"{ratio * 100:.4g}%"


# --- one objective of each kind, as a stack file has it ---

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
