"""Alerts of objectives: on burn rates, on an outage, on a spent budget, on missing data and on too many values.

After the Site Reliability Workbook, chapter 5: an alert fires when a long window burns the error budget too fast and a
shorter window still does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Inhibition, Severity, decimal
from model.slo import BY, EVERY, OTHER, SHORT, VALUE, Slo
from model.uids import SLO

MORE_THAN_ONE = Decimal("1.5")
"""Failed events. A rate extrapolates: with samples a minute apart, one event within SHORT counts as 1.25."""
FALLING = Decimal("0.9")
"""Ratio of the failures to those of a minute ago. After a recovery they fall by a fifth of SHORT each minute."""


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
TO_EXHAUSTION = "slo:time_to_exhaustion:seconds"
"""The recording that the alerts' texts read."""
LATE = Duration.parse("2m")
"""The fast burn alert is early enough for an outage if it fires within this time."""
WINDOWS = tuple(sorted({burn.long for burn in BURNS} | {burn.short for burn in BURNS}))


def slo_inhibitions() -> tuple[Inhibition, ...]:
    """Inhibitions by burn alerts: of slower ones, and of other alerts on the same symptom of the same workload.

    A page about an hour's budget needs no message about three days'.
    """
    place = tuple(BY.split(", "))
    speeds = [OUTAGE, *(burn.name.lower() for burn in BURNS)]
    slower = (
        Inhibition(
            source={"burn": speed}, target={"burn": "|".join(speeds[position + 1 :])}, equal=(*place, "slo", VALUE)
        )
        for position, speed in enumerate(speeds[:-1])
    )
    workload = (*place, "namespace", "service", "symptom")
    # Labels that both lack are equal to Alertmanager, so each is asked for. A warning never mutes a page. An objective
    # by agent mutes what is said of the same agent, and one of the whole service what is said of any.
    burning = {"severity": "critical", "burn": ".+", "service": ".+", "symptom": ".+"}
    others = {"burn": "", "symptom": ".+"}
    return (
        *slower,
        Inhibition(source={**burning, "agent": ""}, target=others, equal=workload),
        Inhibition(source={**burning, "agent": ".+"}, target=others, equal=(*workload, "agent")),
    )


def burn_alerts(slo: Slo) -> Iterator[Alert]:
    percent = f"{decimal(slo.objective * 100)} %"
    return (
        Alert(
            name=f"{slo.title}ErrorBudgetBurn{burn.name}",
            value=slo.of(f"slo:sli_error:ratio_rate{burn.long}"),
            above={burn.severity: burn.threshold(slo)},
            unit=Unit.RATIO,
            and_=(
                "".join(f"{slo.of(f'slo:sli_error:ratio_rate{each}')} > $threshold and " for each in burn.still)
                + f"{slo.of(f'slo:errors:sum{burn.long}')} > {decimal(MORE_THAN_ONE)}"
                # The count covers existing samples only: after a gap it is lower, never higher.
                f" and {slo.of(f'slo:events:sum{burn.long}')} >= {slo.minimum_events}"
            ),
            unless=_over_or_told(slo, burn.short, *_faster(slo, burn)),
            keep_firing_for=burn.short,  # failures come and go
            owner=slo.owner,
            labels=_labels(slo, burn.name.lower()),
            summary="An error budget burns too fast.",
            description=(
                f"{{{{ $value | humanizePercentage }}}} of the events of {_subject(slo)} failed within {burn.long};"
                f" the objective is {percent} in {slo.window}.{_lasts(slo)}"
            ),
            dashboard=SLO,
            runbook="ErrorBudgetBurn",
        )
        for burn in BURNS
        if burn.threshold(slo) < 1  # if even an outage burns slower, the alert could never fire
    )


SPENT = {Severity.INFO: Decimal("0.75"), Severity.WARNING: Decimal(1)}
"""Share of a budget that is spent, by severity."""
LEFT = tuple((severity, 1 - share) for severity, share in SPENT.items())
"""The same for what is left of it."""


def spent(slo: Slo) -> Alert:
    return Alert(
        name=f"{slo.title}ErrorBudgetSpent",
        value=f"1 - {slo.of('slo:error_budget_remaining:ratio')}",
        # People were paged while the budget burnt. Now they only need to stop risking more.
        above=dict(SPENT),
        unit=Unit.RATIO,
        and_=(
            f"{slo.of('slo:events:sum_window')} >= {slo.minimum_events}"
            f" and {slo.of('slo:errors:sum_window')} > {decimal(MORE_THAN_ONE)}"
            # Values come and go. Of one that is gone nobody can risk more.
            + (f" and max_over_time({slo.of(f'slo:events:rate{SHORT}')}[3d]) > 0" if slo.by else "")
        ),
        keep_firing_for=Duration.parse("15m"),  # a day after a failure up to SHORT of it is left out for as long
        owner=slo.owner,
        labels=_labels(slo),
        summary="An error budget is nearly or fully spent.",
        description=(
            f"{{{{ $value | humanizePercentage }}}} of the error budget of {_subject(slo)} is spent;"
            f" the objective is {decimal(slo.objective * 100)} % in {slo.window}."
        ),
        dashboard=SLO,
        runbook="ErrorBudgetSpent",
    )


def no_data(slo: Slo) -> Alert:
    return Alert(
        name=f"{slo.title}SloNoData",
        # By values only what has had an event is recorded, and series without one are data as well.
        value=f"absent({slo.events if slo.by else slo.of(f'slo:events:rate{SHORT}')})",
        for_=Duration.parse("1h"),  # a counter appears with its first event, which may come long after a restart
        severity=Severity.WARNING,
        owner=slo.owner,
        labels=_labels(slo),
        summary="An objective has no data.",
        description=f"No events of {slo.name} are counted: its burn-rate alerts cannot fire.",
        dashboard=SLO,
        runbook="SloNoData",
    )


def overflow(slo: Slo) -> Iterator[Alert]:
    """The alert for more values than the bound, if the objective is by some."""
    if not slo.by:
        return
    other = dict.fromkeys(slo.by, OTHER)
    named_so = slo.of("slo:values:kept", **other)
    yield Alert(
        name=f"{slo.title}SloTooManyValues",
        value=f"{slo.of(f'slo:events:rate{SHORT}', **other)} > 0 unless on ({BY}) {named_so}",
        severity=Severity.WARNING,
        for_=Duration.parse("10m"),  # new values are kept within one evaluation, and told apart from the rest by then
        keep_firing_for=Duration.parse("1h"),
        owner=slo.owner,
        labels=_labels(slo),
        summary="An objective has more values than budgets.",
        description=(
            f"{slo.name} on {{{{ $labels.cluster }}}} has budgets of their own for {slo.values} of the values of"
            f" {' and '.join(slo.by)}: all others share one."
        ),
        dashboard=SLO,
        runbook="SloTooManyValues",
    )


def _labels(slo: Slo, burn: str = "") -> dict[str, str]:
    """Labels that its alerts get."""
    symptom = slo.symptom if burn else None
    given = {"slo": slo.name, "burn": burn, "namespace": slo.namespace, "service": slo.service, "symptom": symptom}
    return {label: str(text) for label, text in given.items() if text}


def _subject(slo: Slo) -> str:
    """Whose events they are, as a template."""
    value = f" for {{{{ $labels.{VALUE} }}}}" if slo.by else ""
    return f"{slo.name}{value} on {{{{ $labels.cluster }}}}"


def _lasts(slo: Slo) -> str:
    """A sentence on the time to exhaustion, as a template; nothing while that is unknown."""
    name = f"{TO_EXHAUSTION}{{slo='{slo.name}'"
    asked = f'printf "{name},{VALUE}=%q}}" $labels.{VALUE} | query' if slo.by else f'query "{name}}}"'
    return (
        f"{{{{ range {asked} }}}} Its budget is spent in {{{{ .Value | humanizeDuration }}}} at this rate.{{{{ end }}}}"
    )


def _comes_late(slo: Slo) -> bool:
    """Whether the fast burn alert is late for an outage: at 99 % after nine minutes, at 95 % after 44.

    If even an outage burns the budget slowly, failures are ordinary.
    """
    fast = BURNS[0]
    return LATE.milliseconds < fast.threshold(slo) * fast.long.milliseconds < fast.long.milliseconds


def outage(slo: Slo) -> Iterator[Alert]:
    """The alert for an outage, if the fast burn alert is late."""
    if not _comes_late(slo):
        return
    gauge = slo.span <= EVERY  # its ratio is that of one evaluation
    ratio, rate = (slo.of(f"slo:{each}{SHORT}") for each in ("sli_error:ratio_rate", "errors:rate"))

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
            f"{now} > {decimal(HANDFUL)} and {slo.of(f'slo:events:sum{BURNS[0].long}')} >= {slo.minimum_events}"
            # Some events failed in each of two minutes, or for a long time: one client's bad requests at one moment do
            # not count.
            f" and ({now} > 1.1 * ({before}) and {before} > 1.1 * ({failed(' offset 2m')})"
            f" or {failed(' offset 5m')} > 0.5 * ({now}))"
        ),
        unless=_over_or_told(slo, BURNS[0].short, BURNS[0].name.lower()),
        keep_firing_for=BURNS[0].short,
        owner=slo.owner,
        labels=_labels(slo, OUTAGE),
        summary="Nearly all events of an objective fail.",
        description=f"Nearly all events of {_subject(slo)} have failed for two minutes.{_lasts(slo)}",
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
    errors = slo.of(f"slo:errors:rate{SHORT}")
    falling = f"{errors} < {decimal(FALLING)} * ({errors} offset {EVERY})"
    if not others:
        return falling
    fired = f'ALERTS{{slo="{slo.name}", burn=~"{"|".join(others)}", alertstate="firing"}}'
    return f"on ({slo.labels}) ({falling} or max by ({slo.labels}) (max_over_time({fired}[{window}])))"


def _short(number: Decimal) -> Decimal:
    """At most twelve digits, for divisions without an end."""
    return number.normalize(Context(prec=12))
