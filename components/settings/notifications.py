"""Receivers, routes and time intervals, as a stack file describes them, for Alertmanager and Grafana alike."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from annotated_types import Len
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from components.settings.alerts import AlertLabels
from components.settings.receivers import Receiver
from model.quantities import Duration
from model.settings import DnsLabel, LabelName, Many, Model, Spelled

Severity = Literal["critical", "warning", "info"]
LabelPattern = Annotated[
    str, Spelled(r"[A-Za-z0-9_.*-]{1,63}", "a value of a label, in which * stands for any text, like team-*")
]
TimeOfDay = Annotated[
    str,
    Spelled(r"([01][0-9]|2[0-3]):[0-5][0-9]", 'a time of day like "22:00"'),
]
Way = Literal["contactPoints", "forward"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise PydanticCustomError("zone", "a time zone like UTC or Europe/Berlin")
    return name


class TimeInterval(Model):
    """A time interval that repeats: hours of days of the week."""

    name: DnsLabel
    """Name of the time interval, by which routes refer to it; unique."""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """IANA name of the time zone of the other keys."""
    weekdays: Many[Weekday] = ()
    """Days of the week; every day when empty."""
    from_: TimeOfDay | None = Field(default=None, alias="from")
    """Start of the interval; midnight by default. If it is later than `to`, the interval ends on the next day."""
    to: TimeOfDay | None = None
    """End of the interval; midnight by default."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.weekdays or self.from_ or self.to):
            raise ValueError("at least one of weekdays, from and to")
        if self.from_ is not None and self.from_ == self.to:
            raise ValueError("from and to must differ")
        return self


class Route(Model):
    """A route: the receiver of the alerts that match. Every key that is set must match, and one value of each list."""

    receiver: DnsLabel | None = None
    """Name of a receiver. The default is the parent route's."""
    severity: Many[Severity] = ()
    """Severity of the alert; any when empty."""
    owner: Many[LabelPattern] = ()
    """Owner of the alert; any when empty."""
    system: Many[LabelPattern] = ()
    """System of the alert; any when empty."""
    namespace: Many[LabelPattern] = ()
    """Namespace of the alert. When empty, any namespace and none match."""
    environment: Many[LabelPattern] = ()
    """Environment of the alert; any when empty."""
    alert: Many[LabelPattern] = ()
    """Name of the alert; any when empty."""
    continue_: bool = Field(default=False, alias="continue")
    """Whether an alert that matches goes on to the next routes. Otherwise the first route that matches is the last."""
    routes: Many[Route] = ()
    """Child routes for the alerts that this route matches. An alert that no child matches goes to this route's
    receiver."""
    group_by: Annotated[Many[LabelName], Len(min_length=1)] | None = None
    """Labels that group alerts into one notification. The default is the parent route's."""
    group_wait: Duration | None = None
    """How long a group waits for more alerts before its first notification. The default is the parent route's."""
    group_interval: Duration | None = None
    """How long a group waits before it notifies of new alerts. The default is the parent route's."""
    repeat_interval: Duration | None = None
    """How long before an unchanged group is notified again. The default is the parent route's."""
    mute_times: Many[DnsLabel] = ()
    """Names of mute time intervals. Child routes do not inherit them."""
    active_times: Many[DnsLabel] = ()
    """Names of active time intervals; the route is muted at all other times. Child routes do not inherit them."""


class NotificationSettings(Model):
    """Who is notified of an alert, and how alerts are grouped."""

    receivers: Many[Receiver] = ()
    """Receivers of notifications. Production needs at least one and a dead man."""
    routes: Many[Route] = ()
    """Routes from alerts to receivers, in order. Nobody is notified of an alert that no route matches."""
    times: Many[TimeInterval] = ()
    """Time intervals that routes can refer to."""
    grafana: Way | None = None
    """How Grafana's own alerts reach the receivers: through Grafana's contact points, which work without Alertmanager,
    or forwarded to Alertmanager. The default is contact points if Grafana supports every receiver, else forwarding. An
    external Grafana keeps its notification policy by default."""
    group_by: Annotated[Many[LabelName], Len(min_length=1)] = ("alertname", "severity", "cluster", "namespace")
    """Labels that group alerts into one notification. With `severity` among them, an alert that becomes critical starts
    a new group and does not wait for `groupInterval`."""
    group_wait: Duration = Duration.parse("30s")
    """How long a group waits for more alerts before its first notification, so that a cascade is one message."""
    critical_group_wait: Duration = Duration.parse("10s")
    """The same on routes that critical alerts can match. It is shorter, because detection takes most of the minute
    between a fault and its message."""
    group_interval: Duration = Duration.parse("5m")
    """How long a group waits before it notifies of new alerts."""
    repeat_interval: Duration = Duration.parse("4h")
    """How long before an unchanged group is notified again: once per shift, and too rarely for people to filter it."""
    labels: AlertLabels = {}
    """Labels of every alert, besides its own."""
