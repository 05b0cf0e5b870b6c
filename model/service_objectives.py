"""Objectives of a service in their short form: availability and latency, over rates that are recorded already.

checkout: {availability: 99.9, latency: {quantile: 95, atMost: 500ms}, by: [route]}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from model.objective import By, MaximumValues, Objective, Window
from model.quantities import Duration
from model.settings import Model
from model.slo import USUAL, Slo, Symptom, aggregated

ROUTES = 100
"""Usual bound of the values of ``by``: as many routes as a service's recordings keep."""


class ServiceLatency(Model):
    """A latency objective: a request is good if its duration is at most the bound."""

    quantile: Objective
    """Percentage of requests that must be good, 50 to 99.999."""
    at_most: Duration
    """Longest good duration. It should be the end of a bucket: between two ends of a classic histogram the number of
    requests is estimated."""


class ServiceObjectives(Model):
    """Objectives of one service."""

    availability: Objective | None = None
    """Percentage of requests that must succeed, 50 to 99.999."""
    latency: ServiceLatency | None = None
    """How long requests may take."""
    by: By = ()
    """Labels like `[route]`: each of their values has the objectives for itself, with its own budget and alerts."""
    maximum_values: MaximumValues = ROUTES
    """Maximum of values of `by` with an own budget; all others are counted together as `other`."""
    window: Window | None = None
    """Time over which the objectives hold, 7d to 90d, and at most `prometheus.retention.time`. The default is 30d, or
    the retention where that is shorter."""


@dataclass(frozen=True, kw_only=True)
class Requests:
    """PromQL of a service's requests per second, each by at least cluster, environment and the labels of ``by``."""

    all: str
    failed: str
    """It may return nothing while none fails."""
    timed: str
    """Those with a duration."""
    in_time: Callable[[Duration], str]
    """Those that took at most so long. It may return nothing while none does."""


def service_slos(
    service: str, objectives: ServiceObjectives, requests: Requests, *, owner: str = "", namespace: str = ""
) -> Iterator[Slo]:
    """One objective for each that is set; ``service`` is a name of lower-case words joined by dashes."""

    def summed(rate: str) -> str:
        return f"sum by ({aggregated(objectives.by)}) ({rate})"

    def slo(kind: str, objective: Objective, symptom: Symptom, events: str, *, errors: str = "", good: str = "") -> Slo:
        return Slo(
            name=f"{service}-{kind}",
            objective=objective.ratio,
            window=objectives.window or USUAL,
            by=objectives.by,
            values=objectives.maximum_values,
            events=summed(events),
            errors=summed(errors) if errors else "",
            good=summed(good) if good else "",
            owner=owner,
            namespace="" if "namespace" in objectives.by else namespace,
            service="" if "service" in objectives.by else service,
            symptom=symptom,
        )

    if objectives.availability:
        yield slo("availability", objectives.availability, Symptom.ERRORS, requests.all, errors=requests.failed)
    if latency := objectives.latency:
        in_time = requests.in_time(latency.at_most)
        yield slo("latency", latency.quantile, Symptom.LATENCY, requests.timed, good=in_time)
