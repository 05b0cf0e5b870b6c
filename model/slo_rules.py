"""Recording rules of objectives, and the groups of all their rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache

from model.quantities import Duration
from model.rules import SELDOM, Group, Recording, decimal
from model.slo import BY, EVERY, OTHER, SHORT, VALUE, Slo, aggregated
from model.slo_alerts import TO_EXHAUSTION, WINDOWS, burn_alerts, no_data, outage, overflow, spent

WHAT = ("events", "errors")
DAY = Duration.parse("1d")
EXTRAPOLATED = Decimal("0.25")
"""Events. With samples a minute apart, a rate counts a single event within SHORT as 1.25."""
OF_WINDOW = ("slo:events:sum_window", "slo:error_budget_remaining:ratio")
"""Recordings of an objective's second group that its first one reads."""


def slo_groups(slos: tuple[Slo, ...]) -> tuple[Group, ...]:
    return tuple(group for slo in slos for group in _groups(slo))


@lru_cache(maxsize=256)  # a stack's rules are put together several times in one run, each time with the same objectives
def _groups(slo: Slo) -> tuple[Group, ...]:
    """The groups of the burn rates, and of the remaining budget of the whole period."""
    alerts = (*outage(slo), *burn_alerts(slo), no_data(slo), *overflow(slo))
    return (
        Group(f"slo-{slo.name}", (*_recordings(slo), *alerts), EVERY),
        # No other rule reads as many samples as the whole period's. Names of objectives have no dots.
        Group(f"slo-{slo.name}.budget", (*_recordings_of_window(slo), spent(slo)), SELDOM),
    )


def _recordings(slo: Slo) -> tuple[Recording, ...]:
    events, errors = slo.of(f"slo:events:rate{SHORT}"), slo.of(f"slo:errors:rate{SHORT}")
    longer = tuple(window for window in WINDOWS if window != SHORT)
    rules = {
        **({"slo:values:kept": _kept(slo)} if slo.by else {}),
        f"slo:events:rate{SHORT}": _named(slo, _bounded(slo, slo.events)),
        f"slo:errors:rate{SHORT}": _named(slo, _errors(slo, events)),
        **{f"slo:{what}:sum{SHORT}": _count(slo, what, SHORT) for what in WHAT},
        **({} if _is_gauge(slo) else {f"slo:{what}:newest{SHORT}": _newest(slo, what) for what in WHAT}),
        **{f"slo:{what}:sum{window}": _count(slo, what, window) for what in WHAT for window in longer},
        f"slo:sli_error:ratio_rate{SHORT}": f"{errors} / ({events} > 0)",
        **{f"slo:sli_error:ratio_rate{window}": _ratio(slo, str(window)) for window in longer},
        # Made from the events, so that cluster and environment are labels here too and panels divide without `on`.
        "slo:objective:ratio": f"group by ({slo.labels}) ({events}) * {decimal(slo.objective)}",
        "slo:error_budget:ratio": f"group by ({slo.labels}) ({events}) * {decimal(slo.budget)}",
        # Sloth's name for it.
        "slo:current_burn_rate:ratio": f"{slo.of(f'slo:sli_error:ratio_rate{SHORT}')} / {decimal(slo.budget)}",
        TO_EXHAUSTION: _to_exhaustion(slo),
    }
    said = {
        "service": slo.service or slo.name,
        "objective": decimal(slo.objective * 100),
        "window": str(slo.window),
        "owner": slo.owner,
        **({"namespace": slo.namespace} if slo.namespace else {}),
    }
    info = {"slo": slo.name} | {label: text for label, text in said.items() if label not in slo.by}
    return (
        *_recorded(slo, rules),
        Recording(name="slo:objective:info", expr=f"group by ({slo.labels}) ({events})", labels=info),
    )


def _recordings_of_window(slo: Slo) -> tuple[Recording, ...]:
    rules = {
        **{f"slo:{what}:sum_window": _count_of_window(slo, what) for what in WHAT},
        "slo:sli:ratio_window": f"1 - {_ratio(slo, '_window')}",
        "slo:error_budget_remaining:ratio": f"1 - {_ratio(slo, '_window')} / {decimal(slo.budget)}",
        # Sloth's name for it: the burn rate of the whole period. At 1 the budget lasts exactly the period.
        "slo:period_burn_rate:ratio": f"1 - {slo.of('slo:error_budget_remaining:ratio')}",
    }
    return tuple(_recorded(slo, rules))


def _recorded(slo: Slo, rules: Mapping[str, str]) -> Iterator[Recording]:
    return (Recording(name=name, expr=expr, labels={"slo": slo.name}) for name, expr in rules.items())


# --- events by value ---


def _kept(slo: Slo) -> str:
    """The values with a budget of their own, and their events, or for new ones their rate.

    Those with the most events in the window stay: a new one has its rate only, and ranks last.
    """
    others = ", ".join(OTHER for _ in slo.by)
    # After a restart the count is missing for as long as its group's interval, and then some.
    counted = f'last_over_time(slo:events:sum_window{{slo="{slo.name}", {VALUE}!="{others}"}}[1h])'
    known = f"max by ({aggregated(slo.by)}) ({counted} > 0 or on ({aggregated(slo.by)}) {slo.events} > 0)"
    return f"topk by ({BY}) ({slo.values}, {known})"


def _bounded(slo: Slo, events: str) -> str:
    """Events of the values that are kept, and of all others together."""
    if not slo.by:
        return events
    by, kept = aggregated(slo.by), slo.of("slo:values:kept")
    others = f"sum by ({BY}) ({events} unless on ({by}) {kept}) > 0"
    # One label too many, or `or` would leave the others out where a value has their name.
    for label in (*slo.by, VALUE):
        others = f'label_replace({others}, "{label}", "{OTHER}", "", "")'
    return f"sum by ({by}) ({events} and on ({by}) {kept} or {others})"


def _named(slo: Slo, events: str) -> str:
    """``events`` with the label VALUE."""
    names = ", ".join(f'"{label}"' for label in slo.by)
    return f'label_join({events}, "{VALUE}", ", ", {names})' if slo.by else events


def _errors(slo: Slo, events: str) -> str:
    """Bad events per second. Without series of ``errors`` no event is bad, without ``good`` every event is."""
    by = aggregated(slo.by)
    if slo.good:
        return f"{events} - on ({by}) {_bounded(slo, slo.good)} or on ({by}) {events}"
    return f"{_bounded(slo, slo.errors)} or on ({by}) {events} * 0"


# --- events in a window ---


def _ratio(slo: Slo, window: str) -> str:
    """The ratio of bad events, weighted by traffic; no result (not NaN) without traffic."""
    return f"{slo.of(f'slo:errors:sum{window}')} / ({slo.of(f'slo:events:sum{window}')} > 0)"


def _count(slo: Slo, what: str, window: Duration) -> str:
    """Number of events within a window, from their recorded rate."""
    counted = f"sum_over_time({slo.of(f'slo:{what}:rate{SHORT}')}[{window}]) * {EVERY.seconds:.0f}"
    return counted if window == SHORT else counted + _and_newest(slo, what)


def _count_of_window(slo: Slo, what: str) -> str:
    """Number of events within the whole period: of the last day as its alerts count them, and of each SHORT before.

    These are looked for at whole multiples of SHORT, and up to SHORT before: a restart that is shorter loses nothing.
    Sums of hours would be fewer still, and each restart could lose a whole one. Between the two parts up to SHORT is
    left out.
    """
    each, before = slo.of(f"slo:{what}:sum{SHORT}"), Duration(slo.window.milliseconds - DAY.milliseconds)
    earlier = f"sum by ({slo.labels}) (sum_over_time({each}[{before}:{SHORT}] offset {DAY}))"
    # A value that is gone has no events of the last day, but has had some. The parts differ by the label slo, or `or`
    # would leave out the later ones.
    return (
        f"sum by ({slo.labels}) ({earlier} or {slo.of(f'slo:{what}:sum{DAY}')} or sum_over_time({each}[{DAY}:{SHORT}]))"
    )


def _newest(slo: Slo, what: str) -> str:
    """Number of events that are too new to be counted in a sum of their rate.

    Each evaluation counts a part of the events of the span before it. Of a burst, what that span has beyond its sum is
    missing. Of one that is longer than a span, half a span's events are missing, less the time between samples.
    """
    rate, span = slo.of(f"slo:{what}:rate{SHORT}"), slo.span.seconds
    longer = Duration(slo.span.milliseconds + EVERY.milliseconds)
    burst = f"{rate} * {span:.0f} - {decimal(EXTRAPOLATED)} - {slo.of(f'slo:{what}:sum{SHORT}')}"
    return f"min_over_time({rate}[{longer}]) * {span / 2 - EVERY.seconds:.0f} > {burst} or {burst}"


def _and_newest(slo: Slo, what: str) -> str:
    return "" if _is_gauge(slo) else f" + {slo.of(f'slo:{what}:newest{SHORT}')}"


def _is_gauge(slo: Slo) -> bool:
    """Whether a sample of its events counts one evaluation only."""
    return slo.span <= EVERY


def _to_exhaustion(slo: Slo) -> str:
    """Seconds until the budget is spent at the rate of the last hour; no result where nothing burns."""
    # The whole budget, in seconds of nothing but failures.
    budget = decimal(slo.budget * slo.window.milliseconds / 1000)
    remaining, burning = slo.of("slo:error_budget_remaining:ratio"), slo.of("slo:sli_error:ratio_rate1h")
    return f"clamp_min({remaining}, 0) * {budget} / ({burning} > 0)"
