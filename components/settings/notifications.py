"""Who is told of what, and when, as a stack file describes it: receivers, routes and times, of no particular engine."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from annotated_types import Len
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

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
    """A time that comes back: some hours, of some days of the week."""

    name: DnsLabel
    """Name of the time, unique: routes say it."""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """Time zone in which the rest is meant, by its IANA name."""
    weekdays: Many[Weekday] = ()
    """Days of the week; every day when empty."""
    from_: TimeOfDay | None = Field(default=None, alias="from")
    """When it begins; at midnight when not given. Later than `to` means into the next day."""
    to: TimeOfDay | None = None
    """When it ends; at midnight when not given."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.weekdays or self.from_ or self.to):
            raise ValueError("weekdays, from or to: without them it is always")
        if self.from_ is not None and self.from_ == self.to:
            raise ValueError("another time of day for to than for from")
        return self


class Route(Model):
    """Who is told of some alerts. What is given here must all match; of a list, one value."""

    receiver: DnsLabel | None = None
    """Name of a receiver; the one of the route around it when not given."""
    severity: Many[Severity] = ()
    """How urgent; any when empty."""
    owner: Many[LabelPattern] = ()
    """Who owns the alert; anybody when empty."""
    system: Many[LabelPattern] = ()
    """System that it watches; any when empty."""
    namespace: Many[LabelPattern] = ()
    """Namespace that it is about; any, and none, when empty."""
    environment: Many[LabelPattern] = ()
    """Environment; any when empty."""
    continue_: bool = Field(default=False, alias="continue")
    """Whether the routes after this one are tried as well; otherwise the first that matches is the last."""
    routes: Many[Route] = ()
    """Tried first, on what this route matches; what none of them takes goes to this route's own receiver."""
    group_by: Annotated[Many[LabelName], Len(min_length=1)] | None = None
    """Labels whose values make one notification; as around it when not given."""
    group_wait: Duration | None = None
    """How long a first notification waits for company; as around it when not given."""
    group_interval: Duration | None = None
    """How long before news of a group is sent; as around it when not given."""
    repeat_interval: Duration | None = None
    """How long before an unchanged group is sent again; as around it when not given."""
    mute_times: Many[DnsLabel] = ()
    """Names of times at which it is silent. Routes within it have their own."""
    active_times: Many[DnsLabel] = ()
    """Names of times at which alone it is not. Routes within it have their own."""


class NotificationSettings(Model):
    """Who is told of an alert, and how notifications are bundled."""

    receivers: Many[Receiver] = ()
    """Where notifications go; production needs some, a dead man among them."""
    routes: Many[Route] = ()
    """Who is told of what, in order; an alert that none of them takes goes to nobody."""
    times: Many[TimeInterval] = ()
    """Times that routes may name."""
    grafana: Way | None = None
    """How alerts that Grafana finds itself reach the receivers: by contact points of its own, which work without
    Alertmanager, or forwarded to Alertmanager. When not given, by contact points if Grafana can have all of them,
    forwarded otherwise, and an external Grafana keeps the notification policy that it has."""
    group_by: Annotated[Many[LabelName], Len(min_length=1)] = ("alertname", "severity", "cluster", "namespace")
    """Labels whose values make one notification. With `severity` in it, an alert that becomes critical is news at once,
    and does not wait for `groupInterval`."""
    group_wait: Duration = Duration.parse("30s")
    """How long a first notification waits for company: a cascade arrives as one message."""
    critical_group_wait: Duration = Duration.parse("10s")
    """The same on routes that critical alerts can take, where a minute from fault to message is all there is, and most
    of it goes to finding out."""
    group_interval: Duration = Duration.parse("5m")
    """How long before news of a group is sent."""
    repeat_interval: Duration = Duration.parse("4h")
    """How long before an unchanged group is sent again: often enough for a shift, too rare to be filtered."""
