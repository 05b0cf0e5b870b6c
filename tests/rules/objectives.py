"""Examples of objectives: events of which too many, or just not too many, are bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from model.rules import Alert, Severity, decimal
from model.slo import BURNS, Burn, Slo, slo_groups
from tests.rules.examples import Example, Firing, Series, critical, example, warning

Events = Callable[[int, int], Series]
"""The series of a service, from its events and its bad events per minute."""

EVENTS = 100_000
"""A minute: enough for whole numbers of bad ones at every threshold, and more than any minimum."""
SAMPLES = 300
"""Minutes of such series: longer than any alert waits."""


def objective(slo: Slo, series: Events, events: int = EVENTS) -> tuple[Example, ...]:
    """Every alert of an objective, fired and just not fired."""
    alerts = {rule.name: rule for group in slo_groups((slo,)) for rule in group.rules if isinstance(rule, Alert)}
    burning = ((burn, alerts[f"{slo.title}ErrorBudgetBurn{burn.name}"]) for burn in BURNS if burn.threshold(slo) < 1)
    outage = alerts.get(f"{slo.title}ErrorBudgetBurnOutage")
    return (
        *(_outage(slo, outage, series, events) if outage else ()),
        *(each for burn, alert in burning for each in _burning(slo, burn, alert, series, events)),
        *_spent(slo, alerts[f"{slo.title}ErrorBudgetSpent"], series, events),
        *_silent(slo, alerts[f"{slo.title}SloNoData"], series, events),
    )


def _outage(slo: Slo, alert: Alert, series: Events, events: int) -> Iterator[Example]:
    fires = [critical(f"Nearly all events of {slo.name} on c-1 have failed for two minutes.")]
    yield example("all fails", alert, series=series(events, events), at="12m", fires=fires)
    yield example("half fails", alert, series=series(events, events // 2), at="12m")


def _burning(slo: Slo, burn: Burn, alert: Alert, series: Events, events: int) -> Iterator[Example]:
    line = int(burn.threshold(slo) * events)
    bad = line + max(1, line // 10)
    description = (
        f"{_percent(bad / events)} of the events of {slo.name} on c-1 failed within {burn.long};"
        f" the objective is {decimal(slo.objective * 100)} % in {slo.window}."
    )
    # Windows that have only begun hold what has been seen: all of it fails at the same ratio from the start.
    fires = [Firing(burn.severity, description, _percent(bad / events))]
    yield example("more fails than the line", alert, series=series(events, bad), fires=fires)
    yield example("a little less fails", alert, series=series(events, line - 1))


def _spent(slo: Slo, alert: Alert, series: Events, events: int) -> Iterator[Example]:
    for when, spent, severity in (
        ("7 in 10 of what may fail has failed", 0.7, None),
        ("9 in 10 of what may fail have failed", 0.9, Severity.INFO),
        ("more has failed than may", 1.2, Severity.WARNING),
    ):
        bad = round(float(slo.budget) * events * spent)
        value = _percent(bad / events / float(slo.budget))
        description = (
            f"{value} of the error budget of {slo.name} on c-1 is spent;"
            f" the objective is {decimal(slo.objective * 100)} % in {slo.window}."
        )
        fires = [Firing(severity, description, value)] if severity else []
        yield example(when, alert, series=series(events, bad), at="30m", fires=fires)


def _silent(slo: Slo, alert: Alert, series: Events, events: int) -> Iterator[Example]:
    fires = [warning(f"No events of {slo.name} are counted: its burn-rate alerts cannot fire.")]
    yield example("nothing is counted for an hour", alert, at="60m", fires=fires)
    yield example("nothing is counted for 59 minutes", alert, at="59m")
    yield example("everything is fine", alert, series=series(events, 0), at="90m", near=False)


def _percent(ratio: float) -> str:
    """As Prometheus spells it: four digits."""
    return f"{ratio * 100:.4g}%"
