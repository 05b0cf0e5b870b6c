"""Objectives of listed services, over what the system records of their requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from model.quantities import Duration
from model.service_objectives import Requests, service_slos
from model.slo import Slo
from rules.histograms import every, judged
from rules.services.labels import SERVICE
from rules.services.recordings import BUCKETS, BY_STATUS, REQUESTS, SERVICE_BUCKETS, streams_of
from rules.services.settings import ListedService, ServicesSettings, matchers, slug


def slos(settings: ServicesSettings) -> Iterator[Slo]:
    for name, service in settings.listed.items():
        namespace, _, called = name.rpartition("/")
        # A name without a namespace is a service of each namespace that has one.
        by = service.by if namespace or "namespace" in service.by else ("namespace", *service.by)
        objectives = service.model_copy(update={"by": by})
        for slo in service_slos(slug(name), objectives, _requests(name, service), namespace=namespace):
            # The alerts have the service's own name, by which they mute others.
            yield replace(slo, service=called)


def _requests(name: str, service: ListedService) -> Requests:
    its = matchers(name)
    by_route = "route" in service.by
    counted, buckets = (REQUESTS, BUCKETS) if by_route else (BY_STATUS, SERVICE_BUCKETS)
    streams = f', route!~"{streams_of(service)}"' if by_route and service.streams else ""
    of_one = f"{SERVICE}, route" if by_route else SERVICE

    def select(matcher: str) -> str:
        return f"{buckets}{{{its}{streams}, {matcher}}}"

    timed = f"sum by ({of_one}) ({every(select)})"

    def in_time(limit: Duration) -> str:
        # The comparison drops the NaN of a route without requests, which would make the whole sum NaN.
        return f"{timed} * {judged(f'histogram_fraction(0, {limit.seconds:g}', select, of_one)} >= 0"

    return Requests(
        all=f"{counted}{{{its}}}",
        failed=f'{counted}{{{its}, status="5xx"}}',
        timed=timed,
        in_time=in_time,
    )
