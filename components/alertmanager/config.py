"""Alertmanager's configuration. Pure: values in, texts out. Valid for 0.31 and 0.34."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from components.alertmanager import receivers, templates
from components.alertmanager.templates import Links
from components.routing import Matcher, Node, tree
from components.settings.notifications import NotificationSettings, TimeInterval
from model.rules import Inhibition
from model.yaml_text import text

CONFIG = "/etc/alertmanager/config"
NOBODY = "(nobody)"
"""A receiver that notifies nobody. No receiver of a stack file can have this name."""
WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def files(
    notifications: NotificationSettings, inhibitions: Sequence[Inhibition], links: Links
) -> dict[str, dict[str, str]]:
    """The files below ``/etc/alertmanager``: directory to file name to text."""
    config = text(alertmanager_yml(notifications, inhibitions))
    return {"config": {"alertmanager.yml": config, templates.FILE: templates.messages(links)}}


def alertmanager_yml(notifications: NotificationSettings, inhibitions: Sequence[Inhibition]) -> dict[str, Any]:
    """Routes, receivers, time intervals and inhibition rules."""
    return {
        "templates": [f"{CONFIG}/{templates.FILE}"],
        "route": {"receiver": NOBODY, **route(tree(notifications))},
        "receivers": [{"name": NOBODY}, *(receivers.plain(receiver) for receiver in notifications.receivers)],
        **({"inhibit_rules": [_inhibition(each) for each in inhibitions]} if inhibitions else {}),
        **({"time_intervals": [interval(time) for time in notifications.times]} if notifications.times else {}),
    }


def route(node: Node) -> dict[str, Any]:
    """A route with its child routes."""
    plain: dict[str, Any] = {
        "receiver": node.receiver,
        "matchers": [matcher(each) for each in node.matchers],
        "continue": node.continues,
        "group_by": list(node.group_by or ()),
        "group_wait": node.group_wait and str(node.group_wait),
        "group_interval": node.group_interval and str(node.group_interval),
        "repeat_interval": node.repeat_interval and str(node.repeat_interval),
        "mute_time_intervals": list(node.mute_times),
        "active_time_intervals": list(node.active_times),
        "routes": [route(child) for child in node.nodes],
    }
    return {name: value for name, value in plain.items() if value}


def matcher(given: Matcher) -> str:
    """A matcher in the file's syntax. None of our values has a quote or a backslash."""
    expression = given.expression
    return f'{given.label}="{given.values[0]}"' if expression is None else f'{given.label}=~"{expression}"'


def _inhibition(given: Inhibition) -> dict[str, Any]:
    return {
        "source_matchers": _whole(given.source),
        "target_matchers": _whole(given.target),
        "equal": list(given.equal),
    }


def _whole(values: Mapping[str, str]) -> list[str]:
    # Within quotes, Alertmanager and JSON have the same escapes.
    return [f"{label}=~{json.dumps(value)}" for label, value in values.items()]


def interval(time: TimeInterval) -> dict[str, Any]:
    """A named time interval. One that crosses midnight becomes two: the rest of its days, and the next mornings."""
    begin, end = time.from_ or "00:00", time.to or "24:00"
    if end == "00:00":
        end = "24:00"
    if begin < end:
        spans = [_span(time, begin, end, time.weekdays)]
    else:
        mornings = tuple(WEEK[(WEEK.index(day) + 1) % len(WEEK)] for day in time.weekdays)
        spans = [_span(time, begin, "24:00", time.weekdays), _span(time, "00:00", end, mornings)]
    return {"name": time.name, "time_intervals": spans}


def _span(time: TimeInterval, begin: str, end: str, weekdays: Sequence[str]) -> dict[str, Any]:
    return {
        "times": [{"start_time": begin, "end_time": end}],
        **({"weekdays": sorted(weekdays, key=WEEK.index)} if weekdays else {}),
        "location": time.time_zone,
    }
