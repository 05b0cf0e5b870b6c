"""Requests of services, under one set of names and labels whatever counts them.

Only the first rules of each source read its own series. Everything else reads what these have recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Recording, compared
from rules.histograms import judged
from rules.monitoring.scrape import OF_THE_STACK
from rules.services import sources
from rules.services.labels import (
    CLIENTS,
    MOST,
    SAME,
    SERVICE,
    answered,
    bounded,
    found,
    renamed,
    routed,
    sent,
)
from rules.services.settings import ListedService, ServicesSettings, matchers
from rules.services.sources import ACTIVE_OF_LIBRARIES, Source

EVERY = Duration.parse("1m")
"""Time between evaluations. Rates are over five minutes, and alerts wait for minutes."""

REQUESTS = "service_route:requests:rate5m"
"""Requests per second, by service, ``route``, ``method``, ``status`` (a class) and ``source``."""
BUCKETS = "service_route:request_duration_seconds_bucket:rate5m"
"""Rates of buckets, by service, ``route`` and ``le``, without routes that are OTHER; native histograms have no
``le``."""
LARGEST = "service_route:requests:largest"
"""Requests so far of the kept routes and one more, by ``source``."""
ROUTES = "service:routes:count"
"""Number of routes, up to MOST + 1."""
TOTAL = "service:requests:rate5m"
BY_STATUS = "service_status:requests:rate5m"
ERRORS = "service:requests:error_ratio5m"
"""Ratio of requests that the service fails (5xx); 0 without failures, nothing without requests."""
CLIENT_ERRORS = "service_status:client_errors:ratio5m"
"""Ratio of requests that the service refuses, by ``status``: 4xx, and apart from those 401, 403 and 429."""
SOURCE = "service:source:info"
"""1 per service; the label ``source`` is the source that counts its requests."""
SERVICE_BUCKETS = "service:request_duration_seconds_bucket:rate5m"
"""As BUCKETS without the routes that stream."""
P50 = "service:request_duration_seconds:p50_5m"
P95 = "service:request_duration_seconds:p95_5m"
P99 = "service:request_duration_seconds:p99_5m"
QUANTILES = {P50: "0.5", P95: "0.95", P99: "0.99"}
ACTIVE = "service:active_requests:avg"
"""Mean of the open requests of a service's pods, streams included."""
VERSIONS = "service_version:instances:count"
"""Number of a service's instances that report a ``version``: as resource attribute, or in ``app_info``."""

CALLS = "service_dependency:requests:rate5m"
"""Outgoing calls per second, by service, ``dependency`` (the host that it calls, or the service of gRPC if no host is
known), ``status`` and ``source``."""
CALL_SOURCE = "service:calls_source:info"
CALL_LARGEST = "service_dependency:requests:largest"
CALL_BUCKETS = "service_dependency:request_duration_seconds_bucket:rate5m"
CALL_ERRORS = "service_dependency:requests:error_ratio5m"
"""Ratio of calls that fail: 5xx, and those without an answer."""
CALL_P95 = "service_dependency:request_duration_seconds:p95_5m"
DEPENDENCY = f"{SERVICE}, dependency"


def requests(every: tuple[Source, ...], settings: ServicesSettings, *, owners: bool) -> tuple[Recording, ...]:
    def labelled(vector: str) -> str:
        return routed(found(vector, owners=owners))

    return (
        *_first(every, labelled, (SOURCE, LARGEST, REQUESTS, BUCKETS), ("route", "method", "status"), rest=True),
        Recording(name=ROUTES, expr=f"count by ({SERVICE}) ({LARGEST} and on ({SAME}, source) {SOURCE})"),
        *_of_services(settings),
        Recording(name=ACTIVE, expr=_active(owners=owners)),
        Recording(name=VERSIONS, expr=_versions(owners=owners)),
    )


def calls(every: tuple[Source, ...]) -> tuple[Recording, ...]:
    def labelled(vector: str) -> str:
        # What a call of gRPC without a host is named after: its service.
        called = renamed(sent(vector), "dependency", "span_name", matched="/?([^ /]+)/[^ /]+")
        return renamed(called, "dependency", "server_address")

    return (
        *_first(
            every, labelled, (CALL_SOURCE, CALL_LARGEST, CALLS, CALL_BUCKETS), ("dependency", "status"), rest=False
        ),
        Recording(name=CALL_ERRORS, expr=failing(CALLS, DEPENDENCY), unit=Unit.RATIO),
        _quantile(CALL_P95, "0.95", CALL_BUCKETS, DEPENDENCY),
    )


def _first(
    every: tuple[Source, ...],
    labelled: Callable[[str], str],
    names: tuple[str, str, str, str],
    kept_labels: tuple[str, ...],
    *,
    rest: bool,
) -> Iterator[Recording]:
    """Requests and buckets of each service from the first source that has any: never added up, since two sources of a
    service count the same requests.

    Of the first label in ``kept_labels`` the MOST values with the most events since their processes started are kept, a
    choice that seldom changes. ``rest`` says whether the others are counted together or not at all; they have no
    durations.
    """
    source, most, rate, buckets = names
    label = kept_labels[0]
    key = f"{SERVICE}, {label}, source"
    present = labelled(sources.present(every))
    # Of every source: the choice of one is based on this.
    yield Recording(name=most, expr=f"topk by ({SERVICE}, source) ({MOST + 1}, sum by ({key}) ({present}))")
    yield Recording(name=source, expr=f"group by ({SERVICE}, source) ({_chosen(every, most)})")
    of_source = f"and on ({SAME}, source) {source}"
    kept = f"topk by ({SERVICE}) ({MOST}, {most} {of_source})"
    asked = f"({answered(labelled(sources.requests(every)))} {of_source})"
    by = f"{SERVICE}, {', '.join(kept_labels)}, source"
    counted = (
        bounded(asked, f"{present} {of_source}", by, label, kept)
        if rest
        else f"sum by ({by}) ({asked} and on ({key}) {kept})"
    )
    yield Recording(name=rate, expr=counted, unit=Unit.PER_SECOND)
    timed = f"{labelled(sources.buckets(every))} and on ({key}) {kept}"
    yield Recording(name=buckets, expr=f"sum by ({SERVICE}, {label}, le) ({timed})")


def _chosen(every: tuple[Source, ...], counted: str) -> str:
    """PromQL: for each service, the series of its first source."""
    names = [source.name for source in every]
    return " or ".join(
        f'{counted}{{source="{name}"}}'
        + (f' unless on ({SAME}) {counted}{{source=~"{"|".join(names[:place])}"}}' if place else "")
        for place, name in enumerate(names)
    )


def _of_services(settings: ServicesSettings) -> Iterator[Recording]:
    yield Recording(name=BY_STATUS, expr=f"sum by ({SERVICE}, status) ({REQUESTS})", unit=Unit.PER_SECOND)
    yield Recording(name=TOTAL, expr=f"sum by ({SERVICE}) ({BY_STATUS})", unit=Unit.PER_SECOND)
    yield Recording(name=ERRORS, expr=failing(BY_STATUS, SERVICE), unit=Unit.RATIO)
    refused = f'{BY_STATUS}{{status=~"{CLIENTS}"}}'
    yield Recording(name=CLIENT_ERRORS, expr=f"{refused} / on ({SERVICE}) group_left () ({TOTAL} > 0)", unit=Unit.RATIO)
    streams = "".join(
        f' unless {BUCKETS}{{{matchers(name)}, route=~"{streams_of(service)}"}}'
        for name, service in settings.listed.items()
        if service.streams
    )
    yield Recording(name=SERVICE_BUCKETS, expr=f"sum by ({SERVICE}, le) ({BUCKETS}{streams})")
    yield from (_quantile(name, number, SERVICE_BUCKETS, SERVICE) for name, number in QUANTILES.items())


def streams_of(service: ListedService) -> str:
    """The routes that stream, as a regular expression."""
    return any_of(service.streams)


def any_of(routes: Iterable[str]) -> str:
    """Routes as a regular expression in PromQL's quotes."""
    return "|".join("".join(f"\\\\{each}" if each in ".+*?()[]{}|^$" else each for each in route) for route in routes)


def failing(rate: str, by: str) -> str:
    """PromQL: ratio of ``rate`` that is 5xx; 0 if none is, and nothing without requests."""
    all_ = f"sum by ({by}) ({rate})"
    return f'(sum by ({by}) ({rate}{{status="5xx"}}) or {all_} * 0) / ({all_} > 0)'


def _quantile(name: str, number: str, buckets: str, by: str) -> Recording:
    """Nothing rather than NaN without requests."""
    judge = judged(f"histogram_quantile({number}", lambda matcher: f"{buckets}{{{matcher}}}", by)
    return Recording(name=name, expr=f"{judge} >= 0", unit=Unit.SECONDS)


def _active(*, owners: bool) -> str:
    counted = found(" or ".join(("http_server_active_requests", *ACTIVE_OF_LIBRARIES)), owners=owners)
    return f"avg by ({SERVICE}) (sum by ({SERVICE}, instance) ({counted}))"


def _versions(*, owners: bool) -> str:
    # Of these series Prometheus takes the service's name into `job`, after its namespace if it has one. The stack's own
    # servers describe themselves too, on pages that are scraped.
    info = f'target_info{{job!~"{OF_THE_STACK}", service_version!=""}}'
    pushed = renamed(info, "service_name", "job", matched="(?:.+/)?(.+)")
    reported = found(f'{renamed(pushed, "version", "service_version")} or app_info{{version!=""}}', owners=owners)
    return f"count by ({SERVICE}, version) ({reported})"


def enough(settings: ServicesSettings) -> str:
    """PromQL: services with enough requests for a ratio or a quantile.

    60 requests in five minutes: 5 % of these are three, so a single failure raises no alert.
    """
    own = {each.matchers: f"{each.threshold}" for each in settings.own("minimum_rate")}
    return f"on ({SAME}) {compared(TOTAL, '>', '0.2', own)}"
