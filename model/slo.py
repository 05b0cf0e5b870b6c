"""A service level objective, and the PromQL of its events.

`slo_rules` makes recording rules of it, `slo_alerts` the alerts on its burn rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from model.quantities import Duration

BY = "cluster, environment"
"""Labels of every objective's series: there is at least one number per cluster."""
VALUE = "value"
"""Label with the values of an objective's ``by``, joined: dashboards and links need one name for it."""
OTHER = "other"
"""Stands for all values beyond an objective's bound."""
SHORT = Duration.parse("5m")
"""The only range that is read from the service's own series. Three days of them would be millions of samples."""
EVERY = Duration.parse("1m")
"""Evaluation interval. It is fixed, because a window's events are the samples of their rate times this interval."""
SHORTEST, USUAL, LONGEST = Duration.parse("7d"), Duration.parse("30d"), Duration.parse("90d")
"""Windows of objectives. The slowest alert reads three days, so a shorter window would have no slow alerts."""
VALUES = 50
"""Usual bound of the values of ``by``. One has 36 series."""


class Symptom(StrEnum):
    """What users notice: the label ``symptom``. Of several alerts on one symptom of a workload, one notifies people."""

    ERRORS = "errors"
    LATENCY = "latency"


@dataclass(frozen=True, kw_only=True)
class Slo:
    """An objective: the ratio of events that must be good."""

    name: str
    """Lower-case words joined by dashes: the label ``slo``, and in CamelCase the prefix of its alerts' names."""
    objective: Decimal
    """Ratio of events that must be good."""
    window: Duration = USUAL
    """Time over which the objective applies."""
    by: tuple[str, ...] = ()
    """Labels whose values each have the objective for themselves, with budget and alerts."""
    values: int = VALUES
    """Maximum of such values per cluster. The events of others count as OTHER."""
    events: str
    """PromQL: events per second, by BY and ``by``."""
    errors: str = ""
    """PromQL: bad events per second, by the same. It may return nothing without bad events. Set this or ``good``."""
    good: str = ""
    """PromQL: good events per second, by the same. It may return nothing without good events."""
    owner: str = ""
    """The label ``owner`` of its alerts. The default is its system's owner."""
    namespace: str = ""
    """Namespace of the service, as a label of the alerts."""
    service: str = ""
    """Service of the objective, as a label of the alerts and for `slo:objective:info`, whose default is the name."""
    symptom: Symptom | None = None
    """What users notice when it fails."""
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

    @property
    def labels(self) -> str:
        """Labels of its series, besides ``slo``."""
        return ", ".join((aggregated(self.by), VALUE)) if self.by else BY

    def of(self, metric: str, **more: str) -> str:
        """The selector of one of its series."""
        matchers = ", ".join(f'{label}="{text}"' for label, text in {"slo": self.name, **more}.items())
        return f"{metric}{{{matchers}}}"


def aggregated(by: tuple[str, ...]) -> str:
    """Labels by which the events of an objective are aggregated."""
    return ", ".join((BY, *by))


def rate(counter: str, by: tuple[str, ...] = ()) -> str:
    """Events per second of the whole service, or by some labels, from the selector of a counter."""
    return f"sum by ({aggregated(by)}) (rate({counter}[{SHORT}]))"


def rate_in_time(histogram: str, count: str, in_time: str, seconds: str, by: tuple[str, ...] = ()) -> tuple[str, str]:
    """Rates of all events, and of those within ``seconds``, from selectors of a native histogram, its count, a bucket.

    If a histogram has native and classic series, each event is counted once, in the classic ones.
    """
    native = f"rate({histogram}[{SHORT}])"
    good = f"histogram_fraction(-Inf, {seconds}, {native}) * histogram_count({native}) >= 0"
    events = f"rate({count}[{SHORT}]) or histogram_count({native})"
    # A classic series has one more label, which must be ignored to match it with its native one.
    in_bucket = f"sum without (le) (rate({in_time}[{SHORT}]))"
    return f"sum by ({aggregated(by)}) ({events})", f"sum by ({aggregated(by)}) ({in_bucket} or {good})"


def events_of_gauge(gauge: str, by: tuple[str, ...] = ()) -> str:
    """Events of a gauge: each evaluation that finds a series is one."""
    return f"count by ({aggregated(by)}) ({gauge}) / {EVERY.seconds:.0f}"
