"""Service level objectives: a small description becomes recording rules and burn-rate alerts.

After the Site Reliability Workbook, chapter 5: an alert fires when a long window burns the error budget too fast and a
shorter window still does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal

from model.metrics import Unit
from model.quantities import Duration
from model.rules import SELDOM, Alert, Group, Inhibition, Recording, Severity, decimal
from model.uids import SLO

BY = "cluster, environment"
"""Labels of an objective's series: there is one number per cluster."""
SHORT = Duration.parse("5m")
"""The only range that is read from the service's own series. Three days of them would be millions of samples."""
EVERY = Duration.parse("1m")
"""Evaluation interval. It is fixed, because a window's events are the samples of their rate times this interval."""
MORE_THAN_ONE = Decimal("1.5")
"""Failed events. A rate extrapolates: with samples a minute apart, one event within SHORT counts as 1.25."""
FALLING = Decimal("0.9")
"""Ratio of the failures to those of a minute ago. After a recovery they fall by a fifth of SHORT each minute."""


@dataclass(frozen=True, kw_only=True)
class Slo:
    """An objective: the ratio of events that must be good."""

    name: str
    """Lower-case words joined by dashes: the label ``slo``, and in CamelCase the prefix of its alerts' names."""
    objective: Decimal
    """Ratio of events that must be good."""
    window: Duration = Duration.parse("30d")
    """Time over which the objective applies."""
    events: str
    """PromQL: events per second, by BY."""
    errors: str = ""
    """PromQL: bad events per second, by BY. It may return nothing without bad events. Set this or ``good``."""
    good: str = ""
    """PromQL: good events per second, by BY. It may return nothing without good events."""
    owner: str = ""
    """The label ``owner`` of its alerts. The default is its system's owner."""
    service: str = ""
    """Service of the objective, for `slo:objective:info`. The default is the objective's name."""
    span: Duration = SHORT
    """Time whose events one sample of ``events`` counts: EVERY for gauges."""
    minimum_events: int = 5
    """Minimum of events in an alert's long window for it to fire. A single failed event is never enough."""
    metrics: tuple[str, ...] = ()
    """Users' own series in the expressions, whose labels are unknown here."""

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
    """Rates of all events, and of those within ``seconds``, from selectors of a native histogram, its count, a bucket.

    If a histogram has native and classic series, each event is counted once, in the classic ones.
    """
    native = f"rate({histogram}[{SHORT}])"
    good = f"histogram_fraction(-Inf, {seconds}, {native}) * histogram_count({native}) >= 0"
    events = f"rate({count}[{SHORT}]) or histogram_count({native})"
    # A classic series has one more label, which must be ignored to match it with its native one.
    in_bucket = f"sum without (le) (rate({in_time}[{SHORT}]))"
    return f"sum by ({BY}) ({events})", f"sum by ({BY}) ({in_bucket} or {good})"


def events_of_gauge(gauge: str) -> str:
    """Events of a gauge: each evaluation that finds a series is one."""
    return f"count by ({BY}) ({gauge}) / {EVERY.seconds:.0f}"


@dataclass(frozen=True)
class Burn:
    """A burn-rate alert: ``long`` has burnt ``budget`` of the period's error budget, and ``short`` still burns it.

    It has no ``for``: the windows replace it, and with ``for`` it would fire after the recovery.
    """

    name: str
    severity: Severity
    budget: Decimal
    long: Duration
    short: Duration

    @property
    def still(self) -> tuple[Duration, ...]:
        """Windows that must still burn the budget."""
        return tuple(dict.fromkeys((self.short, SHORT)))

    def threshold(self, slo: Slo) -> Decimal:
        """The error ratio above which it fires. A ratio cannot exceed 1."""
        factor = self.budget * slo.window.milliseconds / self.long.milliseconds
        # A budget that burns at less than 1 lasts the period: with short periods the slow alerts would fire without a
        # problem.
        return _short(max(factor, Decimal(1)) * slo.budget)


def _burn(name: str, severity: Severity, budget: str, long: str, short: str) -> Burn:
    return Burn(name, severity, Decimal(budget), Duration.parse(long), Duration.parse(short))


BURNS = (
    # In 30 days these are burn rates of 14.4, 6, 3 and 1, at which the budget lasts 2, 5, 10 and 30 days.
    _burn("Fast", Severity.CRITICAL, "0.02", "1h", "5m"),
    _burn("Steady", Severity.CRITICAL, "0.05", "6h", "30m"),
    _burn("Slow", Severity.WARNING, "0.10", "1d", "2h"),
    _burn("Creeping", Severity.WARNING, "0.10", "3d", "6h"),
)
OUTAGE = "outage"
"""Marks the alert that is independent of a budget: nearly all events fail."""
ALL = Decimal("0.9")
"""Error ratio within SHORT that counts as an outage. It is below 1, because another replica may still answer."""
SUDDEN = Decimal("0.25")
"""Increase of the error ratio of SHORT within two minutes: a minute and a quarter of failures only."""
HANDFUL = Decimal("4.9")
"""Failures: five, minus a margin for floats. At 95 % and an event a minute, two failures in a row happen by chance
several times a day, and five hardly ever."""
LATE = Duration.parse("2m")
"""The fast burn alert is early enough for an outage if it fires within this time."""
WINDOWS = tuple(sorted({burn.long for burn in BURNS} | {burn.short for burn in BURNS}))


def slo_groups(slos: tuple[Slo, ...]) -> tuple[Group, ...]:
    return tuple(group for slo in slos for group in _groups(slo))


def slo_inhibitions() -> tuple[Inhibition, ...]:
    """Inhibitions of slower burn alerts by faster ones: a page about an hour's budget needs no message about three
    days'.
    """
    speeds = [OUTAGE, *(burn.name.lower() for burn in BURNS)]
    return tuple(
        Inhibition(
            source={"burn": speed}, target={"burn": "|".join(speeds[position + 1 :])}, equal=(*BY.split(", "), "slo")
        )
        for position, speed in enumerate(speeds[:-1])
    )


def _groups(slo: Slo) -> tuple[Group, ...]:
    """The groups of the burn rates, and of the remaining budget of the whole period."""
    return (
        Group(f"slo-{slo.name}", (*_recordings(slo), *_outage(slo), *_burn_alerts(slo), _silent(slo)), EVERY),
        # No other rule reads as many samples as the whole period's. Names of objectives have no dots.
        Group(f"slo-{slo.name}.budget", (*_recordings_of_window(slo), _spent(slo)), SELDOM),
    )


def _recordings(slo: Slo) -> tuple[Recording, ...]:
    events, errors = _of(slo, f"slo:events:rate{SHORT}"), _of(slo, f"slo:errors:rate{SHORT}")
    counts = {str(window): window for window in WINDOWS if window != SHORT}
    rules = {
        f"slo:events:rate{SHORT}": slo.events,
        f"slo:errors:rate{SHORT}": _errors(slo, events),
        **{f"slo:events:sum{name}": _count(slo, events, window) for name, window in counts.items()},
        **{f"slo:errors:sum{name}": _count(slo, errors, window) for name, window in counts.items()},
        f"slo:sli_error:ratio_rate{SHORT}": f"{errors} / ({events} > 0)",
        **{f"slo:sli_error:ratio_rate{window}": _ratio(slo, str(window)) for window in WINDOWS if window != SHORT},
        # Made from the events, so that cluster and environment are labels here too and panels divide without `on`.
        "slo:objective:ratio": f"group by ({BY}) ({events}) * {decimal(slo.objective)}",
        "slo:error_budget:ratio": f"group by ({BY}) ({events}) * {decimal(slo.budget)}",
        # Sloth's name for it.
        "slo:current_burn_rate:ratio": f"{_of(slo, f'slo:sli_error:ratio_rate{SHORT}')} / {decimal(slo.budget)}",
    }
    said = {
        "service": slo.service or slo.name,
        "objective": decimal(slo.objective * 100),
        "window": str(slo.window),
        "owner": slo.owner,
    }
    return (
        *_recorded(slo, rules),
        Recording(name="slo:objective:info", expr=f"group by ({BY}) ({events})", labels={"slo": slo.name} | said),
    )


def _recordings_of_window(slo: Slo) -> tuple[Recording, ...]:
    rules = {
        **{
            f"slo:{what}:sum_window": _count(slo, _of(slo, f"slo:{what}:rate{SHORT}"), slo.window)
            for what in ("events", "errors")
        },
        "slo:error_budget_remaining:ratio": f"1 - {_ratio(slo, '_window')} / {decimal(slo.budget)}",
        # Sloth's name for it: the burn rate of the whole period. At 1 the budget lasts exactly the period.
        "slo:period_burn_rate:ratio": f"1 - {_of(slo, 'slo:error_budget_remaining:ratio')}",
    }
    return tuple(_recorded(slo, rules))


def _recorded(slo: Slo, rules: Mapping[str, str]) -> Iterator[Recording]:
    return (Recording(name=name, expr=expr, labels={"slo": slo.name}) for name, expr in rules.items())


def _errors(slo: Slo, events: str) -> str:
    """Bad events per second. Without series of ``errors`` no event is bad, without ``good`` every event is."""
    if slo.good:
        return f"{events} - on ({BY}) {slo.good} or on ({BY}) {events}"
    return f"{slo.errors} or on ({BY}) {events} * 0"


def _ratio(slo: Slo, window: str) -> str:
    """The ratio of bad events, weighted by traffic; no result (not NaN) without traffic."""
    return f"{_of(slo, f'slo:errors:sum{window}')} / ({_of(slo, f'slo:events:sum{window}')} > 0)"


def _count(slo: Slo, rate: str, window: Duration) -> str:
    """Number of events within a window, from their recorded rate.

    Each evaluation counts a part of the events of the span before it, so the newest events are counted in part only.
    The events of a span are in the window too: if that count is larger, it is used. For a burst that is longer than a
    span, half a span's events are missing, less the time between samples.
    """
    every, span = EVERY.seconds, slo.span.seconds
    counted = f"sum_over_time({rate}[{window}]) * {every:.0f}"
    if slo.span <= EVERY:
        return counted
    longer = Duration(slo.span.milliseconds + EVERY.milliseconds)
    newest = f"{rate} * {span:.0f}"
    lasting = f"min_over_time({rate}[{longer}]) * {span / 2 - every:.0f} and {rate}"
    # The expression has the long sum once, since Prometheus would read it each time. The two operands differ by the
    # label slo, or `or` would leave out the second.
    return f"max by ({BY}) (sum by ({BY}) ({counted} or sum by ({BY}) ({lasting})) or {newest})"


def _burn_alerts(slo: Slo) -> Iterator[Alert]:
    percent = f"{decimal(slo.objective * 100)} %"
    return (
        Alert(
            name=f"{slo.title}ErrorBudgetBurn{burn.name}",
            value=_of(slo, f"slo:sli_error:ratio_rate{burn.long}"),
            above={burn.severity: burn.threshold(slo)},
            unit=Unit.RATIO,
            and_=(
                "".join(f"{_of(slo, f'slo:sli_error:ratio_rate{each}')} > $threshold and " for each in burn.still)
                + f"{_of(slo, f'slo:errors:sum{burn.long}')} > {decimal(MORE_THAN_ONE)}"
                # The count covers existing samples only: after a gap it is lower, never higher.
                f" and {_of(slo, f'slo:events:sum{burn.long}')} >= {slo.minimum_events}"
            ),
            unless=_over_or_told(slo, burn.short, *_faster(slo, burn)),
            keep_firing_for=burn.short,  # failures come and go
            owner=slo.owner,
            labels={"slo": slo.name, "burn": burn.name.lower()},
            summary="An error budget burns too fast.",
            description=(
                f"{{{{ $value | humanizePercentage }}}} of the events of {slo.name} on {{{{ $labels.cluster }}}} failed"
                f" within {burn.long}; the objective is {percent} in {slo.window}."
            ),
            dashboard=SLO,
            runbook="ErrorBudgetBurn",
        )
        for burn in BURNS
        if burn.threshold(slo) < 1  # if even an outage burns slower, the alert could never fire
    )


def _spent(slo: Slo) -> Alert:
    return Alert(
        name=f"{slo.title}ErrorBudgetSpent",
        value=f"1 - {_of(slo, 'slo:error_budget_remaining:ratio')}",
        # People were paged while the budget burnt. Now they only need to stop risking more.
        above={Severity.INFO: Decimal("0.75"), Severity.WARNING: Decimal(1)},
        unit=Unit.RATIO,
        and_=(
            f"{_of(slo, 'slo:events:sum_window')} >= {slo.minimum_events}"
            f" and {_of(slo, 'slo:errors:sum_window')} > {decimal(MORE_THAN_ONE)}"
        ),
        owner=slo.owner,
        labels={"slo": slo.name},
        summary="An error budget is nearly or fully spent.",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the error budget of {slo.name} on {{{{ $labels.cluster }}}}"
            f" is spent; the objective is {decimal(slo.objective * 100)} % in {slo.window}."
        ),
        dashboard=SLO,
        runbook="ErrorBudgetSpent",
    )


def _silent(slo: Slo) -> Alert:
    return Alert(
        name=f"{slo.title}SloNoData",
        value=f"absent({_of(slo, f'slo:events:rate{SHORT}')})",
        for_=Duration.parse("1h"),  # a counter appears with its first event, which may come long after a restart
        severity=Severity.WARNING,
        owner=slo.owner,
        labels={"slo": slo.name},
        summary="An objective has no data.",
        description=f"No events of {slo.name} are counted: its burn-rate alerts cannot fire.",
        dashboard=SLO,
        runbook="SloNoData",
    )


def _comes_late(slo: Slo) -> bool:
    """Whether the fast burn alert is late for an outage: at 99 % after nine minutes, at 95 % after 44.

    If even an outage burns the budget slowly, failures are ordinary.
    """
    fast = BURNS[0]
    return LATE.milliseconds < fast.threshold(slo) * fast.long.milliseconds < fast.long.milliseconds


def _outage(slo: Slo) -> Iterator[Alert]:
    """The alert for an outage, if the fast burn alert is late."""
    if not _comes_late(slo):
        return
    gauge = slo.span <= EVERY  # its ratio is that of one evaluation
    ratio, rate = (_of(slo, f"slo:{each}{SHORT}") for each in ("sli_error:ratio_rate", "errors:rate"))

    def share(ago: str = "") -> str:
        return f"avg_over_time({ratio}[{SHORT}]{ago})" if gauge else f"{ratio}{ago}"

    def failed(ago: str = "") -> str:
        rates = f"sum_over_time({rate}[{SHORT}]{ago}) * {EVERY.seconds:.0f}"
        return rates if gauge else f"{rate}{ago} * {SHORT.seconds:.0f}"

    now, before = failed(), failed(" offset 1m")
    yield Alert(
        name=f"{slo.title}ErrorBudgetBurnOutage",
        value=f"({share()} > {decimal(ALL)} or {share()} - {share(' offset 2m')} > {decimal(SUDDEN)})",
        severity=Severity.CRITICAL,
        and_=(
            f"{now} > {decimal(HANDFUL)} and {_of(slo, f'slo:events:sum{BURNS[0].long}')} >= {slo.minimum_events}"
            # Some events failed in each of two minutes, or for a long time: one client's bad requests at one moment do
            # not count.
            f" and ({now} > 1.1 * ({before}) and {before} > 1.1 * ({failed(' offset 2m')})"
            f" or {failed(' offset 5m')} > 0.5 * ({now}))"
        ),
        unless=_over_or_told(slo, BURNS[0].short, BURNS[0].name.lower()),
        keep_firing_for=BURNS[0].short,
        owner=slo.owner,
        labels={"slo": slo.name, "burn": OUTAGE},
        summary="Nearly all events of an objective fail.",
        description=f"Nearly all events of {slo.name} on {{{{ $labels.cluster }}}} have failed for two minutes.",
        dashboard=SLO,
        runbook="ErrorBudgetBurn",
    )


def _faster(slo: Slo, burn: Burn) -> tuple[str, ...]:
    return (*([OUTAGE] if _comes_late(slo) else ()), *(each.name.lower() for each in BURNS[: BURNS.index(burn)]))


def _over_or_told(slo: Slo, window: Duration, *others: str) -> str:
    """Conditions under which a burn alert does not fire: failures get fewer, or another alert has fired for the short
    window.

    Inhibition ends with the faster alert, and would let a warning through about an outage that is over.
    """
    errors = _of(slo, f"slo:errors:rate{SHORT}")
    falling = f"{errors} < {decimal(FALLING)} * ({errors} offset {EVERY})"
    if not others:
        return falling
    fired = f'ALERTS{{slo="{slo.name}", burn=~"{"|".join(others)}", alertstate="firing"}}'
    return f"on ({BY}) ({falling} or max by ({BY}) (max_over_time({fired}[{window}])))"


def _of(slo: Slo, metric: str) -> str:
    return f'{metric}{{slo="{slo.name}"}}'


def _short(number: Decimal) -> Decimal:
    """At most twelve digits, for divisions without an end."""
    return number.normalize(Context(prec=12))
