"""Where requests are counted: the series of every source, before they get the same labels.

The series of all sources are one vector, each with its ``source``, so that the rules that give them their labels, which
are long, stand once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rules.kubernetes.scrape import KUBE_STATE_METRICS
from rules.rates import RANGE, Scope
from rules.services.labels import fixed, in_seconds, renamed
from rules.services.settings import SourceSettings
from rules.spans import SPAN_CALLS, SPAN_TIMES

_ALL = Scope()
PROMETHEUS = SourceSettings(requests="http_requests_total", duration="http_request_duration_seconds")
"""The names that Prometheus' own guide and most client libraries use."""
NOT_OURS = f'job!="{KUBE_STATE_METRICS}-telemetry"'
"""The one server of the stack that has metrics of these names."""
ACTIVE_OF_LIBRARIES = ("http_requests_inprogress", "http_requests_in_progress")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One way in which requests are counted, in PromQL."""

    name: str
    """The label ``source`` of what is recorded of it."""
    requests: str
    """Requests a second."""
    present: str
    """Requests so far, of the same series and of those with durations."""
    buckets: str = ""
    """Rates of the buckets of durations in seconds, by ``le``; without it of native histograms. Empty without any."""


def servers(mapped: tuple[SourceSettings, ...], *, spans: bool) -> tuple[Source, ...]:
    """The sources of answered requests, in the order in which they count.

    Instrumentation is the most exact. Libraries have labels of their own. Spans count only if they arrive.
    """
    return (
        _of_instrumentation("server"),
        _of_library("prometheus", (PROMETHEUS,)),
        *((_of_library("mapped", mapped),) if mapped else ()),
        *((_of_spans('span_kind="SPAN_KIND_SERVER"'),) if spans else ()),
    )


def clients(*, spans: bool) -> tuple[Source, ...]:
    """The sources of outgoing calls. A span without a host, as of a call within the process, has no dependency.

    Older instrumentations of gRPC say what they call, and not where.
    """
    call = 'span_kind="SPAN_KIND_CLIENT"'
    known = (f'{call}, server_address!=""', f'{call}, server_address="", rpc_grpc_status_code!=""')
    return (_of_instrumentation("client"), *((_of_spans(*known),) if spans else ()))


# --- the series of all sources ---


def requests(sources: tuple[Source, ...]) -> str:
    return _union((source.name, source.requests) for source in sources)


def present(sources: tuple[Source, ...]) -> str:
    return _union((source.name, source.present) for source in sources)


def buckets(sources: tuple[Source, ...]) -> str:
    return _union((source.name, source.buckets) for source in sources if source.buckets)


def _union(vectors: Iterator[tuple[str, str]]) -> str:
    return " or ".join(fixed(vector, "source", name) for name, vector in vectors)


# --- each of them ---


def _of_instrumentation(side: str) -> Source:
    web, call = f"http_{side}_request_duration_seconds", f"rpc_{side}_call_duration_seconds"
    older = f"rpc_{side}_duration_milliseconds"
    # Where a process speaks both generations, as while it migrates, the newer counts.
    none_newer = f"unless on (cluster, job, instance) ({call}_count or {call})"

    def each(read: Callable[[str], str], of_older: str) -> str:
        return f"{read(web)} or {read(call)} or {of_older} {none_newer}"

    def count(histogram: str) -> str:
        return f"({histogram}_count or histogram_count({histogram}))"

    return Source(
        name="otel",
        requests=each(_ALL.count, _ALL.count(older)),
        present=each(count, count(older)),
        buckets=each(_ALL.buckets, in_seconds(_ALL.rate(f"{older}_bucket"))),
    )


def _of_library(name: str, settings: tuple[SourceSettings, ...]) -> Source:
    def union(read: Callable[[SourceSettings], str]) -> str:
        return " or ".join(_mapped(vector, one) for one in settings if (vector := read(one)))

    def present(one: SourceSettings) -> str:
        names = filter(None, (one.requests, one.duration and f"{one.duration}_count"))
        return " or ".join(f"{name}{{{NOT_OURS}}}" for name in names)

    return Source(
        name=name,
        requests=union(_requests),
        present=union(present),
        buckets=union(lambda one: _rate(f"{one.duration}_bucket") if one.duration else ""),
    )


def _rate(series: str) -> str:
    return f"rate({series}{{{NOT_OURS}}}[{RANGE}])"


def _requests(settings: SourceSettings) -> str:
    """The counter; the histogram's count of processes that have no counter."""
    counter, count = _rate(f"{settings.requests}"), _rate(f"{settings.duration}_count")
    if settings.requests and settings.duration:
        return f"{counter} or {count} unless on (cluster, job, instance) {settings.requests}"
    return counter if settings.requests else count


def _mapped(vector: str, settings: SourceSettings) -> str:
    """Under the labels that libraries have, where it has others."""
    labels = settings.labels
    given = {"route": labels.route, "method": labels.method, "code": labels.status}
    for label, own in given.items():
        vector = renamed(f"({vector})", label, own) if own and own != label else vector
    return vector


def _of_spans(*selected: str) -> Source:
    """Of spans that are ``selected`` by any of these matchers."""

    def rates(series: str) -> str:
        return " or ".join(_ALL.rate(series, matchers) for matchers in selected)

    return Source(
        name="spans",
        # The span's own status has the name of a label that libraries have.
        requests=fixed(rates(SPAN_CALLS), "code", "500", "status_code", "STATUS_CODE_ERROR"),
        present=" or ".join(f"{SPAN_CALLS}{{{matchers}}}" for matchers in selected),
        buckets=in_seconds(rates(f"{SPAN_TIMES}_bucket")),
    )
