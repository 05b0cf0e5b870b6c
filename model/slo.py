"""Service level objectives: a small description becomes recording rules and burn-rate alerts.

After the Site Reliability Workbook, chapter 5: an alert when a window burns the error budget too fast and a shorter one
says that it still does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Self

from model.metrics import Unit
from model.quantities import Duration, Quantity
from model.rules import Alert, Group, Inhibition, Recording, Severity, decimal
from model.uids import SLO

BY = "cluster, environment"
"""Labels of an objective's series: it is one number per cluster."""
SHORT = Duration.parse("5m")
"""The one range read from the service's own series: three days of those would be millions of samples each time."""
EVERY = Duration.parse("1m")
"""Time between evaluations; fixed, because the events of a window are the samples of their rate times this."""


@dataclass(frozen=True)
class Objective(Quantity):
    """A percentage, exact: 99.9 in YAML is 99.9 and never 99.90000000000001."""

    percent: Decimal

    EXPECTED = "a percentage between 50 and 99.999, like 99.9"
    PATTERN = r"^[0-9]{2}(\.[0-9]{1,6})?$"
    JSON_TYPES = ("string", "number")

    @classmethod
    def parse(cls, raw: object) -> Self:
        text = str(raw)
        if isinstance(raw, bool) or not isinstance(raw, str | int | float) or not re.fullmatch(cls.PATTERN, text):
            raise ValueError
        if not 50 <= Decimal(text) <= Decimal("99.999"):
            raise ValueError
        return cls(Decimal(text))

    @property
    def ratio(self) -> Decimal:
        return self.percent / 100

    def __str__(self) -> str:
        return decimal(self.percent)


@dataclass(frozen=True, kw_only=True)
class Slo:
    """An objective: so many of the events must be good."""

    name: str
    """In lower case, words joined by dashes: the label ``slo``, and in CamelCase the beginning of its alerts' names."""
    objective: Decimal
    """Ratio of events that must be good."""
    window: Duration = Duration.parse("30d")
    """Time over which the objective holds."""
    events: str
    """PromQL: events per second, by BY."""
    errors: str = ""
    """PromQL: bad events per second, by BY; its result may be empty while there are none. This or ``good``."""
    good: str = ""
    """PromQL: good events per second, by BY; its result may be empty while there are none."""
    owner: str
    minimum_events: int = 100
    """Events in an alert's long window, below which it stays quiet: one failure in ten calls is no outage."""
    metrics: tuple[str, ...] = ()
    """Series of the user's own that the expressions name, whose labels nobody here knows."""

    @property
    def budget(self) -> Decimal:
        """The ratio of events that may fail."""
        return 1 - self.objective

    @property
    def title(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("-"))


def rate(counter: str) -> str:
    """Events per second of the whole service, from the selector of a counter."""
    return f"sum by ({BY}) (rate({counter}[{SHORT}]))"


def rate_in_time(histogram: str, count: str, in_time: str, seconds: str) -> tuple[str, str]:
    """Of all events, and of those that took no longer, by selectors: of a native histogram, its count, and a bucket.

    Where a histogram has both kinds of series, of each event once: in its classic ones.
    """
    native = f"rate({histogram}[{SHORT}])"
    good = f"histogram_fraction(-Inf, {seconds}, {native}) * histogram_count({native}) >= 0"
    events = f"rate({count}[{SHORT}]) or histogram_count({native})"
    # A classic series has a label more, which its native one must not be told apart by.
    in_bucket = f"sum without (le) (rate({in_time}[{SHORT}]))"
    return f"sum by ({BY}) ({events})", f"sum by ({BY}) ({in_bucket} or {good})"


def events_of_gauge(gauge: str) -> str:
    """A gauge has no events: each evaluation that finds a series is one."""
    return f"count by ({BY}) ({gauge}) / {EVERY.seconds:.0f}"


@dataclass(frozen=True)
class Burn:
    """An alert: ``budget`` of the whole period's error budget is gone within ``long``, and ``short`` still burns it."""

    name: str
    severity: Severity
    budget: Decimal
    long: Duration
    short: Duration
    for_: Duration

    def threshold(self, slo: Slo) -> Decimal:
        """The error ratio from which it fires; 1 and more cannot be exceeded."""
        factor = self.budget * slo.window.milliseconds / self.long.milliseconds
        # A budget that burns at less than 1 lasts the period: with short periods the slow alerts would warn of nothing.
        return _short(max(factor, Decimal(1)) * slo.budget)


def _burn(name: str, severity: Severity, budget: str, long: str, short: str, for_: str) -> Burn:
    return Burn(name, severity, Decimal(budget), Duration.parse(long), Duration.parse(short), Duration.parse(for_))


BURNS = (
    # In 30 days these are factors of 14.4, 6, 3 and 1: at such a pace the budget lasts 2, 5, 10 and 30 days.
    _burn("Fast", Severity.CRITICAL, "0.02", "1h", "5m", "2m"),
    _burn("Steady", Severity.CRITICAL, "0.05", "6h", "30m", "15m"),
    _burn("Slow", Severity.WARNING, "0.10", "1d", "2h", "1h"),
    _burn("Creeping", Severity.WARNING, "0.10", "3d", "6h", "3h"),
)
WINDOWS = tuple(sorted({burn.long for burn in BURNS} | {burn.short for burn in BURNS}))


def slo_groups(slos: tuple[Slo, ...]) -> tuple[Group, ...]:
    return tuple(Group(f"slo-{slo.name}", (*_recordings(slo), *_alerts(slo)), EVERY) for slo in slos)


def slo_inhibitions() -> tuple[Inhibition, ...]:
    """The faster burn says it all: who is paged for an hour's budget needs no word about three days'."""
    speeds = [burn.name.lower() for burn in BURNS]
    return tuple(
        Inhibition(
            source={"burn": speed}, target={"burn": "|".join(speeds[position + 1 :])}, equal=(*BY.split(", "), "slo")
        )
        for position, speed in enumerate(speeds[:-1])
    )


def _recordings(slo: Slo) -> tuple[Recording, ...]:
    events, errors = _of(slo, f"slo:events:rate{SHORT}"), _of(slo, f"slo:errors:rate{SHORT}")
    rules = {
        f"slo:events:rate{SHORT}": slo.events,
        f"slo:errors:rate{SHORT}": _errors(slo, events),
        **{f"slo:sli_error:ratio_rate{window}": _ratio(errors, events, window) for window in WINDOWS},
        # Made from the events, so that cluster and environment are labels here too and panels divide without `on`.
        "slo:objective:ratio": f"group by ({BY}) ({events}) * {decimal(slo.objective)}",
        "slo:error_budget:ratio": f"group by ({BY}) ({events}) * {decimal(slo.budget)}",
        "slo:events:sum_window": f"sum_over_time({events}[{slo.window}]) * {EVERY.seconds:.0f}",
        "slo:error_budget_remaining:ratio": f"1 - {_ratio(errors, events, slo.window)} / {decimal(slo.budget)}",
    }
    return tuple(Recording(name=name, expr=expr, labels={"slo": slo.name}) for name, expr in rules.items())


def _errors(slo: Slo, events: str) -> str:
    """Bad events per second. A counter that is not there yet counts none: no errors are 0, no good ones are all bad."""
    if slo.good:
        return f"{events} - on ({BY}) {slo.good} or on ({BY}) {events}"
    return f"{slo.errors} or on ({BY}) {events} * 0"


def _ratio(errors: str, events: str, window: Duration) -> str:
    """Bad events in all events, weighted by traffic; nothing rather than NaN where there was no traffic."""
    if window == SHORT:
        return f"{errors} / ({events} > 0)"
    return f"sum_over_time({errors}[{window}]) / (sum_over_time({events}[{window}]) > 0)"


def _alerts(slo: Slo) -> tuple[Alert, ...]:
    labels, events = {"slo": slo.name}, _of(slo, f"slo:events:rate{SHORT}")
    percent = f"{decimal(slo.objective * 100)} %"
    burning = (
        Alert(
            name=f"{slo.title}ErrorBudgetBurn{burn.name}",
            value=_of(slo, f"slo:sli_error:ratio_rate{burn.long}"),
            above={burn.severity: burn.threshold(slo)},
            unit=Unit.RATIO,
            and_=(
                f"{_of(slo, f'slo:sli_error:ratio_rate{burn.short}')} > $threshold"
                # Only what was seen counts: after a gap there are fewer events, never more.
                f" and sum_over_time({events}[{burn.long}]) * {EVERY.seconds:.0f} >= {slo.minimum_events}"
            ),
            for_=burn.for_,
            owner=slo.owner,
            labels=labels | {"burn": burn.name.lower()},
            summary="An error budget burns too fast.",
            description=(
                f"{{{{ $value | humanizePercentage }}}} of the events of {slo.name} on {{{{ $labels.cluster }}}} failed"
                f" within {burn.long}; the objective is {percent} in {slo.window}."
            ),
            dashboard=SLO,
            runbook="ErrorBudgetBurn",
        )
        for burn in BURNS
        if burn.threshold(slo) < 1  # where even an outage burns slower, the alert could never fire
    )
    spent = Alert(
        name=f"{slo.title}ErrorBudgetSpent",
        value=f"1 - {_of(slo, 'slo:error_budget_remaining:ratio')}",
        # Who must act at once was paged while it burnt; what is left is to stop risking more.
        above={Severity.INFO: Decimal("0.75"), Severity.WARNING: Decimal(1)},
        unit=Unit.RATIO,
        and_=f"{_of(slo, 'slo:events:sum_window')} >= {slo.minimum_events}",
        for_=Duration.parse("15m"),  # a budget moves slowly, and one evaluation after a gap says little
        owner=slo.owner,
        labels=labels,
        summary="An error budget is nearly or wholly spent.",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the error budget of {slo.name} on {{{{ $labels.cluster }}}}"
            f" is spent; the objective is {percent} in {slo.window}."
        ),
        dashboard=SLO,
        runbook="ErrorBudgetSpent",
    )
    silent = Alert(
        name=f"{slo.title}SloNoData",
        value=f"absent({events})",
        for_=Duration.parse("1h"),  # a counter appears with its first event, and nobody may call right after a restart
        severity=Severity.WARNING,
        owner=slo.owner,
        labels=labels,
        summary="An objective has no data.",
        description=f"No events of {slo.name} are counted: its burn-rate alerts are blind.",
        dashboard=SLO,
        runbook="SloNoData",
    )
    return (*burning, spent, silent)


def _of(slo: Slo, metric: str) -> str:
    return f'{metric}{{slo="{slo.name}"}}'


def _short(number: Decimal) -> Decimal:
    """Twelve digits where a division has no end."""
    return number.normalize(Context(prec=12))
