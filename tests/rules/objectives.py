"""Examples of objectives: events of which too many, or just not too many, are bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from model.rules import Alert, Severity, decimal
from model.slo import VALUE, Slo
from model.slo_alerts import BURNS, Burn
from model.slo_rules import slo_groups
from tests.rules.examples import Example, Firing, Labels, Series, example, gauges, metric, warning

Events = Callable[[int, int], Series]
"""The series of a service, from its events and its bad events per minute."""

EVENTS = 100_000
"""A minute: enough for whole numbers of bad ones at every threshold, and more than any minimum."""
SAMPLES = 300
"""Minutes of such series: longer than any alert waits."""


SPENT = " Its budget is spent in 0s at this rate."
"""What burns from the first event on has nothing left."""


def objective(slo: Slo, series: Events, events: int = EVENTS, value: Labels | None = None) -> tuple[Example, ...]:
    """Every alert of an objective, fired and just not fired; ``value`` has the labels of its ``by``."""
    of = Subject(slo, value or {})
    alerts = alerts_of(slo)
    burning = ((burn, alerts[f"ErrorBudgetBurn{burn.name}"]) for burn in BURNS if burn.threshold(slo) < 1)
    outage = alerts.get("ErrorBudgetBurnOutage")
    return (
        *(_outage(of, outage, series, events) if outage else ()),
        *(each for burn, alert in burning for each in _burning(of, burn, alert, series, events)),
        *_spent(of, alerts["ErrorBudgetSpent"], series, events),
        *_silent(slo, alerts["SloNoData"], series, events),
    )


def answering(slo: Slo, up: str, server: Labels) -> Iterator[Example]:
    """Every alert of servers' availability, where ``up`` says whether one answers; ``server`` has its labels."""
    of_each = server["instance"]

    def looks(events: int, bad: int) -> Series:
        """Many a minute at one server, which answers for a part of them."""
        return gauges({metric(up, server | {"job": str(n)}): 1 - bad / events for n in range(500)}, SAMPLES)

    def servers(number: int) -> Series:
        return gauges({metric(up, instance=str(n)): 1 for n in range(number)}, SAMPLES)

    yield from objective(slo, looks, value={"instance": of_each})
    too_many = alerts_of(slo)["SloTooManyValues"]
    says = f"{slo.name} on c-1 has budgets of their own for 50 of the values of instance: all others share one."
    yield example(
        "there are 51 servers where 50 have budgets of their own",
        too_many,
        series=servers(51),
        at="10m",
        fires=[warning(says, instance="other", value="other")],
    )
    yield example("there are 50", too_many, series=servers(50), at="20m")


def alerts_of(slo: Slo) -> dict[str, Alert]:
    """Its alerts, by their names without the objective's."""
    rules = (rule for group in slo_groups((slo,)) for rule in group.rules)
    return {rule.name.removeprefix(slo.title): rule for rule in rules if isinstance(rule, Alert)}


@dataclass(frozen=True)
class Subject:
    """Whose events an alert is about."""

    slo: Slo
    by: Labels

    @property
    def name(self) -> str:
        return f"{self.slo.name}{f' for {self.labels[VALUE]}' if self.by else ''} on c-1"

    @property
    def labels(self) -> Labels:
        """What distinguishes its alerts from those of other values."""
        return {**self.by, VALUE: ", ".join(self.by[label] for label in self.slo.by)} if self.by else {}

    def firing(self, severity: Severity, description: str, value: str = "") -> Firing:
        return Firing(severity, description, value, self.labels)


def _outage(of: Subject, alert: Alert, series: Events, events: int) -> Iterator[Example]:
    told = f"Nearly all events of {of.name} have failed for two minutes.{SPENT}"
    fires = [of.firing(Severity.CRITICAL, told)]
    yield example("all fails", alert, series=series(events, events), at="12m", fires=fires)
    yield example("half fails", alert, series=series(events, events // 2), at="12m")


def _burning(of: Subject, burn: Burn, alert: Alert, series: Events, events: int) -> Iterator[Example]:
    slo = of.slo
    line = int(burn.threshold(slo) * events)
    bad = line + max(1, line // 10)
    description = (
        f"{_percent(bad / events)} of the events of {of.name} failed within {burn.long};"
        f" the objective is {decimal(slo.objective * 100)} % in {slo.window}.{SPENT}"
    )
    # Windows that have only begun hold what has been seen: all of it fails at the same ratio from the start.
    fires = [of.firing(burn.severity, description, _percent(bad / events))]
    yield example("more fails than the line", alert, series=series(events, bad), fires=fires)
    yield example("a little less fails", alert, series=series(events, line - 1))


def _spent(of: Subject, alert: Alert, series: Events, events: int) -> Iterator[Example]:
    for when, spent, severity in (
        ("7 in 10 of what may fail has failed", 0.7, None),
        ("9 in 10 of what may fail have failed", 0.9, Severity.INFO),
        ("more has failed than may", 1.2, Severity.WARNING),
    ):
        slo = of.slo
        bad = round(float(slo.budget) * events * spent)
        value = _percent(bad / events / float(slo.budget))
        description = (
            f"{value} of the error budget of {of.name} is spent;"
            f" the objective is {decimal(slo.objective * 100)} % in {slo.window}."
        )
        fires = [of.firing(severity, description, value)] if severity else []
        yield example(when, alert, series=series(events, bad), at="30m", fires=fires)


def _silent(slo: Slo, alert: Alert, series: Events, events: int) -> Iterator[Example]:
    fires = [warning(f"No events of {slo.name} are counted: its burn-rate alerts cannot fire.")]
    yield example("nothing is counted for an hour", alert, at="60m", fires=fires)
    yield example("nothing is counted for 59 minutes", alert, at="59m")
    yield example("everything is fine", alert, series=series(events, 0), at="90m", near=False)


def _percent(ratio: float) -> str:
    """As Prometheus spells it: four digits."""
    return f"{ratio * 100:.4g}%"
