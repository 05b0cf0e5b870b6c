"""AlertmanagerConfigs, and Alertmanager's own configuration in a values file, as notifications of a stack file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.routing import WATCHDOG
from components.settings.notification_checks import names_exist, routes_can_match
from components.settings.notifications import NotificationSettings, Route
from tools.adopt.matchers import Unmatched, keys, matched
from tools.adopt.notes import Fields, Notes, filled, unique
from tools.adopt.receivers import dead_man, receiver
from tools.adopt.times import times
from tools.adopt.trial import refused

_INHIBITED = "the stack mutes an alert by a more urgent one about the same subject, and by its cause where it knows it"
_NOBODY = "its receiver notifies nobody: turn such alerts off, alerts.<name>: off, or narrow the other routes"
_UNHEARD = "no integration of its receiver is carried over: make a receiver, and a route like this one"
_GROUPS = ("groupBy", "groupWait", "groupInterval", "repeatInterval")


@dataclass
class Notified:
    """The section ``notifications``, as it grows."""

    notes: Notes
    receivers: dict[str, dict[str, Any]] = field(default_factory=dict)
    times: dict[str, dict[str, Any]] = field(default_factory=dict)
    routes: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    """Each with where it is from."""
    last: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    """Routes for what no other takes."""
    general: dict[str, Any] = field(default_factory=dict)
    """How alerts are grouped where a route does not say."""

    def section(self) -> dict[str, Any]:
        """What the stack accepts of it."""
        routes = self.routes + self.last
        while problem := next(self._problems(routes), None):
            path, why = problem
            self._drop(routes, path, why)
        named = {name for route, _ in routes for name in _receivers_of(route)}
        for name, made in list(self.receivers.items()):
            if name not in named and "deadMan" not in made:
                self.notes.lost(f"receiver {name}", "no route that is carried over names it")
                del self.receivers[name]
        made = self._plain(routes)
        for name in sorted(self.times.keys() - {time["name"] for time in made.get("times", ())}):
            self.notes.lost(f"time {name}", "no route that is carried over names it")
        return made

    def _plain(self, routes: list[tuple[dict[str, Any], str]]) -> dict[str, Any]:
        used = {name for route, _ in routes for name in _times_of(route)}
        return filled(
            receivers=list(self.receivers.values()),
            times=[made for name, made in self.times.items() if name in used],
            routes=[route for route, _ in routes],
            **self.general,
        )

    def _problems(self, routes: list[tuple[dict[str, Any], str]]) -> Iterator[tuple[list[int], str]]:
        """The place of each route that is refused, as positions from the top, and why."""
        settings = NotificationSettings.model_validate(self._plain(routes))
        for each in (*names_exist(settings), *routes_can_match(settings)):
            path, _, why = each.partition(": ")
            yield [int(number) for number in re.findall(r"routes\[(\d+)\]", path)], why

    def _drop(self, routes: list[tuple[dict[str, Any], str]], path: list[int], why: str) -> None:
        top, *below = path
        where = routes[top][1]
        if not below:
            del routes[top]
        else:
            inside = routes[top][0]
            for position in below[:-1]:
                inside = inside["routes"][position]
            del inside["routes"][below[-1]]
            if not inside["routes"]:
                del inside["routes"]
        self.notes.lost(f"{where}: a route", why)


def add(given: Fields, namespace: str, name: str, notified: Notified) -> None:
    """Adds an AlertmanagerConfig, or with an empty ``namespace`` Alertmanager's own configuration."""
    prefix = f"{namespace}-{name}" if namespace else name
    general = given.part("global")
    named = {
        str(part.given.get("name")): receiver(part, prefix, namespace, general, notified.receivers)
        for part in given.parts("receivers")
    }
    # With integrations, of which none is carried over.
    unheard = {str(part.given.get("name")) for part in given.parts("receivers") if len(part.given) > 1}
    unheard -= {name for name, ours in named.items() if ours}
    intervals = (*given.parts("muteTimeIntervals"), *given.parts("timeIntervals"))
    known = times(intervals, prefix, notified.times)
    if given.take("inhibitRules"):
        notified.notes.without(given.at("inhibitRules"), _INHIBITED)
    route = given.part("route")
    builder = _Builder(notified, named, unheard, known)
    if namespace:
        # The operator lets it see the alerts of its own namespace, and lets them go on.
        made = builder.route(route, [], {"namespace": [namespace]})
        notified.routes += [({**each, "continue": True}, route.where) for each in made]
    else:
        builder.top(route)
    general.rest({"resolveTimeout": "Prometheus says when an alert ends"})
    given.rest({"templates": "the stack writes messages itself: docs/notifications.md"})
    for watching in dict.fromkeys(builder.dead_men):
        _becomes_dead_man(watching, notified, given.where)


def _becomes_dead_man(name: str, notified: Notified, where: str) -> None:
    """A receiver of Watchdog; beside itself if other routes name it too."""
    made = dead_man(notified.receivers[name])
    if made is None:
        notified.notes.check(
            f"{where}: receiver {name}", f"it got {WATCHDOG}, which goes to webhooks alone: see deadMan"
        )
        return
    if any(name in _receivers_of(route) for route, _ in (*notified.routes, *notified.last)):
        made["name"] = unique(f"{name[:50]}-watchdog", notified.receivers)
    notified.receivers[made["name"]] = made


@dataclass
class _Builder:
    notified: Notified
    receivers: Mapping[str, list[str]]
    unheard: Collection[str]
    times: Mapping[str, list[str]]
    dead_men: list[str] = field(default_factory=list)

    def top(self, route: Fields) -> None:
        """The root of a configuration: its children, and what none of them takes."""
        names = self._names(route, [])
        general = filled(**{name: route.take(name) for name in _GROUPS})
        for name, value in general.items():
            if wrong := refused(Route, {name: value}):
                route.notes.without(route.at(name), wrong)
            else:
                self.notified.general[name] = value
        for part in route.parts("routes"):
            where = part.where
            self.notified.routes += [(each, where) for each in self.route(part, names, {})]
        route.take("continue")
        route.rest()
        self.notified.last += [(each, route.where) for each in _everyone(names)]

    def route(self, route: Fields, inherited: list[str], asked: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """One route of ours, or none; ``asked`` is in place of what it says about these labels."""
        names = self._names(route, inherited)
        children = route.parts("routes")
        own = self._times(route)
        grouped = filled(**{name: route.take(name) for name in _GROUPS})
        goes_on = {"continue": True} if route.take("continue") else {}
        try:
            matchers = {**matched(route), **asked}
            route.rest()
            if matchers.get("alertname") == [WATCHDOG]:
                self.dead_men += names
                route.notes.ours(route.where, f"{WATCHDOG} goes to dead men without a route")
                return []
            matching = keys(matchers)
        except Unmatched as unmatched:
            route.rest()
            route.lost(str(unmatched))
            return []
        for name, value in list(grouped.items()):
            if wrong := refused(Route, {name: value}):
                route.notes.without(route.at(name), wrong)
                del grouped[name]
        made = {**matching, **grouped}
        if wrong := refused(Route, made):
            route.lost(wrong)
            return []
        below = [each for child in children for each in self.route(child, names, {})]
        if not names and not below:
            route.lost(_UNHEARD if route.text("receiver") in self.unheard else _NOBODY)
            return []
        if len(names) == 1:
            return [{"receiver": names[0], **made, **own, **filled(routes=below), **goes_on}]
        # Several integrations: each is a receiver of its own, for what no child takes.
        return [{**made, **own, "routes": [*below, *({**each, **own} for each in _everyone(names))], **goes_on}]

    def _names(self, route: Fields, inherited: list[str]) -> list[str]:
        name = route.text("receiver")
        return self.receivers.get(name, []) if name else inherited

    def _times(self, route: Fields) -> dict[str, list[str]]:
        made = {}
        for field_, ours in {"muteTimeIntervals": "muteTimes", "activeTimeIntervals": "activeTimes"}.items():
            names = [str(each) for each in route.many(field_)]
            if found := [each for name in names for each in self.times.get(name, [])]:
                made[ours] = found
            elif names:
                route.notes.without(route.at(field_), "none of these times is carried over")
        return made


def _everyone(names: list[str]) -> list[dict[str, Any]]:
    """A route without matchers for each."""
    return [{"receiver": name, **({"continue": True} if name != names[-1] else {})} for name in names]


def _receivers_of(route: Mapping[str, Any]) -> Iterator[str]:
    if "receiver" in route:
        yield route["receiver"]
    for each in route.get("routes", []):
        yield from _receivers_of(each)


def _times_of(route: Mapping[str, Any]) -> Iterator[str]:
    yield from (*route.get("muteTimes", []), *route.get("activeTimes", []))
    for each in route.get("routes", []):
        yield from _times_of(each)
