"""Settings of the `services` system."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from annotated_types import Ge, Gt, Le, Len
from pydantic import AfterValidator, BeforeValidator, model_validator

from model.quantities import Duration
from model.regex import Regex
from model.rules import Own
from model.service_objectives import ServiceObjectives
from model.settings import LabelName, Many, MetricName, Model, PositiveDuration, Resources, Spelled, misfit, resources

STORES = ("postgres", "redis", "mongodb")
"""Systems of stores, before a slash in ``dependsOn``: what follows is an instance of theirs and no service."""

_DNS = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
ServiceName = Annotated[
    str,
    Spelled(
        rf"({_DNS}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,251}}[A-Za-z0-9])?",
        "a service like checkout, or shop/checkout in one namespace alone",
    ),
]
Dependency = Annotated[
    str,
    Spelled(
        rf"({_DNS}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,251}}[A-Za-z0-9])?",
        f"a service like checkout or shop/checkout, or an instance of {', '.join(STORES)}, like postgres/orders",
    ),
]
Route = Annotated[str, Spelled(r'[^"\\\n]{1,200}', "a route as the metrics have it, like /events/:id, without quotes")]
TAKEN = {"ready", "refused", "timeout", "status"}
"""Reasons that a probe has without conditions, and the module that has none."""
Condition = Annotated[str, Spelled("[a-z]([-a-z0-9]{0,18}[a-z0-9])?", "a name like database, of at most 20 letters")]
Percent = Annotated[float, Gt(0), Le(100)]


def _a_day(raw: object) -> object:
    # YAML reads a day without quotes as a date already.
    return date.fromisoformat(raw) if isinstance(raw, str) else raw


Day = Annotated[date, BeforeValidator(_a_day)]


class SourceLabels(Model):
    """Which labels of a source hold what; those of client libraries by default."""

    route: LabelName | None = None
    """The route, as the author wrote it: never a path with ids."""
    method: LabelName | None = None
    """The method."""
    status: LabelName | None = None
    """The status: a code, or its class as `2xx`."""


class SourceSettings(Model):
    """Metrics of requests under names of their own."""

    requests: MetricName | None = None
    """The counter of requests; the histogram's count by default."""
    duration: MetricName | None = None
    """The histogram of durations in seconds, without suffix."""
    labels: SourceLabels = SourceLabels()
    """Which labels hold what."""

    @model_validator(mode="after")
    def _counts_something(self) -> Self:
        if not self.requests and not self.duration:
            raise ValueError("requests, duration, or both")
        return self


class ListedService(ServiceObjectives):
    """A service that pages, and what is particular to it, with objectives if it has some."""

    page: bool = True
    """Whether its alerts may be critical. A service that is not listed only warns, unless its pods have the label
    `observability/page: "true"`."""
    errors_above: Percent | None = None
    """Percentage of requests that fail, for HighErrorRate; 5 by default."""
    p95_above: PositiveDuration | None = None
    """95th percentile of durations, for SlowResponseTime; 2s by default."""
    p99_above: PositiveDuration | None = None
    """99th percentile of durations, for SlowestResponses; 5s by default."""
    connections_above: Annotated[int, Ge(1)] | None = None
    """Open requests of a pod, for ConnectionsHigh; 900 by default."""
    minimum_rate: Annotated[float, Ge(0.01)] | None = None
    """Requests per second, below which its error ratio and its latency raise no alert; 0.2 by default."""
    streams: Many[Route] = ()
    """Routes that answer with a stream, such as SSE or WebSocket: their duration is no latency."""
    depends_on: Many[Dependency] = ()
    """Services and stores that it cannot work without: `payments`, `shop/payments`, `postgres/orders`. While one of
    them is down, this service's alerts on readiness, latency, errors, traffic and objectives notify nobody."""


def _named_otherwise(conditions: dict[str, str]) -> dict[str, str]:
    if taken := sorted(TAKEN & conditions.keys()):
        raise ValueError(f"names of your own: not {', '.join(taken)}")
    return conditions


class ReadinessSettings(Model):
    """A probe of each pod that has the annotation `observability/probe`, and the kubelet's own failing probes."""

    not_ready_when: Annotated[dict[Condition, Regex], Len(max_length=5), AfterValidator(_named_otherwise)] = {}
    """Reasons why a pod is not ready, by name: a regular expression for the answer's body, like
    `{database: '"database": *"down"'}`."""
    resources: Resources = resources("20m", "32Mi", "128Mi")
    """Requests and limits of the blackbox exporter that asks the pods."""


class ServicesSettings(Model):
    """The `services` system: the requests of everything that answers requests, found by its metrics and spans."""

    sources: Annotated[Many[SourceSettings], Len(max_length=10)] = ()
    """Metrics of requests under other names than OpenTelemetry's and Prometheus' usual ones."""
    listed: Annotated[dict[ServiceName, ListedService], Len(max_length=200)] = {}
    """Services that page, by name, with thresholds of their own. Others are found, and warn."""
    holidays: Annotated[Many[Day], Len(max_length=100)] = ()
    """Days such as 2026-12-25, in UTC, on which traffic is not compared with the past, nor a week later."""

    readiness: ReadinessSettings | None = None
    """Asks pods whether they are ready, and why not. With the `kubernetes` system the alerts of
    services say why. Off by default."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in self.listed:
            if "/" in name and name.partition("/")[2] in self.listed:
                raise misfit("listed", name, f"either {name} or {name.partition('/')[2]}, which is in every namespace")
        return self

    @model_validator(mode="after")
    def _objectives_have_names(self) -> Self:
        taken: set[str] = set()
        for name, service in self.listed.items():
            if not service.availability and not service.latency:
                continue
            if not slug(name)[0].isalpha():
                raise misfit("listed", name, "a name with a letter first, for the names of its objectives")
            if slug(name) in taken:
                raise misfit("listed", name, f"a name that is not {slug(name)} again, the name of another's objectives")
            taken.add(slug(name))
            if others := sorted({*service.by} - {"namespace", "route"}):
                raise misfit(f"listed.{name}.by", others[0], "route or namespace: no other label is recorded")
            if "namespace" in service.by and "/" in name:
                raise misfit(f"listed.{name}.by", "namespace", "none: the name has its namespace")
        return self

    def own(self, field: str, of: int = 1) -> tuple[Own, ...]:
        """The services' own thresholds for an alert; ``of`` is 100 of percentages."""
        given = {name: getattr(service, field) for name, service in self.listed.items()}
        return tuple(
            Own(labels=labels(name), threshold=_number(value) / of)
            for name, value in given.items()
            if value is not None
        )


def _number(given: Duration | float) -> Decimal:
    return Decimal(given.milliseconds) / 1000 if isinstance(given, Duration) else Decimal(str(given))


def labels(name: str) -> dict[str, str]:
    """The labels of a service that is called by its name, or by namespace and name."""
    namespace, _, service = name.rpartition("/")
    return {**({"namespace": namespace} if namespace else {}), "service": service}


def matchers(name: str) -> str:
    """The same as the matchers of a selector."""
    return ", ".join(f'{label}="{value}"' for label, value in labels(name).items())


def slug(name: str) -> str:
    """A service's name as part of an objective's: lower-case words joined by dashes, each with a letter first."""
    words = re.sub("[^a-z0-9]+(?=[a-z])", " ", name.lower())
    return re.sub("[^a-z0-9 ]", "", words).replace(" ", "-")


EXAMPLE = ServicesSettings.model_validate(
    {
        "sources": [
            {
                "requests": "shop_calls_total",
                "duration": "shop_call_seconds",
                "labels": {"route": "action", "method": "verb", "status": "outcome"},
            }
        ],
        "listed": {
            "checkout": {
                "errorsAbove": 2,
                "p95Above": "500ms",
                "p99Above": "1s",
                "connectionsAbove": 2000,
                "minimumRate": 0.05,
                "streams": ["/events"],
                "dependsOn": ["payments", "postgres/orders"],
                "availability": 99,
                "by": ["route"],
                "maximumValues": 1,
                "window": "7d",
            },
            "shop/cart": {"availability": 99.5, "latency": {"quantile": 95, "atMost": "500ms"}, "window": "7d"},
            "blog": {"page": False},
        },
        "holidays": ["2026-12-25"],
        "readiness": {
            "notReadyWhen": {"database": '"database": *"down"'},
            "resources": {
                "requests": {"cpu": "30m", "memory": "48Mi"},
                "limits": {"cpu": "100m", "memory": "96Mi"},
            },
        },
    }
)
