"""Service level objectives: a small description becomes recording rules and burn-rate alerts.

After the Site Reliability Workbook, chapter 5: an alert when a window burns the error budget too fast and a shorter one
says that it still does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Annotated, Self

import promql_parser
from annotated_types import Ge
from pydantic import AfterValidator, model_validator

from components.settings.base import Model, Spelled
from components.settings.quantities import Duration, Quantity, Unacceptable
from rules.model import Alert, Group, Recording, Severity

# Narrower than a DNS label, so that no two names become the same alert name ("pay-2" and "pay2" would).
SloName = Annotated[
    str,
    Spelled(
        r"(?=.{1,63}$)[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*",
        "a name of at most 63 lower-case letters, digits and dashes, with a letter first and after each dash",
    ),
]
Team = Annotated[
    str,
    Spelled(
        r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
        "a team of at most 63 letters, digits, dashes, underscores and dots",
    ),
]
SHORTEST, LONGEST = Duration.parse("7d"), Duration.parse("90d")


def _within_bounds(window: Duration) -> Duration:
    if not SHORTEST <= window <= LONGEST:
        raise ValueError(f"a duration between {SHORTEST} and {LONGEST}")
    return window


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

    @property
    def budget(self) -> Decimal:
        """The ratio of events that may fail."""
        return 1 - self.ratio

    def __str__(self) -> str:
        return _decimal(self.percent)


@dataclass(frozen=True)
class Counter(Quantity):
    """The selector of one counter. Ranges, rates and sums are added here, so that errors and events always match."""

    selector: str

    EXPECTED = 'the selector of one counter, without functions, range or offset, like http_requests_total{code=~"5.."}'
    PATTERN = r"^\s*[a-zA-Z_:]"

    @classmethod
    def parse(cls, raw: object) -> Self:
        tree = promql_parser.parse(raw) if isinstance(raw, str) else None
        if not isinstance(raw, str) or not isinstance(tree, promql_parser.VectorSelector) or not tree.name:
            raise ValueError
        if tree.matchers.or_matchers:  # the parser knows another dialect as well
            raise ValueError
        if tree.name.endswith("_bucket") and all(matcher.name != "le" for matcher in tree.matchers.matchers):
            raise Unacceptable(f'one bucket of the histogram, like {tree.name}{{le="0.5"}}: each event is in many')
        counter = cls(raw.strip())
        promql_parser.parse(counter.rate)  # an offset or a comment cannot be followed by a range
        return counter

    @property
    def rate(self) -> str:
        """Events per second of the whole service, by the labels that every series has."""
        return f"sum by (cluster, environment) (rate({self.selector}[{SHORT}]))"

    def __str__(self) -> str:
        return self.selector


class SloSettings(Model):
    """An objective of a service of your own: so many of its events must be good."""

    name: SloName
    """Name of the objective, unique: the label `slo`, and in CamelCase the beginning of its alerts' names."""
    objective: Objective
    """Percentage of events that must be good, 50 to 99.999."""
    window: Annotated[Duration, AfterValidator(_within_bounds)] = Duration.parse("30d")
    """Time over which the objective holds, 7d to 90d."""
    total: Counter
    """Counter of all events: requests, runs, or a histogram's `_count`."""
    errors: Counter | None = None
    """Counter of the bad events; this or `good`."""
    good: Counter | None = None
    """Counter of the good events, such as a histogram's bucket (`le="0.5"`) for a latency; this or `errors`."""
    owner: Team
    """Team that is told: the label `owner` of its alerts."""
    minimum_events: Annotated[int, Ge(1)] = 100
    """Events in an alert's long window, below which it stays quiet: one failure in ten calls is no outage."""

    @model_validator(mode="after")
    def _one_of_errors_and_good(self) -> Self:
        if (self.errors is None) == (self.good is None):
            raise ValueError("errors or good: exactly one of them, as a counter selector")
        return self


@dataclass(frozen=True)
class Burn:
    """An alert: ``budget`` of the whole period's error budget is gone within ``long``, and ``short`` still burns it."""

    name: str
    severity: Severity
    budget: Decimal
    long: Duration
    short: Duration
    for_: Duration

    def threshold(self, slo: SloSettings) -> Decimal:
        """The error ratio from which it fires; 1 and more cannot be exceeded."""
        factor = self.budget * slo.window.milliseconds / self.long.milliseconds
        # A budget that burns at less than 1 lasts the period: with short periods the slow alerts would warn of nothing.
        return max(factor, Decimal(1)) * slo.objective.budget


def _burn(name: str, severity: Severity, budget: str, long: str, short: str, for_: str) -> Burn:
    return Burn(name, severity, Decimal(budget), Duration.parse(long), Duration.parse(short), Duration.parse(for_))


BURNS = (
    # In 30 days these are factors of 14.4, 6, 3 and 1: at such a pace the budget lasts 2, 5, 10 and 30 days.
    _burn("Fast", Severity.CRITICAL, "0.02", "1h", "5m", "2m"),
    _burn("Steady", Severity.CRITICAL, "0.05", "6h", "30m", "15m"),
    _burn("Slow", Severity.WARNING, "0.10", "1d", "2h", "1h"),
    _burn("Creeping", Severity.WARNING, "0.10", "3d", "6h", "3h"),
)
SHORT = Duration.parse("5m")
"""The one range read from the service's own series: three days of those would be millions of samples each time."""
EVERY = Duration.parse("1m")
"""Time between evaluations; fixed, because the events of a window are the samples of their rate times this."""
WINDOWS = tuple(sorted({burn.long for burn in BURNS} | {burn.short for burn in BURNS}))


def slo_groups(slos: tuple[SloSettings, ...]) -> tuple[Group, ...]:
    return tuple(Group(f"slo-{slo.name}", (*_recordings(slo), *_alerts(slo)), EVERY) for slo in slos)


def _recordings(slo: SloSettings) -> tuple[Recording, ...]:
    events, errors = _of(slo, f"slo:events:rate{SHORT}"), _of(slo, f"slo:errors:rate{SHORT}")
    objective, budget = _decimal(slo.objective.ratio), _decimal(slo.objective.budget)
    rules = {
        f"slo:events:rate{SHORT}": slo.total.rate,
        f"slo:errors:rate{SHORT}": _errors(slo, events),
        **{f"slo:sli_error:ratio_rate{window}": _ratio(errors, events, window) for window in WINDOWS},
        # Made from the events, so that cluster and environment are labels here too and panels divide without `on`.
        "slo:objective:ratio": f"group by (cluster, environment) ({events}) * {objective}",
        "slo:error_budget:ratio": f"group by (cluster, environment) ({events}) * {budget}",
        "slo:error_budget_remaining:ratio": f"1 - {_ratio(errors, events, slo.window)} / {budget}",
    }
    return tuple(Recording(name=name, expr=expr, labels={"slo": slo.name}) for name, expr in rules.items())


def _errors(slo: SloSettings, events: str) -> str:
    """Bad events per second. A counter that is not there yet counts none: no errors are 0, no good ones are all bad."""
    if slo.good is not None:
        return f"{events} - on (cluster, environment) {slo.good.rate} or on (cluster, environment) {events}"
    assert slo.errors is not None  # noqa: S101  the model takes exactly one of the two
    return f"{slo.errors.rate} or on (cluster, environment) {events} * 0"


def _ratio(errors: str, events: str, window: Duration) -> str:
    """Bad events in all events, weighted by traffic; nothing rather than NaN where there was no traffic."""
    if window == SHORT:
        return f"{errors} / ({events} > 0)"
    return f"sum_over_time({errors}[{window}]) / (sum_over_time({events}[{window}]) > 0)"


def _alerts(slo: SloSettings) -> tuple[Alert, ...]:
    title = "".join(part.capitalize() for part in slo.name.split("-"))
    labels, events = {"slo": slo.name}, _of(slo, f"slo:events:rate{SHORT}")
    burning = (
        Alert(
            name=f"{title}ErrorBudgetBurn{burn.name}",
            expr=(
                f"{_of(slo, f'slo:sli_error:ratio_rate{burn.long}')} > {_decimal(burn.threshold(slo))}"
                f" and {_of(slo, f'slo:sli_error:ratio_rate{burn.short}')} > {_decimal(burn.threshold(slo))}"
                # Only what was seen counts: after a gap there are fewer events, never more.
                f" and sum_over_time({events}[{burn.long}]) * {EVERY.seconds:.0f} >= {slo.minimum_events}"
            ),
            for_=burn.for_,
            severity=burn.severity,
            owner=slo.owner,
            labels=labels,
            summary="An error budget burns too fast.",
            description=(
                f"{{{{ $value | humanizePercentage }}}} of the events of {slo.name} on {{{{ $labels.cluster }}}} failed"
                f" within {burn.long}; the objective is {slo.objective} % in {slo.window}."
            ),
        )
        for burn in BURNS
        if burn.threshold(slo) < 1  # where even an outage burns slower, the alert could never fire
    )
    silent = Alert(
        name=f"{title}SloNoData",
        expr=f"absent({events})",
        for_=Duration.parse("1h"),  # a counter appears with its first event, and nobody may call right after a restart
        severity=Severity.WARNING,
        owner=slo.owner,
        labels=labels,
        summary="An objective has no data.",
        description=f"No series of {slo.name}'s total counter: its burn-rate alerts are blind.",
    )
    return (*burning, silent)


def _of(slo: SloSettings, metric: str) -> str:
    return f'{metric}{{slo="{slo.name}"}}'


def _decimal(number: Decimal) -> str:
    """In full and without trailing zeros; twelve digits where a division has no end."""
    return f"{number.normalize(Context(prec=12)):f}"
