"""Objectives, tried: each kind of indicator on events of which too many, or just not too many, are bad."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from model.quantities import Duration
from model.rules import Severity, decimal
from model.slo import BURNS, Burn, Slo
from rules.cases import Case, Firing

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
