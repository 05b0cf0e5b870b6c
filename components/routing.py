"""The tree of routes from alerts to receivers, for both Alertmanager and Grafana."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from components.settings.notifications import NotificationSettings, Route
from model.quantities import Duration
from model.wildcards import expression, pattern

TEST_PAGE = "test_page"
"""Label of a test page: the name of its receiver."""
TEST_ID = "test_id"
"""Label that distinguishes test pages."""
WATCHDOG = "Watchdog"
"""The alert that always fires. Only dead men get it."""

# A test page is sent at once and resolved soon after. A delivery that is refused for ten seconds has failed.
PAGE_INTERVAL = Duration.parse("10s")
PAGE_REPEAT = Duration.parse("1h")
LABELS = {
    **{label: label for label in ("severity", "owner", "system", "namespace", "environment")},
    "alertname": "alert",
}
"""The labels that routes of a stack file match, with the routes' key of each."""
ALL_LABELS = ("...",)
"""Groups by all labels: one group per alert."""


@dataclass(frozen=True)
class Matcher:
    """Matches a label that has one of ``values``. ``*`` in them stands for any text, and a missing label is empty."""

    label: str
    values: tuple[str, ...]

    @property
    def expression(self) -> str | None:
        """The values as one regular expression for the whole label; None if they are one plain text."""
        if len(self.values) == 1 and "*" not in self.values[0]:
            return None
        return expression(self.values)

    def matches(self, labels: Mapping[str, str]) -> bool:
        return self.lets_in(labels.get(self.label, ""))

    def lets_in(self, text: str) -> bool:
        """Whether the label may be ``text``."""
        return _any_fits(self.values, text)


@cache  # few values, used for every alert of the catalogue
def _any_fits(values: tuple[str, ...], text: str) -> bool:
    return any(re.fullmatch(pattern(value), text) for value in values)


@dataclass(frozen=True, kw_only=True)
class Node:
    """One route of the tree. A field that is None is inherited from the parent."""

    receiver: str | None = None
    """None at the root notifies nobody."""
    matchers: tuple[Matcher, ...] = ()
    continues: bool = False
    group_by: tuple[str, ...] | None = None
    group_wait: Duration | None = None
    group_interval: Duration | None = None
    repeat_interval: Duration | None = None
    mute_times: tuple[str, ...] = ()
    active_times: tuple[str, ...] = ()
    nodes: tuple[Node, ...] = ()
    path: str = field(default="", compare=False)
    """Path in the stack file; empty for the stack's own routes."""

    @property
    def timed(self) -> bool:
        return bool(self.mute_times or self.active_times)


def tree(settings: NotificationSettings) -> Node:
    """The root: routes of test pages, then of dead men, then of the stack file. An alert that none matches notifies
    nobody.
    """
    return Node(
        group_by=settings.group_by,
        group_wait=settings.group_wait,
        group_interval=settings.group_interval,
        repeat_interval=settings.repeat_interval,
        nodes=(
            *(_test_page(receiver.name) for receiver in settings.receivers),
            *_heartbeats(settings),
            *_nodes(settings.routes, "notifications", _Around(settings.critical_group_wait)),
        ),
    )


def _test_page(receiver: str) -> Node:
    return Node(
        receiver=receiver,
        matchers=(Matcher(TEST_PAGE, (receiver,)),),
        group_by=ALL_LABELS,
        group_wait=Duration(0),
        group_interval=PAGE_INTERVAL,
        repeat_interval=PAGE_REPEAT,
    )


def _heartbeats(settings: NotificationSettings) -> Iterator[Node]:
    """Sends Watchdog to every dead man and to nobody else, since it would notify people every few hours of nothing."""
    watchdog = (Matcher("alertname", (WATCHDOG,)),)
    dead_men = [(receiver.name, receiver.dead_man) for receiver in settings.receivers if receiver.dead_man]
    if not dead_men:
        yield Node(matchers=watchdog)
    for name, dead_man in dead_men:
        interval = dead_man.interval.milliseconds
        yield Node(
            receiver=name,
            matchers=watchdog,
            continues=name != dead_men[-1][0],
            group_by=("alertname",),
            group_wait=Duration(0),
            # Alertmanager checks a group every half interval, and sends it again after three quarters of one. If all
            # three were equal, it would check each second heartbeat a moment too early, and delay it to the next check.
            group_interval=Duration(interval // 2),
            repeat_interval=Duration(interval * 3 // 4),
        )


@dataclass(frozen=True)
class _Around:
    """The values that a route inherits from its parents."""

    critical_wait: Duration | None
    """None if a parent route sets ``groupWait``."""
    receiver: str | None = None
    severity: tuple[str, ...] = ("critical",)


def _nodes(routes: tuple[Route, ...], path: str, around: _Around) -> tuple[Node, ...]:
    return tuple(_node(route, f"{path}.routes[{position}]", around) for position, route in enumerate(routes))


def _node(route: Route, path: str, around: _Around) -> Node:
    receiver, severity = route.receiver or around.receiver, route.severity or around.severity
    said = route.group_wait is not None
    return Node(
        receiver=receiver,
        matchers=tuple(Matcher(label, values) for label, key in LABELS.items() if (values := getattr(route, key))),
        continues=route.continue_,
        group_by=route.group_by,
        group_wait=route.group_wait if said or "critical" not in severity else around.critical_wait,
        group_interval=route.group_interval,
        repeat_interval=route.repeat_interval,
        mute_times=route.mute_times,
        active_times=route.active_times,
        nodes=_nodes(route.routes, path, _Around(None if said else around.critical_wait, receiver, severity)),
        path=path,
    )


def reached(node: Node, labels: Mapping[str, str]) -> tuple[Node, ...]:
    """The nodes that an alert reaches, in order, ignoring time intervals; empty if ``node`` does not match it."""
    if not all(matcher.matches(labels) for matcher in node.matchers):
        return ()
    found: list[Node] = []
    for child in node.nodes:
        taken = reached(child, labels)
        found += taken
        if taken and not child.continues:
            break
    return tuple(found) or (node,)


def receivers_for(root: Node, labels: Mapping[str, str]) -> tuple[str, ...]:
    """The receivers that an alert with these labels may reach, each once, in the order of their routes."""
    return tuple(dict.fromkeys(node.receiver for node in reached(root, labels) if node.receiver is not None))


def walk(node: Node) -> Iterator[Node]:
    """The node itself, then every node below it."""
    yield node
    for child in node.nodes:
        yield from walk(child)
