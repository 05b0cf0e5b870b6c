"""Alerts on the requests of services. Each is quiet where there are too few to judge by."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.services.availability import ALL, MISSING, PAGES
from rules.services.edge import EDGE, EDGE_ERRORS
from rules.services.labels import MOST, NAMED, SAME, SERVICE
from rules.services.past import (
    CALL_P95_OF_HOUR,
    CLIENT_ERRORS_OF_HOUR,
    DAY_BEFORE,
    HIGHEST,
    LOWEST,
    P95_OF_HOUR,
    WEEK_BEFORE,
)
from rules.services.recordings import (
    ACTIVE,
    CALL_ERRORS,
    CALL_P95,
    CALLS,
    CLIENT_ERRORS,
    DEPENDENCY,
    ERRORS,
    P95,
    P99,
    ROUTES,
    TOTAL,
    enough,
)
from rules.services.settings import ServicesSettings

SOON, WHILE = Duration.parse("5m"), Duration.parse("15m")
_PAGED = {Severity.CRITICAL: f"on ({SAME}) {PAGES}"}
_FAILED = 0.05
"""One in twenty: users meet it more than once, and no retry hides it."""


def alerts(settings: ServicesSettings) -> tuple[Alert, ...]:
    return (*_failing(settings), *_slow(settings), *_compared(), *_of_calls(), *_full(settings))


def edge(settings: ServicesSettings) -> Alert:
    return Alert(
        name="EdgeErrorsHigh",
        value=EDGE_ERRORS,
        unit=Unit.RATIO,
        above={Severity.WARNING: _FAILED, Severity.CRITICAL: _FAILED},
        only=_PAGED,
        own=settings.own("errors_above", 100),
        and_=f"sum by ({SERVICE}, controller) ({EDGE}) > 0.2",  # as for the service's own count
        for_=SOON,
        summary="Requests fail at the ingress.",
        description=f"{{{{ $labels.controller }}}} answers {{{{ $value | humanizePercentage }}}} of the requests to"
        f" {NAMED} with an error.",
        runbook="HighErrorRate",
    )


def _failing(settings: ServicesSettings) -> tuple[Alert, ...]:
    return (
        Alert(
            name="HighErrorRate",
            value=ERRORS,
            unit=Unit.RATIO,
            above={Severity.WARNING: _FAILED, Severity.CRITICAL: _FAILED},
            only=_PAGED,
            own=settings.own("errors_above", 100),
            and_=enough(settings),
            for_=SOON,
            summary="Requests of a service fail.",
            description=f"{NAMED} fails {{{{ $value | humanizePercentage }}}} of its requests.",
        ),
        Alert(
            name="ClientErrorsRising",
            value=CLIENT_ERRORS,
            unit=Unit.RATIO,
            # Some always are; a tenth is what clients notice.
            above={Severity.WARNING: 0.1},
            and_=f"{enough(settings)} and on ({SAME}) {TOTAL} offset 1d > 0.2",
            # What was as frequent the day before is how this service is used.
            unless=f"{CLIENT_ERRORS} <= 2 * {CLIENT_ERRORS_OF_HOUR} {DAY_BEFORE}",
            for_=WHILE,  # one client's mistake is over by then, or blocked
            summary="A service refuses many more requests than the day before.",
            description=f"{NAMED} answers {{{{ $value | humanizePercentage }}}} of its requests with"
            " {{ $labels.status }}, more than twice as many as the day before.",
        ),
    )


def _slow(settings: ServicesSettings) -> tuple[Alert, ...]:
    return (
        Alert(
            name="SlowResponseTime",
            value=P95,
            unit=Unit.SECONDS,
            above={Severity.WARNING: 2},  # people take longer for a hang
            own=settings.own("p95_above"),
            and_=enough(settings),
            for_=SOON,
            summary="A service answers slowly.",
            description=f"One in twenty requests to {NAMED} takes longer than {{{{ $value | humanizeDuration }}}}.",
        ),
        Alert(
            name="SlowestResponses",
            value=P99,
            unit=Unit.SECONDS,
            above={Severity.CRITICAL: 5},  # where people leave, and many clients time out
            only=_PAGED,
            own=settings.own("p99_above"),
            and_=f"on ({SAME}) {TOTAL} > 1",  # 300 in five minutes: of these, one in a hundred are three
            for_=SOON,
            summary="The slowest answers of a service are very slow.",
            description=f"One in a hundred requests to {NAMED} takes longer than {{{{ $value | humanizeDuration }}}}.",
            runbook="SlowResponseTime",
        ),
        Alert(
            name="LatencyRising",
            value=f"{P95} / {P95_OF_HOUR} {DAY_BEFORE}",
            above={Severity.WARNING: 2},  # what differs by less, differs by what is asked for
            and_=(
                f"{P95} > 2 * {P95_OF_HOUR} {WEEK_BEFORE}"
                f" and {P95} > 0.2"  # seconds: below, nobody notices that it has doubled
                f" and {enough(settings)}"
            ),
            for_=WHILE,
            summary="A service is much slower than a day and a week before.",
            description=f"The 95th percentile of {NAMED} is {{{{ $value | humanize }}}} times that of the same hour a"
            " day before, and more than twice that of a week before.",
        ),
    )


def _compared() -> tuple[Alert, ...]:
    return (
        Alert(
            name="TrafficDropped",
            value=f"{TOTAL} / ({LOWEST} > 1)",  # fewer than one a second come and go by chance
            unit=Unit.RATIO,
            below={Severity.WARNING: 0.5},  # of the least of all weeks: no week was like this
            for_=WHILE,
            summary="A service gets far fewer requests than usual.",
            description=f"{NAMED} gets {{{{ $value | humanizePercentage }}}} of the fewest requests that it had at this"
            " hour in the last weeks.",
        ),
        Alert(
            name="TrafficSpike",
            value=f"{TOTAL} / ({HIGHEST} > 0)",
            above={Severity.WARNING: 3},  # of the most of all weeks; twice is a good day
            and_=f"on ({SAME}) {TOTAL} > 1",  # as above
            for_=WHILE,
            summary="A service gets many more requests than usual.",
            description=f"{NAMED} gets {{{{ $value | humanize }}}} times the most requests that it had at this hour in"
            " the last weeks.",
        ),
    )


def _of_calls() -> tuple[Alert, ...]:
    often = f"sum by ({DEPENDENCY}) ({CALLS}) > 0.2"  # 60 in five minutes, as of requests

    def of_others(calls: str) -> str:
        """PromQL: calls of a host that is no service known to be down: that has an alert of its own."""
        called = f'label_replace({calls}, "callee", "$1", "dependency", "([^.:]+).*")'
        down = f'label_replace({MISSING} > {ALL}, "callee", "$1", "service", "(.+)")'
        return f"on ({SAME}, dependency) ({called} and on (cluster, callee) {down})"

    return (
        Alert(
            name="DependencyFailing",
            value=CALL_ERRORS,
            unit=Unit.RATIO,
            above={Severity.WARNING: 0.1},  # clients retry, which hides one in twenty
            and_=often,
            unless=of_others(CALL_ERRORS),
            for_=SOON,
            summary="Calls of a dependency fail.",
            description=f"{{{{ $value | humanizePercentage }}}} of the calls of {NAMED} to {{{{ $labels.dependency }}}}"
            " fail.",
        ),
        Alert(
            name="DependencySlow",
            value=CALL_P95,
            unit=Unit.SECONDS,
            above={Severity.WARNING: 2},  # as long as an answer of the service itself may take
            # A model's answer always takes long.
            and_=f"{often} and {CALL_P95} > 2 * {CALL_P95_OF_HOUR} {DAY_BEFORE}",
            unless=of_others(CALL_P95),
            for_=WHILE,
            summary="A dependency answers slowly.",
            description=f"One in twenty calls of {NAMED} to {{{{ $labels.dependency }}}} takes longer than"
            " {{ $value | humanizeDuration }}, more than twice as long as the day before.",
            runbook="DependencyFailing",
        ),
    )


def _full(settings: ServicesSettings) -> tuple[Alert, ...]:
    return (
        Alert(
            name="ConnectionsHigh",
            value=ACTIVE,
            # Of 1024 file descriptors, a process's usual limit, and what else it has open.
            above={Severity.WARNING: 900},
            own=settings.own("connections_above"),
            for_=WHILE,
            summary="The pods of a service have many open requests.",
            description=f"A pod of {NAMED} has {{{{ $value | humanize }}}} open requests.",
        ),
        Alert(
            name="ServiceRoutesOverflow",
            value=ROUTES,
            above={Severity.WARNING: MOST},
            for_=WHILE,
            summary="A service has more routes than are told apart.",
            description=f"{NAMED} has more than {MOST} routes; the rest is counted together as other.",
        ),
    )
