"""Alerts on the requests of services. They are quiet for services with few requests."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from model.slo import Symptom
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
# A platform's own alert on a symptom mutes those that are of any service.
_FAILS, _IS_SLOW = ({"symptom": symptom.value, "general": "true"} for symptom in (Symptom.ERRORS, Symptom.LATENCY))
_FAILED = 0.05
"""One in twenty: users notice, and retries do not hide it."""


def of_requests(settings: ServicesSettings) -> tuple[Alert, ...]:
    return (*_failing(settings), *_slow(settings), *_full(settings))


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
        labels=_FAILS,
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
            labels=_FAILS,
            summary="Requests of a service fail.",
            description=f"{NAMED} fails {{{{ $value | humanizePercentage }}}} of its requests.",
        ),
        Alert(
            name="ClientErrorsRising",
            value=CLIENT_ERRORS,
            unit=Unit.RATIO,
            # A few refusals are usual. One in ten is noticed by clients.
            above={Severity.WARNING: 0.1},
            and_=f"{enough(settings)} and on ({SAME}) {TOTAL} offset 1d > 0.2",
            # If it was as frequent the day before, it is usual for this service.
            unless=f"{CLIENT_ERRORS} <= 2 * {CLIENT_ERRORS_OF_HOUR} {DAY_BEFORE}",
            for_=WHILE,  # a single client's mistake is over by then, or blocked
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
            above={Severity.WARNING: 2},  # beyond that, people think it hangs
            own=settings.own("p95_above"),
            and_=enough(settings),
            for_=SOON,
            labels=_IS_SLOW,
            summary="A service answers slowly.",
            description=f"One in twenty requests to {NAMED} takes longer than {{{{ $value | humanizeDuration }}}}.",
        ),
        Alert(
            name="SlowestResponses",
            value=P99,
            unit=Unit.SECONDS,
            above={Severity.CRITICAL: 5},  # users leave, and many clients time out
            only=_PAGED,
            own=settings.own("p99_above"),
            and_=f"on ({SAME}) {TOTAL} > 1",  # 300 in five minutes, of which 1 % are three requests
            for_=SOON,
            labels=_IS_SLOW,
            summary="The slowest answers of a service are very slow.",
            description=f"One in a hundred requests to {NAMED} takes longer than {{{{ $value | humanizeDuration }}}}.",
            runbook="SlowResponseTime",
        ),
        Alert(
            name="LatencyRising",
            value=f"{P95} / {P95_OF_HOUR} {DAY_BEFORE}",
            above={Severity.WARNING: 2},  # a smaller change may be due to other requests
            and_=(
                f"{P95} > 2 * {P95_OF_HOUR} {WEEK_BEFORE}"
                f" and {P95} > 0.2"  # seconds; below that nobody notices a doubled latency
                f" and {enough(settings)}"
            ),
            for_=WHILE,
            labels=_IS_SLOW,
            summary="A service is much slower than a day and a week before.",
            description=f"The 95th percentile of {NAMED} is {{{{ $value | humanize }}}} times that of the same hour a"
            " day before, and more than twice that of a week before.",
        ),
    )


def of_traffic() -> tuple[Alert, ...]:
    return (
        Alert(
            name="TrafficDropped",
            value=f"{TOTAL} / ({LOWEST} > 1)",  # below 1 request/s, rates vary by chance
            unit=Unit.RATIO,
            below={Severity.WARNING: 0.5},  # of the lowest week
            for_=WHILE,
            summary="A service gets far fewer requests than usual.",
            description=f"{NAMED} gets {{{{ $value | humanizePercentage }}}} of the fewest requests that it had at this"
            " hour in the last weeks.",
        ),
        Alert(
            name="TrafficSpike",
            value=f"{TOTAL} / ({HIGHEST} > 0)",
            above={Severity.WARNING: 3},  # of the highest week; twice is an ordinary busy day
            and_=f"on ({SAME}) {TOTAL} > 1",  # as above
            for_=WHILE,
            summary="A service gets many more requests than usual.",
            description=f"{NAMED} gets {{{{ $value | humanize }}}} times the most requests that it had at this hour in"
            " the last weeks.",
        ),
    )


def of_calls() -> tuple[Alert, ...]:
    often = f"sum by ({DEPENDENCY}) ({CALLS}) > 0.2"  # 60 in five minutes, as of requests

    def of_others(calls: str) -> str:
        """PromQL: calls to a service that is down, which has an alert of its own.

        A name without a namespace is a service of the caller's.
        """
        called = f'label_replace({calls}, "callee", "$1", "dependency", "([^.:]+).*")'
        called = f'label_replace({called}, "callee_namespace", "$1", "namespace", "(.+)")'
        called = f'label_replace({called}, "callee_namespace", "$1", "dependency", "[^.:]+[.]([^.:]+)([.:].*)?")'
        down = f'label_replace({MISSING} > {ALL}, "callee", "$1", "service", "(.+)")'
        down = f'label_replace({down}, "callee_namespace", "$1", "namespace", "(.+)")'
        return f"on ({SAME}, dependency) ({called} and on (cluster, callee_namespace, callee) {down})"

    return (
        Alert(
            name="DependencyFailing",
            value=CALL_ERRORS,
            unit=Unit.RATIO,
            above={Severity.WARNING: 0.1},  # one in twenty is hidden by retries
            and_=often,
            unless=of_others(CALL_ERRORS),
            for_=SOON,
            summary="Calls to a dependency fail.",
            description=f"{{{{ $value | humanizePercentage }}}} of the calls from {NAMED} to"
            " {{ $labels.dependency }} fail.",
        ),
        Alert(
            name="DependencySlow",
            value=CALL_P95,
            unit=Unit.SECONDS,
            above={Severity.WARNING: 2},  # as for the service itself
            # Calls to a model always take long.
            and_=f"{often} and {CALL_P95} > 2 * {CALL_P95_OF_HOUR} {DAY_BEFORE}",
            unless=of_others(CALL_P95),
            for_=WHILE,
            summary="A dependency answers slowly.",
            description=f"One in twenty calls from {NAMED} to {{{{ $labels.dependency }}}} takes longer than"
            " {{ $value | humanizeDuration }}, more than twice as long as the day before.",
            runbook="DependencyFailing",
        ),
    )


def _full(settings: ServicesSettings) -> tuple[Alert, ...]:
    return (
        Alert(
            name="ConnectionsHigh",
            value=ACTIVE,
            # A process has 1024 file descriptors by default, and needs some for files and other connections.
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
            summary="A service has too many routes.",
            description=f"{NAMED} has more than {MOST} routes; the others are counted as other.",
        ),
    )
