"""Whether Grafana or Alertmanager sends the notifications of Grafana's alerts."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from components.routing import Node, tree
from components.settings.grafana import GrafanaSettings
from components.settings.notifications import NotificationSettings, Way
from components.settings.receivers import Email, Receiver
from model.settings import ExistingSecret, Problem, problem

DEEPEST = 5
"""Depth of nested routes that the Grafana provider accepts, the outermost included."""


def people(notifications: NotificationSettings) -> tuple[Receiver, ...]:
    """The receivers that Grafana notifies. Only Alertmanager calls a dead man: a second caller would hide that the
    first is down.
    """
    return tuple(receiver for receiver in notifications.receivers if not receiver.dead_man)


def way(grafana: GrafanaSettings, notifications: NotificationSettings) -> Way | None:
    """How Grafana's alerts reach the receivers. None leaves an external Grafana's notification policy unchanged."""
    if notifications.grafana or grafana.external:
        return notifications.grafana
    return "forward" if any(obstacles(grafana, notifications)) else "contactPoints"


def obstacles(grafana: GrafanaSettings, notifications: NotificationSettings) -> Iterator[Problem]:
    """The reasons why Grafana cannot notify every receiver by its own contact points."""
    if not people(notifications):
        reason = "forward, or a receiver besides dead men: Grafana has nobody to notify"
        yield problem("notifications.grafana", notifications.grafana, reason)
    for position, receiver in enumerate(notifications.receivers):
        path = f"notifications.receivers[{position}]"
        if isinstance(receiver.kind, Email):
            if grafana.smtp is None and grafana.external is None:
                reason = "needs grafana.smtp, the mail server of Grafana; or set notifications.grafana: forward"
                yield f"{path}.email: {reason}"
        elif not receiver.dead_man:
            for where in _unreadable(receiver, path):
                reason = "is in a Kubernetes Secret, which Pulumi cannot read, but needs for Grafana"
                yield f"{where}: {reason}: name a secret of this stack, or set notifications.grafana: forward"
    yield from _too_deep(tree(notifications))


def _unreadable(part: BaseModel, path: str) -> Iterator[str]:
    for name, field in type(part).model_fields.items():
        value, where = getattr(part, name), f"{path}.{field.alias or name}"
        if isinstance(value, ExistingSecret):
            yield where
        elif isinstance(value, BaseModel):
            yield from _unreadable(value, where)


def _too_deep(node: Node, depth: int = 0) -> Iterator[Problem]:
    if depth > DEEPEST:
        reason = f"at most {DEEPEST} levels of routes in Grafana: nest fewer, or set notifications.grafana: forward"
        yield f"{node.path}: {reason}"
        return
    for child in node.nodes:
        yield from _too_deep(child, depth + 1)


def grafana_can_send(grafana: GrafanaSettings, notifications: NotificationSettings) -> Iterator[Problem]:
    if notifications.grafana == "contactPoints":
        yield from obstacles(grafana, notifications)


CHECKS = (grafana_can_send,)
"""Checks across sections; each names the sections that it reads."""
