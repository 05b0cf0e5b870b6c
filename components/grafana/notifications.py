"""Grafana's contact points, mute timings and notification policy, from the same routes as Alertmanager's. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.alertmanager.config import interval
from components.alertmanager.templates import Links, messages
from components.grafana.contact_points import ContactPoint, contact_point
from components.routing import ALL_LABELS, Matcher, Node, tree
from components.settings.alertmanager import AlertmanagerSettings
from components.settings.grafana import GrafanaSettings
from components.settings.grafana_alerts import people, way
from components.settings.notifications import NotificationSettings, TimeInterval
from model import ports, servers
from model.cluster import ClusterSettings
from model.quantities import Duration

ALWAYS = "Always"
"""A mute timing without an end: what it mutes notifies nobody. Names in a stack file have no capitals."""
ALERTMANAGER = "Alertmanager"
"""The contact point that forwards."""

# Alertmanager treats an alert that is not sent again within five minutes (its resolve_timeout) as resolved, and Grafana
# forwards alerts without an end time. Grafana checks a group every half minute, and sends it again after three quarters
# of a minute: once a minute, as Prometheus does.
FORWARD_INTERVAL, FORWARD_REPEAT = Duration.parse("30s"), Duration.parse("45s")
_WEEK, _YEAR = Duration.parse("1w").milliseconds, Duration.parse("1y").milliseconds


@dataclass(frozen=True)
class Timing:
    """A mute timing: a name, and intervals with the provider's keys."""

    name: str
    intervals: list[Any]


@dataclass(frozen=True, kw_only=True)
class Notifications:
    """Grafana's notification settings."""

    policy: dict[str, Any]
    """The whole tree, with the provider's keys. It replaces the organisation's policy."""
    contact_points: tuple[ContactPoint, ...]
    timings: tuple[Timing, ...] = ()
    messages: str | None = None
    """Message templates of the contact points; None if Grafana forwards."""


def notifications(
    settings: NotificationSettings,
    grafana: GrafanaSettings,
    alertmanager: AlertmanagerSettings,
    cluster: ClusterSettings,
) -> Notifications | None:
    """None leaves an external Grafana's notification policy unchanged."""
    match way(grafana, settings):
        case None:
            return None
        case "forward":
            return forwarded(alertmanager, cluster)
        case "contactPoints":
            return own(settings, Links(grafana.address, silences="grafana"))


def forwarded(alertmanager: AlertmanagerSettings, cluster: ClusterSettings) -> Notifications:
    """The policy that forwards every alert at once to every Alertmanager, as Prometheus does."""
    urls = (
        f"http://{servers.ALERTMANAGER.replica(ordinal, cluster.namespaces.stack, ports.ALERTMANAGER)}"
        for ordinal in range(alertmanager.replicas)
    )
    return Notifications(
        contact_points=(ContactPoint(ALERTMANAGER, "alertmanagers", {"url": ",".join(urls)}),),
        policy={
            "contact_point": ALERTMANAGER,
            "group_bies": list(ALL_LABELS),
            "group_wait": "0s",
            "group_interval": printed(FORWARD_INTERVAL),
            "repeat_interval": printed(FORWARD_REPEAT),
        },
    )


def own(settings: NotificationSettings, links: Links) -> Notifications:
    """Grafana's own contact points, with the routes of the stack file."""
    told = people(settings)
    root = tree(settings.model_copy(update={"receivers": told}))
    return Notifications(
        contact_points=tuple(contact_point(receiver) for receiver in told),
        timings=(
            Timing(ALWAYS, [{"times": [{"start": "00:00", "end": "24:00"}], "location": "UTC"}]),
            *(timing(time) for time in settings.times),
        ),
        messages=messages(links).strip(),  # Grafana strips it
        policy=policy(root, min(receiver.name for receiver in told)),
    )


def policy(root: Node, some: str) -> dict[str, Any]:
    """A tree of routes as the notification policy of an organisation.

    Grafana's root policy needs a contact point and cannot be muted. So a last policy, which is always muted, takes the
    alerts that no route matches. The contact point ``some`` only fills its mandatory field.
    """
    group_by = root.group_by or ()
    return {
        "contact_point": some,
        "group_bies": list(group_by),
        **_waits(root),
        "policies": [_policy(node, group_by) for node in (*root.nodes, Node())],
    }


def _policy(node: Node, group_by: tuple[str, ...]) -> dict[str, Any]:
    group_by = node.group_by or group_by
    plain: dict[str, Any] = {
        "contact_point": node.receiver,
        "matchers": [matcher(each) for each in node.matchers],
        "continue_": node.continues,
        # The provider requires it in the innermost policy; elsewhere it would be inherited as in Alertmanager.
        "group_bies": list(group_by),
        **_waits(node),
        "mute_timings": list(node.mute_times) if node.receiver else [ALWAYS],
        "active_timings": list(node.active_times) if node.receiver else [],
        "policies": [_policy(child, group_by) for child in node.nodes],
    }
    return {name: value for name, value in plain.items() if value}


def _waits(node: Node) -> dict[str, str]:
    waits = {name: getattr(node, name) for name in ("group_wait", "group_interval", "repeat_interval")}
    return {name: printed(wait) for name, wait in waits.items() if wait is not None}


def matcher(given: Matcher) -> dict[str, str]:
    """A matcher. As in Alertmanager, an expression must match the whole label."""
    expression = given.expression
    return {
        "label": given.label,
        "match": "=" if expression is None else "=~",
        "value": given.values[0] if expression is None else expression,
    }


def printed(duration: Duration) -> str:
    """The duration as Grafana returns it: in weeks or years for whole numbers of them."""
    for unit, length in (("y", _YEAR), ("w", _WEEK)):
        count, rest = divmod(duration.milliseconds, length)
        if count and not rest:
            return f"{count}{unit}"
    return str(duration)


def timing(time: TimeInterval) -> Timing:
    """A time interval of the stack file; Grafana keeps the order of its parts."""
    spans = interval(time)["time_intervals"]
    return Timing(
        time.name,
        [
            {**span, "times": [{"start": part["start_time"], "end": part["end_time"]} for part in span["times"]]}
            for span in spans
        ],
    )
